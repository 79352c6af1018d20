import { X509Certificate } from 'node:crypto';
import type { ErrorCode } from '../../src/errors.js';
import { NS } from '../../src/soap/index.js';
import { signedBy, tokenOf, withKeyInfo } from './forge.js';
import type { Attack, Sample, Strangers } from './scene.js';
import { BODY, cut, insertAfter, lastHeader, swap, swapMatch } from './surgery.js';

/** Whose key it is: KeyInfo that names no certificate of this message, or one that must not be believed. */

const PROFILE = 'http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-';
const X509V3 = `${PROFILE}x509-token-profile-1.0#X509v3`;
const WSSE = `xmlns:wsse="${NS.wsse}"`;

const own = (sample: Sample): string => tokenOf(sample.credentials);
const str = (content: string): string => `<wsse:SecurityTokenReference ${WSSE}>${content}</wsse:SecurityTokenReference>`;
const reference = (uri: string, type = X509V3): string => str(`<wsse:Reference URI="${uri}" ValueType="${type}"/>`);
const identifier = (sample: Sample, type: string, encoding = `${PROFILE}soap-message-security-1.0#Base64Binary`): string =>
  str(`<wsse:KeyIdentifier ValueType="${type}" EncodingType="${encoding}">${own(sample)}</wsse:KeyIdentifier>`);
const x509Data = (content: string): string => `<ds:X509Data>${content}</ds:X509Data>`;
const embedded = (base64: string): string => `<ds:X509Certificate>${base64}</ds:X509Certificate>`;
const issuerSerial =
  '<ds:X509IssuerSerial><ds:X509IssuerName>CN=Test CA</ds:X509IssuerName><ds:X509SerialNumber>1</ds:X509SerialNumber></ds:X509IssuerSerial>';

/** Forms of KeyInfo that are not one certificate in this message: what they point to is never fetched, nor guessed. */
const FORMS: readonly (readonly [what: string, content: (sample: Sample) => string])[] = [
  ['a KeyName', () => '<ds:KeyName>airline</ds:KeyName>'],
  [
    'an RSA KeyValue',
    () =>
      '<ds:KeyValue><ds:RSAKeyValue><ds:Modulus>AQAB</ds:Modulus><ds:Exponent>AQAB</ds:Exponent></ds:RSAKeyValue></ds:KeyValue>',
  ],
  ['the sender’s own key as a KeyValue', keyValue],
  ['a RetrievalMethod to an external place', () => '<ds:RetrievalMethod URI="http://evil.example/key"/>'],
  ['a RetrievalMethod to this document', () => '<ds:RetrievalMethod URI="#c-token"/>'],
  ['a RetrievalMethod to itself', () => '<ds:RetrievalMethod Id="r" URI="#r"/>'],
  ['an X509Data with only an issuer and serial', () => x509Data(issuerSerial)],
  ['an X509Data with only a subject', () => x509Data('<ds:X509SubjectName>CN=airline</ds:X509SubjectName>')],
  ['an X509Data with only a key identifier', () => x509Data('<ds:X509SKI>AAAA</ds:X509SKI>')],
  ['an X509Data with a CRL', () => x509Data('<ds:X509CRL>AAAA</ds:X509CRL>')],
  ['an empty X509Data', () => x509Data('')],
  ['an X509Data with two certificates', (sample) => x509Data(embedded(own(sample)) + embedded(own(sample)))],
  ['two X509Data', (sample) => x509Data(embedded(own(sample))) + x509Data(embedded(own(sample)))],
  ['PGPData', () => '<ds:PGPData><ds:PGPKeyID>AAAA</ds:PGPKeyID></ds:PGPData>'],
  ['SPKIData', () => '<ds:SPKIData><ds:SPKISexp>AAAA</ds:SPKISexp></ds:SPKIData>'],
  ['MgmtData', () => '<ds:MgmtData>airline</ds:MgmtData>'],
  [
    'a DEREncodedKeyValue',
    (sample) => `<e:DEREncodedKeyValue xmlns:e="http://www.w3.org/2009/xmldsig11#">${own(sample)}</e:DEREncodedKeyValue>`,
  ],
  ['a KeyInfoReference', () => '<e:KeyInfoReference xmlns:e="http://www.w3.org/2009/xmldsig11#" URI="#c-token"/>'],
  ['an EncryptedKey', () => '<e:EncryptedKey xmlns:e="http://www.w3.org/2001/04/xmlenc#"/>'],
  ['a KeyInfo in KeyInfo', (sample) => `<ds:KeyInfo>${cut(sample.raw, 'wsse:SecurityTokenReference')}</ds:KeyInfo>`],
  ['a token reference in a token reference', (sample) => str(cut(sample.raw, 'wsse:SecurityTokenReference'))],
  [
    'twenty token references in each other',
    () => Array.from({ length: 20 }).reduce<string>((inner) => str(inner), reference('#c-token')),
  ],
  ['two token references', (sample) => cut(sample.raw, 'wsse:SecurityTokenReference').repeat(2)],
  ['an empty token reference', () => str('')],
  ['a token reference with two references', () => str('<wsse:Reference URI="#c-token"/>'.repeat(2))],
  ['a reference to an external token', () => reference('http://evil.example/token')],
  ['a reference to a file', () => reference('file:///etc/ssl/cert.pem')],
  ['a reference to an attachment', () => reference('cid:token@evil.example')],
  ['a reference without a URI', () => str(`<wsse:Reference ValueType="${X509V3}"/>`)],
  ['a reference to nobody', () => reference('#nobody')],
  ['a reference to the Body', (sample) => reference(`#${/wsu:Id="([^"]*)"/.exec(BODY.of(sample).slice(0, 400))?.[1] ?? ''}`)],
  ['a reference to the Timestamp', () => reference('#c-timestamp')],
  ['a reference to the token in capitals', () => reference('#C-TOKEN')],
  ['a reference by XPointer', () => reference("#xpointer(id('c-token'))")],
  [
    'an embedded token',
    (sample) =>
      str(
        `<wsse:Embedded>${swapMatch(cut(sample.raw, 'wsse:BinarySecurityToken'), / wsu:Id="[^"]*"/, () => '')}</wsse:Embedded>`,
      ),
  ],
  ['a KeyName in a token reference', () => str('<ds:KeyName>airline</ds:KeyName>')],
  [
    'a key identifier by thumbprint',
    (sample) => identifier(sample, 'http://docs.oasis-open.org/wss/oasis-wss-soap-message-security-1.1#ThumbprintSHA1'),
  ],
  [
    'a key identifier by subject key',
    (sample) => identifier(sample, `${PROFILE}x509-token-profile-1.0#X509SubjectKeyIdentifier`),
  ],
  [
    'a key identifier of a SAML assertion',
    (sample) => identifier(sample, 'http://docs.oasis-open.org/wss/oasis-wss-saml-token-profile-1.0#SAMLAssertionID'),
  ],
  [
    'a key identifier of another encoding',
    (sample) => identifier(sample, X509V3, `${PROFILE}soap-message-security-1.0#HexBinary`),
  ],
  ['a key identifier without a type', (sample) => str(`<wsse:KeyIdentifier>${own(sample)}</wsse:KeyIdentifier>`)],
  ['a certificate that is not base64', () => x509Data(embedded('-----BEGIN CERTIFICATE-----'))],
  ['a certificate with an element in it', (sample) => x509Data(embedded(`<x:a xmlns:x="urn:evil"/>${own(sample)}`))],
  ['a certificate as long as a message', () => x509Data(embedded('A'.repeat(20_000)))],
];

function keyValue({ credentials }: Sample): string {
  const jwk = new X509Certificate(credentials.certificatePem).publicKey.export({ format: 'jwk' });
  const base64 = (value: string | undefined): string => Buffer.from(value ?? '', 'base64url').toString('base64');
  return jwk.kty === 'RSA'
    ? `<ds:KeyValue><ds:RSAKeyValue><ds:Modulus>${base64(jwk.n)}</ds:Modulus><ds:Exponent>${base64(jwk.e)}</ds:Exponent></ds:RSAKeyValue></ds:KeyValue>`
    : `<ds:KeyValue><e:ECKeyValue xmlns:e="http://www.w3.org/2009/xmldsig11#"><e:PublicKey>${base64(jwk.x)}</e:PublicKey></e:ECKeyValue></ds:KeyValue>`;
}

const forms: readonly Attack[] = FORMS.map(([what, content]) => ({
  name: `KeyInfo is ${what}`,
  code: 'Unsigned',
  make: (sample) => withKeyInfo(sample.raw, content(sample)),
}));

/** The token itself: its place, type and bytes. */
const token = (sample: Sample): string => cut(sample.raw, 'wsse:BinarySecurityToken');
const withBytes = (sample: Sample, base64: string): string =>
  swapMatch(sample.raw, /(<wsse:BinarySecurityToken[^>]*>)[^<]*/, (_all, tag) => tag + base64);
const bytesOf = (sample: Sample): Buffer => Buffer.from(own(sample), 'base64');

const tokens: readonly (readonly [what: string, code: ErrorCode, make: (sample: Sample) => string])[] = [
  ['in a header of its own', 'Unsigned', (sample) => lastHeader(swap(sample.raw, token(sample), ''), sample, token(sample))],
  [
    'inside the Signature’s KeyInfo',
    'Unsigned',
    (sample) => swap(swap(sample.raw, token(sample), ''), '</ds:KeyInfo>', `${token(sample)}</ds:KeyInfo>`),
  ],
  [
    'wrapped in Security',
    'Unsigned',
    (sample) => swap(sample.raw, token(sample), `<x:W xmlns:x="urn:evil">${token(sample)}</x:W>`),
  ],
  ['twice', 'DuplicateId', (sample) => swap(sample.raw, token(sample), token(sample).repeat(2))],
  ['of type PKCS7', 'Unsigned', (sample) => swap(sample.raw, token(sample), swap(token(sample), '#X509v3', '#PKCS7'))],
  [
    'of type X509PKIPathv1',
    'Unsigned',
    (sample) => swap(sample.raw, token(sample), swap(token(sample), '#X509v3', '#X509PKIPathv1')),
  ],
  ['of type X509v1', 'Unsigned', (sample) => swap(sample.raw, token(sample), swap(token(sample), '#X509v3', '#X509v1'))],
  [
    'without a type',
    'Unsigned',
    (sample) =>
      swap(
        sample.raw,
        token(sample),
        swapMatch(token(sample), / ValueType="[^"]*"/, () => ''),
      ),
  ],
  ['in hexadecimal', 'Unsigned', (sample) => swap(sample.raw, token(sample), swap(token(sample), '#Base64Binary', '#HexBinary'))],
  [
    'another element under its name',
    'Unsigned',
    (sample) => swap(swap(sample.raw, '<wsse:BinarySecurityToken', '<wsse:Token'), '</wsse:BinarySecurityToken', '</wsse:Token'),
  ],
  ['four bytes', 'CertificateUntrusted', (sample) => withBytes(sample, 'AAAA')],
  [
    'cut off in the middle',
    'CertificateUntrusted',
    (sample) => withBytes(sample, bytesOf(sample).subarray(0, 200).toString('base64')),
  ],
  [
    'with its first byte changed',
    'CertificateUntrusted',
    (sample) => withBytes(sample, Buffer.concat([Buffer.from([0]), bytesOf(sample).subarray(1)]).toString('base64')),
  ],
  [
    'with another algorithm of its key',
    'CertificateUntrusted',
    (sample) => {
      const bytes = bytesOf(sample);
      // rsaEncryption, id-ecPublicKey
      const oid = Buffer.from(sample.keyType === 'rsa' ? '2a864886f70d010101' : '2a8648ce3d0201', 'hex');
      const last = bytes.indexOf(oid) + oid.length - 1;
      bytes.writeUInt8(0x7f, last);
      return withBytes(sample, bytes.toString('base64'));
    },
  ],
  [
    'with a bit of its signature changed',
    'CertificateUntrusted',
    (sample) => {
      const bytes = bytesOf(sample);
      bytes.writeUInt8(bytes.readUInt8(bytes.length - 1) ^ 1, bytes.length - 1);
      return withBytes(sample, bytes.toString('base64'));
    },
  ],
  [
    'with a bit of its subject changed',
    'CertificateUntrusted',
    (sample) => {
      const bytes = bytesOf(sample);
      const at = bytes.indexOf(sample.keyType === 'rsa' ? 'airline' : 'agency');
      bytes.writeUInt8(bytes.readUInt8(at) ^ 1, at);
      return withBytes(sample, bytes.toString('base64'));
    },
  ],
];

const badTokens: readonly Attack[] = tokens.map(([what, code, make]) => ({ name: `the token ${what}`, code, make }));

const DISTRUSTED: readonly (readonly [who: Exclude<keyof Strangers, 'another'>, what: string])[] = [
  ['anotherAuthority', 'of another authority'],
  ['namesake', 'of another authority of the same name'],
  ['ownNamesake', 'of an authority of its own name'],
  ['selfSigned', 'that vouches for itself'],
  ['expired', 'that has expired'],
  ['notYetValid', 'that is not valid yet'],
  ['wrongUsage', 'that is not for signing'],
  ['authorityItself', 'of an authority'],
  ['weakKey', 'with a key of 1024 bits'],
];

const inX509Data = (base64: string): string => x509Data(embedded(base64));

const certificates: readonly Attack[] = [
  ...DISTRUSTED.flatMap(([who, what]): Attack[] => [
    {
      name: `signed with a certificate ${what}`,
      code: 'CertificateUntrusted',
      make: (sample, { strangers }) => signedBy(sample.raw, strangers[who]),
    },
    {
      name: `signed with a certificate ${what}, embedded in X509Data`,
      code: 'CertificateUntrusted',
      make: (sample, { strangers }) => withKeyInfo(signedBy(sample.raw, strangers[who]), inX509Data(tokenOf(strangers[who]))),
    },
    {
      name: `a certificate ${what} put over a good signature`,
      code: 'CertificateUntrusted',
      make: (sample, { strangers }) => withBytes(sample, tokenOf(strangers[who])),
    },
  ]),
  {
    name: 'signed with the certificate of the configured authority',
    code: 'CertificateUntrusted',
    make: (sample, { ca }) => withBytes(sample, new X509Certificate(ca.pem).raw.toString('base64')),
  },
  {
    name: 'the token of another client put over the signature',
    code: 'SignatureInvalid',
    make: (sample, { strangers }) => withBytes(sample, tokenOf(strangers.another[sample.keyType])),
  },
  {
    name: 'the X509Data of another client beside the token',
    code: 'SignatureInvalid',
    make: (sample, { strangers }) => withKeyInfo(sample.raw, inX509Data(tokenOf(strangers.another[sample.keyType]))),
  },
  {
    name: 'the certificate of another client with another type of key',
    code: 'AlgorithmRefused',
    make: (sample, { strangers }) => withBytes(sample, tokenOf(strangers.another[sample.keyType === 'rsa' ? 'ec' : 'rsa'])),
  },
  {
    name: 'a second token, of another client, that KeyInfo names',
    code: 'SignatureInvalid',
    make: (sample, { strangers }) => {
      const second = swapMatch(
        swap(token(sample), 'wsu:Id="c-token"', 'wsu:Id="c-token-2"'),
        /(>)[^<]*/,
        (_all, tag) => tag + tokenOf(strangers.another[sample.keyType]),
      );
      return swap(insertAfter(sample.raw, token(sample), second), 'URI="#c-token"', 'URI="#c-token-2"');
    },
  },
];

export const KEYS: readonly Attack[] = [...forms, ...badTokens, ...certificates];
