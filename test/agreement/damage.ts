import type { Random } from '../support/random.js';

interface Change {
  readonly name: string;
  /** True if it changes nothing that is signed. */
  readonly isHarmless: boolean;
  /** The changed text; the same one if there is nothing to change. */
  apply(raw: string, random: Random): string;
}

const inBody = (raw: string, change: (body: string) => string): string =>
  raw.replace(
    /(<soap:Body[^>]*>)([^]*)(<\/soap:Body>)/,
    (_all, start: string, body: string, end: string) => start + change(body) + end,
  );

/** What may happen to a message after it was signed. */
const CHANGES: readonly Change[] = [
  {
    name: 'a character or an attribute more in the body',
    isHarmless: false,
    apply: (raw) => inBody(raw, (body) => body.replace(/<\/|\/>/, (end) => (end === '</' ? 'x</' : ' more="1"/>'))),
  },
  {
    name: 'an attribute more on a header',
    isHarmless: false,
    apply: (raw) => raw.replace('u:Id="h0"', 'u:Id="h0" u:more=""'),
  },
  {
    name: 'another digest',
    isHarmless: false,
    apply: (raw) => raw.replace(/(DigestValue>)(.)/, (_all, tag: string, first: string) => tag + (first === 'A' ? 'B' : 'A')),
  },
  {
    name: 'another signature value',
    isHarmless: false,
    apply: (raw) => raw.replace(/(SignatureValue>..)(.)/, (_all, start: string, c: string) => start + (c === 'A' ? 'B' : 'A')),
  },
  {
    name: 'another digest method',
    isHarmless: false,
    apply: (raw) => raw.replace(/xmlenc#sha(256|512)/, (_all, bits: string) => `xmlenc#sha${bits === '256' ? '512' : '256'}`),
  },
  {
    name: 'a prefix more in a list',
    isHarmless: false,
    apply: (raw) => raw.replace('PrefixList="', 'PrefixList="more '),
  },
  {
    name: 'white space in SignedInfo',
    isHarmless: false,
    apply: (raw) => raw.replace(/(<(?:\w+:)?SignatureMethod)/, ' $1'),
  },
  {
    name: 'another carriage return',
    isHarmless: false,
    apply: (raw) => inBody(raw, (body) => body.replace(/<\//, '&#xD;</')),
  },
  {
    name: 'a comment in a header',
    isHarmless: true,
    apply: (raw) => raw.replace('</soap:Header>', '<!-- new --></soap:Header>'),
  },
  {
    name: 'a declaration that nothing uses and nobody lists',
    isHarmless: true,
    apply: (raw) => raw.replace('<soap:Envelope ', '<soap:Envelope xmlns:unused="urn:unused" '),
  },
  {
    name: 'white space in tags',
    isHarmless: true,
    apply: (raw) => raw.replace('</soap:Body>', '</soap:Body\n >').replace(' u:Id="h0"', "\n\tu:Id = 'h0'"),
  },
  {
    name: 'an XML declaration and comments around',
    isHarmless: true,
    apply: (raw) => `<?xml version="1.0" encoding="UTF-8"?>\n<!-- a -->${raw}<!-- b -->\n`,
  },
  {
    name: 'a header that nobody signed',
    isHarmless: true,
    apply: (raw) => raw.replace('</soap:Header>', '<q:later xmlns:q="urn:q">&#xD;</q:later></soap:Header>'),
  },
];

/** Damages a signed message, or changes it harmlessly. */
export function damage(random: Random, signed: string): { raw: string; damage: string; isValid: boolean } {
  const change = random.pick(CHANGES);
  const raw = change.apply(signed, random);
  return { raw, damage: change.name, isValid: change.isHarmless || raw === signed };
}
