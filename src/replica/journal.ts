import {
  type Digest,
  type Evidence,
  type History,
  type LogEntry,
  type PersistRecord,
  type RetiredRecord,
  type RetiredStream,
  type Position,
  decode,
  decodeCertificate,
  decodeRecord,
  decodeRequest,
  positionKey,
  readAttestation,
  readMark,
  readStatement,
  type ReplicaEvidence,
  type SourceOrderedBroadcast,
  type BroadcastLimits,
  Writer,
  writeAttestation,
  writeMark,
  writeStatement,
} from '../bft/index.js';
import { parseStream } from '../contract/index.js';
import type { Logger } from '../log.js';
import { Audit, reading } from './audit.js';
import type { ReplicaStorage } from './ports.js';
import { decodeKept, encodeKept } from './kept.js';
import { portray, type PortraitSources } from './portrait.js';
import { recoveryRecord } from './recovery.js';
import type { StoredDelivery } from './report.js';
import { RetiredUnits } from './retired-units.js';
import type { EvidenceRecord, StoreRecord } from '../store/index.js';

const REPLAY_CHUNK = 500;

const bytes = (digest: Digest): Buffer => Buffer.from(digest, 'hex');
const throughOf = (streams: readonly RetiredStream[]): { stream: string; through: number }[] =>
  streams.map(({ stream, digests }) => ({ stream, through: digests.length }));
const hex = (digest: Uint8Array): Digest => Buffer.from(digest).toString('hex') as Digest;

/** What a retired unit with this stream can be found by. */
function nameIn(stream: string): string | undefined {
  const parsed = parseStream(stream);
  return parsed?.kind === 'create' ? stream : parsed?.activity;
}

/** The replica's store, in the terms of the broadcast. */
export class Journal implements History {
  /** Activities that have left memory. */
  readonly units: RetiredUnits;
  /** When each proof of misbehaviour was first written down; by what the store tells them apart by. */
  readonly #evidenceSince = new Map<string, number>();

  constructor(
    private readonly store: ReplicaStorage,
    private readonly o: {
      readonly cluster: string;
      readonly n: number;
      readonly limits: BroadcastLimits;
      readonly clock: () => number;
      readonly clockWindowMs: number;
      /** The activities that the state of a record was made from. */
      readonly packed: PortraitSources['packed'];
      /** What was known of these commands is not needed any more. */
      readonly forgetCommands: (commands: readonly string[]) => void;
      readonly log: Pick<Logger, 'error'>;
    },
  ) {
    this.units = new RetiredUnits(store.archive, {
      cluster: o.cluster,
      limits: o.limits,
      maxRevived: o.limits.maxRevivedStreams,
      onUnreadable: (unit, error) => o.log.error({ unit, err: error }, 'the record of a retired activity makes no sense'),
    });
  }

  get epoch(): string {
    return this.store.epoch;
  }

  get head(): number {
    return this.store.head;
  }

  log(from: number, limit: number): readonly LogEntry[] {
    if (from > this.store.head) return [];
    const live = this.store
      .logged(from, limit)
      .map(({ digest, ...entry }): LogEntry => ({ kind: 'delivery', ...entry, digest: hex(digest) }));
    const retired = this.store.archive
      .retirements(from, limit)
      .map(({ position, unit, hash }): LogEntry => ({ kind: 'retired', position, unit, hash: hex(hash) }));
    if (retired.length === 0) return live;
    return [...live, ...retired].sort((a, b) => a.position - b.position).slice(0, limit);
  }

  stream(name: string): readonly Digest[] | undefined {
    const found = nameIn(name);
    return found === undefined ? undefined : this.units.find(found)?.streams.get(name);
  }

  record(unit: string): Uint8Array | undefined {
    return this.store.archive.unit(unit)?.record;
  }

  recordHash(unit: string): Digest | undefined {
    const hash = this.store.archive.hash(unit);
    return hash && hex(hash);
  }

  /** Whether the delivery at a position is on disk. */
  isStored({ stream, number }: Position): boolean {
    return this.store.delivery(stream, number) !== undefined || number <= (this.stream(stream)?.length ?? 0);
  }

  delivered(position: Position): { content: Uint8Array; proof: Uint8Array; certificate: Uint8Array } | undefined {
    const found = this.store.delivery(position.stream, position.number);
    if (found === undefined) return this.#kept(position);
    const proof = this.store.request(found.record.digest)?.proof ?? new Uint8Array(0);
    return { content: found.content, proof, certificate: found.record.certificate };
  }

  #kept({ stream, number }: Position): { content: Uint8Array; proof: Uint8Array; certificate: Uint8Array } | undefined {
    const name = nameIn(stream);
    const kept = name === undefined ? undefined : this.store.archive.kept(name);
    const found = kept && decodeKept(kept).find((delivery) => delivery.stream === stream && delivery.number === number);
    return found && { content: found.content, proof: new Uint8Array(0), certificate: found.certificate };
  }

  followed(peer: number): { epoch: string; position: number } | undefined {
    return this.store.cursor(peer);
  }

  /** A delivered request, decoded; undefined also once it is retired. */
  read(stream: string, number: number): StoredDelivery | undefined {
    const found = this.store.delivery(stream, number);
    if (found === undefined) return undefined;
    const { cluster, n, limits } = this.o;
    const { writer, payload } = decodeRequest(cluster, found.content, limits);
    const { attestations } = decodeCertificate(found.record.certificate, limits, n);
    return {
      position: found.position,
      writer,
      payload,
      certifiedBy: attestations.map(({ replica }) => replica).sort((a, b) => a - b),
    };
  }

  /** The certificate that delivered a request, as clients get it: base64. */
  certificateText(stream: string, number: number): string | undefined {
    const certificate = this.store.delivery(stream, number)?.record.certificate;
    if (certificate !== undefined) return Buffer.from(certificate).toString('base64');
    const parsed = number === 1 ? parseStream(stream) : undefined;
    return parsed?.kind === 'participant' ? this.units.find(parsed.activity)?.certificates[stream] : undefined;
  }

  /** One commit. @throws what the store throws; then nothing was written and nothing may be sent */
  append(records: readonly PersistRecord[]): void {
    const stored = records.map((record) => this.#toStore(record));
    this.store.append(stored);
    for (const record of stored) {
      if (record.type === 'retired') this.o.forgetCommands(record.commands);
      else if (record.type === 'evidence') this.#noteEvidence(record);
    }
  }

  /** When a proof of misbehaviour was found, in milliseconds since 1970; undefined if it is not kept. */
  evidenceSince(evidence: Evidence): number | undefined {
    return this.#evidenceSince.get(evidenceKey(toEvidenceRecord(evidence, 0)));
  }

  #noteEvidence(record: EvidenceRecord): void {
    const key = evidenceKey(record);
    if (!this.#evidenceSince.has(key)) this.#evidenceSince.set(key, record.at);
  }

  /**
   * Brings a broadcast to where this replica stopped. Returns how many deliveries were replayed; `seen` gets what each caused.
   * @throws ConcordatError StoreCorrupt if what is in the store is not what was written
   */
  replayInto<Effects>(broadcast: SourceOrderedBroadcast<Effects>, seen: (effects: Effects) => void): number {
    return reading(() => {
      this.#finishRetiring();
      const replayed = this.#replay(broadcast, seen);
      this.#restore(broadcast);
      return replayed;
    });
  }

  #replay<Effects>(broadcast: SourceOrderedBroadcast<Effects>, seen: (effects: Effects) => void): number {
    const audit = new Audit(this.o);
    let replayed = 0;
    for (let next = 1; ;) {
      const chunk = this.store.deliveries(next, REPLAY_CHUNK);
      for (const delivery of chunk) {
        const { digest, effects } = broadcast.replay(delivery.content);
        audit.delivery(delivery, digest);
        seen(effects);
      }
      replayed += chunk.length;
      const last = chunk.at(-1);
      if (last === undefined) return replayed;
      next = last.position + 1;
    }
  }

  #restore(broadcast: SourceOrderedBroadcast<unknown>): void {
    const votes = this.store.votes();
    const requests = this.store.openRequests();
    const certificates = this.store.certificates();
    const evidence = this.store.evidence();
    new Audit(this.o).votes(votes, requests, certificates);
    for (const record of evidence) this.#noteEvidence(record);
    broadcast.restore({
      votes: votes.map(({ kind, stream, number, digest }) => ({ round: kind, stream, number, digest: hex(digest) })),
      requests,
      certificates: certificates.map((record) => record.certificate),
      evidence: evidence.map((record) => this.#fromEvidence(record)),
      made: this.store.made,
      heard: this.store.heard().map(({ peer, mark }) => ({ peer, mark: decode(mark, readMark) })),
    });
  }

  /** Whatever a crash left of units that are in the archive goes: replayed, it would be delivered a second time. */
  #finishRetiring(): void {
    const units = this.store.unfinished();
    if (units.length === 0) return;
    const { cluster, limits } = this.o;
    this.store.finish(units.flatMap(({ record }) => throughOf(decodeRecord(cluster, record, limits).streams)));
  }

  #toStore(record: PersistRecord): StoreRecord {
    switch (record.type) {
      case 'request':
        return { ...record, digest: bytes(record.digest) };
      case 'vote':
        return { type: 'vote', kind: record.round, stream: record.stream, number: record.number, digest: bytes(record.digest) };
      case 'certificate':
      case 'delivery':
        return { ...record, digest: bytes(record.digest) };
      case 'retired':
        return this.#toRetired(record);
      case 'evidence':
        return toEvidenceRecord(record.evidence, this.o.clock());
      case 'made':
        return record;
      case 'heard': {
        const mark = new Writer();
        writeMark(mark, record.mark);
        return { type: 'heard', peer: record.peer, mark: mark.finish() };
      }
      case 'votes-lost':
        return this.#votesLost();
      case 'followed':
        return { type: 'cursor', peer: record.peer, epoch: record.epoch, position: record.position };
    }
  }

  /** Where the store is known to be new, it is for that reason that votes are missing. */
  #votesLost(): StoreRecord {
    const before = this.store.recovery();
    const record = recoveryRecord('votes-lost', this.o, before);
    return before === undefined || this.store.made > 0 ? record : { ...record, reason: before.reason, since: before.since };
  }

  #toRetired(record: RetiredRecord): StoreRecord {
    const { unit, hash, streams } = record;
    const portrait = portray(record, {
      packed: this.o.packed,
      n: this.o.n,
      deliveries: (stream) => this.store.certificatesOf(stream),
      certificate: (stream) => this.certificateText(stream, 1),
    });
    const kept = record.keep ? this.#keep(record) : undefined;
    const at = this.o.clock();
    return {
      type: 'retired',
      unit,
      hash: bytes(hash),
      record: record.record,
      streams: throughOf(streams),
      kept,
      at,
      ...portrait,
    };
  }

  /** What was kept of it before, and what is here. */
  #keep({ unit, streams }: RetiredRecord): Buffer {
    const before = this.store.archive.kept(unit);
    const live = streams.flatMap(({ stream }) =>
      this.store.certificatesOf(stream).flatMap(({ number, certificate }) => {
        const content = this.store.delivery(stream, number)?.content;
        return content === undefined ? [] : [{ stream, number, content, certificate }];
      }),
    );
    return encodeKept([...(before === undefined ? [] : decodeKept(before)), ...live]);
  }

  #fromEvidence(record: EvidenceRecord): Evidence {
    const { kind, subject, about, first, second } = record;
    if (kind === 'writer') {
      const hash = about.lastIndexOf('#');
      return { kind, writer: subject, stream: about.slice(0, hash), number: Number(about.slice(hash + 1)), first, second };
    }
    return { kind, replica: Number(subject), first: this.#readSigned(first), second: this.#readSigned(second) };
  }

  #readSigned(signed: Uint8Array): ReplicaEvidence['first'] {
    return decode(signed, (reader) => ({ ...readStatement(reader, this.o.limits), attestation: readAttestation(reader) }));
  }
}

const evidenceKey = ({ kind, subject, about }: EvidenceRecord): string => JSON.stringify([kind, subject, about]);

function toEvidenceRecord(evidence: Evidence, at: number): EvidenceRecord {
  if (evidence.kind === 'writer') {
    const { writer, first, second } = evidence;
    return { type: 'evidence', kind: 'writer', subject: writer, about: positionKey(evidence), first, second, at };
  }
  const { replica, first, second } = evidence;
  return {
    type: 'evidence',
    kind: 'replica',
    subject: String(replica),
    about: positionKey(first),
    first: writeSigned(first),
    second: writeSigned(second),
    at,
  };
}

/** A statement with its signature, as bytes that can be checked again later. */
function writeSigned(signed: ReplicaEvidence['first']): Buffer {
  const writer = new Writer();
  writeStatement(writer, signed);
  writeAttestation(writer, signed.attestation);
  return writer.finish();
}
