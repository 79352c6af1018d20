/** Bounds and intervals of a soak, in one place. Times in milliseconds. */
export const SOAK_LIMITS = {
  /** From the end of a fault until the replica votes again and lags no more. */
  wellMs: 60_000,
  /** Pause between two looks at how the replicas are. */
  lookMs: 100,
  /** From one acknowledged booking to the next, while at most one replica does not vote. */
  lifeMs: 60_000,
  /** From the last fault until every trip is over, and until all replicas hold the same. */
  settleMs: 120_000,
  /** How long a fault lasts before it is healed. */
  holdMinMs: 500,
  holdMaxMs: 1_500,
  /** Trips that one agency has under way at once. */
  lanes: 1,
} as const;

/** What cluster.json says beside the defaults; a replica that lost its votes has to abstain from what is younger than the window. */
export const CLUSTER_LIMITS = { clockWindowMs: 2_000, operatorTimeoutMs: 2_000, peerReconnectMaxMs: 500 } as const;
