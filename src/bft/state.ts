import { EvidenceBook } from './evidence.js';
import type { BroadcastLimits } from './limits.js';
import type { KnownRequest } from './open-position.js';
import { PendingRequests } from './pending.js';
import type { History, ReplicatedService, VoteSigner, VoteVerifier } from './ports.js';
import { decodeRequest, digestOf } from './request.js';
import { Streams } from './streams.js';
import { Turn } from './turn.js';
import type { Evidence, Position, ReplicaId } from './types.js';
import { type VoteMark, Votes } from './votes.js';

export interface BroadcastOptions<Effects> {
  readonly self: ReplicaId;
  /** Replicas in all, and how many of them may be arbitrarily faulty: n ≥ 3f + 1. */
  readonly n: number;
  readonly f: number;
  /** The cluster's id; part of everything hashed and signed. */
  readonly cluster: string;
  readonly limits: BroadcastLimits;
  readonly signer: VoteSigner;
  readonly verifier: VoteVerifier;
  readonly service: ReplicatedService<Effects>;
  readonly history: History;
}

export const NO_PROOF = new Uint8Array(0);

/** What the parts of the broadcast share: where every stream is, who waits, and what the current turn has produced. */
export class BroadcastState<Effects> {
  readonly votes: Votes;
  readonly streams: Streams;
  readonly pending: PendingRequests;
  readonly evidence: EvidenceBook;
  readonly turn = new Turn<Effects>();
  /** Undelivered requests that this replica has voted for, by writer. */
  readonly openByWriter = new Map<string, number>();
  readonly peers: readonly ReplicaId[];
  /** How many votes this replica has ever made. */
  made = 0;
  /** The highest marks seen of peers' votes. */
  readonly heard = new Map<ReplicaId, VoteMark>();
  /** Milliseconds of the embedder's clock, as of the current event. */
  now = 0;

  constructor(readonly options: BroadcastOptions<Effects>) {
    if (options.n < 3 * options.f + 1) throw new RangeError(`n = ${options.n} replicas cannot mask f = ${options.f}: n ≥ 3f + 1`);
    this.votes = new Votes(options);
    this.streams = new Streams(options.limits, options.history);
    this.pending = new PendingRequests(options.limits);
    this.evidence = new EvidenceBook(options.limits);
    this.peers = Array.from({ length: options.n }, (_, i) => i + 1).filter((id) => id !== options.self);
  }

  countOpen(writer: string, change: 1 | -1): void {
    const count = (this.openByWriter.get(writer) ?? 0) + change;
    if (count === 0) this.openByWriter.delete(writer);
    else this.openByWriter.set(writer, count);
  }

  isDelivered(position: Position): boolean {
    return position.number <= this.streams.delivered(position.stream);
  }

  /** Keeps a proof of misbehaviour, if it is one and new. */
  keep(evidence: Evidence | undefined): void {
    if (evidence !== undefined && this.evidence.add(evidence)) this.turn.persist({ type: 'evidence', evidence });
  }

  /** Shows a writer's signed message to peers: they verify it themselves. */
  passOn(known: KnownRequest, peers: readonly ReplicaId[] = this.peers): void {
    if (known.proof.length > 0) this.turn.send(peers, { type: 'pass-on', proof: known.proof });
  }

  /** @throws CodecError when the content is not a request of this cluster */
  read(content: Uint8Array, proof: Uint8Array = NO_PROOF): KnownRequest {
    return {
      request: decodeRequest(this.options.cluster, content, this.options.limits),
      digest: digestOf(content),
      content,
      proof,
    };
  }
}
