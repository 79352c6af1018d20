import { CLUSTER_FILE } from './cluster.js';
import { clientPaths, replicaPaths } from './keys.js';

/** Whose machine it is. */
export type Owner = { readonly kind: 'replica'; readonly id: number } | { readonly kind: 'client'; readonly name: string };

/**
 * The private keys that belong on the owner's machine, and on no other, relative to the cluster's directory. Each is in one of the
 * files of its group: PEM or PKCS#12.
 */
export function privateKeysOf(owner: Owner): readonly (readonly string[])[] {
  switch (owner.kind) {
    case 'replica': {
      const { privateKey, pkcs12, voteKey } = replicaPaths(owner.id);
      return [[privateKey, pkcs12], [voteKey]];
    }
    case 'client': {
      const { privateKey, pkcs12 } = clientPaths(owner.name);
      return [[privateKey, pkcs12]];
    }
  }
}

/** What must be there before the owner can start, one file of each group; cluster.json is written last. */
export const neededBy = (owner: Owner): readonly (readonly string[])[] => [[CLUSTER_FILE], ...privateKeysOf(owner)];
