import { createHash, sign as cryptoSign, verify as cryptoVerify } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { ConcordatError } from '../errors.js';

/** The one canonicalization and the one transform: Exclusive XML Canonicalization 1.0, without comments. */
export const EXCLUSIVE_C14N = 'http://www.w3.org/2001/10/xml-exc-c14n#';

export type DigestName = 'sha256' | 'sha384' | 'sha512';

export interface SignatureAlgorithmEntry {
  readonly hash: DigestName;
  readonly keyType: 'rsa' | 'ec';
}

/** What a signature may be made with. What is not here (SHA-1, MD5, HMAC, DSA …) is refused. */
export const SIGNATURE_ALGORITHMS: Readonly<Record<string, SignatureAlgorithmEntry>> = {
  'http://www.w3.org/2001/04/xmldsig-more#rsa-sha256': { hash: 'sha256', keyType: 'rsa' },
  'http://www.w3.org/2001/04/xmldsig-more#rsa-sha384': { hash: 'sha384', keyType: 'rsa' },
  'http://www.w3.org/2001/04/xmldsig-more#rsa-sha512': { hash: 'sha512', keyType: 'rsa' },
  'http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256': { hash: 'sha256', keyType: 'ec' },
};

export const DIGEST_ALGORITHMS: Readonly<Record<string, DigestName>> = {
  'http://www.w3.org/2001/04/xmlenc#sha256': 'sha256',
  'http://www.w3.org/2001/04/xmldsig-more#sha384': 'sha384',
  'http://www.w3.org/2001/04/xmlenc#sha512': 'sha512',
};

/** What our own messages are signed with, by type of key. */
export const SIGN_WITH: Readonly<Record<SignatureAlgorithmEntry['keyType'], string>> = {
  rsa: 'http://www.w3.org/2001/04/xmldsig-more#rsa-sha256',
  ec: 'http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256',
};
export const DIGEST_WITH = 'http://www.w3.org/2001/04/xmlenc#sha256';

const MIN_RSA_BITS = 2048;
const CURVE = 'prime256v1';

/** The kind of a key we accept (RSA of 2048 bits or more, EC on P-256), or undefined. */
export function acceptedKeyType(key: KeyObject): SignatureAlgorithmEntry['keyType'] | undefined {
  const details = key.asymmetricKeyDetails;
  if (key.asymmetricKeyType === 'rsa' && (details?.modulusLength ?? 0) >= MIN_RSA_BITS) return 'rsa';
  if (key.asymmetricKeyType === 'ec' && details?.namedCurve === CURVE) return 'ec';
  return undefined;
}

/** Looks an algorithm up in a table of allowed ones; AlgorithmRefused names what is not there. */
export function allowed<T>(table: Readonly<Record<string, T>>, uri: string, what: string): T {
  const entry = Object.hasOwn(table, uri) ? table[uri] : undefined;
  if (entry === undefined) throw new ConcordatError('AlgorithmRefused', `${what} ${uri === '' ? '(none)' : uri}`);
  return entry;
}

export const digestBase64 = (hash: DigestName, data: string): string => createHash(hash).update(data, 'utf8').digest('base64');

/** XML Signature writes an ECDSA value as r and s side by side (RFC 4050 §3.3), not as DER; for RSA the setting means nothing. */
const DSA_ENCODING = 'ieee-p1363';

export const signBase64 = (entry: SignatureAlgorithmEntry, data: string, key: KeyObject): string =>
  cryptoSign(entry.hash, Buffer.from(data, 'utf8'), { key, dsaEncoding: DSA_ENCODING }).toString('base64');

export const verifyBase64 = (entry: SignatureAlgorithmEntry, data: string, key: KeyObject, value: string): boolean =>
  cryptoVerify(entry.hash, Buffer.from(data, 'utf8'), { key, dsaEncoding: DSA_ENCODING }, Buffer.from(value, 'base64'));
