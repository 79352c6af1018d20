import type { KeyObject } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { ConcordatError } from '../errors.js';
import type { ErrorCode } from '../errors.js';
import { parseCertificate, parsePrivateKey, votePublicKeyText } from './certificate.js';
import type { LoadedCluster, LoadedReplica } from './cluster.js';
import { readBytes, readText } from './files.js';
import { readPassword } from './password.js';
import { readPkcs12 } from './pkcs12.js';

/** A certificate and its private key, as PEM. */
export interface KeyPair {
  readonly certificatePem: string;
  readonly privateKeyPem: string;
}

export interface ReplicaKeys extends KeyPair {
  /** Ed25519 private key that signs this replica's votes. */
  readonly voteKey: KeyObject;
}

/** What a client may be called: it names files. */
export const CLIENT_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

/** Where the keys of replica `id` lie, relative to the cluster's directory. */
export const replicaPaths = (id: number) => ({
  certificate: `replica-${id}/replica.pem`,
  privateKey: `replica-${id}/replica.key`,
  pkcs12: `replica-${id}/replica.p12`,
  voteKey: `replica-${id}/vote.key`,
});

/** Where the keys of a client lie, relative to the cluster's directory. */
export const clientPaths = (name: string) => ({
  certificate: `keys/${name}.pem`,
  privateKey: `keys/${name}.key`,
  pkcs12: `keys/${name}.p12`,
});

/** Where the password of a PKCS#12 file lies; without that file, the environment has it. */
export const passwordPath = (pkcs12: string): string => `${pkcs12}.password`;

/**
 * Loads the private keys of one replica; only that replica's machine needs to have them.
 * @throws ConcordatError Usage for an id that cluster.json does not list, ConfigInvalid for an unreadable key, KeyMismatch
 */
export function loadReplicaKeys(cluster: LoadedCluster, id: number): ReplicaKeys {
  const replica = cluster.replicas.find((candidate) => candidate.id === id);
  if (replica === undefined) throw new ConcordatError('Usage', `cluster.json has no replica ${id}, only 1..${cluster.n}`);
  const paths = replicaPaths(id);
  const pair = replicaPair(cluster, replica);
  const voteKey = parsePrivateKey(readText(resolve(cluster.dir, paths.voteKey), paths.voteKey, 'ConfigInvalid'), paths.voteKey);
  if (voteKey.asymmetricKeyType !== 'ed25519') {
    throw new ConcordatError('ConfigInvalid', `${paths.voteKey} is not an Ed25519 key`);
  }
  if (votePublicKeyText(voteKey) !== replica.voteKey) {
    throw new ConcordatError('KeyMismatch', `${paths.voteKey} does not fit the voteKey of replica ${id} in cluster.json`);
  }
  return { ...pair, voteKey };
}

/** The pair whose private key is there; its certificate is one of those under which the replica is believed. */
function replicaPair(
  { dir }: LoadedCluster,
  { id, certificate, otherCertificates = [], certificatePem }: LoadedReplica,
): KeyPair {
  const paths = replicaPaths(id);
  const key = privateKeyPem(dir, paths, 'ConfigInvalid');
  const candidates = [
    { path: certificate, pem: certificatePem },
    ...otherCertificates.map((path) => ({ path, pem: readText(resolve(dir, path), path, 'ConfigInvalid') })),
  ];
  const found = candidates.find(({ path, pem }) => parseCertificate(pem, path).checkPrivateKey(key.parsed));
  if (found === undefined) throw new ConcordatError('KeyMismatch', `${key.path} does not fit ${certificate}`);
  return { certificatePem: found.pem, privateKeyPem: key.pem };
}

/**
 * Loads `keys/<name>.pem` with `keys/<name>.key`, or with `keys/<name>.p12`.
 * @throws ConcordatError Usage for an unfit name, ConfigMissing when a file is not there, ConfigInvalid, KeyMismatch
 */
export function loadClientKeys(dir: string, name: string): KeyPair {
  if (!CLIENT_NAME.test(name)) throw new ConcordatError('Usage', `"${name}" is not the name of a client`);
  const paths = clientPaths(name);
  if (!existsSync(join(dir, paths.certificate)) && existsSync(join(dir, paths.pkcs12)))
    return loadPkcs12(join(dir, paths.pkcs12));
  const pair = {
    certificatePem: readText(join(dir, paths.certificate), paths.certificate, 'ConfigMissing'),
    privateKeyPem: privateKeyPem(dir, paths, 'ConfigMissing').pem,
  };
  checkPair(pair, paths.certificate, paths.privateKey);
  return pair;
}

/**
 * The certificate and key of a PKCS#12 file (.p12, .pfx).
 * @param passwordFile holds its password; by default the file of the same name with `.password` behind it, else the environment
 *   variable CONCORDAT_KEY_PASSWORD
 * @throws ConcordatError ConfigMissing, ConfigInvalid, KeyMismatch
 */
export function loadPkcs12(path: string, passwordFile?: string): KeyPair {
  const beside = existsSync(passwordPath(path)) ? passwordPath(path) : undefined;
  return readPkcs12(readBytes(path, path, 'ConfigMissing'), readPassword(passwordFile ?? beside, path), path);
}

interface PrivateKeyFile {
  readonly path: string;
  readonly pem: string;
  readonly parsed: KeyObject;
}

/** A private key from its PEM file, or else from the PKCS#12 file in its place. */
function privateKeyPem(
  dir: string,
  paths: { readonly privateKey: string; readonly pkcs12: string },
  code: ErrorCode,
): PrivateKeyFile {
  const isPkcs12 = !existsSync(resolve(dir, paths.privateKey)) && existsSync(resolve(dir, paths.pkcs12));
  const path = isPkcs12 ? paths.pkcs12 : paths.privateKey;
  const pem = isPkcs12 ? loadPkcs12(resolve(dir, path)).privateKeyPem : readText(resolve(dir, path), path, code);
  return { path, pem, parsed: parsePrivateKey(pem, path) };
}

/**
 * The certificate and key that a replica serves HTTPS with: its own, or those that cluster.json names; undefined if it serves HTTP.
 * @throws ConcordatError ConfigInvalid, KeyMismatch
 */
export function loadTlsKeys({ dir, replicas }: LoadedCluster, id: number, own: KeyPair): KeyPair | undefined {
  const tls = replicas.find((replica) => replica.id === id)?.tls;
  if (tls === undefined || tls === 'own') return tls === undefined ? undefined : own;
  const read = (path: string): string => readText(resolve(dir, path), path, 'ConfigInvalid');
  const pair = { certificatePem: read(tls.certificate), privateKeyPem: read(tls.privateKey) };
  checkPair(pair, tls.certificate, tls.privateKey);
  return pair;
}

function checkPair(pair: KeyPair, certificatePath: string, keyPath: string): void {
  const certificate = parseCertificate(pair.certificatePem, certificatePath);
  if (!certificate.checkPrivateKey(parsePrivateKey(pair.privateKeyPem, keyPath))) {
    throw new ConcordatError('KeyMismatch', `${keyPath} does not fit ${certificatePath}`);
  }
}
