import { join } from 'node:path';
import { ConcordatError } from '../errors.js';
import type { Logger } from '../log.js';
import type { ReplicaStoreOptions } from '../store/index.js';
import type { ReplicaPorts, ReplicaStorage } from './ports.js';
import { type RecoveryClock, recoveryRecord } from './recovery.js';
import { STORE_FILE, type StoreFiles } from './store-files.js';

export interface OpenStoreOptions extends RecoveryClock {
  /** Folder of this replica's database. */
  readonly dataDir: string;
  readonly open: ReplicaPorts['openStore'];
  readonly files: StoreFiles;
  readonly store: ReplicaStoreOptions;
  /** Damaged databases that are kept. */
  readonly storesSetAside: number;
  /** The operator says that votes of this replica are lost. */
  readonly recover: boolean;
  readonly log: Logger;
}

/**
 * Opens the database of a replica. One that is damaged is set aside under another name, and a new one begun; since the replica's
 * votes are lost with it, the new one says from the beginning that the replica has to abstain from what is older.
 * @throws ConcordatError StoreInUse, StoreDenied, StoreVersion, DiskFull, StoreFailed: nothing was changed
 */
export function openStore(o: OpenStoreOptions): ReplicaStorage {
  const found = openIntact(o);
  const store = 'store' in found ? found.store : beginNew(o, found.damage);
  try {
    rememberLoss(store, o);
    return store;
  } catch (error) {
    store.close();
    throw error;
  }
}

/** That the database is damaged, in contrast to all that is wrong around it. */
export const isDamage = (error: unknown): error is ConcordatError =>
  error instanceof ConcordatError && error.code === 'StoreCorrupt';

const open = ({ dataDir, open, store }: OpenStoreOptions): ReplicaStorage => open(join(dataDir, STORE_FILE), store);

/** Opened even if it is known to be damaged: if another process works with it, it must stay where it is. */
function openIntact(o: OpenStoreOptions): { readonly store: ReplicaStorage } | { readonly damage: string } {
  const noted = o.files.notedDamage();
  try {
    const store = open(o);
    if (noted === undefined) return { store };
    store.close();
    return { damage: noted };
  } catch (error) {
    if (isDamage(error)) return { damage: error.message };
    throw error;
  }
}

function beginNew(o: OpenStoreOptions, reason: string): ReplicaStorage {
  const files = o.files.setAside(o.clock(), o.storesSetAside);
  o.log.error({ reason, setAside: files }, 'the database is damaged: it was set aside, and the replica begins a new one');
  return open(o);
}

/** Whatever was cut short before, a database that stands in the place of a damaged one says so before it is used. */
function rememberLoss(store: ReplicaStorage, o: OpenStoreOptions): void {
  const before = store.recovery();
  if (o.recover) store.append([recoveryRecord('asked-to', o, before)]);
  else if (before === undefined && o.files.hasSetAsides()) store.append([recoveryRecord('store-set-aside', o)]);
}
