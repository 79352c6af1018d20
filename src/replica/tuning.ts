import { type BroadcastLimits, DEFAULT_BROADCAST_LIMITS } from '../bft/index.js';
import type { Limits } from '../config/index.js';
import type { PeerLimits } from '../peers/index.js';

/** The limits of cluster.json that the broadcast keeps. */
export const broadcastLimits = (limits: Limits): BroadcastLimits => ({
  ...DEFAULT_BROADCAST_LIMITS,
  maxOpenPositionsPerPeer: limits.maxOpenPositionsPerPeer,
  maxPendingRequests: limits.maxPendingRequests,
  maxPendingPerWriter: limits.maxPendingPerWriter,
  maxOpenPerWriter: limits.maxPendingPerWriter,
  passOnAfterMs: limits.passOnAfterMs,
  resendVotesAfterMs: limits.resendVotesAfterMs,
  syncEveryMs: limits.syncEveryMs,
  evidenceMax: limits.evidenceMax,
  retireMinMs: limits.retireMinMs,
  retireMaxMs: limits.retireMaxMs,
  maxRevivedStreams: limits.maxRevivedActivities,
  maxProofBytes: limits.maxMessageBytes,
});

/** Those that the links keep. */
export const peerLimits = (limits: Limits): PeerLimits => ({
  frameBytes: limits.peerFrameBytes,
  queueBytes: limits.peerQueueBytes,
  reconnectMinMs: limits.peerReconnectMinMs,
  reconnectMaxMs: limits.peerReconnectMaxMs,
  pingEveryMs: limits.peerPingEveryMs,
  pingTimeoutMs: limits.peerPingTimeoutMs,
  handshakeMs: limits.peerHandshakeMs,
  malformedMax: limits.peerMalformedMax,
  malformedWithinMs: limits.peerMalformedWithinMs,
  banMinMs: limits.peerBanMinMs,
  banMaxMs: limits.peerBanMaxMs,
});
