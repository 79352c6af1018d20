import {
  type Digest,
  type Evidence,
  type History,
  type LogEntry,
  type PersistRecord,
  type Position,
  decode,
  decodeCertificate,
  decodeRequest,
  positionKey,
  readAttestation,
  readStatement,
  type ReplicaEvidence,
  type SourceOrderedBroadcast,
  type BroadcastLimits,
  Writer,
  writeAttestation,
  writeStatement,
} from '../bft/index.js';
import type { StoredDelivery } from './report.js';
import type { EvidenceRecord, ReplicaStore, StoreRecord } from '../store/index.js';

const REPLAY_CHUNK = 500;

const bytes = (digest: Digest): Buffer => Buffer.from(digest, 'hex');
const hex = (digest: Uint8Array): Digest => Buffer.from(digest).toString('hex') as Digest;

/** The replica's store, in the terms of the broadcast. */
export class Journal implements History {
  constructor(
    private readonly store: ReplicaStore,
    private readonly o: {
      readonly cluster: string;
      readonly n: number;
      readonly limits: BroadcastLimits;
      readonly clock: () => number;
    },
  ) {}

  get epoch(): string {
    return this.store.epoch;
  }

  log(from: number, limit: number): readonly LogEntry[] {
    if (from > this.store.deliveredCount) return [];
    return this.store
      .deliveries(from, limit)
      .map(({ record }) => ({ stream: record.stream, number: record.number, digest: hex(record.digest) }));
  }

  delivered(position: Position): { content: Uint8Array; proof: Uint8Array; certificate: Uint8Array } | undefined {
    const found = this.store.delivery(position.stream, position.number);
    if (found === undefined) return undefined;
    const proof = this.store.request(found.record.digest)?.proof ?? new Uint8Array(0);
    return { content: found.content, proof, certificate: found.record.certificate };
  }

  followed(peer: number): { epoch: string; position: number } | undefined {
    return this.store.cursor(peer);
  }

  /** A delivered request, decoded. */
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
    return certificate && Buffer.from(certificate).toString('base64');
  }

  /** One commit. @throws what the store throws; then nothing was written and nothing may be sent */
  append(records: readonly PersistRecord[]): void {
    this.store.append(records.map((record) => this.#toStore(record)));
  }

  /** Brings a broadcast to where this replica stopped. Returns how many deliveries were replayed. */
  replayInto(broadcast: SourceOrderedBroadcast<unknown>): number {
    let position = 1;
    for (;;) {
      const chunk = this.store.deliveries(position, REPLAY_CHUNK);
      for (const { content } of chunk) broadcast.replay(content);
      position += chunk.length;
      if (chunk.length === 0) break;
    }
    broadcast.restore({
      votes: this.store.votes().map(({ kind, stream, number, digest }) => ({ round: kind, stream, number, digest: hex(digest) })),
      requests: this.store.openRequests(),
      certificates: this.store.certificates().map((record) => record.certificate),
      evidence: this.store.evidence().map((record) => this.#fromEvidence(record)),
    });
    return position - 1;
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
      case 'evidence':
        return toEvidenceRecord(record.evidence, this.o.clock());
      case 'followed':
        return { type: 'cursor', peer: record.peer, epoch: record.epoch, position: record.position };
    }
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
