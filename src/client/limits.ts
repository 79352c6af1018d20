/** Bounds and intervals of the client side, all in one place; docs/configuration.md lists them. Times in milliseconds. */
export interface ClientLimits {
  /** How long a call waits for enough replicas before it fails with NoQuorum; the request stays written down. */
  readonly timeoutMs: number;
  /** One POST to one replica, from connecting to the end of its answer. */
  readonly attemptTimeoutMs: number;
  /** Pause before a replica is asked again: doubled each time from the first to the second, half of it random. */
  readonly retryMinMs: number;
  readonly retryMaxMs: number;
  /** How long one round of asking all replicas lasts before a written-down request starts a new one. */
  readonly roundMs: number;
  /** Pause between such rounds, from the first to the second. */
  readonly roundPauseMinMs: number;
  readonly roundPauseMaxMs: number;
  /** Pause between two looks at the participants of an activity, from the first to the second. */
  readonly pollMinMs: number;
  readonly pollMaxMs: number;
  /** Pause before a participant's handler that failed runs again, from the first to the second. */
  readonly handlerRetryMinMs: number;
  readonly handlerRetryMaxMs: number;
  /** How long closing a participant waits for handlers that are running. */
  readonly closeWaitMs: number;
  /** Commands of one replica that wait for other replicas to send the same; the oldest is forgotten, it will come again. */
  readonly maxCommandVotes: number;
  /** Streams whose requests are kept in memory beside the store. */
  readonly maxCachedStreams: number;
  /** Enrollments in memory, from which on those that have ended are forgotten there. */
  readonly maxCachedEnrollments: number;
  /** Streams that may have unanswered requests at one time. */
  readonly maxOpenStreams: number;
  /** How far a message's creation time may lie from our clock, either way. */
  readonly clockWindowMs: number;
}

export const CLIENT_LIMITS: ClientLimits = {
  timeoutMs: 15_000,
  attemptTimeoutMs: 10_000,
  retryMinMs: 100,
  retryMaxMs: 2_000,
  roundMs: 15_000,
  roundPauseMinMs: 250,
  roundPauseMaxMs: 30_000,
  pollMinMs: 100,
  pollMaxMs: 1_000,
  handlerRetryMinMs: 500,
  handlerRetryMaxMs: 60_000,
  closeWaitMs: 10_000,
  maxCommandVotes: 10_000,
  maxCachedStreams: 1_000,
  maxCachedEnrollments: 10_000,
  maxOpenStreams: 10_000,
  clockWindowMs: 300_000,
};
