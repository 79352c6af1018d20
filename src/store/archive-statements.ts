import type { Database } from 'better-sqlite3';
import type { Query } from './statements.js';

export interface ArchiveRow {
  readonly unit: string;
  readonly hash: Buffer;
  readonly checksum: Buffer;
  readonly record: Buffer;
  readonly notes: Buffer;
}

/** What a row adds to the totals. */
export interface ArchiveSummary {
  readonly id: number;
  readonly members: number;
  readonly deliveries: number;
  readonly positions: Buffer;
  readonly state: Buffer;
  readonly names: Buffer;
}

type NewRow = [
  position: number,
  unit: string,
  hash: Uint8Array,
  at: number,
  members: number,
  deliveries: number,
  positions: Uint8Array,
  state: Uint8Array,
  names: Uint8Array,
  checksum: Uint8Array,
  record: Uint8Array,
  notes: Uint8Array,
  kept: Uint8Array | null,
];

const ROW = 'SELECT unit, hash, checksum, record, notes FROM unit';
const SUMMARY = 'SELECT id, members, deliveries, positions, state, names FROM unit';

/** Every statement of the archive, prepared once. */
export function prepareArchive(database: Database) {
  const prepare = <P extends unknown[], R = never>(sql: string): Query<P, R> => database.prepare<P, R>(sql);
  return {
    meta: prepare<[string], { value: string }>('SELECT value FROM meta WHERE name = ?'),
    setMeta: prepare<[string, string]>('INSERT INTO meta VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value'),
    head: prepare<[], { head: number }>('SELECT coalesce(max(position), 0) AS head FROM unit'),
    put: prepare<NewRow>('INSERT INTO unit VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)'),
    remove: prepare<[number]>('DELETE FROM unit WHERE id = ?'),
    putName: prepare<[Uint8Array, number | bigint]>('INSERT INTO name VALUES (?, ?) ON CONFLICT DO UPDATE SET id = excluded.id'),
    removeName: prepare<[Uint8Array, number]>('DELETE FROM name WHERE key = ? AND id = ?'),
    find: prepare<[Uint8Array], ArchiveRow>(`${ROW} WHERE id = (SELECT id FROM name WHERE key = ?)`),
    kept: prepare<[Uint8Array], { kept: Buffer | null }>('SELECT kept FROM unit WHERE id = (SELECT id FROM name WHERE key = ?)'),
    has: prepare<[Uint8Array], { one: 1 }>('SELECT 1 AS one FROM name WHERE key = ?'),
    unit: prepare<[string], ArchiveRow>(`${ROW} WHERE unit = ?`),
    hash: prepare<[string], { hash: Buffer }>('SELECT hash FROM unit WHERE unit = ?'),
    latest: prepare<[number], ArchiveRow>(`${ROW} ORDER BY position DESC LIMIT ?`),
    summary: prepare<[string], ArchiveSummary>(`${SUMMARY} WHERE unit = ?`),
    retirements: prepare<[from: number, limit: number], { position: number; unit: string; hash: Buffer }>(
      'SELECT position, unit, hash FROM unit WHERE position >= ? ORDER BY position LIMIT ?',
    ),
    oldest: prepare<[], { at: number }>('SELECT at FROM unit ORDER BY at LIMIT 1'),
    old: prepare<[before: number, head: number, limit: number], ArchiveSummary>(
      `${SUMMARY} WHERE at < ? AND position < ? ORDER BY at LIMIT ?`,
    ),
  };
}

export type ArchiveStatements = ReturnType<typeof prepareArchive>;
