import { type PeerLinks, type PeerLinksOptions, startPeerLinks } from '../peers/index.js';
import { type Edge, type EdgeOptions, startEdge } from '../soap/index.js';
import type { SendToParticipant } from './commands.js';

/**
 * Where a replica touches the world. A deployment keeps the defaults; tests and the demo put adapters around them that
 * lose, delay or lie, so that nothing of that kind is in the replica itself.
 */
export interface ReplicaPorts {
  readonly startPeerLinks: (options: PeerLinksOptions) => Promise<PeerLinks>;
  readonly startEdge: (options: EdgeOptions) => Promise<Edge>;
  /** Wraps what sends messages to participants. */
  readonly participants: (send: SendToParticipant) => SendToParticipant;
  /** Milliseconds since 1970. */
  readonly clock: () => number;
  /** Milliseconds of a clock that never goes back: for intervals. */
  readonly steadyClock: () => number;
}

export const REAL_PORTS: ReplicaPorts = {
  startPeerLinks,
  startEdge,
  participants: (send) => send,
  clock: Date.now,
  steadyClock: () => performance.now(),
};
