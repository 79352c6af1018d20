import { CLUSTER_FILE } from './cluster.js';
import { clientPaths, replicaPaths } from './keys.js';

/** Whose machine it is. */
export type Owner = { readonly kind: 'replica'; readonly id: number } | { readonly kind: 'client'; readonly name: string };

/** The private keys that belong on the owner's machine, and on no other; relative to the cluster's directory. */
export function privateKeysOf(owner: Owner): readonly string[] {
  switch (owner.kind) {
    case 'replica': {
      const { privateKey, voteKey } = replicaPaths(owner.id);
      return [privateKey, voteKey];
    }
    case 'client':
      return [clientPaths(owner.name).privateKey];
  }
}

/** What must be there before the owner can start; cluster.json is written last. */
export const neededBy = (owner: Owner): readonly string[] => [CLUSTER_FILE, ...privateKeysOf(owner)];
