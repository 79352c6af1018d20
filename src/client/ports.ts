import { randomUUID } from 'node:crypto';
import type { Votes } from '../bft/index.js';
import type { LoadedCluster } from '../config/index.js';
import { type Credentials, type Edge, type EdgeOptions, HttpTransport, startEdge } from '../soap/index.js';
import type { Identity, MessageSigner, MessageVerifier } from '../soap/index.js';
import { REAL_TIMERS, type Timers } from '../timers.js';
import { votesOf } from './cluster-view.js';
import { createSigner, createVerifier, ownIdentity } from './credentials.js';

/**
 * Where a client touches the world; what it keeps goes through ClientStore. A program keeps the defaults; whole clusters run inside
 * one test on a simulated world, from one seed.
 */
export interface ClientPorts {
  /** Milliseconds since the epoch. */
  readonly clock: () => number;
  /** Milliseconds of a clock that never goes back: for intervals. */
  readonly steadyClock: () => number;
  readonly timers: Timers;
  /** 0 ≤ r < 1, so that clients do not all wait equally long. */
  readonly random: () => number;
  readonly uuid: () => string;
  /**
   * @param timeoutMs of one exchange
   * @param authorities (PEM) that certify https endpoints, beside those of the system
   */
  readonly transport: (timeoutMs: number, authorities: readonly string[]) => ClientTransport;
  readonly startEdge: (options: EdgeOptions) => Promise<Edge>;
  readonly security: ClientSecurity;
}

/** Who one is, what one signs, and what one believes. */
export interface ClientSecurity {
  readonly identity: (credentials: Credentials) => Identity;
  readonly signer: (credentials: Credentials) => MessageSigner;
  /** Verifies what holders of certificates of these authorities (PEM) signed. */
  readonly verifier: (authorities: readonly string[], clockWindowMs: number) => MessageVerifier;
  /** Checks the votes of the replicas of a cluster. */
  readonly votes: (cluster: LoadedCluster) => Votes;
}

export type ClientTransport = Pick<HttpTransport, 'post' | 'close'>;

/** What waiting takes. */
export type Waiting = Pick<ClientPorts, 'timers' | 'random'>;

export const REAL_CLIENT_PORTS: ClientPorts = {
  clock: Date.now,
  steadyClock: () => performance.now(),
  timers: REAL_TIMERS,
  random: Math.random,
  uuid: randomUUID,
  transport: (timeoutMs, authorities) => new HttpTransport({ timeoutMs, authorities }),
  startEdge,
  security: { identity: ownIdentity, signer: createSigner, verifier: createVerifier, votes: votesOf },
};

/** What a client was given, and the defaults for the rest. */
export const clientPorts = (given: { readonly ports?: Partial<ClientPorts>; readonly clock?: () => number }): ClientPorts => ({
  ...REAL_CLIENT_PORTS,
  ...given.ports,
  ...(given.clock === undefined ? {} : { clock: given.clock }),
});
