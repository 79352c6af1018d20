import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import Database from 'better-sqlite3';
import { ConcordatError } from '../errors.js';
import { TRAVEL_LIMITS } from './limits.js';

export type { Database } from 'better-sqlite3';

/**
 * Opens a service's own books: WAL mode, a commit is on disk when it returns. Unlike a coordinator's store it is not locked
 * for one process, so that anybody on the machine can check what is in it.
 * @throws ConcordatError StoreCorrupt if SQLite cannot read it
 */
export function openBooks(path: string, schema: string): Database.Database {
  try {
    mkdirSync(dirname(path), { recursive: true });
    const database = new Database(path, { timeout: TRAVEL_LIMITS.databaseBusyMs });
    database.pragma('journal_mode = WAL');
    database.pragma('synchronous = FULL');
    database.pragma('foreign_keys = ON');
    database.exec(schema);
    return database;
  } catch (error) {
    throw new ConcordatError('StoreCorrupt', `${path} (${error instanceof Error ? error.message : String(error)})`, {
      cause: error,
    });
  }
}

/** Opens books that belong to a running service, to read what is committed. @throws ConcordatError StoreCorrupt */
export function readBooks(path: string): Database.Database {
  try {
    return new Database(path, { readonly: true, fileMustExist: true, timeout: TRAVEL_LIMITS.databaseBusyMs });
  } catch (error) {
    throw new ConcordatError('StoreCorrupt', `${path} cannot be read`, { cause: error });
  }
}
