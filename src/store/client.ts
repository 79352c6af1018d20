import type { Database, Statement } from 'better-sqlite3';
import type { ClientItem, ClientStore } from './client-store.js';
import { guarded, openDatabase } from './database.js';
import { CLIENT_DATABASE } from './schema.js';

/** The client store in one SQLite file: every change is on disk (WAL, synchronous=FULL) when the call returns. */
export class SqliteClientStore implements ClientStore {
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
   * Opens the file for this process alone, or `:memory:`.
   * @throws ConcordatError StoreInUse, StoreCorrupt
   */
  static open(path: string): SqliteClientStore {
    return new SqliteClientStore(path, openDatabase(path, CLIENT_DATABASE).database);
  }

  put(kind: string, key: string, value: string): void {
    guarded(this.#path, () => this.#put.run(kind, key, value));
  }

  get(kind: string, key: string): string | undefined {
    return guarded(this.#path, () => this.#get.get(kind, key)?.value);
  }

  list(kind: string): ClientItem[] {
    return guarded(this.#path, () => this.#list.all(kind));
  }

  delete(kind: string, key: string): void {
    guarded(this.#path, () => this.#delete.run(kind, key));
  }

  transaction<T>(work: () => T): T {
    return guarded(this.#path, () => this.#database.transaction(work)());
  }

  close(): void {
    this.#database.close();
  }
}
