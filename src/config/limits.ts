import { ConcordatError } from '../errors.js';

/** Every limit of the product, by name. `limits` in cluster.json overrides any of them; docs/configuration.md lists them. */
export interface Limits {
  /** Milliseconds a message's creation time may lie before or after a replica's clock. */
  readonly clockWindowMs: number;
  /** Bytes of one SOAP message, declared or counted. */
  readonly maxMessageBytes: number;
  /** Elements of one SOAP message inside each other. */
  readonly maxXmlDepth: number;
  /** Elements, texts, comments and attributes of one SOAP message. */
  readonly maxXmlNodes: number;
  /** Attributes and namespace declarations of one element. */
  readonly maxXmlAttributes: number;
  /** Namespace declarations in force at one place of a SOAP message. */
  readonly maxXmlNamespaces: number;
  /** SOAP requests in progress at one replica. */
  readonly maxConcurrentRequests: number;
  /** Milliseconds a request waits to be enabled and certified before it gets a retryable fault. */
  readonly requestWaitMs: number;
  /** Milliseconds after which a request that lacks votes is passed on to the peers. */
  readonly passOnAfterMs: number;
  /** Milliseconds between comparisons of delivery logs with a peer. */
  readonly syncEveryMs: number;
  /** Milliseconds after which votes of open positions are sent again. */
  readonly resendVotesAfterMs: number;
  /** Positions without delivery that one peer's votes may keep in memory. */
  readonly maxOpenPositionsPerPeer: number;
  /** Undelivered requests in memory, all writers together. */
  readonly maxPendingRequests: number;
  /** Undelivered requests in memory of one writer. */
  readonly maxPendingPerWriter: number;
  /** Activities of one writer that have not ended. */
  readonly maxActivitiesPerWriter: number;
  /** Participants registered in one activity. */
  readonly maxParticipantsPerActivity: number;
  /** Bytes waiting to be sent to one peer; what does not fit is dropped. */
  readonly peerQueueBytes: number;
  /** Bytes of one frame between replicas, and of one operator request or answer. */
  readonly peerFrameBytes: number;
  /** Milliseconds before the first attempt to reconnect to a peer. */
  readonly peerReconnectMinMs: number;
  /** Milliseconds between attempts to reconnect to a peer, at most. */
  readonly peerReconnectMaxMs: number;
  /** Milliseconds between pings on a peer link. */
  readonly peerPingEveryMs: number;
  /** Milliseconds without an answer after which a peer link is closed. */
  readonly peerPingTimeoutMs: number;
  /** Milliseconds from dialing (or accepting) a peer until its link must be up. */
  readonly peerHandshakeMs: number;
  /** Malformed things that one peer may send within peerMalformedWithinMs; one more closes its link. */
  readonly peerMalformedMax: number;
  /** Milliseconds in which a peer's malformed things are counted together. */
  readonly peerMalformedWithinMs: number;
  /** Milliseconds that a peer whose link was closed so is kept away: the first time; each time twice as long. */
  readonly peerBanMinMs: number;
  /** Milliseconds that a peer is kept away, at most. */
  readonly peerBanMaxMs: number;
  /** Milliseconds an operator waits for the answer of a replica. */
  readonly operatorTimeoutMs: number;
  /** Milliseconds before the first repetition of a command to a participant. */
  readonly commandRetryMinMs: number;
  /** Milliseconds between repetitions of a command to a participant, at most. */
  readonly commandRetryMaxMs: number;
  /** Commands to participants that are being sent at once. */
  readonly commandConcurrency: number;
  /** Proofs of equivocation kept; later ones are counted but not stored. */
  readonly evidenceMax: number;
  /** Damaged databases of a replica that are kept beside its new one; of more the oldest is deleted. */
  readonly storesSetAside: number;
  /** Milliseconds between attempts to write while the disk is full. */
  readonly diskRetryMs: number;
  /** Milliseconds an activity that has ended stays in memory, at least. */
  readonly retireMinMs: number;
  /** Milliseconds an activity that has ended stays in memory, at most, while a peer has not followed it to its end. */
  readonly retireMaxMs: number;
  /** Retired activities and streams kept in memory after somebody asked about them. */
  readonly maxRevivedActivities: number;
  /** Hours the record of a retired activity is kept on disk; at least two clock windows. */
  readonly archiveRetentionHours: number;
}

const KIB = 1024;
const MIB = 1024 * KIB;

export const DEFAULT_LIMITS: Limits = {
  clockWindowMs: 300_000,
  maxMessageBytes: MIB,
  maxXmlDepth: 64,
  maxXmlNodes: 50_000,
  maxXmlAttributes: 64,
  maxXmlNamespaces: 256,
  maxConcurrentRequests: 512,
  requestWaitMs: 4_000,
  passOnAfterMs: 50,
  syncEveryMs: 1_000,
  resendVotesAfterMs: 500,
  maxOpenPositionsPerPeer: 4_096,
  maxPendingRequests: 10_000,
  maxPendingPerWriter: 1_000,
  maxActivitiesPerWriter: 10_000,
  maxParticipantsPerActivity: 1_000,
  peerQueueBytes: 16 * MIB,
  peerFrameBytes: 4 * MIB,
  peerReconnectMinMs: 50,
  peerReconnectMaxMs: 2_000,
  peerPingEveryMs: 2_000,
  peerPingTimeoutMs: 10_000,
  peerHandshakeMs: 5_000,
  peerMalformedMax: 16,
  peerMalformedWithinMs: 60_000,
  peerBanMinMs: 1_000,
  peerBanMaxMs: 60_000,
  operatorTimeoutMs: 10_000,
  commandRetryMinMs: 250,
  commandRetryMaxMs: 60_000,
  commandConcurrency: 64,
  evidenceMax: 1_000,
  storesSetAside: 2,
  diskRetryMs: 250,
  retireMinMs: 5_000,
  retireMaxMs: 3_600_000,
  maxRevivedActivities: 1_000,
  archiveRetentionHours: 720,
};

export const HOUR_MS = 3_600_000;

/** Node's timers take no more, and no count or size here needs more. */
const MAX_LIMIT = 2_147_483_647;

/** Pairs of which the first must not exceed the second. */
const ORDERED: readonly (readonly [keyof Limits, keyof Limits])[] = [
  ['peerReconnectMinMs', 'peerReconnectMaxMs'],
  ['commandRetryMinMs', 'commandRetryMaxMs'],
  ['peerPingEveryMs', 'peerPingTimeoutMs'],
  ['peerBanMinMs', 'peerBanMaxMs'],
  ['maxMessageBytes', 'peerFrameBytes'],
  ['peerFrameBytes', 'peerQueueBytes'],
  ['maxPendingPerWriter', 'maxPendingRequests'],
  ['retireMinMs', 'retireMaxMs'],
];

const isLimitName = (name: string): name is keyof Limits => Object.hasOwn(DEFAULT_LIMITS, name);

/**
 * The defaults with `overrides` laid over them.
 * @param at where the overrides stand, for messages: `cluster.json: limits`
 * @throws ConcordatError ConfigInvalid for an unknown name, a value that is no integer from 1, or two limits that contradict
 */
export function resolveLimits(overrides: Readonly<Record<string, unknown>>, at: string): Limits {
  const limits: { -readonly [K in keyof Limits]: number } = { ...DEFAULT_LIMITS };
  for (const [name, value] of Object.entries(overrides)) {
    if (!isLimitName(name)) throw new ConcordatError('ConfigInvalid', `${at}.${name} is not the name of a limit`);
    if (typeof value !== 'number' || !Number.isInteger(value) || value < 1 || value > MAX_LIMIT) {
      throw new ConcordatError('ConfigInvalid', `${at}.${name} must be an integer 1..${MAX_LIMIT}`);
    }
    limits[name] = value;
  }
  for (const [less, more] of ORDERED) {
    if (limits[less] > limits[more]) {
      throw new ConcordatError('ConfigInvalid', `${at}.${less} (${limits[less]}) must not exceed ${more} (${limits[more]})`);
    }
  }
  if (limits.archiveRetentionHours * HOUR_MS < 2 * limits.clockWindowMs) {
    throw new ConcordatError(
      'ConfigInvalid',
      `${at}.archiveRetentionHours (${limits.archiveRetentionHours}) must be at least two clockWindowMs (${limits.clockWindowMs})`,
    );
  }
  return limits;
}
