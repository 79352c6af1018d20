/** Bounds and intervals of the broadcast. All times are milliseconds of the clock the embedder passes to `tick`. */
export interface BroadcastLimits {
  /** Positions tracked on one peer's word alone; beyond that the oldest is forgotten (its votes come again). */
  readonly maxOpenPositionsPerPeer: number;
  /** Requests waiting to be admitted. */
  readonly maxPendingRequests: number;
  /** Requests of one writer waiting to be admitted. */
  readonly maxPendingPerWriter: number;
  /** Bytes of waiting requests, with the messages they came in. */
  readonly maxPendingBytes: number;
  /** Requests of one writer that this replica has voted for and that are not delivered. */
  readonly maxOpenPerWriter: number;
  /** How far beyond the delivered position of a stream votes are kept. */
  readonly positionWindow: number;
  /** A request that is not delivered after this time is passed on to peers that have not voted for it. */
  readonly passOnAfterMs: number;
  /** Votes for a position that stays open are sent again after this time, then at doubling intervals up to the maximum. */
  readonly resendVotesAfterMs: number;
  readonly resendVotesMaxMs: number;
  /** How long a request that cannot be admitted yet is kept. */
  readonly pendingMs: number;
  /** How often a silent peer is asked again for its delivery log. */
  readonly syncEveryMs: number;
  /** Entries of a delivery log sent at once. */
  readonly logChunk: number;
  /** Positions asked for at once. */
  readonly fetchChunk: number;
  /** Statements under one signature. */
  readonly batchStatements: number;
  /** Bytes of requests answered to one fetch. */
  readonly fetchBytes: number;
  /** Kept proofs of misbehaviour; later ones are counted only. */
  readonly evidenceMax: number;
  /** Bytes of the name of a stream, and of a writer. */
  readonly maxStreamBytes: number;
  /** Bytes of a request, encoded. */
  readonly maxContentBytes: number;
  /** Bytes of a writer's signed message. */
  readonly maxProofBytes: number;
  /** How long a unit of the service that is over stays in memory, at least. */
  readonly retireMinMs: number;
  /** How long it stays in memory, at most, while a peer has not followed it to its end. */
  readonly retireMaxMs: number;
  /** Units retired in one tick. */
  readonly retireChunk: number;
  /** Bytes of the record of a retired unit; a larger one stays in memory. */
  readonly maxRecordBytes: number;
  /** Records of one peer that are asked for at once. */
  readonly recordChunk: number;
  /** Retired streams kept in memory after somebody asked about them. */
  readonly maxRevivedStreams: number;
}

export const DEFAULT_BROADCAST_LIMITS: BroadcastLimits = {
  maxOpenPositionsPerPeer: 4096,
  maxPendingRequests: 10_000,
  maxPendingPerWriter: 1_000,
  maxPendingBytes: 64 * 1024 * 1024,
  maxOpenPerWriter: 1_000,
  positionWindow: 64,
  passOnAfterMs: 50,
  resendVotesAfterMs: 500,
  resendVotesMaxMs: 10_000,
  pendingMs: 30_000,
  syncEveryMs: 1_000,
  logChunk: 256,
  fetchChunk: 64,
  batchStatements: 256,
  fetchBytes: 2 * 1024 * 1024,
  evidenceMax: 1_000,
  maxStreamBytes: 1_024,
  maxContentBytes: 1024 * 1024 + 8_192,
  maxProofBytes: 1024 * 1024,
  retireMinMs: 5_000,
  retireMaxMs: 3_600_000,
  retireChunk: 64,
  maxRecordBytes: 3 * 1024 * 1024,
  recordChunk: 64,
  maxRevivedStreams: 1_000,
};
