import { join } from 'node:path';
import { ConcordatError } from '../errors.js';
import { type Authority, loadAuthority } from './authority.js';
import { CLUSTER_FILE } from './cluster.js';
import type { LoadedCluster } from './cluster.js';
import { readText } from './files.js';
import { AUTHORITY_PATHS } from './init.js';

/**
 * The authority of a cluster, in the directory that has its key.
 * @param now milliseconds since the epoch
 * @throws ConcordatError ConfigMissing without the key, ConfigInvalid, KeyMismatch
 */
export function authorityOf({ dir, config }: LoadedCluster, now: number): Promise<Authority> {
  if (!config.authorities.includes(AUTHORITY_PATHS.certificate)) {
    throw new ConcordatError('ConfigInvalid', `${AUTHORITY_PATHS.certificate} is not among the authorities of ${CLUSTER_FILE}`);
  }
  const read = (path: string): string => readText(join(dir, path), path, 'ConfigMissing');
  return loadAuthority(
    { certificatePem: read(AUTHORITY_PATHS.certificate), privateKeyPem: read(AUTHORITY_PATHS.privateKey) },
    now,
  );
}
