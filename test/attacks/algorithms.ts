import { X509Certificate } from 'node:crypto';
import { digest, hmacWith, referenceTo, resign, signWith } from './forge.js';
import type { SignInfo } from './forge.js';
import type { Attack, Sample } from './scene.js';
import { BODY, cut, idOf, swap, swapMatch } from './surgery.js';

/**
 * Algorithms that are not accepted. Each comes twice: with the URI changed on the way, and signed so by somebody with a
 * certificate, whose signature is as right as that algorithm lets it be. Both are refused for the algorithm.
 */

const DSIG = 'http://www.w3.org/2000/09/xmldsig#';
const MORE = 'http://www.w3.org/2001/04/xmldsig-more#';
const MORE_2007 = 'http://www.w3.org/2007/05/xmldsig-more#';
const ENC = 'http://www.w3.org/2001/04/xmlenc#';
const C14N_10 = 'http://www.w3.org/TR/2001/REC-xml-c14n-20010315';

interface Refused {
  readonly what: string;
  readonly uri: string;
  /** Children of the element that names the algorithm. */
  readonly parameter?: string;
}

const named = (what: string, uri: string, parameter?: string): Refused => ({
  what,
  uri,
  ...(parameter === undefined ? {} : { parameter }),
});

/** Transforms other than exclusive C14N. */
const TRANSFORMS: readonly Refused[] = [
  named('enveloped signature', `${DSIG}enveloped-signature`),
  named('C14N 1.0', C14N_10),
  named('C14N 1.0 with comments', `${C14N_10}#WithComments`),
  named('C14N 1.1', 'http://www.w3.org/2006/12/xml-c14n11'),
  named('C14N 1.1 with comments', 'http://www.w3.org/2006/12/xml-c14n11#WithComments'),
  named('exclusive C14N with comments', 'http://www.w3.org/2001/10/xml-exc-c14n#WithComments'),
  named('C14N 2.0', 'http://www.w3.org/2010/xml-c14n2'),
  named('base64', `${DSIG}base64`),
  named('XPath', 'http://www.w3.org/TR/1999/REC-xpath-19991116', '<ds:XPath>not(ancestor-or-self::node()[@x])</ds:XPath>'),
  named('XPath that does not end', 'http://www.w3.org/TR/1999/REC-xpath-19991116', '<ds:XPath>count(//.//.//.//.//.)</ds:XPath>'),
  named(
    'XPath Filter 2.0',
    'http://www.w3.org/2002/06/xmldsig-filter2',
    '<f:XPath xmlns:f="http://www.w3.org/2002/06/xmldsig-filter2" Filter="subtract">//*</f:XPath>',
  ),
  named(
    'XSLT',
    'http://www.w3.org/TR/1999/REC-xslt-19991116',
    '<t:stylesheet xmlns:t="http://www.w3.org/1999/XSL/Transform" version="1.0"><t:template match="/"><t:copy-of select="document(\'http://evil.example/\')"></t:copy-of></t:template></t:stylesheet>',
  ),
  named(
    'STR-Transform',
    'http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-soap-message-security-1.0#STR-Transform',
    `<o:TransformationParameters xmlns:o="http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"><ds:CanonicalizationMethod Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"></ds:CanonicalizationMethod></o:TransformationParameters>`,
  ),
  named('attachment content', 'http://docs.oasis-open.org/wss/oasis-wss-SwAProfile-1.1#Attachment-Content-Signature-Transform'),
  named('decryption', 'http://www.w3.org/2002/07/decrypt#XML'),
  named('an unknown URI', 'urn:evil'),
  named('no URI', ''),
  named('exclusive C14N in capitals', 'HTTP://WWW.W3.ORG/2001/10/XML-EXC-C14N#'),
  named('exclusive C14N without #', 'http://www.w3.org/2001/10/xml-exc-c14n'),
  named('exclusive C14N with a space', 'http://www.w3.org/2001/10/xml-exc-c14n# '),
  named('the name of an object member', '__proto__'),
];

const transform = ({ uri, parameter = '' }: Refused): string => `<ds:Transform Algorithm="${uri}">${parameter}</ds:Transform>`;

/** A change to the transforms of the Body's reference. */
type Change = (transforms: string) => string;

const onBody =
  (change: Change) =>
  (sample: Sample, info: string): string => {
    const reference = referenceTo(info, idOf(BODY.of(sample)));
    const transforms = cut(reference, 'ds:Transforms');
    return swap(info, reference, swap(reference, transforms, change(transforms)));
  };

/** The same change on the way, and by a certified sender. */
function both(what: string, change: (sample: Sample, info: string) => string, sign: (sample: Sample) => SignInfo): Attack[] {
  return [
    {
      name: `${what}, changed on the way`,
      code: 'AlgorithmRefused',
      make: (sample) => {
        const info = cut(sample.raw, 'ds:SignedInfo');
        return swap(sample.raw, info, change(sample, info));
      },
    },
    {
      name: `${what}, signed so`,
      code: 'AlgorithmRefused',
      make: (sample) => resign(sample.raw, sign(sample), (info) => change(sample, info)),
    },
  ];
}

const owner = (sample: Sample): SignInfo => signWith(sample.credentials);

const transforms: readonly Attack[] = [
  ...TRANSFORMS.flatMap((refused) => [
    ...both(
      `the transform ${refused.what}`,
      onBody(() => `<ds:Transforms>${transform(refused)}</ds:Transforms>`),
      owner,
    ),
    ...both(
      `the transform ${refused.what} before exclusive C14N`,
      onBody((list) => swap(list, '<ds:Transforms>', `<ds:Transforms>${transform(refused)}`)),
      owner,
    ),
    ...both(
      `the transform ${refused.what} after exclusive C14N`,
      onBody((list) => swap(list, '</ds:Transforms>', `${transform(refused)}</ds:Transforms>`)),
      owner,
    ),
  ]),
  ...both(
    'no transform in Transforms',
    onBody(() => '<ds:Transforms></ds:Transforms>'),
    owner,
  ),
  ...both(
    'exclusive C14N twice',
    onBody((list) =>
      swap(list, '</ds:Transforms>', `${transform(named('', 'http://www.w3.org/2001/10/xml-exc-c14n#'))}</ds:Transforms>`),
    ),
    owner,
  ),
  ...both(
    'a foreign parameter of exclusive C14N',
    onBody((list) => swap(list, '></ds:Transform>', '><x:P xmlns:x="urn:evil"></x:P></ds:Transform>')),
    owner,
  ),
  ...both(
    'an XPath as parameter of exclusive C14N',
    onBody((list) => swap(list, '></ds:Transform>', '><ds:XPath>//*</ds:XPath></ds:Transform>')),
    owner,
  ),
  ...both(
    'two lists of inclusive prefixes',
    onBody((list) => {
      const prefixes =
        '<e:InclusiveNamespaces xmlns:e="http://www.w3.org/2001/10/xml-exc-c14n#" PrefixList="x"></e:InclusiveNamespaces>';
      return swap(list, '></ds:Transform>', `>${prefixes}${prefixes}</ds:Transform>`);
    }),
    owner,
  ),
];

const canonicalizations: readonly Attack[] = TRANSFORMS.flatMap((refused) =>
  both(
    `SignedInfo canonicalized by ${refused.what}`,
    (_sample, info) =>
      swapMatch(
        info,
        /<ds:CanonicalizationMethod [^>]*>/,
        () => `<ds:CanonicalizationMethod Algorithm="${refused.uri}">${refused.parameter ?? ''}`,
      ),
    owner,
  ),
);

interface RefusedSignature extends Refused {
  /** What the certified sender signs with; by default as always. */
  readonly sign?: (sample: Sample) => SignInfo;
}

const publicKey = ({ credentials }: Sample): X509Certificate['publicKey'] =>
  new X509Certificate(credentials.certificatePem).publicKey;
const pem = (sample: Sample): string => publicKey(sample).export({ type: 'spki', format: 'pem' }).toString();
const der = (sample: Sample): Buffer => publicKey(sample).export({ type: 'spki', format: 'der' });
const certificate = ({ credentials }: Sample): Buffer => new X509Certificate(credentials.certificatePem).raw;
const hashed = (hash: string) => (sample: Sample) => signWith(sample.credentials, hash);

const SIGNATURE_METHODS: readonly RefusedSignature[] = [
  { ...named('RSA-SHA1', `${DSIG}rsa-sha1`), sign: hashed('sha1') },
  { ...named('ECDSA-SHA1', `${MORE}ecdsa-sha1`), sign: hashed('sha1') },
  { ...named('RSA-MD5', `${MORE}rsa-md5`), sign: hashed('md5') },
  { ...named('RSA-RIPEMD160', `${MORE}rsa-ripemd160`), sign: hashed('ripemd160') },
  { ...named('RSA-SHA224', `${MORE}rsa-sha224`), sign: hashed('sha224') },
  { ...named('ECDSA-SHA224', `${MORE}ecdsa-sha224`), sign: hashed('sha224') },
  named('DSA-SHA1', `${DSIG}dsa-sha1`),
  named('DSA-SHA256', 'http://www.w3.org/2009/xmldsig11#dsa-sha256'),
  named('RSA-PSS with SHA-1', `${MORE_2007}sha1-rsa-MGF1`),
  { ...named('HMAC-SHA1 with the public key in PEM', `${DSIG}hmac-sha1`), sign: (sample) => hmacWith(pem(sample), 'sha1') },
  { ...named('HMAC-SHA256 with the public key in PEM', `${MORE}hmac-sha256`), sign: (sample) => hmacWith(pem(sample)) },
  { ...named('HMAC-SHA256 with the public key in DER', `${MORE}hmac-sha256`), sign: (sample) => hmacWith(der(sample)) },
  { ...named('HMAC-SHA256 with the certificate', `${MORE}hmac-sha256`), sign: (sample) => hmacWith(certificate(sample)) },
  { ...named('HMAC-SHA512 with the empty key', `${MORE}hmac-sha512`), sign: () => hmacWith('', 'sha512') },
  {
    ...named('HMAC-SHA256 of no bits', `${MORE}hmac-sha256`, '<ds:HMACOutputLength>0</ds:HMACOutputLength>'),
    sign: () => hmacWith('', 'sha256', 0),
  },
  {
    ...named('HMAC-SHA1 of eight bits', `${DSIG}hmac-sha1`, '<ds:HMACOutputLength>8</ds:HMACOutputLength>'),
    sign: () => hmacWith('', 'sha1', 1),
  },
  named('an unknown URI', 'urn:evil'),
  named('no URI', ''),
  named('“none”', 'none'),
  named('a digest', `${ENC}sha256`),
  named('the name of an object member', 'constructor'),
  named('RSA-SHA256 in capitals', `${MORE}RSA-SHA256`),
];

const method =
  ({ uri, parameter = '' }: Refused) =>
  (_sample: Sample, info: string) =>
    swapMatch(info, /<ds:SignatureMethod [^>]*>/, () => `<ds:SignatureMethod Algorithm="${uri}">${parameter}`);

const ownMethod = ({ keyType }: Sample): string => `${MORE}${keyType === 'rsa' ? 'rsa' : 'ecdsa'}-sha256`;
const otherMethod = ({ keyType }: Sample): string => `${MORE}${keyType === 'rsa' ? 'ecdsa' : 'rsa'}-sha256`;

const signatures: readonly Attack[] = [
  ...SIGNATURE_METHODS.flatMap((refused, i) => {
    const rows = both(`signed with ${refused.what}`, method(refused), refused.sign ?? owner);
    // Some differ only in the key, which on the way nobody changes.
    const first = SIGNATURE_METHODS.findIndex(({ uri, parameter }) => uri === refused.uri && parameter === refused.parameter);
    return first === i ? rows : rows.slice(1);
  }),
  ...both(
    'signed with the accepted algorithm and a parameter',
    (sample, info) => method(named('', ownMethod(sample), '<ds:HMACOutputLength>8</ds:HMACOutputLength>'))(sample, info),
    owner,
  ),
  ...both(
    'signed with an algorithm for another type of key',
    (sample, info) => method(named('', otherMethod(sample)))(sample, info),
    owner,
  ),
];

const DIGEST_METHODS: readonly (Refused & { readonly hash?: string })[] = [
  { ...named('SHA-1', `${DSIG}sha1`), hash: 'sha1' },
  { ...named('MD5', `${MORE}md5`), hash: 'md5' },
  { ...named('RIPEMD160', `${ENC}ripemd160`), hash: 'ripemd160' },
  { ...named('SHA-224', `${MORE}sha224`), hash: 'sha224' },
  named('an unknown URI', 'urn:evil'),
  named('no URI', ''),
  named('SHA-256 in capitals', `${ENC}SHA256`),
  named('SHA-256 of the wrong namespace', `${DSIG}sha256`),
  named('the name of an object member', 'toString'),
];

const digests: readonly Attack[] = DIGEST_METHODS.flatMap(({ what, uri, hash = 'sha256' }) =>
  both(
    `the Body digested with ${what}`,
    (sample, info) => {
      const body = BODY.of(sample);
      const reference = referenceTo(info, idOf(body));
      const changed = swapMatch(
        swapMatch(reference, /(<ds:DigestMethod Algorithm=")[^"]*/, (_all, tag) => tag + uri),
        /(<ds:DigestValue>)[^<]*/,
        (_all, tag) => tag + digest(body, hash),
      );
      return swap(info, reference, changed);
    },
    owner,
  ),
);

export const ALGORITHMS: readonly Attack[] = [...transforms, ...canonicalizations, ...signatures, ...digests];
