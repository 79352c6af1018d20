import type { ErrorCode } from '../../src/errors.js';
import type { Attack, Sample } from './scene.js';
import {
  BODY,
  cut,
  EVIL,
  firstHeader,
  HEADERS,
  idOf,
  insertBefore,
  lastHeader,
  PARTS,
  swap,
  swapMatch,
  TIMESTAMP,
  withId,
  withoutId,
  wrapped,
} from './surgery.js';
import type { Part } from './surgery.js';

/**
 * Signature wrapping: the signed element stays in the document, so that its digest holds, but somewhere else, and the attacker's
 * is where the receiver looks.
 */

/** Where the signed element may be hidden, and what is wrong with a message that has something there. */
interface Hiding {
  readonly where: string;
  readonly code: ErrorCode;
  /** Parts that are not hidden there, because it is their place or next to it. */
  readonly notFor?: readonly Part['kind'][];
  hide(raw: string, sample: Sample, element: string): string;
}

const HIDINGS: readonly Hiding[] = [
  {
    where: 'in a wrapper, first in the Header',
    code: 'SignedPartMissing',
    hide: (raw, sample, element) => firstHeader(raw, sample, wrapped(element)),
  },
  {
    where: 'in a wrapper, last in the Header',
    code: 'SignedPartMissing',
    hide: (raw, sample, element) => lastHeader(raw, sample, wrapped(element)),
  },
  {
    where: 'two wrappers deep in the Header',
    code: 'SignedPartMissing',
    hide: (raw, sample, element) => lastHeader(raw, sample, wrapped(wrapped(element))),
  },
  {
    where: 'in a wrapper in the Security header',
    code: 'SignedPartMissing',
    hide: (raw, _sample, element) => insertBefore(raw, '</wsse:Security>', wrapped(element)),
  },
  {
    where: 'directly in the Security header',
    code: 'SignedPartMissing',
    notFor: ['timestamp'],
    hide: (raw, _sample, element) => insertBefore(raw, '</wsse:Security>', element),
  },
  {
    where: 'directly in the Header',
    code: 'SignedPartMissing',
    notFor: ['header'],
    hide: (raw, sample, element) => lastHeader(raw, sample, element),
  },
  {
    where: 'in an Object of the Signature',
    code: 'SignatureInvalid',
    hide: (raw, _sample, element) => insertBefore(raw, '</ds:Signature>', `<ds:Object>${element}</ds:Object>`),
  },
  {
    where: 'in the KeyInfo',
    code: 'Unsigned',
    hide: (raw, _sample, element) => insertBefore(raw, '</ds:KeyInfo>', element),
  },
  {
    where: 'in the token',
    code: 'Unsigned',
    hide: (raw, _sample, element) => insertBefore(raw, '</wsse:BinarySecurityToken>', element),
  },
  {
    where: 'after the Body',
    code: 'EnvelopeStructure',
    // XSW 5.
    notFor: ['body'],
    hide: (raw, { soap }, element) => insertBefore(raw, `</${soap}:Envelope>`, element),
  },
  {
    where: 'after the Body, in a wrapper',
    code: 'EnvelopeStructure',
    hide: (raw, { soap }, element) => insertBefore(raw, `</${soap}:Envelope>`, wrapped(element)),
  },
  {
    where: 'before the Header',
    code: 'EnvelopeStructure',
    hide: (raw, { soap }, element) => insertBefore(raw, `<${soap}:Header>`, wrapped(element)),
  },
];

/** What stands where the signed element stood. */
interface Decoy {
  readonly what: string;
  /** Two elements with one Id are refused whatever else is wrong with them. */
  readonly code?: ErrorCode;
  /** Nothing in its place fools only those who read from anywhere. */
  readonly fools: boolean;
  of(part: Part, element: string): string;
}

const DECOYS: readonly Decoy[] = [
  { what: 'a forged one without an Id', fools: true, of: (part, element) => part.evil(withoutId(element)) },
  { what: 'a forged one with another Id', fools: true, of: (part, element) => part.evil(withId(element, 'evil')) },
  { what: 'a forged one with the same Id', code: 'DuplicateId', fools: true, of: (part, element) => part.evil(element) },
  { what: 'nothing', fools: false, of: () => '' },
];

function wrapping(part: Part, hiding: Hiding, decoy: Decoy): Attack {
  // A Body anywhere else, or none in its place, is refused before anything is read of it.
  const structural: ErrorCode | undefined = part.kind === 'body' ? 'EnvelopeStructure' : decoy.code;
  return {
    name: `${part.name} moved ${hiding.where}; ${decoy.what} in its place`,
    code: structural ?? hiding.code,
    fools: decoy.fools,
    make: (sample) => {
      const element = part.of(sample);
      const place = '<!--place-->';
      const hidden = hiding.hide(swap(sample.raw, element, place), sample, element);
      return swap(hidden, place, decoy.of(part, element));
    },
  };
}

const everywhere: readonly Attack[] = PARTS.flatMap((part) =>
  HIDINGS.filter(({ notFor }) => notFor?.includes(part.kind) !== true).flatMap((hiding) =>
    DECOYS.map((decoy) => wrapping(part, hiding, decoy)),
  ),
);

const renamed = (part: Part, element: string): string => swapMatch(part.evil(element), / wsu:Id="[^"]*"/, () => ' wsu:Id="evil"');

/**
 * The eight shapes of "On Breaking SAML: Be Whoever You Want to Be" (XSW 1–8), with the Body as the assertion, the Envelope as
 * the response.
 */
const SAML_SHAPES: readonly Attack[] = [
  shape('XSW 1: the original Envelope inside the Signature of a forged one', (sample) =>
    insertBefore(forgedEnvelope(sample), '</ds:Signature>', sample.raw),
  ),
  shape('XSW 2: the original Envelope beside the Signature of a forged one', (sample) =>
    insertBefore(forgedEnvelope(sample), '<ds:Signature ', sample.raw),
  ),
  shape('XSW 3: a forged Body before the original', (sample) => {
    const body = BODY.of(sample);
    return swap(sample.raw, body, renamed(BODY, body) + body);
  }),
  shape('XSW 4: the original Body inside a forged one', (sample) => {
    const body = BODY.of(sample);
    return swap(sample.raw, body, insertBefore(renamed(BODY, body), `</${sample.soap}:Body>`, body));
  }),
  shape('XSW 5: a forged Body of the same Id, the original at the end', (sample) => {
    const body = BODY.of(sample);
    return insertBefore(swap(sample.raw, body, BODY.evil(body)), `</${sample.soap}:Envelope>`, body);
  }),
  shape('XSW 6: a forged Body of the same Id, the original inside the Signature', (sample) => {
    const body = BODY.of(sample);
    return insertBefore(swap(sample.raw, body, BODY.evil(body)), '</ds:Signature>', body);
  }),
  shape('XSW 7: a forged Body of the same Id in an Extensions element before the original', (sample) => {
    const body = BODY.of(sample);
    return swap(sample.raw, body, `<x:Extensions ${EVIL}>${BODY.evil(body)}</x:Extensions>${body}`);
  }),
  shape('XSW 8: the original in an Object inside a forged Body of the same Id', (sample) => {
    const body = BODY.of(sample);
    const object = `<ds:Object xmlns:ds="http://www.w3.org/2000/09/xmldsig#">${body}</ds:Object>`;
    return swap(sample.raw, body, insertBefore(BODY.evil(body), `</${sample.soap}:Body>`, object));
  }),
];

function shape(name: string, make: (sample: Sample) => string): Attack {
  return { name, code: 'EnvelopeStructure', fools: true, make };
}

/** The envelope as the attacker wants it read, with the original's Security header. */
function forgedEnvelope(sample: Sample): string {
  const body = BODY.of(sample);
  return swap(sample.raw, body, renamed(BODY, body));
}

/** Whole headers moved, and more than one of what there may be one of. */
const CONTAINERS: readonly Attack[] = [
  shape('the original Header hidden in a new one', (sample) => {
    const header = cut(sample.raw, `${sample.soap}:Header`);
    const to = HEADERS[0]?.of(sample) ?? '';
    const forged = HEADERS[0]?.evil(withoutId(to)) ?? '';
    return swap(sample.raw, header, `<${sample.soap}:Header>${forged}${wrapped(header)}</${sample.soap}:Header>`);
  }),
  {
    name: 'the Security header wrapped in another header',
    code: 'Unsigned',
    make: ({ raw }) => {
      const security = cut(raw, 'wsse:Security');
      return swap(raw, security, wrapped(security));
    },
  },
  {
    name: 'a second Security header for another actor, before the first',
    code: 'EnvelopeStructure',
    make: (sample) => firstHeader(sample.raw, sample, secondSecurity(sample)),
  },
  {
    name: 'a second, empty Security header after the first',
    code: 'EnvelopeStructure',
    make: (sample) => lastHeader(sample.raw, sample, secondSecurity(sample)),
  },
  {
    name: 'the Security header after the Body',
    code: 'EnvelopeStructure',
    make: (sample) => {
      const security = cut(sample.raw, 'wsse:Security');
      return insertBefore(swap(sample.raw, security, ''), `</${sample.soap}:Envelope>`, security);
    },
  },
  {
    name: 'a second Timestamp, later, beside the signed one',
    code: 'SignedPartMissing',
    make: (sample) => {
      const signed = TIMESTAMP.of(sample);
      return swap(sample.raw, signed, TIMESTAMP.evil(withoutId(signed)) + signed);
    },
  },
  {
    name: 'the signed Timestamp swapped with the Body, each in the other’s place',
    code: 'EnvelopeStructure',
    make: (sample) => {
      const [body, timestamp] = [BODY.of(sample), TIMESTAMP.of(sample)];
      return swap(swap(swap(sample.raw, body, '<!--place-->'), timestamp, body), '<!--place-->', timestamp);
    },
  },
  ...HEADERS.map((part): Attack => ({
    name: `a second ${part.name} beside the signed one`,
    code: 'SignedPartMissing',
    fools: true,
    make: (sample) => {
      const signed = part.of(sample);
      return swap(sample.raw, signed, part.evil(withId(signed, `${idOf(signed)}-2`)) + signed);
    },
  })),
];

const secondSecurity = ({ soap, soapVersion }: Sample): string =>
  `<o:Security xmlns:o="http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd" ` +
  `${soap}:${soapVersion === '1.1' ? 'actor' : 'role'}="urn:somebody"></o:Security>`;

export const WRAPPING: readonly Attack[] = [...everywhere, ...SAML_SHAPES, ...CONTAINERS];
