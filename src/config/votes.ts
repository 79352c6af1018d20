import { verify } from 'node:crypto';
import type { LoadedCluster } from './cluster.js';

/**
 * Checks signatures of votes under the keys of cluster.json: a replica's own, then its former ones, so that what it voted for
 * before it got a new key stays proven.
 */
export const voteVerifier = (cluster: Pick<LoadedCluster, 'replicas'>) => ({
  verify(replica: number, data: Uint8Array, signature: Uint8Array): boolean {
    const keys = cluster.replicas.find(({ id }) => id === replica)?.voteKeys ?? [];
    return keys.some((key) => verify(null, data, key, signature));
  },
});
