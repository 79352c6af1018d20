import {
  closeSync,
  existsSync,
  fsyncSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { ConcordatError } from '../errors.js';
import { ARCHIVE_FILE } from '../store/index.js';

/** What happens to the database of a replica as files. */
export interface StoreFiles {
  /** Writes down that the database is damaged, if that can still be written; the next start sets it aside. */
  noteDamage(why: string): void;
  /** What an earlier life noted. */
  notedDamage(): string | undefined;
  hasSetAsides(): boolean;
  /**
   * Renames database and archive, so that a new one can be made; of those set aside, only the last are kept.
   * @param now milliseconds since 1970
   * @param keep how many, this one included
   * @returns the new names
   * @throws ConcordatError StoreDenied
   */
  setAside(now: number, keep: number): readonly string[];
}

export const STORE_FILE = 'replica.db';
const NOTE_FILE = 'replica.db.damaged';
const COMPANIONS = ['', '-wal', '-shm', '-journal'];
/** `replica.db.set-aside-20260102T030405678Z-wal`: what it was, when, and which of SQLite's files. */
const SET_ASIDE = /^(?:replica|archive)\.db\.set-aside-(\d{8}T\d{9}Z(?:\.\d+)?)(?:-wal|-shm|-journal)?$/;

/** The files in the folder of a replica's database. */
export const storeFiles = (dir: string): StoreFiles => ({
  noteDamage: (why) => {
    try {
      writeFileSync(join(dir, NOTE_FILE), why);
    } catch {
      // Then the next start has to find out by itself.
    }
  },
  notedDamage: () => {
    const path = join(dir, NOTE_FILE);
    return existsSync(path) ? readFileSync(path, 'utf8') : undefined;
  },
  hasSetAsides: () => timesOf(dir).length > 0,
  setAside: (now, keep) => {
    try {
      return setAside(dir, now, keep);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new ConcordatError('StoreDenied', `${join(dir, STORE_FILE)} cannot be set aside: ${reason}`, { cause: error });
    }
  },
});

function setAside(dir: string, now: number, keep: number): string[] {
  const time = freshTime(timesOf(dir), now);
  // The database itself first: without it, what is left of the others counts for nothing.
  const files = [STORE_FILE, ARCHIVE_FILE].flatMap((file) => COMPANIONS.map((companion) => [file, companion] as const));
  const renamed = files.flatMap(([file, companion]) => {
    const from = join(dir, `${file}${companion}`);
    if (!existsSync(from)) return [];
    const name = `${file}.set-aside-${time}${companion}`;
    renameSync(from, join(dir, name));
    return [name];
  });
  prune(dir, keep);
  sync(dir);
  rmSync(join(dir, NOTE_FILE), { force: true });
  return renamed;
}

/** When databases were set aside: the times in their names, the oldest first. */
function timesOf(dir: string): string[] {
  const times = list(dir).flatMap((name) => SET_ASIDE.exec(name)?.[1] ?? []);
  return [...new Set(times)].sort();
}

function freshTime(taken: readonly string[], now: number): string {
  const time = new Date(now).toISOString().replaceAll(/[-:.]/g, '');
  for (let more = 0; ; more += 1) {
    const name = more === 0 ? time : `${time}.${more}`;
    if (!taken.includes(name)) return name;
  }
}

function prune(dir: string, keep: number): void {
  const old = new Set(timesOf(dir).slice(0, -keep));
  for (const name of list(dir)) {
    const time = SET_ASIDE.exec(name)?.[1];
    if (time !== undefined && old.has(time)) rmSync(join(dir, name));
  }
}

/** The new names are on disk on return. */
function sync(dir: string): void {
  const folder = openSync(dir, 'r');
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}

const list = (dir: string): string[] => (existsSync(dir) ? readdirSync(dir) : []);
