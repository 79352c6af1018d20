import type { KeyObject } from 'node:crypto';
import { join, resolve } from 'node:path';
import { ConcordatError } from '../errors.js';
import { parseCertificate, parsePrivateKey, votePublicKeyText } from './certificate.js';
import type { LoadedCluster } from './cluster.js';
import { readText } from './files.js';

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
  voteKey: `replica-${id}/vote.key`,
});

/** Where the keys of a client lie, relative to the cluster's directory. */
export const clientPaths = (name: string) => ({ certificate: `keys/${name}.pem`, privateKey: `keys/${name}.key` });

/**
 * Loads the private keys of one replica; only that replica's machine needs to have them.
 * @throws ConcordatError Usage for an id that cluster.json does not list, ConfigInvalid for an unreadable key, KeyMismatch
 */
export function loadReplicaKeys(cluster: LoadedCluster, id: number): ReplicaKeys {
  const replica = cluster.replicas.find((candidate) => candidate.id === id);
  if (replica === undefined) throw new ConcordatError('Usage', `cluster.json has no replica ${id}, only 1..${cluster.n}`);
  const paths = replicaPaths(id);
  const pair = {
    certificatePem: replica.certificatePem,
    privateKeyPem: readText(resolve(cluster.dir, paths.privateKey), paths.privateKey, 'ConfigInvalid'),
  };
  checkPair(pair, replica.certificate, paths.privateKey);
  const voteKey = parsePrivateKey(readText(resolve(cluster.dir, paths.voteKey), paths.voteKey, 'ConfigInvalid'), paths.voteKey);
  if (voteKey.asymmetricKeyType !== 'ed25519') {
    throw new ConcordatError('ConfigInvalid', `${paths.voteKey} is not an Ed25519 key`);
  }
  if (votePublicKeyText(voteKey) !== replica.voteKey) {
    throw new ConcordatError('KeyMismatch', `${paths.voteKey} does not fit the voteKey of replica ${id} in cluster.json`);
  }
  return { ...pair, voteKey };
}

/**
 * Loads `keys/<name>.pem` and `keys/<name>.key`.
 * @throws ConcordatError Usage for an unfit name, ConfigMissing when a file is not there, ConfigInvalid, KeyMismatch
 */
export function loadClientKeys(dir: string, name: string): KeyPair {
  if (!CLIENT_NAME.test(name)) throw new ConcordatError('Usage', `"${name}" is not the name of a client`);
  const paths = clientPaths(name);
  const pair = {
    certificatePem: readText(join(dir, paths.certificate), paths.certificate, 'ConfigMissing'),
    privateKeyPem: readText(join(dir, paths.privateKey), paths.privateKey, 'ConfigMissing'),
  };
  checkPair(pair, paths.certificate, paths.privateKey);
  return pair;
}

function checkPair(pair: KeyPair, certificatePath: string, keyPath: string): void {
  const certificate = parseCertificate(pair.certificatePem, certificatePath);
  if (!certificate.checkPrivateKey(parsePrivateKey(pair.privateKeyPem, keyPath))) {
    throw new ConcordatError('KeyMismatch', `${keyPath} does not fit ${certificatePath}`);
  }
}
