import { C14N, resign, signWith } from './forge.js';
import type { Sample } from './scene.js';
import { EVIL, insertAfter, lastHeader, swap, swapMatch } from './surgery.js';

/**
 * Shapes that grow. Some are refused and some are no attack at all (unsigned headers are passed over); either way their cost must
 * grow no faster than they do. `bytes` is about how long the message gets.
 */
export interface Growing {
  readonly name: string;
  readonly make: (sample: Sample, bytes: number) => string;
}

const growing = (name: string, make: Growing['make']): Growing => ({ name, make });
/** As many of something as fit into so many bytes. */
const fill = (bytes: number, unit: (i: number) => string): string => {
  const parts: string[] = [];
  for (let length = 0, i = 0; length < bytes; i++) {
    const part = unit(i);
    parts.push(part);
    length += part.length;
  }
  return parts.join('');
};
const header = (sample: Sample, content: string): string => lastHeader(sample.raw, sample, `<x:H ${EVIL}>${content}</x:H>`);
const inHeader = (name: string, unit: (i: number) => string): Growing =>
  growing(name, (sample, bytes) => header(sample, fill(bytes, unit)));

const levels = (depth: number, open: (level: number) => string, close: string): string =>
  Array.from({ length: depth }, (_, level) => open(level)).join('') + close.repeat(depth);

const LONG_NAMESPACES = [
  { name: 'as long as they all are', length: (bytes: number) => bytes / 2 },
  { name: 'of a thousand characters', length: () => 1000 },
] as const;

export const GROWING: readonly Growing[] = [
  inHeader('small elements', (i) => `<x:a n="${i}">text of it</x:a>`),
  inHeader('elements with 60 attributes', () => `<a${Array.from({ length: 60 }, (_, i) => ` a${i}="${i}"`).join('')}/>`),
  inHeader(
    'elements with 60 namespaces',
    () => `<a${Array.from({ length: 60 }, (_, i) => ` xmlns:p${i}="urn:${i}"`).join('')}/>`,
  ),
  inHeader('towers of 50 elements', () => levels(50, () => '<x:tower>', '</x:tower>')),
  inHeader('towers of 50 elements that each declare namespaces', () =>
    levels(50, (level) => `<a xmlns:p${level}="urn:${level}" xmlns:q${level}="urn:q${level}">`, '</a>'),
  ),
  inHeader('elements with an Id', (i) => `<x:a Id="id-${i}"/>`),
  inHeader('references to characters', () => '&amp;&#x20;&lt;'),
  inHeader('comments', (i) => `<!-- a comment of some length ${i} -->`),
  inHeader('CDATA sections', (i) => `<![CDATA[ a section of some length ${i} ]]>`),
  inHeader('ends of CDATA that are none', () => ']] >]'),
  growing('one comment of hyphens and spaces', (sample, bytes) => header(sample, `<!--${'- '.repeat(bytes / 2)}-->`)),
  growing('one long text', (sample, bytes) => header(sample, 'a'.repeat(bytes))),
  growing('one long white space', (sample, bytes) => header(sample, ' \n'.repeat(bytes / 2))),
  growing('one long name', (sample, bytes) => header(sample, `<${'a'.repeat(bytes)}/>`)),
  growing('one long attribute', (sample, bytes) => header(sample, `<a b="${'c'.repeat(bytes)}"/>`)),
  growing('one long attribute of references', (sample, bytes) => header(sample, `<a b="${'&#10;'.repeat(bytes / 5)}"/>`)),
  growing('one long namespace', (sample, bytes) => header(sample, `<a xmlns="urn:${'c'.repeat(bytes)}"><b/></a>`)),
  growing('one long Id', (sample, bytes) => header(sample, `<a Id="${'c'.repeat(bytes)}"/>`)),
  growing('white space before the end of a tag', (sample, bytes) => header(sample, `<a${' '.repeat(bytes)}/>`)),
  growing('white space and no attribute after it', (sample, bytes) => header(sample, `<a${' '.repeat(bytes)}=`)),
  growing('white space in an end tag', (sample, bytes) => header(sample, `<a></a${' '.repeat(bytes)}>`)),
  growing('white space around an equals sign', (sample, bytes) => header(sample, `<a b${' '.repeat(bytes)}x`)),
  growing('an attribute without end', (sample, bytes) => header(sample, `<a b="${'c '.repeat(bytes / 2)}`)),
  growing('colons', (sample, bytes) => header(sample, `<a${':a'.repeat(bytes / 2)}/>`)),
  growing('angle brackets', (sample, bytes) => header(sample, '<'.repeat(bytes))),
  growing('ampersands', (sample, bytes) => header(sample, '&'.repeat(bytes))),
  growing('digits of one reference', (sample, bytes) => header(sample, `&#${'0'.repeat(bytes)};`)),
  growing('white space in the XML declaration', ({ raw }, bytes) => `<?xml version="1.0"${' '.repeat(bytes)}x?>${raw}`),
  growing('an XML declaration without end', ({ raw }, bytes) => `<?xml${' version="1.0"'.repeat(bytes / 14)}${raw}`),
  growing('white space in SignatureValue', ({ raw }, bytes) =>
    swapMatch(raw, /(<ds:SignatureValue>)/, (all) => all + ' \n'.repeat(bytes / 2)),
  ),
  growing('a long SignatureValue', ({ raw }, bytes) => swapMatch(raw, /(<ds:SignatureValue>)/, (all) => all + 'A'.repeat(bytes))),
  growing('white space in the token', ({ raw }, bytes) =>
    swapMatch(raw, /(<wsse:BinarySecurityToken[^>]*>)/, (all) => all + ' \n'.repeat(bytes / 2)),
  ),
  growing('a long token', ({ raw }, bytes) =>
    swapMatch(raw, /(<wsse:BinarySecurityToken[^>]*>)/, (all) => all + 'A'.repeat(bytes)),
  ),
  growing('a long DigestValue', ({ raw }, bytes) => swapMatch(raw, /(<ds:DigestValue>)/, (all) => all + 'A'.repeat(bytes))),
  growing('a long reference URI', ({ raw }, bytes) =>
    swap(raw, '<ds:Reference URI="#', `<ds:Reference URI="#${'a'.repeat(bytes)}`),
  ),
  growing('a long algorithm', ({ raw }, bytes) => swap(raw, `Algorithm="${C14N}`, `Algorithm="${C14N}${'a'.repeat(bytes)}`)),
  growing('references', (sample, bytes) => {
    const [first = ''] = /<ds:Reference .*?<\/ds:Reference>/s.exec(sample.raw) ?? [];
    return swap(
      sample.raw,
      first,
      fill(bytes, () => first),
    );
  }),
  growing('transforms', (sample, bytes) => {
    const [first = ''] = /<ds:Transform .*?<\/ds:Transform>/s.exec(sample.raw) ?? [];
    return swap(
      sample.raw,
      first,
      fill(bytes, () => first),
    );
  }),
  growing('inclusive prefixes of a reference, signed so', (sample, bytes) =>
    resign(sample.raw, signWith(sample.credentials), (info) =>
      insertAfter(
        info,
        `<ds:Transform Algorithm="${C14N}">`,
        `<e:InclusiveNamespaces xmlns:e="${C14N}" PrefixList="${fill(bytes, (i) => `p${i} `)}"></e:InclusiveNamespaces>`,
      ),
    ),
  ),
  growing('inclusive prefixes of SignedInfo', ({ raw }, bytes) =>
    insertAfter(
      raw,
      `<ds:CanonicalizationMethod Algorithm="${C14N}">`,
      `<e:InclusiveNamespaces xmlns:e="${C14N}" PrefixList="${fill(bytes, (i) => `p${i} `)}"></e:InclusiveNamespaces>`,
    ),
  ),
  growing('a long signed text changed at its end', ({ raw }, bytes) =>
    swap(raw, '<wscoor:ProtocolIdentifier>', `<wscoor:ProtocolIdentifier>${'a'.repeat(bytes)}`),
  ),
  // Exclusive C14N writes a declaration again on each sibling: half the bytes times half the bytes, if nothing bounds a name.
  ...LONG_NAMESPACES.flatMap(({ name, length }) => [
    growing(`siblings in the Body that use one inherited namespace ${name}`, (sample, bytes) =>
      insertAfter(
        swap(sample.raw, '<wscoor:ProtocolIdentifier>', `${fill(bytes / 2, () => '<p:a/>')}<wscoor:ProtocolIdentifier>`),
        `<${sample.soap}:Envelope`,
        ` xmlns:p="urn:${'a'.repeat(length(bytes))}"`,
      ),
    ),
    growing(`siblings in SignedInfo that use one inherited namespace ${name}`, (sample, bytes) =>
      insertAfter(
        swap(sample.raw, '</ds:SignedInfo>', `${fill(bytes / 2, () => '<p:a/>')}</ds:SignedInfo>`),
        `<${sample.soap}:Envelope`,
        ` xmlns:p="urn:${'a'.repeat(length(bytes))}"`,
      ),
    ),
  ]),
  growing('elements in SignedInfo that use sixty long inherited namespaces', (sample, bytes) => {
    const each = 'a'.repeat(bytes / 120);
    const declarations = Array.from({ length: 60 }, (_, i) => ` xmlns:p${i}="urn:${i}:${each}"`).join('');
    const uses = Array.from({ length: 60 }, (_, i) => ` p${i}:a=""`).join('');
    const content = fill(bytes / 2, () => `<a${uses}/>`);
    return insertAfter(
      swap(sample.raw, '</ds:SignedInfo>', `${content}</ds:SignedInfo>`),
      `<${sample.soap}:Envelope`,
      declarations,
    );
  }),
  growing('signed elements that use forty inherited namespaces', (sample, bytes) => {
    const declarations = Array.from({ length: 40 }, (_, i) => ` xmlns:p${i}="urn:${i}"`).join('');
    const content = fill(bytes, (i) => `<p${i % 40}:a p${(i + 1) % 40}:b="1"/>`);
    return insertAfter(
      swap(sample.raw, '<wscoor:ProtocolIdentifier>', `${content}<wscoor:ProtocolIdentifier>`),
      `<${sample.soap}:Envelope`,
      declarations,
    );
  }),
];
