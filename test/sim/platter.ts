import assert from 'node:assert';
import {
  type ArchivedUnit,
  type ArchiveTotals,
  type CertificateRecord,
  type CursorRecord,
  type DeliveryRecord,
  DigestSum,
  type EvidenceRecord,
  type LoggedDelivery,
  type LoggedRetirement,
  type RecoveryRecord,
  type RequestRecord,
  type StoreRecord,
  type VoteRecord,
} from '../../src/store/index.js';
import type { ReplicaStorage } from '../../src/replica/ports.js';

type Retired = Extract<StoreRecord, { type: 'retired' }>;
type HeardRecord = Extract<StoreRecord, { type: 'heard' }>;
type Unit = Retired & { readonly position: number };
type Entry = DeliveryRecord & { readonly position: number };

const at = (stream: string, number: number): string => `${stream}#${number}`;
const hex = (digest: Uint8Array): string => Buffer.from(digest.buffer, digest.byteOffset, digest.byteLength).toString('hex');
const copy = (digest: Uint8Array): Buffer => Buffer.from(digest);

function same(before: { readonly digest: Uint8Array } | undefined, digest: Uint8Array, what: string): boolean {
  if (before === undefined) return false;
  assert.ok(Buffer.compare(before.digest, digest) === 0, `a second, different ${what}`);
  return true;
}

/**
 * What is on one replica's disk: the replica store in memory, with the promises of the real one (a test holds them against each other).
 * It outlives the process, and can go back to what it was some writes ago.
 */
export class Platter implements ReplicaStorage {
  readonly #batches: (readonly StoreRecord[])[] = [];
  readonly #votes = new Map<string, VoteRecord>();
  readonly #requests = new Map<string, RequestRecord>();
  readonly #deliveries = new Map<string, Entry>();
  /** The same by position. */
  readonly #log = new Map<number, Entry>();
  readonly #certificates = new Map<string, CertificateRecord>();
  readonly #evidence = new Map<string, EvidenceRecord>();
  readonly #cursors = new Map<number, CursorRecord>();
  readonly #heard = new Map<number, HeardRecord>();
  readonly #done = new Set<string>();
  readonly #units = new Map<string, Unit>();
  readonly #names = new Map<string, string>();
  #recovery: RecoveryRecord | undefined;
  #recoveries = 0;
  #head = 0;
  #archived = 0;
  made = 0;
  deliveredCount = 0;

  constructor(
    private readonly name: string,
    private readonly evidenceMax = 1_000,
    /** How many times it went back. */
    private readonly rollbacks = 0,
  ) {}

  /** Names this disk and this past of it. */
  get lineage(): string {
    return `${this.name}.${this.rollbacks}`;
  }

  /** The last number delivered of each stream. */
  lastDelivered(): Map<string, number> {
    const last = new Map<string, number>();
    const note = (stream: string, number: number): void => void last.set(stream, Math.max(number, last.get(stream) ?? 0));
    for (const { stream, number } of this.#deliveries.values()) note(stream, number);
    for (const { streams } of this.#units.values()) for (const { stream, through } of streams) note(stream, through);
    return last;
  }

  /** Another log has another name. */
  get epoch(): string {
    return `${this.name}.${this.#recoveries}`;
  }

  get head(): number {
    return this.#head;
  }

  /** All writes, in their order. */
  get batches(): readonly (readonly StoreRecord[])[] {
    return this.#batches;
  }

  /** How many writes there were. */
  get writes(): number {
    return this.#batches.length;
  }

  /** This disk as it was after so many writes. */
  asOf(writes: number): Platter {
    const older = new Platter(this.name, this.evidenceMax, this.rollbacks + 1);
    for (const batch of this.#batches.slice(0, writes)) older.append(batch);
    return older;
  }

  append(batch: readonly StoreRecord[]): void {
    if (batch.length === 0) return;
    for (const record of batch) if (record.type === 'request') this.#putRequest(record);
    for (const record of batch) this.#put(record);
    this.#batches.push(batch);
  }

  #putRequest(record: RequestRecord): void {
    const key = hex(record.digest);
    if (!this.#requests.has(key)) this.#requests.set(key, record);
  }

  #put(record: StoreRecord): void {
    switch (record.type) {
      case 'request':
        return;
      case 'vote': {
        const key = `${record.kind} ${at(record.stream, record.number)}`;
        if (!same(this.#votes.get(key), record.digest, `vote at ${key}`)) this.#votes.set(key, record);
        return;
      }
      case 'certificate': {
        const key = at(record.stream, record.number);
        if (!same(this.#certificates.get(key), record.digest, `certificate at ${key}`)) this.#certificates.set(key, record);
        return;
      }
      case 'delivery':
        return this.#deliver(record);
      case 'retired':
        return this.#retire(record);
      case 'evidence': {
        const key = `${record.kind} ${record.subject} ${record.about}`;
        if (!this.#evidence.has(key) && this.#evidence.size < this.evidenceMax) this.#evidence.set(key, record);
        return;
      }
      case 'cursor':
        return void this.#cursors.set(record.peer, record);
      case 'heard':
        return void this.#heard.set(record.peer, record);
      case 'made':
        this.made = record.count;
        return;
      case 'command-done':
        return void this.#done.add(record.command);
      case 'recovery':
        this.#recovery = record;
        this.#recoveries += 1;
        return;
    }
  }

  #deliver(record: DeliveryRecord): void {
    const key = at(record.stream, record.number);
    if (same(this.#deliveries.get(key), record.digest, `delivery at ${key}`)) return;
    assert.ok(this.#requests.has(hex(record.digest)), `delivery at ${key} without its request`);
    const entry = { ...record, position: ++this.#head };
    this.#deliveries.set(key, entry);
    this.#log.set(entry.position, entry);
    this.deliveredCount += 1;
  }

  #retire(record: Retired): void {
    const before = this.#units.get(record.unit);
    this.#units.delete(record.unit);
    this.#units.set(record.unit, { ...record, position: ++this.#head });
    this.#archived = this.#head;
    for (const name of record.names) this.#names.set(name, record.unit);
    for (const command of record.commands) this.#done.delete(command);
    this.deliveredCount += record.prints.deliveries - (before?.prints.deliveries ?? 0);
    for (const { stream, through } of record.streams) {
      for (let number = 1; number <= through; number++) this.#remove(stream, number);
    }
  }

  #remove(stream: string, number: number): void {
    const key = at(stream, number);
    const entry = this.#deliveries.get(key);
    if (entry !== undefined) {
      this.#log.delete(entry.position);
      this.#deliveries.delete(key);
      this.#requests.delete(hex(entry.digest));
      this.deliveredCount -= 1;
    }
    for (const kind of ['echo', 'ready']) {
      const vote = this.#votes.get(`${kind} ${key}`);
      if (vote !== undefined) this.#requests.delete(hex(vote.digest));
      this.#votes.delete(`${kind} ${key}`);
    }
    this.#certificates.delete(key);
  }

  /** Retirement is one write here, so nothing is ever left over. */
  unfinished(): ArchivedUnit[] {
    return [];
  }

  finish(): void {
    // Nothing is unfinished.
  }

  #isOpen = ({ stream, number }: { readonly stream: string; readonly number: number }): boolean =>
    !this.#deliveries.has(at(stream, number));

  votes(): VoteRecord[] {
    return [...this.#votes.values()].filter(this.#isOpen).sort(byPosition);
  }

  logged(from: number, limit: number): ReturnType<ReplicaStorage['logged']> {
    return this.deliveries(from, limit).map(({ position, record: { stream, number, digest } }) => ({
      position,
      stream,
      number,
      digest,
    }));
  }

  deliveries(from: number, limit: number): LoggedDelivery[] {
    const found: LoggedDelivery[] = [];
    if (from > this.#head) return found;
    for (const entry of this.#log.values()) {
      if (found.length >= limit) break;
      if (entry.position >= from) found.push(this.#logged(entry));
    }
    return found;
  }

  certificatesOf(stream: string): { position: number; number: number; certificate: Buffer }[] {
    const all = [...this.#deliveries.values()].filter((entry) => entry.stream === stream);
    const found = all.map(({ position, number, certificate }) => ({ position, number, certificate: copy(certificate) }));
    return found.sort((a, b) => a.number - b.number);
  }

  delivery(stream: string, number: number): LoggedDelivery | undefined {
    const entry = this.#deliveries.get(at(stream, number));
    return entry && this.#logged(entry);
  }

  #logged({ position, ...record }: Entry): LoggedDelivery {
    return { position, record, content: this.#requests.get(hex(record.digest))?.content ?? Buffer.alloc(0) };
  }

  request(digest: Uint8Array): RequestRecord | undefined {
    return this.#requests.get(hex(digest));
  }

  openRequests(): RequestRecord[] {
    const voted = new Set(this.votes().map(({ digest }) => hex(digest)));
    return [...this.#requests].flatMap(([digest, record]) => (voted.has(digest) ? [record] : []));
  }

  certificates(): CertificateRecord[] {
    return [...this.#certificates.values()].filter(this.#isOpen).sort(byPosition);
  }

  evidence(): EvidenceRecord[] {
    return [...this.#evidence.values()];
  }

  cursor(peer: number): CursorRecord | undefined {
    return this.#cursors.get(peer);
  }

  heard(): HeardRecord[] {
    return [...this.#heard.values()].sort((a, b) => a.peer - b.peer);
  }

  recovery(): RecoveryRecord | undefined {
    return this.#recovery;
  }

  commandsDone(): Set<string> {
    return new Set(this.#done);
  }

  close(): void {
    // What is written stays.
  }

  readonly archive: ReplicaStorage['archive'] = this.#makeArchive();

  #makeArchive(): ReplicaStorage['archive'] {
    const units = this.#units;
    const given = (unit: Unit | undefined): ArchivedUnit | undefined =>
      unit && { unit: unit.unit, record: copy(unit.record), notes: copy(unit.notes) };
    const archived = (): number => this.#archived;
    return {
      get head() {
        return archived();
      },
      get totals() {
        return totalsOf([...units.values()]);
      },
      put: () => assert.fail('units are retired by append'),
      find: (name) => given(units.get(this.#names.get(name) ?? '')),
      has: (name) => this.#names.has(name),
      kept: (name) => {
        const kept = units.get(this.#names.get(name) ?? '')?.kept;
        return kept && copy(kept);
      },
      unit: (unit) => given(units.get(unit)),
      hash: (unit) => {
        const hash = units.get(unit)?.hash;
        return hash && copy(hash);
      },
      latest: (limit) =>
        [...units.values()]
          .reverse()
          .slice(0, limit)
          .flatMap((unit) => given(unit) ?? []),
      retirements: (from, limit): LoggedRetirement[] =>
        [...units.values()]
          .filter(({ position }) => position >= from)
          .slice(0, limit)
          .map(({ position, unit, hash }) => ({ position, unit, hash: copy(hash) })),
      sweep: () => undefined,
      close: () => undefined,
    };
  }
}

const byPosition = (a: { stream: string; number: number }, b: { stream: string; number: number }): number =>
  a.stream === b.stream ? a.number - b.number : a.stream < b.stream ? -1 : 1;

function totalsOf(units: readonly Unit[]): ArchiveTotals {
  const positions = new DigestSum();
  const state = new DigestSum();
  let members = 0;
  let deliveries = 0;
  for (const { prints } of units) {
    positions.add(prints.positions);
    state.add(prints.state);
    members += prints.members;
    deliveries += prints.deliveries;
  }
  return { members, deliveries, positions: positions.hex, state: state.hex };
}

/** A disk as one life of a process works with it: reads what is there, and writes as `append` says. */
export class Session implements ReplicaStorage {
  readonly archive: ReplicaStorage['archive'];

  constructor(
    private readonly platter: Platter,
    readonly append: ReplicaStorage['append'],
  ) {
    this.archive = platter.archive;
  }

  get epoch(): string {
    return this.platter.epoch;
  }
  get head(): number {
    return this.platter.head;
  }
  get made(): number {
    return this.platter.made;
  }
  get deliveredCount(): number {
    return this.platter.deliveredCount;
  }

  unfinished = (): ArchivedUnit[] => this.platter.unfinished();
  finish = (): void => this.platter.finish();
  votes = (): VoteRecord[] => this.platter.votes();
  deliveries = (from: number, limit: number): LoggedDelivery[] => this.platter.deliveries(from, limit);
  delivery = (stream: string, number: number): LoggedDelivery | undefined => this.platter.delivery(stream, number);
  logged = (from: number, limit: number): ReturnType<ReplicaStorage['logged']> => this.platter.logged(from, limit);
  certificatesOf = (stream: string): { position: number; number: number; certificate: Buffer }[] =>
    this.platter.certificatesOf(stream);
  request = (digest: Uint8Array): RequestRecord | undefined => this.platter.request(digest);
  openRequests = (): RequestRecord[] => this.platter.openRequests();
  certificates = (): CertificateRecord[] => this.platter.certificates();
  evidence = (): EvidenceRecord[] => this.platter.evidence();
  cursor = (peer: number): CursorRecord | undefined => this.platter.cursor(peer);
  heard = (): HeardRecord[] => this.platter.heard();
  recovery = (): RecoveryRecord | undefined => this.platter.recovery();
  commandsDone = (): Set<string> => this.platter.commandsDone();
  close = (): void => this.platter.close();
}
