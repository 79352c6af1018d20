import { existsSync, readdirSync } from 'node:fs';
import { isAbsolute, join, normalize, resolve, sep } from 'node:path';
import { ConcordatError } from '../errors.js';
import { parseCertificate } from './certificate.js';
import { CLUSTER_FILE, loadCluster } from './cluster.js';
import type { LoadedCluster } from './cluster.js';
import { CreatedFiles } from './created-files.js';
import { readBytes, readText, systemCode } from './files.js';
import { CLIENT_NAME, loadClientKeys, loadReplicaKeys, passwordPath } from './keys.js';
import { privateKeysOf } from './owner.js';
import type { Owner } from './owner.js';

/** Folder of the clients' certificates, and how their names end. */
const CLIENTS_FOLDER = 'keys';
const CERTIFICATE_END = '.pem';

/** Files by their path relative to the cluster's directory. */
interface Part {
  readonly cluster: string;
  /** And revocation lists. */
  readonly certificates: ReadonlyMap<string, Buffer>;
  readonly privateKeys: ReadonlyMap<string, Buffer>;
}

/**
 * Copies what the owner's machine needs into a new directory: cluster.json (last), all certificates, and the owner's private
 * keys; nobody else's, nor the authority's.
 * @param to must not be there yet, or be empty
 * @returns the files written, relative to `to`
 * @throws ConcordatError Usage for an owner the cluster does not have, ConfigMissing, ConfigInvalid, KeyMismatch
 */
export function exportPart(dir: string, owner: Owner, to: string): readonly string[] {
  const part = readPart(dir, owner);
  if (!isEmpty(to)) throw new ConcordatError('ConfigInvalid', `${to} is already there and not empty`);
  const files = new CreatedFiles(to);
  for (const [path, text] of part.certificates) files.writePublic(path, text);
  for (const [path, text] of part.privateKeys) files.writeSecret(path, text);
  files.publish(CLUSTER_FILE, part.cluster);
  return [...part.certificates.keys(), ...part.privateKeys.keys(), CLUSTER_FILE];
}

/** Whether `to` holds exactly what exportPart would write there, and may hold more. */
export function isExported(dir: string, owner: Owner, to: string): boolean {
  const { cluster, certificates, privateKeys } = readPart(dir, owner);
  return [[CLUSTER_FILE, Buffer.from(cluster)] as const, ...certificates, ...privateKeys].every(
    ([path, bytes]) => existsSync(join(to, path)) && readBytes(join(to, path), path, 'ConfigInvalid').equals(bytes),
  );
}

function readPart(dir: string, owner: Owner): Part {
  const cluster = loadCluster(dir);
  checkOwner(cluster, owner);
  return {
    cluster: readText(join(dir, CLUSTER_FILE), CLUSTER_FILE, 'ConfigMissing'),
    certificates: new Map([
      ...certificatePaths(cluster).map((path): [string, Buffer] => [path, readCertificates(dir, path)]),
      ...listPaths(cluster).map((path): [string, Buffer] => [path, readBytes(resolve(dir, path), path, 'ConfigMissing')]),
    ]),
    privateKeys: new Map(privatePaths(cluster, owner).map((path) => [path, readBytes(join(dir, path), path, 'ConfigMissing')])),
  };
}

/** Loading the keys shows that they are there and fit their certificates. */
function checkOwner(cluster: LoadedCluster, owner: Owner): void {
  switch (owner.kind) {
    case 'replica':
      return void loadReplicaKeys(cluster, owner.id);
    case 'client':
      return void loadClientKeys(cluster.dir, owner.name);
  }
}

/** Those of the owner that are there; with a PKCS#12 file goes its password. */
function privatePaths({ dir, replicas }: LoadedCluster, owner: Owner): string[] {
  const own = privateKeysOf(owner).map((group) => group.find((path) => existsSync(join(dir, path))) ?? group[0] ?? '');
  const passwords = own.map(passwordPath).filter((path) => existsSync(join(dir, path)));
  const tls = owner.kind === 'replica' ? replicas.find(({ id }) => id === owner.id)?.tls : undefined;
  return [...own, ...passwords, ...(typeof tls === 'object' ? [inside(tls.privateKey)] : [])];
}

const listPaths = ({ config }: LoadedCluster): string[] => (config.security?.revocation?.lists ?? []).map(inside);

/** @throws ConcordatError ConfigInvalid for a path that leaves the cluster's directory: the export could not have it in its place */
function inside(path: string): string {
  const leaves = isAbsolute(path) || normalize(path).split(sep)[0] === '..';
  if (leaves) throw new ConcordatError('ConfigInvalid', `${CLUSTER_FILE}: ${path} must lie in the cluster's directory`);
  return path;
}

function certificatePaths({ dir, config }: LoadedCluster): string[] {
  const ofReplicas = config.replicas.flatMap(({ certificate, otherCertificates = [], tls }) => [
    certificate,
    ...otherCertificates,
    ...(typeof tls === 'object' ? [tls.certificate] : []),
  ]);
  const listed = [...config.authorities, ...ofReplicas].map(inside);
  const clients = list(join(dir, CLIENTS_FOLDER))
    .filter((name) => name.endsWith(CERTIFICATE_END) && CLIENT_NAME.test(name.slice(0, -CERTIFICATE_END.length)))
    .map((name) => `${CLIENTS_FOLDER}/${name}`);
  return [...new Set([...listed, ...clients])];
}

/** Some tools put the key beside the certificate in one file; such a file must not be given away. */
function readCertificates(dir: string, path: string): Buffer {
  const text = readText(resolve(dir, path), path, 'ConfigInvalid');
  if (text.includes('PRIVATE KEY')) throw new ConcordatError('ConfigInvalid', `${path} holds a private key: it is not exported`);
  parseCertificate(text, path);
  return Buffer.from(text);
}

const isEmpty = (dir: string): boolean => list(dir).length === 0;

function list(dir: string): string[] {
  try {
    return readdirSync(dir);
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return [];
    throw new ConcordatError('ConfigInvalid', `${dir} cannot be read as a directory (${systemCode(error)})`, { cause: error });
  }
}
