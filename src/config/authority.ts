import { ConcordatError } from '../errors.js';
import { parseCertificate, parsePrivateKey } from './certificate.js';
import type { KeyPair } from './keys.js';

/** Kinds of keys that every part of Concordat signs and verifies with. */
export const KEY_ALGORITHMS = ['rsa-2048', 'rsa-3072', 'p-256', 'p-384'] as const;
export type KeyAlgorithm = (typeof KEY_ALGORITHMS)[number];
/** What every SOAP stack can verify. */
export const DEFAULT_KEY_ALGORITHM: KeyAlgorithm = 'rsa-2048';

/** Days a certificate is valid where nothing else is asked for, and at most. */
export const DEFAULT_CERTIFICATE_DAYS = 1095;
export const MAX_CERTIFICATE_DAYS = 3650;

/** What a certificate is to say about its subject. */
export interface CertificateRequest {
  readonly commonName: string;
  /** One OU each. */
  readonly roles: readonly string[];
  /** Host names and addresses it may serve under; a client certificate has none. */
  readonly hosts?: readonly string[];
  readonly algorithm?: KeyAlgorithm;
  /** From now. */
  readonly days?: number;
}

export interface Authority extends KeyPair {
  issue(request: CertificateRequest): Promise<KeyPair>;
}

/**
 * Makes a certificate authority of its own, and certificates below it (RFC 5280). The library for this is loaded on the
 * first call: a replica that merely reads its keys does not need it.
 * @param organization the O of every subject, here and in the certificates it issues
 * @param now milliseconds since the epoch
 */
export async function createAuthority(organization: string, now: number): Promise<Authority> {
  await import('./reflect-metadata.js');
  const { generateAuthority } = await import('./certificates.js');
  return generateAuthority(organization, now);
}

/**
 * An authority that was made before, to issue more certificates.
 * @param now milliseconds since the epoch
 * @throws ConcordatError ConfigInvalid for what is no RSA authority of ours, KeyMismatch
 */
export async function loadAuthority(pair: KeyPair, now: number): Promise<Authority> {
  const certificate = parseCertificate(pair.certificatePem, 'the certificate of the authority');
  const key = parsePrivateKey(pair.privateKeyPem, 'the key of the authority');
  if (!certificate.ca || key.asymmetricKeyType !== 'rsa') {
    throw new ConcordatError('ConfigInvalid', 'the authority is not one that concordat init made');
  }
  if (!certificate.checkPrivateKey(key)) {
    throw new ConcordatError('KeyMismatch', 'the key of the authority does not fit its certificate');
  }
  await import('./reflect-metadata.js');
  const { readAuthority } = await import('./certificates.js');
  return readAuthority(pair, now);
}
