import { Backoff } from '../backoff.js';
import type { PeerLimits } from './options.js';

interface Conduct {
  /** Malformed things since the start. */
  total: number;
  /** Of these, how many in the window that began then. */
  recent: number;
  since: number;
  last: number;
  bannedUntil: number;
  readonly bans: Backoff;
}

/** Counts what peers send that is malformed. Who goes on with it is kept away for a while, and then for longer and longer. */
export class Misconduct {
  readonly #conducts = new Map<number, Conduct>();

  /** @param now milliseconds; any steady clock */
  constructor(
    private readonly limits: Required<PeerLimits>,
    private readonly now: () => number = () => performance.now(),
  ) {}

  /** How much of what this peer has sent was malformed. */
  total(peer: number): number {
    return this.#conducts.get(peer)?.total ?? 0;
  }

  isBanned(peer: number): boolean {
    return (this.#conducts.get(peer)?.bannedUntil ?? 0) > this.now();
  }

  /** One thing more. @returns for how many milliseconds the peer is kept away from now on, if that was too much */
  note(peer: number): number | undefined {
    const conduct = this.#of(peer);
    const now = this.now();
    const { malformedMax, malformedWithinMs, banMaxMs } = this.limits;
    conduct.total += 1;
    if (now - conduct.last > malformedWithinMs + banMaxMs) conduct.bans.reset();
    if (now - conduct.since > malformedWithinMs) Object.assign(conduct, { since: now, recent: 0 });
    conduct.last = now;
    conduct.recent += 1;
    if (conduct.recent <= malformedMax || conduct.bannedUntil > now) return undefined;
    const forMs = conduct.bans.next();
    Object.assign(conduct, { since: now, recent: 0, bannedUntil: now + forMs });
    return forMs;
  }

  #of(peer: number): Conduct {
    const existing = this.#conducts.get(peer);
    if (existing !== undefined) return existing;
    const now = this.now();
    const bans = new Backoff(this.limits.banMinMs, this.limits.banMaxMs);
    const created: Conduct = { total: 0, recent: 0, since: now, last: now, bannedUntil: 0, bans };
    this.#conducts.set(peer, created);
    return created;
  }
}
