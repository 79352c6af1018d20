import { constants, hash as hashOnce, sign as cryptoSign, verify as cryptoVerify } from 'node:crypto';
import type { KeyObject, SigningOptions } from 'node:crypto';
import { ConcordatError } from '../errors.js';

/** The one canonicalization and the one transform: Exclusive XML Canonicalization 1.0, without comments. */
export const EXCLUSIVE_C14N = 'http://www.w3.org/2001/10/xml-exc-c14n#';

export type DigestName = 'sha256' | 'sha384' | 'sha512';

export interface SignatureAlgorithmEntry {
  readonly hash: DigestName;
  readonly keyType: 'rsa' | 'ec';
  /** RSASSA-PSS, with MGF1 of the same hash and a salt of its length (RFC 9231 §2.3.10); else RSASSA-PKCS1-v1_5. */
  readonly isPss?: true;
}

/** What a signature may be made with. What is not here (SHA-1, MD5, HMAC, DSA …) is refused. */
export const SIGNATURE_ALGORITHMS: Readonly<Record<string, SignatureAlgorithmEntry>> = {
  'http://www.w3.org/2001/04/xmldsig-more#rsa-sha256': { hash: 'sha256', keyType: 'rsa' },
  'http://www.w3.org/2001/04/xmldsig-more#rsa-sha384': { hash: 'sha384', keyType: 'rsa' },
  'http://www.w3.org/2001/04/xmldsig-more#rsa-sha512': { hash: 'sha512', keyType: 'rsa' },
  'http://www.w3.org/2007/05/xmldsig-more#sha256-rsa-MGF1': { hash: 'sha256', keyType: 'rsa', isPss: true },
  'http://www.w3.org/2007/05/xmldsig-more#sha384-rsa-MGF1': { hash: 'sha384', keyType: 'rsa', isPss: true },
  'http://www.w3.org/2007/05/xmldsig-more#sha512-rsa-MGF1': { hash: 'sha512', keyType: 'rsa', isPss: true },
  'http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256': { hash: 'sha256', keyType: 'ec' },
  'http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha384': { hash: 'sha384', keyType: 'ec' },
  'http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha512': { hash: 'sha512', keyType: 'ec' },
};

export const DIGEST_ALGORITHMS: Readonly<Record<string, DigestName>> = {
  'http://www.w3.org/2001/04/xmlenc#sha256': 'sha256',
  'http://www.w3.org/2001/04/xmldsig-more#sha384': 'sha384',
  'http://www.w3.org/2001/04/xmlenc#sha512': 'sha512',
};

/** A kind of key that we accept, and what our own messages are signed with by one. */
interface AcceptedKey {
  readonly type: SignatureAlgorithmEntry['keyType'];
  readonly signWith: string;
}

const RSA: AcceptedKey = { type: 'rsa', signWith: 'http://www.w3.org/2001/04/xmldsig-more#rsa-sha256' };
/** By the name OpenSSL gives the curve: P-256 and P-384, each with the hash of its strength. */
const CURVES: Readonly<Record<string, AcceptedKey>> = {
  prime256v1: { type: 'ec', signWith: 'http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256' },
  secp384r1: { type: 'ec', signWith: 'http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha384' },
};
const MIN_RSA_BITS = 2048;

export const DIGEST_WITH = 'http://www.w3.org/2001/04/xmlenc#sha256';

function acceptedKey(key: KeyObject): AcceptedKey | undefined {
  const details = key.asymmetricKeyDetails;
  if (key.asymmetricKeyType === 'rsa' && (details?.modulusLength ?? 0) >= MIN_RSA_BITS) return RSA;
  const curve = details?.namedCurve ?? '';
  return key.asymmetricKeyType === 'ec' && Object.hasOwn(CURVES, curve) ? CURVES[curve] : undefined;
}

/** The kind of a key we accept (RSA of 2048 bits or more, EC on P-256 or P-384), or undefined. */
export const acceptedKeyType = (key: KeyObject): SignatureAlgorithmEntry['keyType'] | undefined => acceptedKey(key)?.type;

/** The URI of the algorithm that our own messages are signed with by such a key, or undefined for a key we do not accept. */
export const signatureAlgorithmFor = (key: KeyObject): string | undefined => acceptedKey(key)?.signWith;

/** Looks an algorithm up in a table of allowed ones; AlgorithmRefused names what is not there. */
export function allowed<T>(table: Readonly<Record<string, T>>, uri: string, what: string): T {
  const entry = Object.hasOwn(table, uri) ? table[uri] : undefined;
  if (entry === undefined) throw new ConcordatError('AlgorithmRefused', `${what} ${uri === '' ? '(none)' : uri}`);
  return entry;
}

/** Of text as UTF-8. */
export const digestBase64 = (hash: DigestName, data: string): string => hashOnce(hash, data, 'base64');

/** XML Signature writes an ECDSA value as r and s side by side (RFC 4050 §3.3), not as DER; for RSA the setting means nothing. */
const DSA_ENCODING = 'ieee-p1363';

const PSS: SigningOptions = { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST };

const keyFor = ({ isPss }: SignatureAlgorithmEntry, key: KeyObject): SigningOptions & { key: KeyObject } =>
  isPss === true ? { key, ...PSS } : { key, dsaEncoding: DSA_ENCODING };

export const signBase64 = (entry: SignatureAlgorithmEntry, data: string, key: KeyObject): string =>
  cryptoSign(entry.hash, Buffer.from(data, 'utf8'), keyFor(entry, key)).toString('base64');

const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/;

export const verifyBase64 = (entry: SignatureAlgorithmEntry, data: string, key: KeyObject, value: string): boolean =>
  BASE64.test(value) && cryptoVerify(entry.hash, Buffer.from(data, 'utf8'), keyFor(entry, key), Buffer.from(value, 'base64'));
