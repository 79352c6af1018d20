import { X509Certificate } from 'node:crypto';
import { ConcordatError } from '../errors.js';
import type { Credentials, Identity } from '../soap/index.js';
import { identityOf, Signer, TRANSPORT_LIMITS, TrustStore, Verifier } from '../soap/index.js';
import { CLIENT_LIMITS } from './limits.js';

/** Signs messages with one certificate and its key. @throws ConcordatError ConfigInvalid, KeyMismatch */
export const createSigner = (credentials: Credentials): Signer => new Signer(credentials);

/**
 * Verifies messages whose certificates were issued by one of these authorities. Answers may be larger than requests: a list of a
 * thousand participants, each with the certificate of its Register, is over a mebibyte.
 * @param authorities PEM texts
 * @param clockWindowMs how far the time of a message may be from ours, either way
 * @throws ConcordatError ConfigInvalid
 */
export const createVerifier = (authorities: readonly string[], clockWindowMs = CLIENT_LIMITS.clockWindowMs): Verifier =>
  new Verifier(new TrustStore(authorities), { clockWindowMs, limits: { maxBytes: TRANSPORT_LIMITS.maxResponseBytes } });

/** Who the holder of these credentials is to others. @throws ConcordatError ConfigInvalid */
export function ownIdentity({ certificatePem }: Credentials): Identity {
  try {
    return identityOf(new X509Certificate(certificatePem));
  } catch (error) {
    throw new ConcordatError('ConfigInvalid', 'the certificate is not readable PEM', { cause: error });
  }
}
