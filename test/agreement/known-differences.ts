import { NS } from '../../src/soap/index.js';

/** One place in which a reference departs from the W3C recommendations, with a specimen that shows it. */
export interface KnownDifference {
  readonly what: string;
  /** What the standard says, and what the reference does. */
  readonly why: string;
  /** True for what test/support/reference-xml-crypto.ts mends, so that it does not show in the comparison of messages. */
  readonly isMended: boolean;
  /** Whether a message may show it. */
  mayShow(raw: string): boolean;
  /** A document whose element with u:Id "part" is canonicalized, and its canonical form by the recommendations. */
  readonly specimen: { readonly xml: string; readonly prefixes: readonly string[]; readonly canonical: string };
}

const U = `xmlns:u="${NS.wsu}"`;
const ID = 'u:Id="part"';
const document = (declarations: string, part: string): string => `<r ${U} ${declarations}>${part}</r>`;
const never = (): boolean => false;

/** Of xml-crypto 6.3 with xmldom 0.8. None is known of xmlsec1 1.2 with libxml2. */
export const KNOWN_DIFFERENCES: readonly KnownDifference[] = [
  {
    what: 'the order of prefixes',
    why: 'Canonical XML 1.0 §2.2 sorts namespace nodes by local name in code-point order; the library by locale, in which a comes before B',
    isMended: true,
    mayShow: never,
    specimen: {
      xml: document('', `<a:x xmlns:a="urn:a" xmlns:B="urn:B" B:y="" ${ID}/>`),
      prefixes: [],
      canonical: `<a:x xmlns:B="urn:B" xmlns:a="urn:a" ${U} ${ID} B:y=""></a:x>`,
    },
  },
  {
    what: 'the order of attributes of which one namespace begins with the other',
    why: 'Canonical XML 1.0 §2.2 sorts by namespace first, then by local name; the library sorts the two run together',
    isMended: true,
    mayShow: never,
    specimen: {
      xml: document('', `<x xmlns:p="urn:q/r" xmlns:o="urn:q" p:a="2" o:z="1" ${ID}/>`),
      prefixes: [],
      canonical: `<x xmlns:o="urn:q" xmlns:p="urn:q/r" ${U} ${ID} o:z="1" p:a="2"></x>`,
    },
  },
  {
    what: 'the default namespace in a list of inclusive prefixes',
    why: 'Exclusive XML Canonicalization 1.0 §3 treats #default as a prefix; the library looks for a prefix of that name',
    isMended: false,
    mayShow: (raw) => /PrefixList="[^"]*#default/.test(raw),
    specimen: {
      xml: document('xmlns="urn:d" xmlns:a="urn:a"', `<a:x ${ID}/>`),
      prefixes: ['#default'],
      canonical: `<a:x xmlns="urn:d" xmlns:a="urn:a" ${U} ${ID}></a:x>`,
    },
  },
  {
    what: 'an attribute whose name begins with xmlns',
    why: 'xmlnsx is an attribute like any other (Namespaces in XML 1.0 §3 means xmlns and xmlns: alone); the library leaves it out',
    isMended: false,
    mayShow: (raw) => /\sxmlns[^:=\s]/.test(raw),
    specimen: {
      xml: document('', `<x xmlnsx="1" ${ID}/>`),
      prefixes: [],
      canonical: `<x ${U} xmlnsx="1" ${ID}></x>`,
    },
  },
  {
    what: 'a prefixed attribute with the name of an inclusive prefix',
    why: 'only a namespace node makes a declaration; the library takes the value of p:w for the namespace of w',
    isMended: false,
    mayShow: (raw) =>
      [...raw.matchAll(/PrefixList="([^"]*)"/g)].some(([, list = '']) =>
        list.split(' ').some((prefix) => new RegExp(`(?<!xmlns):${prefix.replaceAll('.', '\\.')}\\s*=`, 'u').test(raw)),
      ),
    specimen: {
      xml: document('xmlns:p="urn:p"', `<x p:w="1" ${ID}/>`),
      prefixes: ['w'],
      canonical: `<x xmlns:p="urn:p" ${U} ${ID} p:w="1"></x>`,
    },
  },
  {
    what: 'U+0085 and U+2028',
    why: 'XML 1.0 §2.11 knows carriage return and line feed as line ends; xmldom folds these two, as XML 1.1 does',
    isMended: false,
    mayShow: (raw) => /[\u0085\u2028]/.test(raw),
    specimen: {
      xml: document('', `<x ${ID}>a\u0085b\u2028c</x>`),
      prefixes: [],
      canonical: `<x ${U} ${ID}>a\u0085b\u2028c</x>`,
    },
  },
];
