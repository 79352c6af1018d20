import type { X509Certificate } from 'node:crypto';

/** What a certificate lets its holder be. Which certificates do, the role rules say. */
export type Role = 'initiator' | 'participant' | 'replica' | 'operator';
export const ROLES: readonly Role[] = ['initiator', 'participant', 'replica', 'operator'];

/** Gives a role to the certificates whose subject fits. */
export interface RoleRule {
  readonly role: Role;
  /** By type of attribute (`OU`, `CN`, `O`, …), a value that one attribute of that type must have; `*` stands for any characters. */
  readonly subject: Readonly<Record<string, string>>;
}

/** The rules where nothing else is configured: an OU of the role's name. */
export const ROLES_BY_OU: readonly RoleRule[] = ROLES.map((role) => ({ role, subject: { OU: role } }));

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

export function identityOf(certificate: X509Certificate, rules: readonly RoleRule[] = ROLES_BY_OU): Identity {
  const names = attributesOf(certificate.subject);
  return {
    writer: `${oneLine(certificate.subject)} | ${oneLine(certificate.issuer)}`,
    name: names.find(([type]) => type === 'CN')?.[1] ?? '',
    roles: new Set(rules.filter(({ subject }) => fits(names, subject)).map(({ role }) => role)),
    fingerprint: certificate.fingerprint256.replaceAll(':', '').toLowerCase(),
  };
}

type Attribute = readonly [type: string, value: string];

function fits(names: readonly Attribute[], wanted: RoleRule['subject']): boolean {
  const patterns = Object.entries(wanted);
  return (
    patterns.length > 0 &&
    patterns.every(([type, pattern]) => names.some(([of, value]) => of === type && matches(value, pattern.split('*'))))
  );
}

/** The pieces of a pattern in their order, the first at the start and the last at the end: linear, whatever the value. */
function matches(value: string, [first = '', ...more]: readonly string[]): boolean {
  const last = more.pop();
  if (last === undefined) return value === first;
  if (!value.startsWith(first) || !value.endsWith(last) || value.length < first.length + last.length) return false;
  const end = value.length - last.length;
  let at = first.length;
  for (const piece of more) {
    const found = value.indexOf(piece, at);
    if (found === -1 || found + piece.length > end) return false;
    at = found + piece.length;
  }
  return true;
}

/** Node prints one attribute a line, values escaped per RFC 2253 and control characters too: no value can forge a line or a comma. */
const lines = (name: string): string[] => name.split('\n').filter((line) => line !== '');

const oneLine = (name: string): string =>
  lines(name)
    .map((line) => line.replaceAll('|', '\\|'))
    .join(',');

function attributesOf(name: string): Attribute[] {
  return lines(name)
    .flatMap((line) => line.split(' + '))
    .map((part) => {
      const equals = part.indexOf('=');
      return [part.slice(0, equals), part.slice(equals + 1).replace(/\\(.)/g, '$1')];
    });
}
