import { X509Certificate } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { ConcordatError } from '../errors.js';
import { namesOf } from '../x509/names.js';
import { acceptedKeyType } from './algorithms.js';
import { identityOf, ROLES_BY_OU } from './identity.js';
import type { Identity, RoleRule } from './identity.js';
import { KEY_USAGE, keyUsage, pathLength } from './key-usage.js';
import { TRUST_CACHE_SIZE } from './limits.js';
import { Revocation } from './revocation.js';
import type { ListIssuer, RevocationOptions } from './revocation.js';

export interface TrustOptions {
  /** Which certificates have which role; by default an OU of its name. */
  readonly roles?: readonly RoleRule[];
  readonly revocation?: RevocationOptions;
}

interface Validity {
  readonly from: number;
  readonly to: number;
}

interface Authority extends ListIssuer {
  readonly certificate: X509Certificate;
  readonly validity: Validity;
  readonly serial: string;
  readonly pathLength: number | undefined;
  readonly name: string;
}

/** A certificate and the authorities above it, the nearest first. */
interface Known {
  readonly identity: Identity;
  readonly publicKey: KeyObject;
  readonly validity: Validity;
  readonly serial: string;
  readonly chain: readonly Authority[];
}

const PEM = /-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----/g;

const untrusted = (detail: string): ConcordatError => new ConcordatError('CertificateUntrusted', detail);

const validityOf = (certificate: X509Certificate): Validity => ({
  from: Date.parse(certificate.validFrom),
  to: Date.parse(certificate.validTo),
});

const covers = (validity: Validity, now: number): boolean => validity.from <= now && now <= validity.to;

/**
 * The configured authorities. A message carries one certificate, so its direct issuer must be configured, be it a root or an
 * intermediate. Above an intermediate the chain goes on through what else is configured (RFC 5280 §6.1); an intermediate whose
 * own issuer is not configured is where it ends.
 */
export class TrustStore {
  private readonly authorities: readonly Authority[];
  private readonly revocation: Revocation | undefined;
  /** By DER, least recently used first. Holds only certificates whose chain holds; what changes with time is checked at every use. */
  private readonly known = new Map<string, Known>();

  /**
   * @param caPems each one certificate or several, PEM
   * @throws ConfigInvalid if one is not a CA certificate that may sign certificates
   */
  constructor(
    caPems: readonly string[],
    private readonly options: TrustOptions = {},
  ) {
    // Of a renewed authority the certificate that lasts longest comes first.
    this.authorities = caPems
      .flatMap((pem) => pem.match(PEM) ?? [pem])
      .map(authority)
      .sort((a, b) => b.validity.to - a.validity.to);
    this.revocation = options.revocation && new Revocation(options.revocation, this.authorities);
  }

  /**
   * @param now milliseconds since the epoch
   * @throws CertificateUntrusted: no configured issuer, it or one above it out of validity, a CA, not for digital signatures, or a
   *   key too weak; CertificateRevoked; RevocationUnknown
   */
  identify(certificateDer: Uint8Array, now: number): { identity: Identity; publicKey: KeyObject } {
    const key = Buffer.from(certificateDer).toString('latin1');
    const known = this.known.get(key) ?? this.check(certificateDer);
    const { identity, publicKey, chain } = known;
    if (!covers(known.validity, now)) throw untrusted(`${identity.writer} is out of its validity`);
    const late = chain.find((above) => !covers(above.validity, now));
    if (late !== undefined) throw untrusted(`the authority of ${identity.writer} is out of its validity: ${late.name}`);
    this.remember(key, known);
    this.refuseRevoked(known, now);
    return { identity, publicKey };
  }

  private refuseRevoked({ identity, serial, chain }: Known, now: number): void {
    let below = { serial, name: identity.writer };
    for (const issuer of chain) {
      this.revocation?.check(issuer, below.serial, now, below.name);
      below = issuer;
    }
  }

  private check(der: Uint8Array): Known {
    const certificate = parse(der);
    const identity = identityOf(certificate, this.options.roles ?? ROLES_BY_OU);
    if (certificate.ca) throw untrusted(`${identity.writer} is an authority itself`);
    const usage = keyUsage(certificate.raw);
    if (usage !== undefined && (usage & KEY_USAGE.digitalSignature) === 0)
      throw untrusted(`${identity.writer} is not for signing`);
    const publicKey = keyOf(certificate);
    if (acceptedKeyType(publicKey) === undefined)
      throw untrusted(`${identity.writer} has neither RSA of 2048 bits nor a curve that is accepted`);
    const chain = this.chainOf(certificate, identity.writer);
    return { identity, publicKey, validity: validityOf(certificate), serial: namesOf(certificate.raw).serial, chain };
  }

  private chainOf(certificate: X509Certificate, writer: string): readonly Authority[] {
    const chain: Authority[] = [];
    for (let below = certificate; chain.length <= this.authorities.length;) {
      const issuer = this.authorities.find((ca) => isIssuedBy(below, ca));
      if (issuer === undefined || chain.includes(issuer)) break;
      if (issuer.pathLength !== undefined && chain.length > issuer.pathLength)
        throw untrusted(`there are more authorities above ${writer} than ${issuer.name} allows`);
      chain.push(issuer);
      below = issuer.certificate;
    }
    if (chain.length === 0) throw untrusted(`${writer} was not issued by a configured authority`);
    return chain;
  }

  private remember(key: string, known: Known): void {
    this.known.delete(key);
    this.known.set(key, known);
    if (this.known.size <= TRUST_CACHE_SIZE) return;
    const oldest = this.known.keys().next();
    if (!oldest.done) this.known.delete(oldest.value);
  }
}

const isIssuedBy = (certificate: X509Certificate, ca: Authority): boolean =>
  certificate.checkIssued(ca.certificate) && certificate.verify(ca.publicKey);

function parse(der: Uint8Array): X509Certificate {
  try {
    return new X509Certificate(der);
  } catch (error) {
    throw new ConcordatError('CertificateUntrusted', 'the token is not an X.509 certificate', { cause: error });
  }
}

/** Reading the certificate does not read its key: that may be damaged, or of a kind that OpenSSL does not know. */
function keyOf(certificate: X509Certificate): KeyObject {
  try {
    return certificate.publicKey;
  } catch (error) {
    throw new ConcordatError('CertificateUntrusted', 'the key in the certificate cannot be read', { cause: error });
  }
}

function authority(pem: string): Authority {
  let certificate: X509Certificate;
  try {
    certificate = new X509Certificate(pem);
  } catch (error) {
    throw new ConcordatError('ConfigInvalid', 'a CA certificate is not PEM', { cause: error });
  }
  const name = certificate.subject.replaceAll('\n', ',');
  const usage = keyUsage(certificate.raw);
  if (!certificate.ca || (usage !== undefined && (usage & KEY_USAGE.keyCertSign) === 0)) {
    throw new ConcordatError('ConfigInvalid', `${name} is not a CA certificate`);
  }
  const { serial, subject } = namesOf(certificate.raw);
  return {
    certificate,
    publicKey: certificate.publicKey,
    validity: validityOf(certificate),
    signsLists: usage === undefined || (usage & KEY_USAGE.cRLSign) !== 0,
    pathLength: pathLength(certificate.raw),
    serial,
    subject,
    name,
  };
}
