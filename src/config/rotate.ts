import { X509Certificate } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { ConcordatError } from '../errors.js';
import { parseCertificate } from './certificate.js';
import { CLUSTER_FILE, loadCluster, MAX_OTHER_CERTIFICATES, parseCluster } from './cluster.js';
import type { ClusterConfig, LoadedCluster, ReplicaEntry } from './cluster.js';
import { authorityOf } from './cluster-authority.js';
import { readText } from './files.js';
import { replicaRequest } from './init.js';
import { checkKeyOptions, requestOf, secretFile } from './issue.js';
import type { KeyOptions } from './issue.js';
import { CLIENT_NAME, clientPaths, replicaPaths } from './keys.js';
import type { KeyPair } from './keys.js';
import { ReplacedFiles } from './replaced-files.js';

/** What rotate wrote; all paths are absolute. */
export interface RotateResult {
  readonly dir: string;
  readonly certificate: string;
  /** PEM or PKCS#12. */
  readonly privateKey: string;
  /** What was there before, under its new names. */
  readonly kept: readonly string[];
}

/**
 * Gives a replica a new key and certificate for SOAP and TLS, in the directory that has the authority's key. Its vote key stays.
 * cluster.json, which is changed last, lists the old certificate among those that are accepted beside the new one, so that the two
 * may be in use at a time; `finishRotation` ends that.
 * @param now milliseconds since the epoch
 * @throws ConcordatError Usage, ConfigMissing, ConfigInvalid, KeyMismatch
 */
export async function rotateReplica(dir: string, id: number, options: KeyOptions = {}, now = Date.now()): Promise<RotateResult> {
  checkKeyOptions(options);
  const cluster = loadCluster(dir);
  const entry = entryOf(cluster, id);
  const paths = replicaPaths(id);
  if (entry.certificate !== paths.certificate)
    throw new ConcordatError(
      'ConfigInvalid',
      `the certificate of replica ${id} is not ${paths.certificate}: it was not made by init`,
    );
  const request = replicaRequest(id, entry.peer.host);
  const authority = await authorityOf(cluster, now);
  const pair = await authority.issue({ ...request, ...requestOf(request.commonName, request.roles, options) });
  refuseOtherName(cluster.dir, paths.certificate, pair);
  const files = new ReplacedFiles(dir, new Date(now));
  const former = files.keep(paths.certificate);
  const config = changed(cluster.config, id, (replica) => ({
    ...replica,
    otherCertificates: [former, ...(replica.otherCertificates ?? [])],
  }));
  files.replace(paths.certificate, pair.certificatePem, 'public');
  const privateKey = replaceSecret(files, dir, paths, pair, options, request.commonName);
  files.replace(CLUSTER_FILE, config, 'public');
  return resultOf(dir, paths.certificate, privateKey, files.kept);
}

/**
 * Ends a rotation: only the replica's current certificate is accepted from now on.
 * @returns the certificates that are not accepted any more
 * @throws ConcordatError Usage if there is none, ConfigMissing, ConfigInvalid
 */
export function finishRotation(dir: string, id: number, now = Date.now()): readonly string[] {
  const cluster = loadCluster(dir);
  const { otherCertificates = [] } = entryOf(cluster, id);
  if (otherCertificates.length === 0) throw new ConcordatError('Usage', `replica ${id} has one certificate only`);
  const text = changed(cluster.config, id, ({ otherCertificates: _ended, ...replica }) => replica);
  new ReplacedFiles(dir, new Date(now)).replace(CLUSTER_FILE, text, 'public');
  return otherCertificates;
}

/**
 * Gives a client a new key and certificate of the same name, so that it stays the same writer of its streams.
 * @param now milliseconds since the epoch
 * @throws ConcordatError Usage, ConfigMissing, ConfigInvalid if its name would be another, KeyMismatch
 */
export async function rotateClient(dir: string, name: string, options: KeyOptions = {}, now = Date.now()): Promise<RotateResult> {
  if (!CLIENT_NAME.test(name)) throw new ConcordatError('Usage', `"${name}" is not the name of a client`);
  checkKeyOptions(options);
  const cluster = loadCluster(dir);
  const paths = clientPaths(name);
  const old = parseCertificate(readText(join(dir, paths.certificate), paths.certificate, 'ConfigMissing'), paths.certificate);
  const authority = await authorityOf(cluster, now);
  const hosts = hostsOf(old);
  const request = requestOf(commonNameOf(old), unitsOf(old), options);
  const pair = await authority.issue(hosts.length === 0 ? request : { ...request, hosts });
  refuseOtherName(dir, paths.certificate, pair);
  const files = new ReplacedFiles(dir, new Date(now));
  const privateKey = replaceSecret(files, dir, paths, pair, options, name);
  files.replace(paths.certificate, pair.certificatePem, 'public');
  return resultOf(dir, paths.certificate, privateKey, files.kept);
}

function entryOf({ config, n }: LoadedCluster, id: number): ReplicaEntry {
  const entry = config.replicas.find((candidate) => candidate.id === id);
  if (entry === undefined) throw new ConcordatError('Usage', `cluster.json has no replica ${id}, only 1..${n}`);
  return entry;
}

/** The text of cluster.json with one replica's entry changed, checked. */
function changed(config: ClusterConfig, id: number, change: (entry: ReplicaEntry) => ReplicaEntry): string {
  const replicas = config.replicas.map((entry) => (entry.id === id ? change(entry) : entry));
  const tooMany = replicas.some(({ otherCertificates = [] }) => otherCertificates.length > MAX_OTHER_CERTIFICATES);
  if (tooMany) throw new ConcordatError('ConfigInvalid', `replica ${id} has too many certificates: finish its rotations first`);
  const text = `${JSON.stringify({ ...config, replicas }, null, 2)}\n`;
  parseCluster(text);
  return text;
}

/** The same subject and issuer are the same writer; with another name it would be somebody else. */
function refuseOtherName(dir: string, path: string, pair: KeyPair): void {
  const old = parseCertificate(readText(join(dir, path), path, 'ConfigInvalid'), path);
  const fresh = new X509Certificate(pair.certificatePem);
  if (old.subject !== fresh.subject || old.issuer !== fresh.issuer)
    throw new ConcordatError('ConfigInvalid', `${path} was not made by this authority: its name would not be the same`);
}

/** Writes the private key, and takes away that of the other form. */
function replaceSecret(
  files: ReplacedFiles,
  dir: string,
  paths: { readonly privateKey: string; readonly pkcs12: string },
  pair: KeyPair,
  options: KeyOptions,
  name: string,
): string {
  const { path, content } = secretFile(paths, pair, options, name);
  files.replace(path, content, 'secret');
  const other = path === paths.pkcs12 ? paths.privateKey : paths.pkcs12;
  if (existsSync(join(dir, other))) files.remove(other);
  return path;
}

const resultOf = (dir: string, certificate: string, privateKey: string, kept: readonly string[]): RotateResult => ({
  dir: resolve(dir),
  certificate: resolve(dir, certificate),
  privateKey: resolve(dir, privateKey),
  kept: kept.map((path) => resolve(dir, path)),
});

const attributes = (certificate: X509Certificate, type: string): string[] =>
  certificate.subject
    .split('\n')
    .filter((line) => line.startsWith(`${type}=`))
    .map((line) => line.slice(type.length + 1));

const unitsOf = (certificate: X509Certificate): string[] => attributes(certificate, 'OU');
const commonNameOf = (certificate: X509Certificate): string => attributes(certificate, 'CN')[0] ?? '';

/** As `DNS:localhost, IP Address:127.0.0.1`. */
const hostsOf = ({ subjectAltName = '' }: X509Certificate): string[] =>
  subjectAltName
    .split(', ')
    .map((name) => name.replace(/^(?:DNS|IP Address):/, ''))
    .filter((name) => name !== '');
