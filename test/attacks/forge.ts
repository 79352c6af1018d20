import { createHash, createHmac, createPrivateKey, sign, X509Certificate } from 'node:crypto';
import type { Credentials } from '../../src/soap/index.js';
import { NS } from '../../src/soap/index.js';
import { cut, swap, swapMatch } from './surgery.js';

export const C14N = 'http://www.w3.org/2001/10/xml-exc-c14n#';
export const SHA256 = 'http://www.w3.org/2001/04/xmlenc#sha256';

/** How a signature value is made of the canonical SignedInfo. */
export type SignInfo = (canonical: string) => Buffer;

/** As an honest stack would, with the hash given; ECDSA values are r and s side by side. */
export const signWith =
  ({ privateKeyPem }: Credentials, hash = 'sha256'): SignInfo =>
  (canonical) =>
    sign(hash, Buffer.from(canonical), { key: createPrivateKey(privateKeyPem), dsaEncoding: 'ieee-p1363' });

/** HMAC whose secret is something everybody knows. */
export const hmacWith =
  (secret: Buffer | string, hash = 'sha256', bytes?: number): SignInfo =>
  (canonical) =>
    createHmac(hash, secret).update(canonical).digest().subarray(0, bytes);

export const digest = (canonical: string, hash = 'sha256'): string => createHash(hash).update(canonical).digest('base64');

/**
 * Changes SignedInfo and signs it again: what somebody with a key of his own could send. The change must leave SignedInfo in
 * canonical form.
 */
export function resign(raw: string, by: SignInfo, change: (info: string) => string = (info) => info): string {
  const info = cut(raw, 'ds:SignedInfo');
  const changed = change(info);
  const value = by(canonicalInfo(changed)).toString('base64');
  return swapMatch(swap(raw, info, changed), /(<ds:SignatureValue>)[^<]*/, (_all, tag) => `${tag}${value}`);
}

const canonicalInfo = (info: string): string =>
  info.startsWith('<ds:SignedInfo>') ? info.replace('<ds:SignedInfo>', `<ds:SignedInfo xmlns:ds="${NS.ds}">`) : info;

export interface ReferenceParts {
  readonly uri: string;
  readonly digestValue: string;
  readonly transforms?: string;
  readonly digestMethod?: string;
}

const exclusive = `<ds:Transform Algorithm="${C14N}"></ds:Transform>`;

export const reference = ({ uri, digestValue, transforms = exclusive, digestMethod = SHA256 }: ReferenceParts): string =>
  `<ds:Reference URI="${uri}"><ds:Transforms>${transforms}</ds:Transforms>` +
  `<ds:DigestMethod Algorithm="${digestMethod}"></ds:DigestMethod><ds:DigestValue>${digestValue}</ds:DigestValue></ds:Reference>`;

export const addReference = (info: string, parts: ReferenceParts): string =>
  swap(info, '</ds:SignedInfo>', `${reference(parts)}</ds:SignedInfo>`);

/** The whole Reference element to that Id. */
export function referenceTo(info: string, id: string): string {
  const found = new RegExp(`<ds:Reference URI="#${id}">.*?</ds:Reference>`, 's').exec(info)?.[0];
  if (found === undefined) throw new Error(`no reference to ${id}`);
  return found;
}

export const tokenOf = ({ certificatePem }: Credentials): string => new X509Certificate(certificatePem).raw.toString('base64');

/** The same message signed by somebody else, whose certificate takes the place of the sender's. */
export function signedBy(raw: string, credentials: Credentials): string {
  const algorithm = new X509Certificate(credentials.certificatePem).publicKey.asymmetricKeyType === 'rsa' ? 'rsa' : 'ecdsa';
  const withToken = swapMatch(raw, /(<wsse:BinarySecurityToken[^>]*>)[^<]*/, (_all, tag) => `${tag}${tokenOf(credentials)}`);
  return resign(withToken, signWith(credentials), (info) =>
    swapMatch(
      info,
      /(<ds:SignatureMethod Algorithm=")[^"]*/,
      (_all, tag) => `${tag}http://www.w3.org/2001/04/xmldsig-more#${algorithm}-sha256`,
    ),
  );
}

/** Another KeyInfo in place of the sender's. */
export const withKeyInfo = (raw: string, content: string): string =>
  swap(raw, cut(raw, 'ds:KeyInfo'), `<ds:KeyInfo>${content}</ds:KeyInfo>`);
