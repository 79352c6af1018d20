import assert from 'node:assert';
import { randomUUID } from 'node:crypto';
import type { Database } from 'better-sqlite3';
import { guarded, openDatabase } from './database.js';
import type {
  CertificateRecord,
  CursorRecord,
  DeliveryRecord,
  EvidenceRecord,
  LoggedDelivery,
  RequestRecord,
  StoreRecord,
  VoteKind,
  VoteRecord,
} from './records.js';
import { REPLICA_DATABASE } from './schema.js';
import { prepareStatements } from './statements.js';
import type { CertificateRow, DeliveryRow, RequestRow, Statements } from './statements.js';

export interface ReplicaStoreOptions {
  /** Proofs of equivocation kept; later ones are not stored. */
  readonly evidenceMax?: number;
}

const DEFAULT_EVIDENCE_MAX = 1_000;
const EPOCH = 'epoch';

/**
 * What one replica has written down: votes, requests, the log of its deliveries, and what else must survive a crash. All
 * calls are synchronous. A failed assertion means that the caller was about to break its word; nothing was written then.
 */
export class ReplicaStore {
  /** Random id of this database, made with it; names our delivery log to the peers. */
  readonly epoch: string;
  /** True if this open made the database: there was none, or an empty file. */
  readonly created: boolean;
  readonly #path: string;
  readonly #database: Database;
  readonly #statements: Statements;
  readonly #evidenceMax: number;
  readonly #appendAll: (batch: readonly StoreRecord[]) => number;
  #delivered: number;

  private constructor(path: string, database: Database, created: boolean, options: ReplicaStoreOptions) {
    this.#path = path;
    this.#database = database;
    this.created = created;
    this.#statements = prepareStatements(database);
    this.#evidenceMax = options.evidenceMax ?? DEFAULT_EVIDENCE_MAX;
    this.epoch = readEpoch(this.#statements);
    this.#delivered = this.#statements.deliveredCount.get()?.count ?? 0;
    this.#appendAll = database.transaction((batch: readonly StoreRecord[]) => this.#write(batch));
  }

  /**
   * Opens or makes the database, for this process alone.
   * @throws ConcordatError StoreInUse, StoreCorrupt
   */
  static open(path: string, options: ReplicaStoreOptions = {}): ReplicaStore {
    const { database, created } = openDatabase(path, REPLICA_DATABASE);
    return guarded(path, () => new ReplicaStore(path, database, created, options));
  }

  /** Length of the local delivery log. */
  get deliveredCount(): number {
    return this.#delivered;
  }

  /**
   * Writes all or nothing, in one commit that is on disk on return. What is there already is left as it is.
   * A request may stand anywhere in the batch that delivers it.
   * @throws AssertionError for a second vote, delivery or certificate with another digest at one position, or a delivery
   * without its request
   */
  append(batch: readonly StoreRecord[]): void {
    if (batch.length === 0) return;
    this.#delivered = guarded(this.#path, () => this.#appendAll(batch));
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

  commandsDone(): Set<string> {
    return new Set(this.#read(() => this.#statements.commandsDone.all()).map(({ command }) => command));
  }

  close(): void {
    this.#database.close();
  }

  #read<T>(work: () => T): T {
    return guarded(this.#path, work);
  }

  /** Returns how many deliveries there are then; kept only if the commit succeeds. */
  #write(batch: readonly StoreRecord[]): number {
    let delivered = this.#delivered;
    for (const record of batch) if (record.type === 'request') this.#writeRequest(record);
    for (const record of batch) {
      switch (record.type) {
        case 'request':
          break;
        case 'vote':
          this.#writeVote(record);
          break;
        case 'delivery':
          delivered += this.#writeDelivery(record, delivered + 1) ? 1 : 0;
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
      }
    }
    return delivered;
  }

  #writeRequest({ digest, content, proof }: RequestRecord): void {
    this.#statements.putRequest.run(digest, content, proof);
  }

  #writeVote({ stream, number, kind, digest }: VoteRecord): void {
    const before = this.#statements.vote.get(stream, number, kind)?.digest;
    if (!isNew(before, digest, `${kind} vote at ${stream}#${number}`)) return;
    this.#statements.putVote.run(stream, number, kind, digest);
  }

  #writeDelivery({ stream, number, digest, certificate }: DeliveryRecord, position: number): boolean {
    const before = this.#statements.deliveredDigest.get(stream, number)?.digest;
    if (!isNew(before, digest, `delivery at ${stream}#${number}`)) return false;
    assert.ok(this.#statements.hasRequest.get(digest), `delivery at ${stream}#${number} without its request`);
    this.#statements.putDelivery.run(position, stream, number, digest, certificate);
    return true;
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

function readEpoch(statements: Statements): string {
  const stored = statements.meta.get(EPOCH)?.value;
  if (stored !== undefined) return stored;
  const epoch = randomUUID();
  statements.putMeta.run(EPOCH, epoch);
  return epoch;
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
