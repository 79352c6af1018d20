import { createPrivateKey } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { ConcordatError } from '../errors.js';
import { parseRevocationList, writeRevocationList } from '../x509/crl.js';
import type { RevocationList } from '../x509/crl.js';
import { MalformedDer } from '../x509/der.js';
import { namesOf } from '../x509/names.js';
import { certificateFingerprint, parseCertificate } from './certificate.js';
import { CLUSTER_FILE, loadCluster, parseCluster } from './cluster.js';
import type { ClusterConfig, LoadedCluster } from './cluster.js';
import { authorityOf } from './cluster-authority.js';
import { readBytes, readText } from './files.js';
import { ReplacedFiles } from './replaced-files.js';

/** The authority's revocation list, relative to the cluster's directory. */
export const REVOCATION_LIST = 'ca.crl';
/** Days until a list must have been replaced by a newer one, where nothing else is asked for, and at most. */
export const DEFAULT_LIST_DAYS = 30;
export const MAX_LIST_DAYS = 3650;
const DAY_MS = 24 * 60 * 60 * 1000;

export interface RevokeOptions {
  /** Files of certificates; none only makes a new list of what was revoked before. */
  readonly certificates: readonly string[];
  readonly days?: number;
}

export interface RevokeResult {
  readonly dir: string;
  /** The list, an absolute path. */
  readonly list: string;
  /** How many certificates are on it. */
  readonly revoked: number;
  /** When it must have been replaced, milliseconds since the epoch. */
  readonly nextUpdate: number;
  /** Whether cluster.json did not name the list before. */
  readonly isNew: boolean;
}

/**
 * Revokes certificates: writes a revocation list signed by the authority, and names it in cluster.json. Done in the directory that
 * has the authority's key.
 * @param now milliseconds since the epoch
 * @throws ConcordatError Usage for a certificate that another authority issued or that a replica uses, ConfigMissing, ConfigInvalid
 */
export async function revokeCertificates(dir: string, options: RevokeOptions, now = Date.now()): Promise<RevokeResult> {
  const { certificates, days = DEFAULT_LIST_DAYS } = options;
  if (!Number.isInteger(days) || days < 1 || days > MAX_LIST_DAYS)
    throw new ConcordatError('Usage', `a revocation list counts for 1..${MAX_LIST_DAYS} days`);
  const cluster = loadCluster(dir);
  const authority = await authorityOf(cluster, now);
  const issuer = parseCertificate(authority.certificatePem, 'the certificate of the authority');
  const before = listBefore(dir);
  const revoked = new Map(before?.revoked ?? []);
  for (const path of certificates) {
    const certificate = parseCertificate(readText(path, path, 'ConfigMissing'), path);
    if (!certificate.checkIssued(issuer) || !certificate.verify(issuer.publicKey))
      throw new ConcordatError('Usage', `${path} was issued by another authority`);
    refuseUsed(cluster, path, certificateFingerprint(certificate));
    const { serial } = namesOf(certificate.raw);
    if (!revoked.has(serial)) revoked.set(serial, now);
  }
  const nextUpdate = now + days * DAY_MS;
  const list = writeRevocationList({
    issuer: namesOf(issuer.raw).subject,
    thisUpdate: now,
    nextUpdate,
    revoked,
    number: (before?.number ?? 0n) + 1n,
    key: createPrivateKey(authority.privateKeyPem),
  });
  const files = new ReplacedFiles(dir, new Date(now));
  files.overwrite(REVOCATION_LIST, list, 'public');
  const config = withList(cluster.config);
  if (config !== undefined) files.replace(CLUSTER_FILE, config, 'public');
  return {
    dir: resolve(dir),
    list: resolve(dir, REVOCATION_LIST),
    revoked: revoked.size,
    nextUpdate,
    isNew: config !== undefined,
  };
}

function listBefore(dir: string): RevocationList | undefined {
  const path = join(dir, REVOCATION_LIST);
  if (!existsSync(path)) return undefined;
  try {
    return parseRevocationList(readBytes(path, REVOCATION_LIST, 'ConfigInvalid'));
  } catch (error) {
    if (!(error instanceof MalformedDer)) throw error;
    throw new ConcordatError('ConfigInvalid', `${REVOCATION_LIST} is not a revocation list (${error.message})`, { cause: error });
  }
}

function refuseUsed({ replicas }: LoadedCluster, path: string, fingerprint: string): void {
  const user = replicas.find((replica) => replica.fingerprint === fingerprint);
  if (user === undefined) return;
  throw new ConcordatError('Usage', `${path} is the certificate of replica ${user.id}: give it a new one first`);
}

/** The text of cluster.json that names the list; undefined if it does already. */
function withList(config: ClusterConfig): string | undefined {
  const lists = config.security?.revocation?.lists ?? [];
  if (lists.includes(REVOCATION_LIST)) return undefined;
  const revocation = { ...config.security?.revocation, lists: [...lists, REVOCATION_LIST] };
  const text = `${JSON.stringify({ ...config, security: { ...config.security, revocation } }, null, 2)}\n`;
  parseCluster(text);
  return text;
}
