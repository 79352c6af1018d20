import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { ConcordatError } from '../errors.js';
import { KEY_ALGORITHMS, MAX_CERTIFICATE_DAYS } from './authority.js';
import type { CertificateRequest, KeyAlgorithm } from './authority.js';
import { loadCluster } from './cluster.js';
import { authorityOf } from './cluster-authority.js';
import { CreatedFiles } from './created-files.js';
import { CLIENT_ROLES } from './init.js';
import { CLIENT_NAME, clientPaths } from './keys.js';
import type { KeyPair } from './keys.js';
import { writePkcs12 } from './pkcs12.js';

/** How a new key is to be. */
export interface KeyOptions {
  /** RSA of 2048 bits by default. */
  readonly algorithm?: KeyAlgorithm;
  /** Days that the certificate is valid; three years by default. */
  readonly days?: number;
  /** Writes the private key into a PKCS#12 file under this password, instead of PEM. */
  readonly pkcs12Password?: string;
}

export interface IssueOptions extends KeyOptions {
  readonly name: string;
  /** One or more of CLIENT_ROLES. */
  readonly roles: readonly string[];
  /** Host names and addresses under which its holder serves HTTPS. */
  readonly hosts?: readonly string[];
}

/** What was written; all paths are absolute. */
export interface IssueResult {
  readonly name: string;
  readonly certificate: string;
  /** PEM or PKCS#12. */
  readonly privateKey: string;
}

const HOST = /^[A-Za-z0-9._:-]{1,253}$/;

/**
 * Makes a key and a certificate for a client, in the directory that has the authority's key.
 * @param now milliseconds since the epoch
 * @throws ConcordatError Usage for unfit options, ConfigInvalid if the client has keys already, ConfigMissing, KeyMismatch
 */
export async function issueClient(dir: string, options: IssueOptions, now = Date.now()): Promise<IssueResult> {
  const { name, roles, hosts = [] } = options;
  checkClient(name, roles);
  checkKeyOptions(options);
  const unfit = hosts.find((host) => !HOST.test(host));
  if (unfit !== undefined) usage(`"${unfit}" is not a host name or an IP address`);
  const taken = Object.values(clientPaths(name)).find((path) => existsSync(join(dir, path)));
  if (taken !== undefined) throw new ConcordatError('ConfigInvalid', `${join(dir, taken)} is already there`);
  const authority = await authorityOf(loadCluster(dir), now);
  const pair = await authority.issue({ ...requestOf(name, roles, options), ...(hosts.length === 0 ? {} : { hosts }) });
  const files = new CreatedFiles(dir);
  const { certificate } = clientPaths(name);
  const secret = secretFile(clientPaths(name), pair, options, name);
  files.writeSecret(secret.path, secret.content);
  files.writePublic(certificate, pair.certificatePem);
  return { name, certificate: resolve(dir, certificate), privateKey: resolve(dir, secret.path) };
}

/** What the certificate of such a client says. */
export const requestOf = (name: string, roles: readonly string[], { algorithm, days }: KeyOptions): CertificateRequest => ({
  commonName: name,
  roles,
  ...(algorithm === undefined ? {} : { algorithm }),
  ...(days === undefined ? {} : { days }),
});

/** The file that a private key goes into, and what is in it. */
export function secretFile(
  paths: { readonly privateKey: string; readonly pkcs12: string },
  pair: KeyPair,
  { pkcs12Password }: KeyOptions,
  name: string,
): { readonly path: string; readonly content: string | Buffer } {
  return pkcs12Password === undefined
    ? { path: paths.privateKey, content: pair.privateKeyPem }
    : { path: paths.pkcs12, content: writePkcs12(pair, pkcs12Password, name) };
}

/** @throws ConcordatError Usage */
export function checkKeyOptions({ algorithm, days }: KeyOptions): void {
  if (algorithm !== undefined && !KEY_ALGORITHMS.includes(algorithm))
    usage(`the algorithm must be one of ${KEY_ALGORITHMS.join(', ')}`);
  if (days !== undefined && (!Number.isInteger(days) || days < 1 || days > MAX_CERTIFICATE_DAYS)) {
    usage(`a certificate is valid for 1..${MAX_CERTIFICATE_DAYS} days`);
  }
}

function checkClient(name: string, roles: readonly string[]): void {
  if (!CLIENT_NAME.test(name)) usage(`"${name}" is not fit for the name of a client`);
  const unknown = roles.find((role) => !CLIENT_ROLES.some((known) => known === role));
  if (roles.length === 0 || unknown !== undefined) usage(`the roles of client ${name} must be of ${CLIENT_ROLES.join(', ')}`);
}

function usage(detail: string): never {
  throw new ConcordatError('Usage', detail);
}
