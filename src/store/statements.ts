import type { Database } from 'better-sqlite3';
import type { EvidenceRecord, VoteKind } from './records.js';

/** A prepared statement with parameters P and rows R. */
export interface Query<P extends unknown[], R> {
  run(...parameters: P): { readonly changes: number; readonly lastInsertRowid: number | bigint };
  get(...parameters: P): R | undefined;
  all(...parameters: P): R[];
  /** The database is busy until the iteration ends. */
  iterate(...parameters: P): Iterable<R>;
}

type Position = [stream: string, number: number];

export interface VoteRow {
  readonly stream: string;
  readonly number: number;
  readonly kind: VoteKind;
  readonly digest: Buffer;
}

export interface RequestRow {
  readonly digest: Buffer;
  readonly content: Buffer;
  readonly proof: Buffer;
}

export interface CertificateRow {
  readonly stream: string;
  readonly number: number;
  readonly digest: Buffer;
  readonly certificate: Buffer;
}

export interface DeliveryRow extends CertificateRow {
  readonly position: number;
  readonly content: Buffer;
}

interface DigestRow {
  readonly digest: Buffer;
}

const LOGGED = 'SELECT position, stream, number, digest, certificate, content FROM delivery JOIN request USING (digest)';
const undelivered = (table: string): string =>
  `NOT EXISTS (SELECT 1 FROM delivery d WHERE d.stream = ${table}.stream AND d.number = ${table}.number)`;

/** Every statement of the replica's store, prepared once. */
export function prepareStatements(database: Database) {
  const prepare = <P extends unknown[], R = never>(sql: string): Query<P, R> => database.prepare<P, R>(sql);
  return {
    meta: prepare<[string], { value: string }>('SELECT value FROM meta WHERE name = ?'),
    setMeta: prepare<[string, string]>('INSERT INTO meta VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value'),
    putHeard: prepare<[number, Uint8Array]>('INSERT INTO heard VALUES (?, ?) ON CONFLICT DO UPDATE SET mark = excluded.mark'),
    heard: prepare<[], { peer: number; mark: Buffer }>('SELECT peer, mark FROM heard'),
    putMeta: prepare<[string, string]>('INSERT INTO meta VALUES (?, ?)'),
    putVote: prepare<[...Position, VoteKind, Uint8Array]>('INSERT INTO vote VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING'),
    vote: prepare<[...Position, VoteKind], DigestRow>('SELECT digest FROM vote WHERE stream = ? AND number = ? AND kind = ?'),
    openVotes: prepare<[], VoteRow>(`SELECT * FROM vote WHERE ${undelivered('vote')} ORDER BY stream, number, kind`),
    putRequest: prepare<[Uint8Array, Uint8Array, Uint8Array]>('INSERT INTO request VALUES (?, ?, ?) ON CONFLICT DO NOTHING'),
    request: prepare<[Uint8Array], RequestRow>('SELECT digest, content, proof FROM request WHERE digest = ?'),
    hasRequest: prepare<[Uint8Array], { one: 1 }>('SELECT 1 AS one FROM request WHERE digest = ?'),
    openRequests: prepare<[], RequestRow>(
      `SELECT digest, content, proof FROM request
       WHERE digest IN (SELECT digest FROM vote WHERE ${undelivered('vote')}) ORDER BY rowid`,
    ),
    putDelivery: prepare<[number, ...Position, Uint8Array, Uint8Array]>(
      'INSERT INTO delivery VALUES (?, ?, ?, ?, ?) ON CONFLICT (stream, number) DO NOTHING',
    ),
    deliveredDigest: prepare<Position, DigestRow>('SELECT digest FROM delivery WHERE stream = ? AND number = ?'),
    logged: prepare<[from: number, limit: number], Omit<DeliveryRow, 'certificate' | 'content'>>(
      'SELECT position, stream, number, digest FROM delivery WHERE position >= ? ORDER BY position LIMIT ?',
    ),
    delivery: prepare<Position, DeliveryRow>(`${LOGGED} WHERE stream = ? AND number = ?`),
    deliveries: prepare<[from: number, limit: number], DeliveryRow>(`${LOGGED} WHERE position >= ? ORDER BY position LIMIT ?`),
    log: prepare<[], { head: number; count: number }>(
      'SELECT coalesce(max(position), 0) AS head, count(*) AS count FROM delivery',
    ),
    certificatesOf: prepare<[string], { position: number; number: number; certificate: Buffer }>(
      'SELECT position, number, certificate FROM delivery WHERE stream = ? ORDER BY number',
    ),
    removeRequest: prepare<[Uint8Array]>('DELETE FROM request WHERE digest = ?'),
    removeDeliveries: prepare<Position, DigestRow>('DELETE FROM delivery WHERE stream = ? AND number <= ? RETURNING digest'),
    removeVotes: prepare<Position, DigestRow>('DELETE FROM vote WHERE stream = ? AND number <= ? RETURNING digest'),
    removeCertificates: prepare<Position>('DELETE FROM certificate WHERE stream = ? AND number <= ?'),
    removeCommandDone: prepare<[string]>('DELETE FROM command_done WHERE command = ?'),
    putCertificate: prepare<[...Position, Uint8Array, Uint8Array]>('INSERT INTO certificate VALUES (?, ?, ?, ?)'),
    certifiedDigest: prepare<Position, DigestRow>('SELECT digest FROM certificate WHERE stream = ? AND number = ?'),
    openCertificates: prepare<[], CertificateRow>(
      `SELECT * FROM certificate WHERE ${undelivered('certificate')} ORDER BY stream, number`,
    ),
    putEvidence: prepare<[string, string, string, Uint8Array, Uint8Array, number, number]>(
      'INSERT INTO evidence SELECT ?, ?, ?, ?, ?, ? WHERE (SELECT count(*) FROM evidence) < ? ON CONFLICT DO NOTHING',
    ),
    evidence: prepare<[], Omit<EvidenceRecord, 'type'>>('SELECT * FROM evidence ORDER BY rowid'),
    putCursor: prepare<[number, string, number]>(
      'INSERT INTO cursor VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET epoch = excluded.epoch, position = excluded.position',
    ),
    cursor: prepare<[number], { peer: number; epoch: string; position: number }>('SELECT * FROM cursor WHERE peer = ?'),
    putCommandDone: prepare<[string]>('INSERT INTO command_done VALUES (?) ON CONFLICT DO NOTHING'),
    commandsDone: prepare<[], { command: string }>('SELECT command FROM command_done'),
  };
}

export type Statements = ReturnType<typeof prepareStatements>;
