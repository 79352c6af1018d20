import { createHash } from 'node:crypto';
import type { Database } from 'better-sqlite3';
import { ConcordatError } from '../errors.js';
import { type ArchiveRow, type ArchiveStatements, prepareArchive } from './archive-statements.js';
import { guarded, guardedOpening, openDatabase } from './database.js';
import { DigestSum } from './digest-sum.js';
import { parseObject } from './meta.js';
import type { RetiredRecord } from './records.js';
import { ARCHIVE_DATABASE } from './schema.js';

/** A retired unit as it was put in. */
export interface ArchivedUnit {
  readonly unit: string;
  readonly record: Buffer;
  readonly notes: Buffer;
}

/** The entry of a retired unit in the local delivery log. */
export interface LoggedRetirement {
  readonly position: number;
  readonly unit: string;
  /** 32 bytes */
  readonly hash: Buffer;
}

/** What all units in the archive come to. */
export interface ArchiveTotals {
  readonly members: number;
  /** Deliveries that were ever retired; those of units swept away since are counted, too. */
  readonly deliveries: number;
  /** Sums of the units' prints: see DigestSum. */
  readonly positions: string;
  readonly state: string;
}

const TOTALS = 'totals';
const NOTHING: ArchiveTotals = { members: 0, deliveries: 0, positions: new DigestSum().hex, state: new DigestSum().hex };
const KEY_BYTES = 16;

/** A name as it is looked up: names are long, and there are several for each unit. */
const keyOf = (name: string): Buffer => createHash('sha256').update(name, 'utf8').digest().subarray(0, KEY_BYTES);

const checksum = (hash: Uint8Array, record: Uint8Array, notes: Uint8Array): Buffer =>
  createHash('sha256').update(hash).update(record).update(notes).digest();

/**
 * Records of units that have left the replica's database: a file of its own, which may grow large, since it is not checked as a
 * whole when it is opened. Every row has a checksum, and one that does not fit counts as not there.
 */
export class Archive {
  readonly #path: string;
  readonly #database: Database;
  readonly #statements: ArchiveStatements;
  readonly #onCorrupt: (error: ConcordatError) => void;
  readonly #putAll: (units: readonly RetiredRecord[], from: number) => ArchiveTotals;
  readonly #sweepAll: (before: number, limit: number) => ArchiveTotals;
  #totals: ArchiveTotals;
  #head: number;

  private constructor(path: string, database: Database, onCorrupt: (error: ConcordatError) => void) {
    this.#path = path;
    this.#database = database;
    this.#statements = prepareArchive(database);
    this.#onCorrupt = onCorrupt;
    this.#totals = readTotals(this.#statements, path);
    this.#head = this.#statements.head.get()?.head ?? 0;
    this.#putAll = database.transaction((units: readonly RetiredRecord[], from: number) => this.#write(units, from));
    this.#sweepAll = database.transaction((before: number, limit: number) => this.#delete(before, limit));
  }

  /**
   * Opens or makes the file, for this process alone.
   * @param onCorrupt gets a StoreCorrupt for every row that cannot be read, each time it is asked for
   * @throws ConcordatError StoreInUse, StoreCorrupt
   */
  static open(path: string, onCorrupt: (error: ConcordatError) => void): Archive {
    const { database } = openDatabase(path, ARCHIVE_DATABASE);
    return guardedOpening(path, () => new Archive(path, database, onCorrupt));
  }

  /** The position of the last retirement in the delivery log; 0 if there was none. */
  get head(): number {
    return this.#head;
  }

  get totals(): ArchiveTotals {
    return this.#totals;
  }

  /** Puts units in, each in the place of an older record of it, at the positions after `head`. One commit. */
  put(units: readonly RetiredRecord[], head: number): void {
    this.#totals = guarded(this.#path, () => this.#putAll(units, head + 1));
    this.#head = head + units.length;
  }

  /** The unit that a name was put in with. */
  find(name: string): ArchivedUnit | undefined {
    return this.#intact(() => this.#statements.find.get(keyOf(name)));
  }

  /** Whether a unit was put in with that name, even if its record cannot be read any more. */
  has(name: string): boolean {
    return guarded(this.#path, () => this.#statements.has.get(keyOf(name))) !== undefined;
  }

  /** The deliveries that were put in with a unit. They prove themselves, so no checksum covers them. */
  kept(name: string): Buffer | undefined {
    return guarded(this.#path, () => this.#statements.kept.get(keyOf(name)))?.kept ?? undefined;
  }

  unit(unit: string): ArchivedUnit | undefined {
    return this.#intact(() => this.#statements.unit.get(unit));
  }

  hash(unit: string): Buffer | undefined {
    return guarded(this.#path, () => this.#statements.hash.get(unit)?.hash);
  }

  /** The units retired last, the last one first. */
  latest(limit: number): ArchivedUnit[] {
    const rows = guarded(this.#path, () => this.#statements.latest.all(limit));
    return rows.flatMap((row) => this.#intact(() => row) ?? []);
  }

  /** Entries of the delivery log from a position on, in order. */
  retirements(from: number, limit: number): LoggedRetirement[] {
    if (from > this.#head) return [];
    return guarded(this.#path, () => this.#statements.retirements.all(from, limit));
  }

  /**
   * Deletes the longest retired units.
   * @param before milliseconds since the epoch: only those retired earlier
   * @param limit units, at most
   */
  sweep(before: number, limit: number): void {
    if ((this.#statements.oldest.get()?.at ?? before) >= before) return;
    this.#totals = guarded(this.#path, () => this.#sweepAll(before, limit));
  }

  close(): void {
    this.#database.close();
  }

  #intact(read: () => ArchiveRow | undefined): ArchivedUnit | undefined {
    try {
      const row = guarded(this.#path, read);
      if (row === undefined) return undefined;
      const { unit, hash, record, notes } = row;
      if (checksum(hash, record, notes).equals(row.checksum)) return { unit, record, notes };
      throw new ConcordatError('StoreCorrupt', `${this.#path}: the record of ${unit}`);
    } catch (error) {
      if (!(error instanceof ConcordatError)) throw error;
      this.#onCorrupt(error);
      return undefined;
    }
  }

  #write(units: readonly RetiredRecord[], from: number): ArchiveTotals {
    const { positions, state, ...sums } = this.#sums();
    let { members, deliveries } = sums;
    units.forEach((unit, i) => {
      const before = this.#statements.summary.get(unit.unit);
      if (before !== undefined) {
        positions.subtract(before.positions.toString('hex'));
        state.subtract(before.state.toString('hex'));
        this.#statements.remove.run(before.id);
      }
      this.#insert(unit, from + i);
      const { prints } = unit;
      positions.add(prints.positions);
      state.add(prints.state);
      members += prints.members - (before?.members ?? 0);
      deliveries += prints.deliveries - (before?.deliveries ?? 0);
    });
    return this.#keep({ members, deliveries, positions: positions.hex, state: state.hex });
  }

  #insert(unit: RetiredRecord, position: number): void {
    const { hash, record, notes, prints } = unit;
    const keys = unit.names.map(keyOf);
    const { lastInsertRowid: id } = this.#statements.put.run(
      position,
      unit.unit,
      hash,
      unit.at,
      prints.members,
      prints.deliveries,
      Buffer.from(prints.positions, 'hex'),
      Buffer.from(prints.state, 'hex'),
      Buffer.concat(keys),
      checksum(hash, record, notes),
      record,
      notes,
      unit.kept ?? null,
    );
    for (const key of keys) this.#statements.putName.run(key, id);
  }

  /** Never the last entry of the log, which says how long the log is. */
  #delete(before: number, limit: number): ArchiveTotals {
    const { positions, state, ...sums } = this.#sums();
    let { members } = sums;
    for (const row of this.#statements.old.all(before, this.#head, limit)) {
      positions.subtract(row.positions.toString('hex'));
      state.subtract(row.state.toString('hex'));
      members -= row.members;
      for (let i = 0; i < row.names.length; i += KEY_BYTES) {
        this.#statements.removeName.run(row.names.subarray(i, i + KEY_BYTES), row.id);
      }
      this.#statements.remove.run(row.id);
    }
    return this.#keep({ members, deliveries: sums.deliveries, positions: positions.hex, state: state.hex });
  }

  #sums() {
    const { positions, state, ...counts } = this.#totals;
    return { ...counts, positions: new DigestSum(positions), state: new DigestSum(state) };
  }

  #keep(totals: ArchiveTotals): ArchiveTotals {
    this.#statements.setMeta.run(TOTALS, JSON.stringify(totals));
    return totals;
  }
}

function readTotals(statements: ArchiveStatements, path: string): ArchiveTotals {
  const text = statements.meta.get(TOTALS)?.value;
  if (text === undefined) return NOTHING;
  const read = parseObject(text);
  if (!isTotals(read)) throw new ConcordatError('StoreCorrupt', `${path}: its totals cannot be read`);
  return read;
}

const isTotals = (value: unknown): value is ArchiveTotals => {
  const { members, deliveries, positions, state } = Object.assign({}, value) as Record<string, unknown>;
  return typeof members === 'number' && typeof deliveries === 'number' && [positions, state].every(isSum);
};

const isSum = (value: unknown): boolean => typeof value === 'string' && /^[0-9a-f]{64}$/.test(value);
