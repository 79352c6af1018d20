import { addReference, digest, resign, signWith } from './forge.js';
import type { Attack, Sample } from './scene.js';
import {
  BODY,
  EVIL,
  HEADERS,
  idOf,
  insertAfter,
  lastHeader,
  PARTS,
  swap,
  swapMatch,
  TIMESTAMP,
  wrapped,
  WSU,
} from './surgery.js';
import type { Part } from './surgery.js';

/** References are by Id: Ids given twice, in another case, on another attribute, or written in another way. */

const SAML = 'xmlns:saml="urn:oasis:names:tc:SAML:1.0:assertion"';

/** Attributes that some receiver takes for an Id, with the declaration that they need besides x. */
const ID_ATTRIBUTES: readonly (readonly [name: string, declaration: string])[] = [
  ['wsu:Id', ` ${WSU}`],
  ['Id', ''],
  ['ID', ''],
  ['id', ''],
  ['iD', ''],
  ['xml:id', ''],
  ['x:id', ''],
  ['wsu:ID', ` ${WSU}`],
];

const idOfPart = (part: Part, sample: Sample): string => idOf(part.of(sample));

const twins: readonly Attack[] = ID_ATTRIBUTES.flatMap(([name, declaration]) =>
  [BODY, TIMESTAMP, ...HEADERS.slice(0, 2)].map((part) => ({
    name: `an unsigned header with the ${name} of ${part.name}`,
    code: 'DuplicateId' as const,
    make: (sample: Sample) =>
      lastHeader(sample.raw, sample, `<x:Twin ${EVIL}${declaration} ${name}="${idOfPart(part, sample)}"/>`),
  })),
);

const onSignatureParts: readonly Attack[] = [
  'ds:Signature',
  'ds:SignatureValue',
  'ds:KeyInfo',
  'wsse:SecurityTokenReference',
].map((tag): Attack => ({
  name: `the Id of the Body on ${tag}`,
  code: 'DuplicateId',
  make: (sample) => insertAfter(sample.raw, `<${tag}`, ` Id="${idOfPart(BODY, sample)}"`),
}));

/** The Id of the signed element itself in another attribute: found by some, but then no longer what was signed. */
const moved: readonly Attack[] = PARTS.flatMap((part) =>
  ID_ATTRIBUTES.filter(([name]) => name !== 'wsu:Id' && !name.startsWith('x:')).map(([name]): Attack => ({
    name: `the Id of ${part.name} moved to ${name}`,
    code: 'SignatureInvalid',
    make: (sample) => {
      const element = part.of(sample);
      return swap(sample.raw, element, swap(element, ' wsu:Id=', ` ${name}=`));
    },
  })),
);

const assertionIds: readonly Attack[] = PARTS.map((part) => ({
  name: `the Id of ${part.name} moved to AssertionID, which is no Id here`,
  code: 'SignedPartMissing' as const,
  make: (sample) => {
    const element = part.of(sample);
    return swap(
      sample.raw,
      element,
      swapMatch(element, / wsu:Id=/, () => ` ${SAML} saml:AssertionID=`),
    );
  },
}));

const inAnotherCase: readonly Attack[] = PARTS.flatMap((part) => [
  {
    name: `${part.name} hidden, a forged one with its Id in capitals in its place`,
    code: part.kind === 'body' ? 'EnvelopeStructure' : 'SignedPartMissing',
    fools: true,
    make: (sample) => {
      const element = part.of(sample);
      const id = idOf(element);
      const forged = swap(part.evil(element), `"${id}"`, `"${id.toUpperCase()}"`);
      return lastHeader(swap(sample.raw, element, forged), sample, wrapped(element));
    },
  },
  {
    name: `a certified sender refers to ${part.name} in another case`,
    code: 'SignedPartMissing',
    make: (sample) => {
      const id = idOfPart(part, sample);
      return resign(sample.raw, signWith(sample.credentials), (info) => swap(info, `"#${id}"`, `"#${id.toUpperCase()}"`));
    },
  },
]);

/** Parsers see through these; whoever compares text does not. */
const WRITTEN: readonly (readonly [how: string, write: (id: string) => string])[] = [
  ['with a character reference in it', (id) => `&#x${id.charCodeAt(0).toString(16)};${id.slice(1)}`],
  ['with a decimal reference in it', (id) => `${id.slice(0, -1)}&#${id.charCodeAt(id.length - 1)};`],
];
const inDisguise: readonly Attack[] = WRITTEN.flatMap(([how, write]) =>
  [BODY, TIMESTAMP, ...HEADERS].map((part): Attack => ({
    name: `an unsigned header with the Id of ${part.name}, ${how}`,
    code: 'DuplicateId',
    make: (sample) => lastHeader(sample.raw, sample, `<x:Twin ${EVIL} Id="${write(idOfPart(part, sample))}"/>`),
  })),
);

interface Place {
  readonly what: string;
  readonly put: (sample: Sample, target: string) => string;
}

const AFTER_TOKEN = '</wsse:BinarySecurityToken>';

const WRONG_PLACES: readonly Place[] = [
  { what: 'an element inside a header', put: (sample, target) => lastHeader(sample.raw, sample, wrapped(target)) },
  { what: 'an element two levels down in Security', put: ({ raw }, target) => insertAfter(raw, AFTER_TOKEN, wrapped(target)) },
  { what: 'a stranger directly in Security', put: ({ raw }, target) => insertAfter(raw, AFTER_TOKEN, target) },
];

/** By a sender with a certificate: references to what is not in a place that a receiver reads from. */
const misplaced: readonly Attack[] = WRONG_PLACES.map(({ what, put }) => {
  const target = `<x:Target ${EVIL} Id="target"></x:Target>`;
  return {
    name: `a certified sender signs ${what}`,
    code: 'SignedPartMissing' as const,
    make: (sample: Sample) =>
      resign(put(sample, target), signWith(sample.credentials), (info) =>
        addReference(info, { uri: '#target', digestValue: digest(target) }),
      ),
  };
});

const selfReferences: readonly Attack[] = [
  {
    name: 'a certified sender refers to the Security header itself',
    code: 'SignedPartMissing',
    make: (sample) =>
      resign(
        swap(sample.raw, '<wsse:Security ', `<wsse:Security ${WSU} wsu:Id="security" `),
        signWith(sample.credentials),
        (info) => addReference(info, { uri: '#security', digestValue: digest('') }),
      ),
  },
  {
    name: 'a certified sender refers to the Envelope',
    code: 'SignedPartMissing',
    make: (sample) =>
      resign(
        swap(sample.raw, `<${sample.soap}:Envelope`, `<${sample.soap}:Envelope Id="all"`),
        signWith(sample.credentials),
        (info) => addReference(info, { uri: '#all', digestValue: digest(sample.raw) }),
      ),
  },
  {
    name: 'a certified sender refers to what is inside the Body',
    code: 'SignedPartMissing',
    make: (sample) => {
      const body = BODY.of(sample);
      const inner = insertAfter(body, '<wscoor:ProtocolIdentifier', ` ${WSU} wsu:Id="inner"`);
      return resign(swap(sample.raw, body, inner), signWith(sample.credentials), (info) =>
        swap(info, `"#${idOf(body)}"`, '"#inner"'),
      );
    },
  },
  {
    name: 'a certified sender refers to an Id that nobody has',
    code: 'SignedPartMissing',
    make: (sample) =>
      resign(sample.raw, signWith(sample.credentials), (info) => addReference(info, { uri: '#nobody', digestValue: digest('') })),
  },
];

export const IDS: readonly Attack[] = [
  ...twins,
  ...onSignatureParts,
  ...moved,
  ...assertionIds,
  ...inAnotherCase,
  ...inDisguise,
  ...misplaced,
  ...selfReferences,
];
