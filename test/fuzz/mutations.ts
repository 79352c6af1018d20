import { NS } from '../../src/soap/index.js';
import type { Random } from '../support/random.js';
import { attributesIn, elementsIn, insert, slice, splice, tokensIn } from './markup.js';
import type { AttributeSpan, ElementSpan, Span } from './markup.js';

/** What a mutation may draw from. */
export interface Draw {
  readonly random: Random;
  /** Another signed message, for crossovers. */
  readonly other: string;
}

/** A change to a message; the same text where there is nothing to change. */
export type Mutation = (text: string, draw: Draw) => string;

const pickFrom = <T>(items: readonly T[], { random }: Draw): T | undefined =>
  items.length === 0 ? undefined : random.pick(items);

/** Changes something of a kind, if there is any. */
const onOne =
  <T>(find: (text: string) => readonly T[], change: (text: string, found: T, draw: Draw) => string): Mutation =>
  (text, draw) => {
    const found = pickFrom(find(text), draw);
    return found === undefined ? text : change(text, found, draw);
  };

const ODD_CHARACTERS = [
  ...'<>&"\'/:=#;-!?[]% \n\r\t',
  '\0',
  '\ufffe',
  '\ud800',
  '\u0085',
  '\u2028',
  '\ufeff',
  '&#xD;',
  ']]>',
  '<!--',
  '-->',
  '<![CDATA[',
  '&amp;',
];

const position = (text: string, { random }: Draw): number => random.below(text.length + 1);
const range = (text: string, draw: Draw, longest: number): Span => {
  const start = position(text, draw);
  return { start, end: Math.min(text.length, start + 1 + draw.random.below(longest)) };
};

const CHARACTERS: readonly Mutation[] = [
  (text, draw) => splice(text, range(text, draw, 1), draw.random.pick(ODD_CHARACTERS)),
  (text, draw) => insert(text, position(text, draw), draw.random.pick(ODD_CHARACTERS)),
  (text, draw) => splice(text, range(text, draw, 8), ''),
  (text, draw) => insert(text, position(text, draw), slice(text, range(text, draw, 40))),
  (text, draw) => {
    const at = range(text, draw, 1);
    return splice(text, at, String.fromCharCode(text.charCodeAt(at.start) ^ (1 << draw.random.below(7))));
  },
  (text, draw) => splice(text, range(text, draw, 3), slice(draw.other, range(draw.other, draw, 3))),
  (text, draw) => text.slice(0, position(text, draw)),
];

const TOKENS: readonly Mutation[] = [
  onOne(tokensIn, (text, token) => splice(text, token, '')),
  onOne(tokensIn, (text, token) => splice(text, token, slice(text, token).repeat(2))),
  onOne(tokensIn, (text, token, draw) => splice(text, token, slice(text, draw.random.pick(tokensIn(text))))),
  onOne(tokensIn, (text, token, draw) => splice(text, token, slice(draw.other, draw.random.pick(tokensIn(draw.other))))),
  onOne(tokensIn, (text, token, draw) =>
    insert(splice(text, token, ''), position(text, draw) % (text.length - slice(text, token).length + 1), slice(text, token)),
  ),
  onOne(tokensIn, (text, token, draw) =>
    insert(text, token.start, draw.random.pick([' ', '\n', '\t', '<!-- c -->', '<![CDATA[]]>', '<?pi?>', '<!DOCTYPE x>', 'x'])),
  ),
];

/** Between the tags of an element, at its beginning or end, or beside it. */
const place = (at: ElementSpan, { random }: Draw): number => random.pick([at.start, at.open, at.close, at.end]);

const ELEMENTS: readonly Mutation[] = [
  onOne(elementsIn, (text, element) => splice(text, element, '')),
  onOne(elementsIn, (text, element) => splice(text, element, slice(text, element).repeat(2))),
  // Moved.
  onOne(elementsIn, (text, element, draw) => {
    const rest = splice(text, element, '');
    const target = pickFrom(elementsIn(rest), draw);
    return target === undefined ? text : insert(rest, place(target, draw), slice(text, element));
  }),
  // Copied.
  onOne(elementsIn, (text, element, draw) => insert(text, place(draw.random.pick(elementsIn(text)), draw), slice(text, element))),
  // Copied from another message, or put in the place of its like.
  onOne(elementsIn, (text, element, draw) => {
    const strange = pickFrom(elementsIn(draw.other), draw);
    return strange === undefined ? text : insert(text, place(element, draw), slice(draw.other, strange));
  }),
  onOne(elementsIn, (text, element, draw) => {
    const like = pickFrom(
      elementsIn(draw.other).filter(({ name }) => name === element.name),
      draw,
    );
    return like === undefined ? text : splice(text, element, slice(draw.other, like));
  }),
  // Two of them in each other's place.
  onOne(elementsIn, (text, a, draw) => {
    const b = pickFrom(
      elementsIn(text).filter(({ start }) => start >= a.end),
      draw,
    );
    return b === undefined ? text : splice(splice(text, b, slice(text, a)), a, slice(text, b));
  }),
  // In a wrapper, and out of one.
  onOne(elementsIn, (text, element) => splice(text, element, `<w:W xmlns:w="urn:w">${slice(text, element)}</w:W>`)),
  onOne(elementsIn, (text, { start, open, close, end }) =>
    splice(splice(text, { start: close, end }, ''), { start, end: open }, ''),
  ),
  // Wrapped somewhere else, and a changed copy in its place: the shape of signature wrapping.
  onOne(elementsIn, (text, element, draw) => {
    const original = slice(text, element);
    const forged = original
      .replace(/>[^<]+</, '>forged<')
      .replace(/ wsu:Id="[^"]*"/, draw.random.pick([' wsu:Id="forged"', '', '$&']));
    const changed = splice(text, element, forged);
    const target = pickFrom(elementsIn(changed), draw);
    return target === undefined
      ? text
      : insert(changed, place(target, draw), draw.random.chance(0.5) ? `<w>${original}</w>` : original);
  }),
];

const isDeclaration = ({ name }: AttributeSpan): boolean => name === 'xmlns' || name.startsWith('xmlns:');
const isId = ({ name }: AttributeSpan): boolean => /(^|:)id$/i.test(name);
const plain = (text: string): AttributeSpan[] => attributesIn(text).filter((a) => !isDeclaration(a));
const declarations = (text: string): AttributeSpan[] => attributesIn(text).filter(isDeclaration);
const ids = (text: string): AttributeSpan[] => attributesIn(text).filter(isId);
const uris = (text: string): AttributeSpan[] => attributesIn(text).filter(({ name }) => name === 'URI' || name === 'Algorithm');
const write = (name: string, value: string): string => ` ${name}="${value}"`;

const anyValue = (text: string, draw: Draw): string =>
  pickFrom(attributesIn(draw.random.chance(0.5) ? text : draw.other), draw)?.value ?? '';

const ATTRIBUTES: readonly Mutation[] = [
  onOne(plain, (text, attribute) => splice(text, attribute, '')),
  onOne(plain, (text, attribute) => splice(text, attribute, slice(text, attribute).repeat(2))),
  onOne(plain, (text, attribute, draw) => splice(text, attribute, write(attribute.name, anyValue(text, draw)))),
  onOne(plain, (text, { name, value, ...at }, draw) =>
    splice(
      text,
      at,
      write(
        draw.random.pick([name.toLowerCase(), name.toUpperCase(), `x${name}`, `wsu:${name}`, name.replace(/^.*:/, '')]),
        value,
      ),
    ),
  ),
  onOne(elementsIn, (text, element, draw) =>
    insert(text, element.start + 1 + element.name.length, write(pickFrom(plain(text), draw)?.name ?? 'a', anyValue(text, draw))),
  ),
  onOne(plain, (text, { name, value, ...at }) => splice(text, at, ` ${name} = '${value}'`)),
];

const PREFIXES = ['soap', 'soap12', 'wsse', 'wsu', 'wsa', 'ds', 'c', 'n1', 'wsba', 'wscoor', 'x'];
const NAMESPACES = [...Object.values(NS), 'urn:evil', '', 'urn:example'];
const declaration = ({ random }: Draw): string => {
  const prefix = random.pick(PREFIXES);
  return write(random.chance(0.3) ? 'xmlns' : `xmlns:${prefix}`, random.pick(NAMESPACES));
};

const DECLARATIONS: readonly Mutation[] = [
  onOne(declarations, (text, found) => splice(text, found, '')),
  onOne(declarations, (text, { name, value, ...at }, draw) =>
    splice(text, at, write(name, draw.random.pick(NAMESPACES) || value)),
  ),
  onOne(declarations, (text, { name: _name, value, ...at }, draw) =>
    splice(text, at, write(`xmlns:${draw.random.pick(PREFIXES)}`, value)),
  ),
  onOne(elementsIn, (text, element, draw) => insert(text, element.start + 1 + element.name.length, declaration(draw))),
  // A prefix renamed throughout: the same names in other characters, but not the same canonical text.
  (text, { random }) => {
    const prefix = random.pick(PREFIXES);
    return text.replaceAll(`<${prefix}:`, '<q:').replaceAll(`</${prefix}:`, '</q:').replaceAll(`xmlns:${prefix}=`, 'xmlns:q=');
  },
];

const ALGORITHMS = [
  'http://www.w3.org/2000/09/xmldsig#sha1',
  'http://www.w3.org/2001/04/xmldsig-more#hmac-sha256',
  'http://www.w3.org/2001/04/xmldsig-more#rsa-sha256',
  'http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256',
  'http://www.w3.org/2001/10/xml-exc-c14n#WithComments',
  'http://www.w3.org/2000/09/xmldsig#enveloped-signature',
  'http://www.w3.org/TR/1999/REC-xslt-19991116',
];
const named =
  (...names: readonly string[]) =>
  (text: string): ElementSpan[] =>
    elementsIn(text).filter(({ name }) => names.includes(name));

const SIGNATURES: readonly Mutation[] = [
  onOne(ids, (text, { name, ...at }, draw) => splice(text, at, write(name, pickFrom(ids(text), draw)?.value ?? 'x'))),
  onOne(ids, (text, { name, value, ...at }, draw) =>
    splice(
      text,
      at,
      write(
        name,
        draw.random.pick([
          value.toUpperCase(),
          ` ${value}`,
          `${value} `,
          `&#x${value.charCodeAt(0).toString(16)};${value.slice(1)}`,
        ]),
      ),
    ),
  ),
  onOne(ids, (text, { name: _name, value, ...at }, draw) =>
    splice(text, at, write(draw.random.pick(['Id', 'ID', 'id', 'xml:id']), value)),
  ),
  onOne(uris, (text, { name, ...at }, draw) =>
    splice(text, at, write(name, draw.random.pick([...ALGORITHMS, '', '#', `#${pickFrom(ids(text), draw)?.value ?? ''}`]))),
  ),
  onOne(named('ds:Reference'), (text, found) => splice(text, found, '')),
  onOne(named('ds:Reference', 'ds:Transform'), (text, found) => splice(text, found, slice(text, found).repeat(2))),
  onOne(named('ds:DigestValue', 'ds:SignatureValue'), (text, found, draw) =>
    insert(
      text,
      found.open + draw.random.below(found.close - found.open + 1),
      draw.random.pick([' ', '\n', '=', 'A', '<!-- -->', '&#10;', '<![CDATA[A]]>']),
    ),
  ),
  onOne(named('ds:Transform'), (text, found) =>
    insert(
      text,
      found.open,
      '<e:InclusiveNamespaces xmlns:e="http://www.w3.org/2001/10/xml-exc-c14n#" PrefixList="soap wsu #default"/>',
    ),
  ),
];

/** What changes nothing that is signed, so that there is something to accept. */
const HARMLESS: readonly Mutation[] = [
  (text) => text.replace(/(Header>)(\s*)</, '$1$2 \n<'),
  (text) => (text.startsWith('<?xml') ? text : `<?xml version='1.0' encoding="utf-8" ?>${text}`),
  (text) => `${text}\n<!-- after it -->\n`,
  (text, { random }) =>
    text.replace(/<\/(soap\w*):Header>/, `<h:H xmlns:h="urn:h" n="${random.below(1000)}">unsigned</h:H></$1:Header>`),
  (text) => text.replace(/(<ds:SignatureValue>.{20})/, '$1\n'),
  (text) => text.replace(/<(soap\w*):Envelope/, '<$1:Envelope xmlns:unused="urn:unused"'),
];

/** By kind; each kind is as likely as the others. */
export const MUTATIONS: Readonly<Record<string, readonly Mutation[]>> = {
  character: CHARACTERS,
  token: TOKENS,
  element: ELEMENTS,
  attribute: ATTRIBUTES,
  declaration: DECLARATIONS,
  signature: SIGNATURES,
  harmless: HARMLESS,
};

const KINDS = Object.values(MUTATIONS);

/** One to a few changes, the most of them alone. */
export function mutate(text: string, draw: Draw): string {
  const changes = draw.random.chance(0.6) ? 1 : 1 + draw.random.below(4);
  let changed = text;
  for (let i = 0; i < changes; i++) changed = draw.random.pick(draw.random.pick(KINDS))(changed, draw);
  return changed;
}
