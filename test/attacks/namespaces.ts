import type { ErrorCode } from '../../src/errors.js';
import { NS } from '../../src/soap/index.js';
import type { Attack, Sample } from './scene.js';
import {
  BODY,
  cut,
  EVIL,
  firstHeader,
  HEADERS,
  insertAfter,
  lastHeader,
  PARTS,
  swap,
  swapMatch,
  TIMESTAMP,
  withoutId,
  wrapped,
} from './surgery.js';

/** Namespace injection: the same characters meaning something else, because of what a prefix is bound to around them. */

/** The prefix of a part's own name and its namespace. */
const OWN = { body: (sample: Sample) => sample.soap, timestamp: () => 'wsu', header: () => undefined } as const;

function prefixOf(name: string, kind: keyof typeof OWN, sample: Sample): string {
  return OWN[kind](sample) ?? name.slice(0, name.indexOf(':'));
}

/** The part without its own declaration of its prefix, which is then to come from around it. */
function undeclared(element: string, prefix: string): string {
  return swapMatch(element, new RegExp(`( xmlns:${prefix}="[^"]*")`), () => '');
}

const onEnvelope = (sample: Sample, raw: string, declaration: string): string =>
  insertAfter(raw, `<${sample.soap}:Envelope`, ` ${declaration}`);

const rebound: readonly Attack[] = [TIMESTAMP, ...HEADERS].flatMap((part): Attack[] => {
  // A Timestamp of another namespace is none: a stranger in the Security header, where nothing else counts as signed.
  const renamed: ErrorCode = part.kind === 'timestamp' ? 'SignedPartMissing' : 'SignatureInvalid';
  const stripped = (sample: Sample): [raw: string, prefix: string] => {
    const element = part.of(sample);
    const prefix = prefixOf(part.name, part.kind, sample);
    return [swap(sample.raw, element, undeclared(element, prefix)), prefix];
  };
  return [
    {
      name: `the prefix of ${part.name} bound to another namespace at the Envelope`,
      code: renamed,
      make: (sample) => {
        const [raw, prefix] = stripped(sample);
        return onEnvelope(sample, raw, `xmlns:${prefix}="urn:evil"`);
      },
    },
    {
      name: `${part.name} without the declaration of its prefix`,
      code: 'MalformedXml',
      make: (sample) => stripped(sample)[0],
    },
    {
      name: `the prefix of ${part.name} bound to another namespace on itself`,
      code: renamed,
      make: (sample) => {
        const element = part.of(sample);
        const prefix = prefixOf(part.name, part.kind, sample);
        return swap(
          sample.raw,
          element,
          swapMatch(element, new RegExp(`( xmlns:${prefix}=")[^"]*`), (_all, name) => `${name}urn:evil`),
        );
      },
    },
    {
      name: `${part.name} with its name in the default namespace instead of a prefix`,
      code: 'SignatureInvalid',
      make: (sample) => {
        const element = part.of(sample);
        const prefix = prefixOf(part.name, part.kind, sample);
        const local = /^<[^:]*:([^\s>]*)/.exec(element)?.[1] ?? '';
        const namespace = new RegExp(` xmlns:${prefix}="([^"]*)"`).exec(element)?.[1] ?? '';
        const opened = swap(element, `<${prefix}:${local}`, `<${local} xmlns="${namespace}"`);
        return swap(sample.raw, element, opened.slice(0, opened.lastIndexOf('</')) + `</${local}>`);
      },
    },
  ];
});

/** Between the signed part's root and what is inside it. */
const between: readonly Attack[] = [
  {
    name: 'a default namespace at the Envelope for a signed element without one',
    code: 'SignatureInvalid',
    make: (sample) => onEnvelope(sample, sample.raw, 'xmlns="urn:evil"'),
  },
  {
    name: 'a default namespace on the Body for a signed element without one',
    code: 'SignatureInvalid',
    make: (sample) => insertAfter(sample.raw, `<${sample.soap}:Body`, ' xmlns="urn:evil"'),
  },
  {
    name: 'a default namespace on the request for a signed element without one',
    code: 'SignatureInvalid',
    make: ({ raw }) => insertAfter(raw, '<wscoor:Register', ' xmlns="urn:evil"'),
  },
  {
    name: 'the prefix of the request rebound between it and its child',
    code: 'SignatureInvalid',
    make: ({ raw }) => insertAfter(raw, '<wscoor:ProtocolIdentifier', ' xmlns:wscoor="urn:evil"'),
  },
  {
    name: 'the address inside ReplyTo rebound',
    code: 'SignatureInvalid',
    make: ({ raw }) => insertAfter(raw, '<wsa:Address', ' xmlns:wsa="http://schemas.xmlsoap.org/ws/2004/08/addressing"'),
  },
  {
    name: 'the prefix of SignedInfo rebound between it and its references',
    code: 'SignatureInvalid',
    make: ({ raw }) => insertAfter(raw, '<ds:Reference', ' xmlns:ds="urn:evil"'),
  },
];

/** SOAP's own elements in the wrong version or a lookalike of its namespace. */
const other = (sample: Sample): string => (sample.soapVersion === '1.1' ? NS.soap12 : NS.soap11);
const own = (sample: Sample): string => (sample.soapVersion === '1.1' ? NS.soap11 : NS.soap12);

const versions: readonly Attack[] = [
  {
    name: 'the Envelope alone turned into the other version',
    code: 'EnvelopeStructure',
    make: (sample) => swap(sample.raw, `xmlns:${sample.soap}="${own(sample)}"`, `xmlns:${sample.soap}="${other(sample)}"`),
  },
  {
    name: 'the Header alone turned into the other version',
    code: 'EnvelopeStructure',
    make: (sample) => insertAfter(sample.raw, `<${sample.soap}:Header`, ` xmlns:${sample.soap}="${other(sample)}"`),
  },
  {
    name: 'the Body alone turned into the other version',
    code: 'EnvelopeStructure',
    make: (sample) => {
      const body = BODY.of(sample);
      return swap(sample.raw, body, swap(body, own(sample), other(sample)));
    },
  },
  {
    name: 'a forged Body of the other version before the signed one',
    code: 'EnvelopeStructure',
    make: (sample) => {
      const body = BODY.of(sample);
      return swap(sample.raw, body, swap(BODY.evil(withoutId(body)), own(sample), other(sample)) + body);
    },
  },
  {
    name: 'a Body of the other version hidden in a header',
    code: 'EnvelopeStructure',
    make: (sample) => lastHeader(sample.raw, sample, wrapped(`<o:Body xmlns:o="${other(sample)}"/>`)),
  },
  ...['urn:not-soap', '', 'http://www.w3.org/2003/05/soap-envelope/', 'HTTP://schemas.xmlsoap.org/soap/envelope/'].map(
    (namespace): Attack => ({
      name: `everything of SOAP in the namespace "${namespace}"`,
      code: namespace === '' ? 'MalformedXml' : 'NotAnEnvelope',
      make: (sample) => sample.raw.replaceAll(`xmlns:${sample.soap}="${own(sample)}"`, `xmlns:${sample.soap}="${namespace}"`),
    }),
  ),
  ...['Header', 'Body'].map((name): Attack => ({
    name: `a lookalike of the ${name}, its namespace without the last character`,
    code: 'EnvelopeStructure',
    make: (sample) => {
      const element = cut(sample.raw, `${sample.soap}:${name}`);
      const namespace = own(sample).slice(0, -1);
      return swap(
        sample.raw,
        element,
        swapMatch(
          element,
          /^<(\S+?)(?: xmlns:soap(?:12)?="[^"]*")?([\s>])/,
          (_all, tag, end) => `<${tag} xmlns:${sample.soap}="${namespace}"${end}`,
        ),
      );
    },
  })),
  {
    name: 'an Envelope inside a header',
    code: 'EnvelopeStructure',
    make: (sample) => firstHeader(sample.raw, sample, `<${sample.soap}:Envelope/>`),
  },
];

/** Elements of WS-Security and XML Signature in drafts and lookalikes of their namespaces are not what their names say. */
const lookalikes: readonly (readonly [name: string, from: string, to: string, code: ErrorCode])[] = [
  ['Security of a draft', NS.wsse, 'http://schemas.xmlsoap.org/ws/2002/04/secext', 'Unsigned'],
  ['Security of a lookalike', NS.wsse, `${NS.wsse}#`, 'Unsigned'],
  ['a Signature of another namespace', NS.ds, 'http://www.w3.org/2001/09/xmldsig#', 'Unsigned'],
  ['a Signature of a lookalike', NS.ds, NS.ds.slice(0, -1), 'Unsigned'],
];

const security: readonly Attack[] = [
  ...lookalikes.map(([what, from, to, code]): Attack => ({
    name: what,
    code,
    make: ({ raw }) => raw.replaceAll(`"${from}"`, `"${to}"`),
  })),
  ...['SignedInfo', 'SignatureValue', 'KeyInfo'].map((name): Attack => ({
    name: `${name} of another namespace`,
    code: 'SignatureInvalid',
    make: ({ raw }) => {
      const element = cut(raw, `ds:${name}`);
      return swap(raw, element, swap(element, `<ds:${name}`, `<ds:${name} xmlns:ds="urn:evil"`));
    },
  })),
  {
    name: 'the token in another namespace',
    code: 'Unsigned',
    make: ({ raw }) => {
      const token = cut(raw, 'wsse:BinarySecurityToken');
      return swap(raw, token, swap(token, NS.wsse, 'urn:evil'));
    },
  },
];

/** Declarations that Namespaces in XML 1.0 forbids (§2.2, §3, constraint "Reserved Prefixes"), or that would break canonical text. */
const FORBIDDEN_DECLARATIONS = [
  'xmlns:xml="urn:evil"',
  `xmlns:xmlns="urn:evil"`,
  'xmlns:p=""',
  'xmlns:p="http://www.w3.org/2000/xmlns/"',
  'xmlns="http://www.w3.org/2000/xmlns/"',
  `xmlns:p="${NS.xml}"`,
  `xmlns="${NS.xml}"`,
  `xmlns:p="urn:a b"`,
  `xmlns:p="urn:&quot;x=&quot;y"`,
  `xmlns:p="urn:&lt;x"`,
  `xmlns:p="urn:&#10;x"`,
  `xmlns:p="urn:&amp;x"`,
];
const declarations: readonly Attack[] = FORBIDDEN_DECLARATIONS.flatMap((declaration) =>
  [
    ['the Envelope', (sample: Sample) => onEnvelope(sample, sample.raw, declaration)] as const,
    ['an unsigned header', (sample: Sample) => lastHeader(sample.raw, sample, `<x:H ${EVIL} ${declaration}/>`)] as const,
  ].map(([where, make]): Attack => ({ name: `${declaration} on ${where}`, code: 'MalformedXml', make })),
);

const prefixes: readonly Attack[] = [
  ['an element', '<p:H/>'],
  ['an attribute', `<x:H ${EVIL} p:a="1"/>`],
  ['an element whose prefix is declared beside it', '<p:H><x xmlns:p="urn:p"/></p:H>'],
  ['an attribute twice by two prefixes', `<x:H ${EVIL} xmlns:y="urn:evil" x:a="1" y:a="2"/>`],
].map(([what, header]): Attack => ({
  name: `a prefix that is not declared, or two for one name: ${what}`,
  code: 'MalformedXml',
  make: (sample) => lastHeader(sample.raw, sample, header ?? ''),
}));

/** In place of the signed header, the same in the addressing of 2004, which is not read here, or one in capitals. */
const replacedHeaders: readonly Attack[] = PARTS.filter(({ kind }) => kind === 'header').map((part): Attack => ({
  name: `${part.name} hidden, one of a lookalike namespace in its place`,
  code: 'SignedPartMissing',
  make: (sample) => {
    const element = part.of(sample);
    const prefix = prefixOf(part.name, part.kind, sample);
    const forged = swapMatch(
      part.evil(withoutId(element)),
      new RegExp(` xmlns:${prefix}="([^"]*)"`),
      (_all, namespace) => ` xmlns:${prefix}="${namespace}/"`,
    );
    return lastHeader(swap(sample.raw, element, forged), sample, wrapped(element));
  },
}));

export const NAMESPACES: readonly Attack[] = [
  ...rebound,
  ...between,
  ...versions,
  ...security,
  ...declarations,
  ...prefixes,
  ...replacedHeaders,
];
