import type { Evidence, Position, ReplicaId, Request, Digest, Round } from './types.js';

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
  /** Executes a certified request, in stream order, exactly once. Total: it must not throw. Returns the domain it touched. */
  deliver(request: Request, digest: Digest): { readonly domain: string; readonly effects: Effects };
}

/** This replica's vote key. */
export interface VoteSigner {
  sign(data: Uint8Array): Buffer;
}

/** The vote keys of all replicas. */
export interface VoteVerifier {
  verify(replica: ReplicaId, data: Uint8Array, signature: Uint8Array): boolean;
}

export interface LogEntry extends Position {
  readonly digest: Digest;
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
  /** Entries `from`, `from` + 1 … of this replica's delivery log, which starts at 1; at most `limit`. */
  log(from: number, limit: number): readonly LogEntry[];
  /** A delivered request with the certificate that delivered it. */
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
  | { readonly type: 'evidence'; readonly evidence: Evidence }
  | { readonly type: 'followed'; readonly peer: ReplicaId; readonly epoch: string; readonly position: number };

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

/** Everything that one turn produced. Write `records` in one commit, then send `frames`, then act on the rest. */
export interface Ready<Effects> {
  readonly records: readonly PersistRecord[];
  readonly frames: readonly { readonly to: ReplicaId; readonly frame: Uint8Array }[];
  readonly delivered: readonly Delivered<Effects>[];
  /** Submitted requests that had to wait and then turned out not to be admissible, or waited too long. */
  readonly withdrawn: readonly Withdrawn[];
  /** Signed requests that a peer passed on: verify each, then `submit` it. */
  readonly passedOn: readonly { readonly from: ReplicaId; readonly proof: Uint8Array }[];
  readonly malformed: readonly { readonly from: ReplicaId; readonly reason: string }[];
}

/** What became of a submitted request. */
export type Submission =
  | { readonly outcome: 'delivered' }
  /** In progress: voted for, or waiting to be admitted for the reason given. */
  | { readonly outcome: 'open'; readonly waiting?: { readonly code: string; readonly waitsFor: readonly string[] } }
  | { readonly outcome: 'refused'; readonly code: string; readonly detail: string };
