import type { Logger } from '../log.js';

export interface PeerCredentials {
  readonly certificatePem: string;
  readonly privateKeyPem: string;
}

export interface PeerAddress {
  readonly id: number;
  readonly host: string;
  readonly port: number;
  /** SHA-256 of the DER of its certificate, hex, from cluster.json. */
  readonly fingerprint: string;
  /** Of the certificates that are accepted beside it while its key is being changed. */
  readonly otherFingerprints?: readonly string[];
}

/** Bytes and milliseconds; src/config/limits.ts has the defaults of the product. */
export interface PeerLimits {
  /** Payload of one frame, and of one operator request or answer. */
  readonly frameBytes: number;
  /** What waits for one peer, including the socket's own buffer. */
  readonly queueBytes: number;
  readonly reconnectMinMs: number;
  readonly reconnectMaxMs: number;
  /** Between pings; 2 s. */
  readonly pingEveryMs?: number;
  /** Without any answer; then the link is closed. 10 s. */
  readonly pingTimeoutMs?: number;
  /** From dialing or accepting until the link must be up; 5 s. */
  readonly handshakeMs?: number;
  /** Malformed things of one peer within malformedWithinMs, at most; one more closes its link. 16 in a minute. */
  readonly malformedMax?: number;
  readonly malformedWithinMs?: number;
  /** How long it is kept away then, at first and at most: 1 s, a minute. */
  readonly banMinMs?: number;
  readonly banMaxMs?: number;
}

/** Who asks on the operator port. */
export interface OperatorIdentity {
  /** CN of its certificate. */
  readonly name: string;
}

/** Answers a request of an operator, JSON both ways; a ConcordatError it throws reaches the operator with its code. */
export type OperatorHandler = (request: unknown, identity: OperatorIdentity) => Promise<unknown>;

export interface PeerLinksOptions {
  /** Our id. */
  readonly self: number;
  readonly listen: { readonly host: string; readonly port: number };
  readonly credentials: PeerCredentials;
  /** PEM of the authorities that peers and operators must chain to. */
  readonly authorities: readonly string[];
  /** All other replicas. */
  readonly peers: readonly PeerAddress[];
  /** The cluster's id. */
  readonly cluster: string;
  readonly limits: PeerLimits;
  /** A frame of a peer whose certificate was checked. If it throws, the frame counts as malformed and the link is closed. */
  onFrame(from: number, frame: Buffer): void;
  /** Our link to a peer is up; nothing that was sent before it reached the peer for certain. */
  onConnect(peer: number): void;
  /** It is down; what was waiting is dropped. */
  onDisconnect(peer: number): void;
  /** Without it, operators are refused. */
  readonly operator?: OperatorHandler;
  readonly log: Logger;
}

/** All limits, with the defaults of those that may be left out. */
export const resolvePeerLimits = (limits: PeerLimits): Required<PeerLimits> => ({
  pingEveryMs: 2_000,
  pingTimeoutMs: 10_000,
  handshakeMs: 5_000,
  malformedMax: 16,
  malformedWithinMs: 60_000,
  banMinMs: 1_000,
  banMaxMs: 60_000,
  ...limits,
});

/** Connections at the peer port at once, those of strangers included, who stay for handshakeMs at most. */
export const MAX_CONNECTIONS = 256;
/** Operators' requests in progress at once. */
export const MAX_OPERATORS = 16;
/** Bytes of a hello. */
export const HELLO_BYTES = 1024;
/** Complaints about one peer are logged once in this many milliseconds. */
export const LOG_EVERY_MS = 60_000;
/** Nobody listening at a peer's port is worth a complaint after this many milliseconds only: replicas start one after the other. */
export const REFUSAL_PATIENCE_MS = 5_000;
