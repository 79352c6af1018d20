import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import Database from 'better-sqlite3';
import { ConcordatError } from '../errors.js';

export type { Database } from 'better-sqlite3';

/** What a kind of database is: SQLite keeps the two numbers in the file's header. */
export interface DatabaseKind {
  readonly name: string;
  /** PRAGMA application_id */
  readonly applicationId: number;
  /** PRAGMA user_version; raised with every change of the schema. */
  readonly version: number;
  /** Run once, on an empty file. */
  readonly schema: string;
}

export interface OpenDatabase {
  readonly database: Database.Database;
  /** True if the file was empty or not there. */
  readonly created: boolean;
}

/**
 * Opens a database for this process alone, in WAL mode with synchronous=FULL: a commit is on disk when it returns.
 * @throws ConcordatError StoreInUse if another process has it, StoreCorrupt if it cannot be read or is not of this kind
 */
export function openDatabase(path: string, kind: DatabaseKind): OpenDatabase {
  return guarded(path, () => {
    if (path !== ':memory:') mkdirSync(dirname(path), { recursive: true });
    const database = new Database(path, { timeout: 0 });
    try {
      claim(database);
      const created = prepareSchema(database, path, kind);
      return { database, created };
    } catch (error) {
      database.close();
      throw error;
    }
  });
}

/** With locking_mode=EXCLUSIVE the first transaction takes the lock and keeps it; the kernel frees it if we die. */
function claim(database: Database.Database): void {
  database.pragma('locking_mode = EXCLUSIVE');
  database.pragma('journal_mode = WAL');
  database.pragma('synchronous = FULL');
  database.pragma('trusted_schema = OFF');
  database.exec('BEGIN EXCLUSIVE; COMMIT');
}

function prepareSchema(database: Database.Database, path: string, kind: DatabaseKind): boolean {
  const number = (pragma: string): number => Number(database.pragma(pragma, { simple: true }));
  const created = number('schema_version') === 0;
  if (created) {
    database.transaction(() => {
      database.exec(kind.schema);
      database.pragma(`application_id = ${kind.applicationId}`);
      database.pragma(`user_version = ${kind.version}`);
    })();
  }
  if (number('application_id') !== kind.applicationId) {
    throw new ConcordatError('StoreCorrupt', `${path} is not a ${kind.name}`);
  }
  if (number('user_version') !== kind.version) {
    throw new ConcordatError('StoreCorrupt', `${path} has schema version ${number('user_version')}, expected ${kind.version}`);
  }
  // A vote that got lost unnoticed could be given a second time: look at every page before anything relies on them.
  const check: unknown = database.pragma('quick_check(1)', { simple: true });
  if (check !== 'ok') throw new ConcordatError('StoreCorrupt', `${path}: ${String(check)}`);
  return created;
}

const IN_USE = new Set(['SQLITE_BUSY', 'SQLITE_LOCKED']);
const UNREADABLE = new Set([
  'SQLITE_NOTADB',
  'SQLITE_CORRUPT',
  'SQLITE_CANTOPEN',
  'SQLITE_IOERR',
  'SQLITE_PERM',
  'SQLITE_READONLY',
  'EACCES',
  'EEXIST',
  'ENOTDIR',
  'EROFS',
]);

/** Runs `work` and reports SQLite's and the file system's refusals as errors of ours; others pass. */
export function guarded<T>(path: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    const code = codeOf(error);
    if (IN_USE.has(code)) throw new ConcordatError('StoreInUse', path, { cause: error });
    if (UNREADABLE.has(code)) throw new ConcordatError('StoreCorrupt', `${path} (${code})`, { cause: error });
    throw error;
  }
}

/** The primary code of an error: SQLITE_BUSY of SQLITE_BUSY_RECOVERY. */
function codeOf(error: unknown): string {
  if (typeof error !== 'object' || error === null || !('code' in error) || typeof error.code !== 'string') return '';
  return /^SQLITE_[A-Z]+/.exec(error.code)?.[0] ?? error.code;
}
