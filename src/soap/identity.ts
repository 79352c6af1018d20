import type { X509Certificate } from 'node:crypto';

/** What a certificate lets its holder be, from the OU values of its subject. */
export type Role = 'initiator' | 'participant' | 'replica' | 'operator';
export const ROLES: readonly Role[] = ['initiator', 'participant', 'replica', 'operator'];

export interface Identity {
  /**
   * Who this is, as text of one line: `subject | issuer`. Each side is the attributes of the name in the certificate's order,
   * `TYPE=value` joined by `,` (`+` within a multi-valued one), values escaped as in RFC 2253 and with `|` as `\|`. Serial number,
   * key and validity are not in it, so it survives a renewal.
   */
  readonly writer: string;
  /** The first CN of the subject, '' if it has none. */
  readonly name: string;
  readonly roles: ReadonlySet<Role>;
  /** SHA-256 of the certificate's DER, lower-case hex. */
  readonly fingerprint: string;
}

/** PEM texts of a certificate and its private key (PKCS#8, SEC1 or PKCS#1). */
export interface Credentials {
  readonly certificatePem: string;
  readonly privateKeyPem: string;
}

export function identityOf(certificate: X509Certificate): Identity {
  const names = attributesOf(certificate.subject);
  const units = new Set(names.filter(([type]) => type === 'OU').map(([, value]) => value));
  return {
    writer: `${oneLine(certificate.subject)} | ${oneLine(certificate.issuer)}`,
    name: names.find(([type]) => type === 'CN')?.[1] ?? '',
    roles: new Set(ROLES.filter((role) => units.has(role))),
    fingerprint: certificate.fingerprint256.replaceAll(':', '').toLowerCase(),
  };
}

/** Node prints one attribute a line, values escaped per RFC 2253 and control characters too: no value can forge a line or a comma. */
const lines = (name: string): string[] => name.split('\n').filter((line) => line !== '');

const oneLine = (name: string): string =>
  lines(name)
    .map((line) => line.replaceAll('|', '\\|'))
    .join(',');

function attributesOf(name: string): [type: string, value: string][] {
  return lines(name)
    .flatMap((line) => line.split(' + '))
    .map((part) => {
      const equals = part.indexOf('=');
      return [part.slice(0, equals), part.slice(equals + 1).replace(/\\(.)/g, '$1')];
    });
}
