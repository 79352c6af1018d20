import { childrenOf, contextTag, MalformedDer, readOne, TAG } from './der.js';
import type { Der } from './der.js';

/** What names a certificate, as it stands in it. */
export interface CertificateNames {
  /** Hex of the content of the INTEGER. */
  readonly serial: string;
  /** DER. */
  readonly issuer: Buffer;
  readonly subject: Buffer;
}

/** The fields of TBSCertificate (RFC 5280 §4.1) in their order. @throws MalformedDer */
export const certificateFields = (certificateDer: Buffer): Der[] =>
  childrenOf(childrenOf(readOne(certificateDer, TAG.sequence))[0]);

/** @throws MalformedDer */
export function namesOf(certificateDer: Buffer): CertificateNames {
  const fields = certificateFields(certificateDer);
  const [serial, , issuer, , subject] = fields[0]?.tag === contextTag(0) ? fields.slice(1) : fields;
  if (serial?.tag !== TAG.integer || issuer === undefined || subject === undefined) throw new MalformedDer('a certificate');
  return { serial: serial.content.toString('hex'), issuer: issuer.raw, subject: subject.raw };
}
