import type { Database, Statement } from 'better-sqlite3';
import { guarded, openDatabase } from './database.js';
import { CLIENT_DATABASE } from './schema.js';

/** A value under its key. */
export interface ClientItem {
  readonly key: string;
  readonly value: string;
}

/**
 * What an initiator or a participant keeps over a crash: requests are put here before they are first sent, and resent from
 * here unchanged. Values are text, their format is the caller's. Every change is on disk when the call returns.
 */
export class ClientStore {
  readonly #path: string;
  readonly #database: Database;
  readonly #put: Statement<[string, string, string]>;
  readonly #get: Statement<[string, string], { value: string }>;
  readonly #list: Statement<[string], ClientItem>;
  readonly #delete: Statement<[string, string]>;

  private constructor(path: string, database: Database) {
    this.#path = path;
    this.#database = database;
    this.#put = database.prepare('INSERT INTO item VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET value = excluded.value');
    this.#get = database.prepare('SELECT value FROM item WHERE kind = ? AND key = ?');
    this.#list = database.prepare('SELECT key, value FROM item WHERE kind = ? ORDER BY key');
    this.#delete = database.prepare('DELETE FROM item WHERE kind = ? AND key = ?');
  }

  /**
   * Opens the file for this process alone (two processes with one client's numbers would equivocate), or `:memory:`.
   * @throws ConcordatError StoreInUse, StoreCorrupt
   */
  static open(path: string): ClientStore {
    return new ClientStore(path, openDatabase(path, CLIENT_DATABASE).database);
  }

  /** Puts `value` in the place of what was there. */
  put(kind: string, key: string, value: string): void {
    guarded(this.#path, () => this.#put.run(kind, key, value));
  }

  get(kind: string, key: string): string | undefined {
    return guarded(this.#path, () => this.#get.get(kind, key)?.value);
  }

  /** All of a kind, in the order of their keys (by code point). */
  list(kind: string): ClientItem[] {
    return guarded(this.#path, () => this.#list.all(kind));
  }

  delete(kind: string, key: string): void {
    guarded(this.#path, () => this.#delete.run(kind, key));
  }

  /** Runs `work`, which must not be asynchronous, in one commit; if it throws, nothing of it remains. */
  transaction<T>(work: () => T): T {
    return guarded(this.#path, () => this.#database.transaction(work)());
  }

  close(): void {
    this.#database.close();
  }
}
