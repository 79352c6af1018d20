import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import Database from 'better-sqlite3';
import { ConcordatError, type ErrorCode } from '../errors.js';

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
  /** Its rows are checked when they are read; otherwise every page is looked at when the file is opened. */
  readonly checkedByRow?: boolean;
}

export interface OpenDatabase {
  readonly database: Database.Database;
  /** True if the file was empty or not there. */
  readonly created: boolean;
}

/**
 * Opens a database for this process alone, in WAL mode with synchronous=FULL: a commit is on disk when it returns.
 * @throws ConcordatError StoreInUse if another process has it, StoreCorrupt if it is damaged or not of this kind, StoreVersion if it
 * is of another release, StoreDenied if it may not be read or written, DiskFull, StoreFailed
 */
export function openDatabase(path: string, kind: DatabaseKind): OpenDatabase {
  return guardedOpening(path, () => {
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

/** The log is copied into the database when it has so many pages: most pages change several times until then. */
const WAL_PAGES = 8_192;

/** With locking_mode=EXCLUSIVE the first transaction takes the lock and keeps it; the kernel frees it if we die. */
function claim(database: Database.Database): void {
  database.pragma('locking_mode = EXCLUSIVE');
  database.pragma('journal_mode = WAL');
  database.pragma('synchronous = FULL');
  database.pragma(`wal_autocheckpoint = ${WAL_PAGES}`);
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
    throw new ConcordatError('StoreVersion', `${path} has schema version ${number('user_version')}, expected ${kind.version}`);
  }
  // A vote that got lost unnoticed could be given a second time: look at every page before anything relies on them.
  if (kind.checkedByRow === true) return created;
  const check: unknown = database.pragma('quick_check(1)', { simple: true });
  if (check !== 'ok') throw new ConcordatError('StoreCorrupt', `${path}: ${String(check)}`);
  return created;
}

/** What SQLite's and the file system's refusals mean, by extended or primary code. */
const MEANING: Readonly<Record<string, ErrorCode>> = {
  SQLITE_BUSY: 'StoreInUse',
  SQLITE_LOCKED: 'StoreInUse',
  SQLITE_NOTADB: 'StoreCorrupt',
  SQLITE_CORRUPT: 'StoreCorrupt',
  SQLITE_IOERR_CORRUPTFS: 'StoreCorrupt',
  SQLITE_FULL: 'DiskFull',
  // SQLite knows ENOSPC only; a quota (EDQUOT) or a size limit (EFBIG) of the file system shows as a write that failed.
  SQLITE_IOERR_WRITE: 'DiskFull',
  ENOSPC: 'DiskFull',
  EDQUOT: 'DiskFull',
  SQLITE_CANTOPEN: 'StoreDenied',
  SQLITE_PERM: 'StoreDenied',
  SQLITE_READONLY: 'StoreDenied',
  EACCES: 'StoreDenied',
  EPERM: 'StoreDenied',
  EEXIST: 'StoreDenied',
  ENOTDIR: 'StoreDenied',
  EROFS: 'StoreDenied',
  SQLITE_IOERR: 'StoreFailed',
  EIO: 'StoreFailed',
};

/** What they mean while a database is opened, beside that: our own schema is not what is in it. */
const MEANING_AT_OPENING: Readonly<Record<string, ErrorCode>> = {
  ...MEANING,
  SQLITE_ERROR: 'StoreCorrupt',
  SQLITE_CONSTRAINT: 'StoreCorrupt',
};

/** Runs `work` and reports SQLite's and the file system's refusals as errors of ours; others pass. */
export const guarded = <T>(path: string, work: () => T): T => translating(path, MEANING, work);

/** As `guarded`, for what is done to a database before its schema is known to be ours. */
export const guardedOpening = <T>(path: string, work: () => T): T => translating(path, MEANING_AT_OPENING, work);

function translating<T>(path: string, meaning: Readonly<Record<string, ErrorCode>>, work: () => T): T {
  try {
    return work();
  } catch (error) {
    const [extended, primary] = codesOf(error);
    const code = meaning[extended] ?? meaning[primary];
    if (code === undefined) throw error;
    throw new ConcordatError(code, code === 'StoreInUse' ? path : `${path} (${extended})`, { cause: error });
  }
}

/** The code of an error and its primary one: SQLITE_BUSY_RECOVERY is a kind of SQLITE_BUSY. */
function codesOf(error: unknown): readonly [extended: string, primary: string] {
  if (typeof error !== 'object' || error === null || !('code' in error) || typeof error.code !== 'string') return ['', ''];
  return [error.code, /^SQLITE_[A-Z]+/.exec(error.code)?.[0] ?? error.code];
}
