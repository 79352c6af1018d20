import { join, resolve } from 'node:path';
import { ConcordatError } from '../errors.js';
import { authorityOf } from './cluster-authority.js';
import { CLUSTER_FILE, loadCluster, MAX_FORMER_VOTE_KEYS, parseCluster } from './cluster.js';
import type { ClusterConfig, ReplicaEntry } from './cluster.js';
import { replicaRequest } from './init.js';
import { replicaPaths } from './keys.js';
import { ReplacedFiles } from './replaced-files.js';
import { makeVoteKey } from './vote-key.js';

/** Everything rekey wrote; all paths are absolute. */
export interface RekeyResult {
  readonly dir: string;
  readonly id: number;
  readonly configPath: string;
  readonly certificate: string;
  readonly privateKey: string;
  readonly voteKey: string;
  /** What was there before, under its new names. */
  readonly kept: readonly string[];
}

/**
 * Gives a replica a new certificate, private key and vote key, in the directory that has the authority's key. cluster.json, which
 * is changed last, keeps the old vote key among the former ones. What was there before is kept beside it under another name. If it
 * is cut short, it may be done again.
 * @param now milliseconds since the epoch
 * @throws ConcordatError Usage for an id that cluster.json does not list, ConfigMissing, ConfigInvalid, KeyMismatch
 */
export async function rekeyReplica(dir: string, id: number, now = Date.now()): Promise<RekeyResult> {
  const cluster = loadCluster(dir);
  const entry = cluster.config.replicas.find((candidate) => candidate.id === id);
  if (entry === undefined) throw new ConcordatError('Usage', `cluster.json has no replica ${id}, only 1..${cluster.n}`);
  const paths = replicaPaths(id);
  if (entry.certificate !== paths.certificate) {
    throw new ConcordatError(
      'ConfigInvalid',
      `the certificate of replica ${id} is not ${paths.certificate}: it was not made by init`,
    );
  }
  const authority = await authorityOf(cluster, now);
  const pair = await authority.issue(replicaRequest(id, entry.peer.host));
  const voteKey = makeVoteKey();
  const config = withNewKey(cluster.config, entry, voteKey.publicText);

  const files = new ReplacedFiles(dir, new Date(now));
  files.replace(paths.certificate, pair.certificatePem, 'public');
  files.replace(paths.privateKey, pair.privateKeyPem, 'secret');
  files.replace(paths.voteKey, voteKey.privatePem, 'secret');
  files.replace(CLUSTER_FILE, config, 'public');
  const absolute = resolve(dir);
  return {
    dir: absolute,
    id,
    configPath: join(absolute, CLUSTER_FILE),
    certificate: join(absolute, paths.certificate),
    privateKey: join(absolute, paths.privateKey),
    voteKey: join(absolute, paths.voteKey),
    kept: files.kept.map((path) => join(absolute, path)),
  };
}

/** The text of cluster.json with the new key of one replica. */
function withNewKey(config: ClusterConfig, entry: ReplicaEntry, voteKey: string): string {
  const formerVoteKeys = [entry.voteKey, ...(entry.formerVoteKeys ?? [])];
  if (formerVoteKeys.length > MAX_FORMER_VOTE_KEYS) {
    throw new ConcordatError(
      'ConfigInvalid',
      `replica ${entry.id} has had ${MAX_FORMER_VOTE_KEYS} keys before: make a new cluster`,
    );
  }
  const replicas = config.replicas.map((other) => (other.id === entry.id ? { ...other, voteKey, formerVoteKeys } : other));
  const changed = `${JSON.stringify({ ...config, replicas }, null, 2)}\n`;
  parseCluster(changed);
  return changed;
}
