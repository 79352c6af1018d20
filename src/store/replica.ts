import assert from 'node:assert';
import { randomUUID } from 'node:crypto';
import { dirname, join } from 'node:path';
import type { Database } from 'better-sqlite3';
import { Archive, type ArchivedUnit } from './archive.js';
import { guarded, guardedOpening, openDatabase } from './database.js';
import type {
  CertificateRecord,
  CursorRecord,
  DeliveryRecord,
  EvidenceRecord,
  HeardRecord,
  LoggedDelivery,
  RecoveryRecord,
  RequestRecord,
  RetiredRecord,
  StoreRecord,
  VoteKind,
  VoteRecord,
} from './records.js';
import { ConcordatError } from '../errors.js';
import { META, readEpoch, readMade, readRecovery } from './meta.js';
import { REPLICA_DATABASE } from './schema.js';
import { prepareStatements } from './statements.js';
import type { CertificateRow, DeliveryRow, RequestRow, Statements } from './statements.js';

/** What the database itself holds of the delivery log. */
interface LiveLog {
  readonly head: number;
  readonly count: number;
}

export interface ReplicaStoreOptions {
  /** Proofs of equivocation kept; later ones are not stored. */
  readonly evidenceMax?: number;
  /** Gets a StoreCorrupt for every record of a retired unit that cannot be read; such a unit counts as unknown. */
  readonly onCorrupt?: (error: ConcordatError) => void;
  /** Gets the StoreCorrupt that a call throws: the database is damaged, and nothing in it is to be trusted any more. */
  readonly onDamage?: (error: ConcordatError) => void;
}

const DEFAULT_EVIDENCE_MAX = 1_000;
/** The archive lies in the folder of its database. */
export const ARCHIVE_FILE = 'archive.db';

type Stream = RetiredRecord['streams'][number];

/**
 * What one replica has written down: votes, requests, the log of its deliveries, and what else must survive a crash. All
 * calls are synchronous. A failed assertion means that the caller was about to break its word; nothing was written then.
 */
export class ReplicaStore {
  /** True if this open made the database: there was none, or an empty file. */
  readonly created: boolean;
  readonly #path: string;
  readonly #database: Database;
  readonly #statements: Statements;
  readonly #evidenceMax: number;
  /** Units that left this database. */
  readonly archive: Archive;
  readonly #appendAll: (batch: readonly StoreRecord[], head: number) => LiveLog;
  readonly #finishAll: (streams: readonly Stream[]) => LiveLog;
  readonly #onDamage: (error: ConcordatError) => void;
  #log: LiveLog;
  #epoch: string;

  private constructor(path: string, database: Database, archive: Archive, created: boolean, options: ReplicaStoreOptions) {
    this.#path = path;
    this.#database = database;
    this.created = created;
    this.#statements = prepareStatements(database);
    this.#evidenceMax = options.evidenceMax ?? DEFAULT_EVIDENCE_MAX;
    this.#onDamage = options.onDamage ?? (() => undefined);
    this.#epoch = readEpoch(this.#statements);
    this.archive = archive;
    this.#log = this.#statements.log.get() ?? { head: 0, count: 0 };
    this.#appendAll = database.transaction((batch: readonly StoreRecord[], head: number) => this.#write(batch, head));
    this.#finishAll = database.transaction((streams: readonly Stream[]) => this.#finish(streams));
  }

  /**
   * Opens or makes the database and its archive, `archive.db` in the same folder, for this process alone.
   * @throws ConcordatError StoreInUse, StoreCorrupt, StoreVersion, StoreDenied, DiskFull, StoreFailed
   */
  static open(path: string, options: ReplicaStoreOptions = {}): ReplicaStore {
    const { database, created } = openDatabase(path, REPLICA_DATABASE);
    const archivePath = path === ':memory:' ? path : join(dirname(path), ARCHIVE_FILE);
    let archive: Archive | undefined;
    try {
      const opened = (archive = Archive.open(archivePath, options.onCorrupt ?? (() => undefined)));
      return guardedOpening(path, () => {
        const store = new ReplicaStore(path, database, opened, created, options);
        // What an archive from an earlier life holds was never in this database.
        if (created) store.finish([]);
        if (store.#retiredUpTo > opened.head)
          throw new ConcordatError('StoreCorrupt', `${archivePath} lacks records of what ${path} has retired`);
        return store;
      });
    } catch (error) {
      archive?.close();
      database.close();
      throw error;
    }
  }

  /**
   * Random name of our delivery log towards the peers. A record of `recovery` begins a new one: peers may have followed an
   * older log further than this one goes.
   */
  get epoch(): string {
    return this.#epoch;
  }

  /** How many requests were ever delivered, retired ones included. */
  get deliveredCount(): number {
    return this.#log.count + this.archive.totals.deliveries;
  }

  /** The position of the last entry of the local delivery log; 0 if there is none. */
  get head(): number {
    return Math.max(this.#log.head, this.archive.head);
  }

  /**
   * Writes all or nothing, in one commit that is on disk on return. What is there already is left as it is.
   * A request may stand anywhere in the batch that delivers it. Retired units are put into the archive first: if that was the last
   * thing to happen, they are `unfinished`.
   * @throws ConcordatError DiskFull: nothing was written, and the same may be written again once there is room
   * @throws AssertionError for a second vote, delivery or certificate with another digest at one position, or a delivery
   * without its request
   */
  append(batch: readonly StoreRecord[]): void {
    if (batch.length === 0) return;
    const { head } = this;
    const retired = batch.filter((record) => record.type === 'retired');
    this.#log = this.#guard(() => {
      if (retired.length > 0) this.archive.put(retired, head + batch.filter(({ type }) => type === 'delivery').length);
      return this.#appendAll(batch, head);
    });
    if (batch.some(({ type }) => type === 'recovery')) this.#epoch = this.#read(() => readEpoch(this.#statements));
  }

  /** Units that are in the archive, and parts of whose streams may still be here. */
  unfinished(): ArchivedUnit[] {
    const late = this.archive.retirements(this.#retiredUpTo + 1, Number.MAX_SAFE_INTEGER);
    return late.flatMap(({ unit }) => this.archive.unit(unit) ?? []);
  }

  /** Deletes what is here of the streams of all unfinished units. */
  finish(streams: readonly Stream[]): void {
    this.#log = this.#guard(() => this.#finishAll(streams));
  }

  get #retiredUpTo(): number {
    return Number(this.#read(() => this.#statements.meta.get(META.retiredUpTo))?.value ?? 0);
  }

  /** Our votes for positions that are not delivered yet. */
  votes(): VoteRecord[] {
    const rows = this.#read(() => this.#statements.openVotes.all());
    return rows.map((row) => ({ type: 'vote', ...row }));
  }

  /** Our vote for any position, delivered or not. */
  vote(stream: string, number: number, kind: VoteKind): VoteRecord | undefined {
    const row = this.#read(() => this.#statements.vote.get(stream, number, kind));
    return row && { type: 'vote', kind, stream, number, digest: row.digest };
  }

  /**
   * Entries of the local delivery log from position `from` on, in order.
   * @param limit entries, at most
   * @param maxBytes the answer stops after the entry whose content and certificate reach this sum; it has one, if there is one
   */
  deliveries(from: number, limit: number, maxBytes = Number.POSITIVE_INFINITY): LoggedDelivery[] {
    return this.#read(() => {
      const found: LoggedDelivery[] = [];
      let bytes = 0;
      for (const row of this.#statements.deliveries.iterate(from, limit)) {
        found.push(loggedDelivery(row));
        bytes += row.content.length + row.certificate.length;
        if (bytes >= maxBytes) break;
      }
      return found;
    });
  }

  /** The same without what was delivered. */
  logged(
    from: number,
    limit: number,
  ): readonly (Omit<LoggedDelivery, 'record' | 'content'> & Omit<VoteRecord, 'type' | 'kind'>)[] {
    return this.#read(() => this.#statements.logged.all(from, limit));
  }

  /** The certificates of what is here of a stream, in order. */
  certificatesOf(stream: string): { readonly position: number; readonly number: number; readonly certificate: Buffer }[] {
    return this.#read(() => this.#statements.certificatesOf.all(stream));
  }

  /** The delivery at one position of a stream. */
  delivery(stream: string, number: number): LoggedDelivery | undefined {
    const row = this.#read(() => this.#statements.delivery.get(stream, number));
    return row && loggedDelivery(row);
  }

  request(digest: Uint8Array): RequestRecord | undefined {
    const row = this.#read(() => this.#statements.request.get(digest));
    return row && requestRecord(row);
  }

  /** Requests that we voted for and that are not delivered yet. */
  openRequests(): RequestRecord[] {
    return this.#read(() => this.#statements.openRequests.all()).map(requestRecord);
  }

  /** First-round certificates of positions that are not delivered yet. */
  certificates(): CertificateRecord[] {
    return this.#read(() => this.#statements.openCertificates.all()).map(certificateRecord);
  }

  evidence(): EvidenceRecord[] {
    return this.#read(() => this.#statements.evidence.all()).map((row) => ({ type: 'evidence', ...row }));
  }

  cursor(peer: number): CursorRecord | undefined {
    const row = this.#read(() => this.#statements.cursor.get(peer));
    return row && { type: 'cursor', ...row };
  }

  /** How many votes we have ever made. */
  get made(): number {
    return this.#read(() => readMade(this.#statements, this.#path));
  }

  heard(): HeardRecord[] {
    return this.#read(() => this.#statements.heard.all()).map((row) => ({ type: 'heard', ...row }));
  }

  /** Set once this replica may have forgotten votes; it stays. */
  recovery(): RecoveryRecord | undefined {
    return this.#read(() => readRecovery(this.#statements, this.#path));
  }

  commandsDone(): Set<string> {
    return new Set(this.#read(() => this.#statements.commandsDone.all()).map(({ command }) => command));
  }

  close(): void {
    this.archive.close();
    this.#database.close();
  }

  #read<T>(work: () => T): T {
    return this.#guard(work);
  }

  #guard<T>(work: () => T): T {
    try {
      return guarded(this.#path, work);
    } catch (error) {
      if (error instanceof ConcordatError && error.code === 'StoreCorrupt') this.#onDamage(error);
      throw error;
    }
  }

  /** Returns how far the log is then; kept only if the commit succeeds. `head` is where it was before the batch. */
  #write(batch: readonly StoreRecord[], head: number): LiveLog {
    let { count } = this.#log;
    let last = head;
    for (const record of batch) if (record.type === 'request') this.#writeRequest(record);
    for (const record of batch) {
      switch (record.type) {
        case 'request':
          break;
        case 'vote':
          this.#writeVote(record);
          break;
        case 'delivery':
          if (!this.#writeDelivery(record, last + 1)) break;
          last += 1;
          count += 1;
          break;
        case 'retired':
          count -= this.#retire(record);
          break;
        case 'certificate':
          this.#writeCertificate(record);
          break;
        case 'evidence': {
          const { kind, subject, about, first, second, at } = record;
          this.#statements.putEvidence.run(kind, subject, about, first, second, at, this.#evidenceMax);
          break;
        }
        case 'cursor':
          this.#statements.putCursor.run(record.peer, record.epoch, record.position);
          break;
        case 'command-done':
          this.#statements.putCommandDone.run(record.command);
          break;
        case 'made':
          this.#statements.setMeta.run(META.made, String(record.count));
          break;
        case 'heard':
          this.#statements.putHeard.run(record.peer, record.mark);
          break;
        case 'recovery': {
          const { reason, since, votesFrom } = record;
          this.#statements.setMeta.run(META.recovery, JSON.stringify({ reason, since, votesFrom }));
          this.#statements.setMeta.run(META.epoch, randomUUID());
          break;
        }
      }
    }
    if (batch.some(({ type }) => type === 'retired')) this.#statements.setMeta.run(META.retiredUpTo, String(this.archive.head));
    return { head: last, count };
  }

  /** Returns how many deliveries have gone. */
  #retire({ streams, commands }: RetiredRecord): number {
    for (const command of commands) this.#statements.removeCommandDone.run(command);
    return streams.reduce((sum, stream) => sum + this.#remove(stream), 0);
  }

  #remove({ stream, through }: Stream): number {
    const delivered = this.#statements.removeDeliveries.all(stream, through);
    const voted = this.#statements.removeVotes.all(stream, through);
    const digests = new Map([...delivered, ...voted].map(({ digest }) => [digest.toString('latin1'), digest]));
    for (const digest of digests.values()) this.#statements.removeRequest.run(digest);
    this.#statements.removeCertificates.run(stream, through);
    return delivered.length;
  }

  #finish(streams: readonly Stream[]): LiveLog {
    const { head, count } = this.#log;
    const gone = streams.reduce((sum, stream) => sum + this.#remove(stream), 0);
    this.#statements.setMeta.run(META.retiredUpTo, String(this.archive.head));
    return { head, count: count - gone };
  }

  #writeRequest({ digest, content, proof }: RequestRecord): void {
    this.#statements.putRequest.run(digest, content, proof);
  }

  #writeVote({ stream, number, kind, digest }: VoteRecord): void {
    if (this.#statements.putVote.run(stream, number, kind, digest).changes > 0) return;
    const before = this.#statements.vote.get(stream, number, kind)?.digest;
    isNew(before, digest, `${kind} vote at ${stream}#${number}`);
  }

  #writeDelivery({ stream, number, digest, certificate }: DeliveryRecord, position: number): boolean {
    assert.ok(this.#statements.hasRequest.get(digest), `delivery at ${stream}#${number} without its request`);
    if (this.#statements.putDelivery.run(position, stream, number, digest, certificate).changes > 0) return true;
    const before = this.#statements.deliveredDigest.get(stream, number)?.digest;
    return isNew(before, digest, `delivery at ${stream}#${number}`);
  }

  #writeCertificate({ stream, number, digest, certificate }: CertificateRecord): void {
    const before = this.#statements.certifiedDigest.get(stream, number)?.digest;
    if (!isNew(before, digest, `certificate at ${stream}#${number}`)) return;
    this.#statements.putCertificate.run(stream, number, digest, certificate);
  }
}

/** False for a repetition; a contradiction is a broken promise. */
function isNew(before: Uint8Array | undefined, digest: Uint8Array, what: string): boolean {
  if (before === undefined) return true;
  assert.ok(Buffer.compare(before, digest) === 0, `a second, different ${what}`);
  return false;
}

const requestRecord = (row: RequestRow): RequestRecord => ({ type: 'request', ...row });

const certificateRecord = ({ stream, number, digest, certificate }: CertificateRow): CertificateRecord => ({
  type: 'certificate',
  stream,
  number,
  digest,
  certificate,
});

const loggedDelivery = ({ position, stream, number, digest, certificate, content }: DeliveryRow): LoggedDelivery => ({
  position,
  record: { type: 'delivery', stream, number, digest, certificate },
  content,
});
