import type { ClientStore } from '../../../src/client/index.js';
import { MemoryClientStore } from '../../../src/client/index.js';
import type { LoadedCluster } from '../../../src/config/index.js';
import type { ClientNode } from '../client-node.js';
import type { Mutant } from './mutant.js';

const isAgency = ({ name }: ClientNode): boolean => name.startsWith('agency-');

/** What is not on disk before it is sent is there this much later. */
const WRITE_BEHIND_MS = 400;

/** A cluster of which fewer may lie; as many as before make a quorum. */
const smaller = (cluster: LoadedCluster): LoadedCluster => ({ ...cluster, n: cluster.n - 1, f: cluster.f - 1 });

/** Clients that believe too few, or forget. */
export const CLIENT_MUTANTS: readonly Mutant[] = [
  {
    name: 'reply-threshold-lower',
    about: 'an initiator believes what f replicas answer',
    client: (client) => (isAgency(client) ? { cluster: smaller } : {}),
  },
  {
    name: 'command-threshold-lower',
    about: 'a participant obeys what f replicas tell it',
    client: (client) => (isAgency(client) ? {} : { cluster: smaller }),
  },
  {
    name: 'sends-before-writing',
    about: 'a client does not write a request down before it sends it',
    client: () => ({ store: writeBehind }),
  },
];

/** Takes changes at once and writes them a little later; those of a process that dies meanwhile are lost. */
function writeBehind(durable: ClientStore, client: ClientNode): ClientStore {
  const memory = new MemoryClientStore();
  const kinds = new Set<string>();
  const load = (kind: string): void => {
    if (kinds.has(kind)) return;
    kinds.add(kind);
    for (const { key, value } of durable.list(kind)) memory.put(kind, key, value);
  };
  const later = (write: () => void): void => void client.process?.timers.after(WRITE_BEHIND_MS, write);
  return {
    put: (kind, key, value) => {
      load(kind);
      memory.put(kind, key, value);
      later(() => durable.put(kind, key, value));
    },
    delete: (kind, key) => {
      load(kind);
      memory.delete(kind, key);
      later(() => durable.delete(kind, key));
    },
    get: (kind, key) => (load(kind), memory.get(kind, key)),
    list: (kind) => (load(kind), memory.list(kind)),
    transaction: (work) => memory.transaction(work),
    close: () => undefined,
  };
}
