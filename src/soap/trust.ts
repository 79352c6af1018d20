import { X509Certificate } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { ConcordatError } from '../errors.js';
import { acceptedKeyType } from './algorithms.js';
import { identityOf } from './identity.js';
import type { Identity } from './identity.js';
import { KEY_USAGE, keyUsage } from './key-usage.js';
import { TRUST_CACHE_SIZE } from './limits.js';

interface Validity {
  readonly from: number;
  readonly to: number;
}

interface Authority {
  readonly certificate: X509Certificate;
  readonly publicKey: KeyObject;
  readonly validity: Validity;
}

interface Known {
  readonly identity: Identity;
  readonly publicKey: KeyObject;
  readonly validity: Validity;
  readonly issuer: Validity;
}

const untrusted = (detail: string): ConcordatError => new ConcordatError('CertificateUntrusted', detail);

const validityOf = (certificate: X509Certificate): Validity => ({
  from: Date.parse(certificate.validFrom),
  to: Date.parse(certificate.validTo),
});

const covers = (validity: Validity, now: number): boolean => validity.from <= now && now <= validity.to;

/**
 * The configured authorities. Each is an anchor: a message carries one certificate, so its direct issuer must be configured,
 * be it a root or an intermediate.
 */
export class TrustStore {
  private readonly authorities: readonly Authority[];
  /** By DER, least recently used first. Holds only certificates whose chain holds; validity is checked at every use. */
  private readonly known = new Map<string, Known>();

  /** @throws ConfigInvalid if a PEM is not a CA certificate that may sign certificates. */
  constructor(caPems: readonly string[]) {
    this.authorities = caPems.map(authority);
  }

  /**
   * @param now milliseconds since the epoch
   * @throws CertificateUntrusted: no configured issuer, out of validity, a CA, not for digital signatures, or a key too weak
   */
  identify(certificateDer: Uint8Array, now: number): { identity: Identity; publicKey: KeyObject } {
    const key = Buffer.from(certificateDer).toString('latin1');
    const known = this.known.get(key) ?? this.check(certificateDer);
    if (!covers(known.validity, now)) throw untrusted(`${known.identity.writer} is out of its validity`);
    if (!covers(known.issuer, now)) throw untrusted(`the authority of ${known.identity.writer} is out of its validity`);
    this.remember(key, known);
    return { identity: known.identity, publicKey: known.publicKey };
  }

  private check(der: Uint8Array): Known {
    const certificate = parse(der);
    const identity = identityOf(certificate);
    if (certificate.ca) throw untrusted(`${identity.writer} is an authority itself`);
    const usage = keyUsage(certificate.raw);
    if (usage !== undefined && (usage & KEY_USAGE.digitalSignature) === 0)
      throw untrusted(`${identity.writer} is not for signing`);
    const publicKey = certificate.publicKey;
    if (acceptedKeyType(publicKey) === undefined) throw untrusted(`${identity.writer} has neither RSA of 2048 bits nor P-256`);
    const issuer = this.authorities.find((ca) => certificate.checkIssued(ca.certificate) && certificate.verify(ca.publicKey));
    if (issuer === undefined) throw untrusted(`${identity.writer} was not issued by a configured authority`);
    return { identity, publicKey, validity: validityOf(certificate), issuer: issuer.validity };
  }

  private remember(key: string, known: Known): void {
    this.known.delete(key);
    this.known.set(key, known);
    if (this.known.size <= TRUST_CACHE_SIZE) return;
    const oldest = this.known.keys().next();
    if (!oldest.done) this.known.delete(oldest.value);
  }
}

function parse(der: Uint8Array): X509Certificate {
  try {
    return new X509Certificate(der);
  } catch (error) {
    throw new ConcordatError('CertificateUntrusted', 'the token is not an X.509 certificate', { cause: error });
  }
}

function authority(pem: string): Authority {
  let certificate: X509Certificate;
  try {
    certificate = new X509Certificate(pem);
  } catch (error) {
    throw new ConcordatError('ConfigInvalid', 'a CA certificate is not PEM', { cause: error });
  }
  const usage = keyUsage(certificate.raw);
  if (!certificate.ca || (usage !== undefined && (usage & KEY_USAGE.keyCertSign) === 0)) {
    throw new ConcordatError('ConfigInvalid', `${certificate.subject.replaceAll('\n', ',')} is not a CA certificate`);
  }
  return { certificate, publicKey: certificate.publicKey, validity: validityOf(certificate) };
}
