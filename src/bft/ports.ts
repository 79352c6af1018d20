import type { Evidence, Position, ReplicaId, Request, Digest, Round } from './types.js';
import type { VoteMark } from './votes.js';

/**
 * What an embedder supplies, on one page. The broadcast itself has no clock, no randomness and no I/O: time comes in with
 * `tick`, frames come in with `receive`, and everything to be written or sent goes out with `flush`.
 */

/** May this replica vote for the request now? Times, rights and limits count only here: a certificate overrides them. */
export type Admission =
  | { readonly verdict: 'admit' }
  | { readonly verdict: 'wait'; readonly code: string; readonly waitsFor: readonly string[] }
  | { readonly verdict: 'refuse'; readonly code: string; readonly detail: string };

export interface StreamInfo {
  /** Streams of one domain may wait for each other; streams of different domains never do. */
  readonly domain: string;
  /** A second round (READY) precedes delivery, so that a delivered request shows in any n − f replicas' certificates. */
  readonly control: boolean;
  /** The only identity that may write the stream; undefined while the service cannot know it yet. */
  readonly writer: string | undefined;
  /** Whether certified requests of the stream may be handed to the service now (its domain exists here). */
  readonly ready: boolean;
  /** This replica gives no READY here: it may have lost votes on this stream. (Echoes are `admit`'s to refuse.) */
  readonly abstain?: boolean;
}

/**
 * The application that is replicated. Requests of one stream are executed in order; the interleaving of streams is free, so
 * the state after a set of requests must not depend on it. (How a request is ordered is its stream's property; a total order
 * for requests that need one joins behind this same interface.)
 */
export interface ReplicatedService<Effects> {
  /** undefined: no such stream can exist. */
  stream(name: string): StreamInfo | undefined;
  admit(request: Request): Admission;
  /** Executes a certified request, in stream order, exactly once. Total: it must not throw. Returns the domains it touched. */
  deliver(request: Request, digest: Digest): { readonly domains: readonly string[]; readonly effects: Effects };
  /** Absent: all of the service's state stays in memory. */
  readonly retirement?: Retirement;
}

/**
 * A unit is a part of the service's state in which nothing is left to do: here, activities inside one another that have all
 * ended. It leaves memory as a whole; its record stays on disk. A late request to it must find the service as if it had never left,
 * so whatever the service is asked about a unit that it forgot it reads from the record.
 */
export interface Retirement {
  /** The unit in memory that a domain belongs to, if nothing is left to do in it. All replicas give it the same name. */
  over(domain: string): string | undefined;
  /** The unit as all replicas that delivered the same write it down; undefined while it must stay in memory. */
  pack(unit: string): { readonly streams: readonly string[]; readonly state: Uint8Array } | undefined;
  /** The streams of a unit with deliveries here, in memory or retired; none if it is unknown. */
  streams(unit: string): readonly string[];
  /** The record is on disk: the unit, or as much of it as was delivered here, leaves memory. */
  forget(unit: string): void;
}

/** This replica's vote key. */
export interface VoteSigner {
  sign(data: Uint8Array): Buffer;
}

/** The vote keys of all replicas. */
export interface VoteVerifier {
  verify(replica: ReplicaId, data: Uint8Array, signature: Uint8Array): boolean;
}

/** An entry of a delivery log. Positions rise; entries of retired units are taken out of a log, so that it has gaps. */
export type LogEntry = DeliveryEntry | RetiredEntry;

export interface DeliveryEntry extends Position {
  readonly kind: 'delivery';
  readonly position: number;
  readonly digest: Digest;
}

/** It stands for all deliveries of a unit up to then; there is one for each unit. */
export interface RetiredEntry {
  readonly kind: 'retired';
  readonly position: number;
  readonly unit: string;
  /** Of the record. */
  readonly hash: Digest;
}

export interface StoredRequest {
  readonly content: Uint8Array;
  /** The writer's signed message; empty where the request was learnt from a peer, with its certificate. */
  readonly proof: Uint8Array;
}

/** What was written earlier, read back on demand: the delivery log is not kept in memory. */
export interface History {
  /** Names this log; another log (a new database) has another epoch. */
  readonly epoch: string;
  /** The position of the last entry of this replica's delivery log; 0 if there is none. */
  readonly head: number;
  /** Entries of this replica's delivery log from position `from` (or the next after it) on; at most `limit`. */
  log(from: number, limit: number): readonly LogEntry[];
  /** What was delivered on a stream of a retired unit, in order; undefined for any other stream. */
  stream(name: string): readonly Digest[] | undefined;
  /** The record of a retired unit. */
  record(unit: string): Uint8Array | undefined;
  recordHash(unit: string): Digest | undefined;
  /** A delivered request with the certificate that delivered it; undefined also once it is retired and not kept. */
  delivered(position: Position): (StoredRequest & { readonly certificate: Uint8Array }) | undefined;
  /** How far this replica has followed a peer's log. */
  followed(peer: ReplicaId): { readonly epoch: string; readonly position: number } | undefined;
}

/** What must be on disk before the messages of the same flush leave and before anything delivered is acknowledged. */
export type PersistRecord =
  | { readonly type: 'request'; readonly digest: Digest; readonly content: Uint8Array; readonly proof: Uint8Array }
  | ({ readonly type: 'vote'; readonly round: Round; readonly digest: Digest } & Position)
  | ({ readonly type: 'certificate'; readonly digest: Digest; readonly certificate: Uint8Array } & Position)
  | ({ readonly type: 'delivery'; readonly digest: Digest; readonly certificate: Uint8Array } & Position)
  | RetiredRecord
  | { readonly type: 'evidence'; readonly evidence: Evidence }
  /** How many votes this replica has ever made. */
  | { readonly type: 'made'; readonly count: number }
  /** The highest mark of a peer's votes that this replica has seen. */
  | { readonly type: 'heard'; readonly peer: ReplicaId; readonly mark: VoteMark }
  /** A mark of our own proves that this store has forgotten votes. */
  | { readonly type: 'votes-lost'; readonly made: number; readonly toldBy: ReplicaId }
  | { readonly type: 'followed'; readonly peer: ReplicaId; readonly epoch: string; readonly position: number };

/**
 * The next entry of the delivery log, in the place of an older one of the unit. Once the record is on disk, deliveries, votes,
 * certificates and requests of its streams, up to those numbers, are not needed any more.
 */
export interface RetiredRecord {
  readonly type: 'retired';
  readonly unit: string;
  readonly hash: Digest;
  readonly record: Uint8Array;
  /** The service's part of the record. */
  readonly state: Uint8Array;
  readonly streams: readonly RetiredStream[];
  /**
   * Some peer may lack some of it: `History.delivered` must go on finding the deliveries that are in this log now, or that were
   * when the unit was retired like that before. Otherwise nobody honest will ask for them again.
   */
  readonly keep: boolean;
}

/** A stream and what was delivered on it, in order. */
export interface RetiredStream {
  readonly stream: string;
  readonly digests: readonly Digest[];
}

export interface Delivered<Effects> extends Position {
  readonly digest: Digest;
  readonly request: Request;
  readonly effects: Effects;
}

export interface Withdrawn extends Position {
  readonly digest: Digest;
  readonly code: string;
  readonly detail: string;
}

/** A peer proved that this replica has made more votes than it remembers. */
export interface VotesLost {
  readonly toldBy: ReplicaId;
  readonly made: number;
}

/** Everything that one turn produced. Write `records` in one commit, then send `frames`, then act on the rest. */
export interface Ready<Effects> {
  readonly records: readonly PersistRecord[];
  readonly frames: readonly { readonly to: ReplicaId; readonly frame: Uint8Array }[];
  readonly delivered: readonly Delivered<Effects>[];
  /** Submitted requests that had to wait and then turned out not to be admissible, or waited too long. */
  readonly withdrawn: readonly Withdrawn[];
  /** Units whose records are among `records`: once those are written, tell the broadcast with `forget`. */
  readonly retired: readonly string[];
  /** Signed requests that a peer passed on: verify each, then `submit` it. */
  readonly passedOn: readonly { readonly from: ReplicaId; readonly proof: Uint8Array }[];
  readonly malformed: readonly { readonly from: ReplicaId; readonly reason: string }[];
  /** No vote is given until the embedder has seen to it that the service abstains, and called `lossIsKnown`. */
  readonly votesLost: readonly VotesLost[];
}

/** What became of a submitted request. */
export type Submission =
  | { readonly outcome: 'delivered' }
  /** In progress: voted for, or waiting to be admitted for the reason given. */
  | { readonly outcome: 'open'; readonly waiting?: { readonly code: string; readonly waitsFor: readonly string[] } }
  | { readonly outcome: 'refused'; readonly code: string; readonly detail: string };
