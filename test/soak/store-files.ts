import {
  closeSync,
  cpSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  rmSync,
  statSync,
  truncateSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import type { Random } from '../support/random.js';

const STORE = 'replica.db';
/** A database, its archive, and what SQLite puts beside them; not what was set aside. */
const OWN = /^(?:replica|archive)\.db(?:-wal|-shm|-journal)?$/;
const PAGE = 4_096;

/** What happens to the database of a replica that does not run. */
export class StoreFiles {
  /**
   * @param folder of its database
   * @param copy where an older copy of it is kept
   */
  constructor(
    private readonly folder: string,
    private readonly copy: string,
  ) {}

  /** Keeps a copy as of now, in place of an older one: also of a frozen process, as a snapshot of its disk would be. */
  keepCopy(): void {
    rmSync(this.copy, { recursive: true, force: true });
    mkdirSync(this.copy, { recursive: true });
    for (const name of own(this.folder)) cpSync(join(this.folder, name), join(this.copy, name));
  }

  putCopyBack(): void {
    for (const name of own(this.folder)) rmSync(join(this.folder, name));
    for (const name of own(this.copy)) cpSync(join(this.copy, name), join(this.folder, name));
  }

  delete(): void {
    rmSync(this.folder, { recursive: true });
  }

  /** Leaves between a tenth and nine tenths. */
  truncate(random: Random): void {
    const path = this.#mergeLog();
    truncateSync(path, Math.floor(statSync(path).size * (0.1 + 0.8 * random.next())));
  }

  /** Writes nonsense over a quarter of its pages, in a row. */
  scribble(random: Random): void {
    const path = this.#mergeLog();
    const pages = Math.floor(statSync(path).size / PAGE);
    const count = Math.ceil(pages / 4);
    const file = openSync(path, 'r+');
    try {
      writeSync(file, random.bytes(count * PAGE), 0, count * PAGE, random.below(pages - count + 1) * PAGE);
    } finally {
      closeSync(file);
    }
  }

  /** Brings everything into the database file itself, so that what is damaged there is not still whole in its log. */
  #mergeLog(): string {
    const path = join(this.folder, STORE);
    const database = new Database(path, { fileMustExist: true });
    database.pragma('wal_checkpoint(TRUNCATE)');
    database.close();
    return path;
  }
}

const own = (folder: string): string[] => (existsSync(folder) ? readdirSync(folder).filter((name) => OWN.test(name)) : []);
