import { ConcordatError } from '../errors.js';
import { SqliteClientStore } from './client.js';

/** A value under its key. */
export interface ClientItem {
  readonly key: string;
  readonly value: string;
}

/**
 * What an initiator or a participant keeps over a crash: requests are put here before they are first sent, and resent from here
 * unchanged. Values are text; their format is the client's. An implementation must hold to this:
 *
 * - **Durable**: when `put`, `delete` or the outermost `transaction` returns, the change survives the end of the process and of the
 *   machine. The client sends at once, so a change that is lost afterwards makes it send another request under the same number,
 *   which replicas keep as evidence against it. For the same reason never put back an older copy.
 * - **Atomic**: after a crash a transaction is there as a whole or not at all.
 * - **Exclusive**: one client at a time. Two with the same streams would number their requests twice.
 * - **Synchronous**: what cannot be written is thrown before the call returns. The client then sends nothing of it.
 */
export interface ClientStore {
  /** Puts `value` in the place of what was there. */
  put(kind: string, key: string, value: string): void;
  get(kind: string, key: string): string | undefined;
  /** All of a kind, in the order of their keys (by code point). */
  list(kind: string): ClientItem[];
  /** Deleting what is not there is no error. */
  delete(kind: string, key: string): void;
  /**
   * Runs `work`, which must not be asynchronous, in one commit, and gives what it returns. It reads its own changes. If it throws,
   * nothing of it remains. One inside another becomes part of it: durable with the outer one, undone alone if it throws.
   */
  transaction<T>(work: () => T): T;
  /** Called by whoever opened it: a client closes what it opened from a file name, and leaves an object to its owner. */
  close(): void;
}

/** What one client works with, given a file name or an object; the two share a name because the one opens the other. */
export const ClientStore = {
  /**
   * @param where the name of a file, `:memory:`, or a store, which then serves this client alone
   * @returns closing it closes the file, or gives the object back, open, to its owner
   * @throws ConcordatError StoreInUse, StoreCorrupt
   */
  open: (where: string | ClientStore): ClientStore => (typeof where === 'string' ? SqliteClientStore.open(where) : lend(where)),
};

const lent = new WeakSet<ClientStore>();

function lend(store: ClientStore): ClientStore {
  if (lent.has(store)) throw new ConcordatError('StoreInUse', 'another client of this process works with this store');
  lent.add(store);
  return {
    put: (kind, key, value) => store.put(kind, key, value),
    get: (kind, key) => store.get(kind, key),
    list: (kind) => store.list(kind),
    delete: (kind, key) => store.delete(kind, key),
    transaction: (work) => store.transaction(work),
    close: () => void lent.delete(store),
  };
}
