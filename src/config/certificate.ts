import { X509Certificate, createPrivateKey, createPublicKey } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { ConcordatError } from '../errors.js';

/** Bytes of a raw Ed25519 public key (RFC 8032 section 5.1.5). */
export const VOTE_KEY_BYTES = 32;

/** Reads one PEM certificate. @throws ConcordatError ConfigInvalid, naming `what` */
export function parseCertificate(pem: string, what: string): X509Certificate {
  try {
    return new X509Certificate(pem);
  } catch (error) {
    throw new ConcordatError('ConfigInvalid', `${what} is not a PEM certificate`, { cause: error });
  }
}

/** Reads one PEM private key without a passphrase. @throws ConcordatError ConfigInvalid, naming `what` */
export function parsePrivateKey(pem: string, what: string): KeyObject {
  try {
    return createPrivateKey(pem);
  } catch (error) {
    throw new ConcordatError('ConfigInvalid', `${what} is not a PEM private key without passphrase`, { cause: error });
  }
}

/** SHA-256 of the certificate's DER: 64 lower-case hex digits, no colons. */
export function certificateFingerprint(certificate: X509Certificate): string {
  return certificate.fingerprint256.replaceAll(':', '').toLowerCase();
}

/** An Ed25519 public key from its 32 raw bytes. */
export function votePublicKey(raw: Uint8Array): KeyObject {
  return createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x: Buffer.from(raw).toString('base64url') }, format: 'jwk' });
}

/** The raw public key that belongs to an Ed25519 key, as cluster.json writes it: base64 of 32 bytes. */
export function votePublicKeyText(key: KeyObject): string {
  const { x } = createPublicKey(key.export({ type: 'pkcs8', format: 'pem' })).export({ format: 'jwk' });
  if (x === undefined) throw new ConcordatError('ConfigInvalid', 'a vote key must be an Ed25519 key');
  return Buffer.from(x, 'base64url').toString('base64');
}
