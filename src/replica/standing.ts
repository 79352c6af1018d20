import type { BroadcastStatus } from '../bft/index.js';
import type { LossReason, RecoveryRecord } from '../store/index.js';
import { type Activity, isEnded } from '../wsba/index.js';

/** Times in milliseconds since 1970, by the replica's clock. */
export interface Standing {
  /** When this process began. */
  readonly startedAt: number;
  /** False while the replica asks its peers which of its votes they know. */
  readonly voting: boolean;
  /** The replica has lost votes of its own. */
  readonly recovery?: RecoveryReport;
  /** The replica lacks requests that f + 1 peers have delivered. */
  readonly lagging?: { readonly since: number; /** At least. */ readonly requests: number };
  /** Nothing can be written: the replica neither votes nor answers. */
  readonly diskFull?: { readonly since: number };
}

export interface RecoveryReport {
  readonly reason: LossReason;
  readonly since: number;
  /** It votes in activities created after this time. */
  readonly votesFrom: number;
  /** Activities that have not ended and that it does not vote in. */
  readonly abstains: number;
  /** It has caught up, and votes wherever there is something to vote on. */
  readonly over: boolean;
}

export interface StandingSources {
  readonly f: number;
  readonly clock: () => number;
  readonly recovery: () => RecoveryRecord | undefined;
  /** Whether all that was delivered elsewhere before this process began is delivered here. */
  readonly hasCaughtUp: () => boolean;
  readonly activities: () => readonly Activity[];
  readonly diskFullSince: () => number | undefined;
}

/** How often the others' progress is looked at, and how long a replica must lack something to be called lagging. */
const LOOK_EVERY_MS = 1_000;
const LAGGING_AFTER_MS = 3_000;

/** How a replica stands beside its peers, as far as an operator wants to know, and since when. */
export class StandingWatch {
  readonly #startedAt: number;
  #lookedAt = 0;
  #missing = 0;
  #missingSince: number | undefined;

  constructor(private readonly o: StandingSources) {
    this.#startedAt = o.clock();
  }

  /** To be called now and then. */
  tick(backlog: () => BroadcastStatus['backlog']): void {
    const now = this.o.clock();
    if (Math.abs(now - this.#lookedAt) < LOOK_EVERY_MS) return;
    this.#lookedAt = now;
    // Whatever f liars claim to have delivered, one correct peer is among f + 1.
    this.#missing = [...backlog().values()].sort((a, b) => b - a)[this.o.f] ?? 0;
    if (this.#missing === 0) this.#missingSince = undefined;
    else this.#missingSince ??= now;
  }

  report({ voting }: Pick<BroadcastStatus, 'voting'>): Standing {
    const recovery = this.#recovery(voting);
    const lagging = this.#lagging();
    const since = this.o.diskFullSince();
    return {
      startedAt: this.#startedAt,
      voting,
      ...(recovery === undefined ? {} : { recovery }),
      ...(lagging === undefined ? {} : { lagging }),
      ...(since === undefined ? {} : { diskFull: { since } }),
    };
  }

  #recovery(voting: boolean): RecoveryReport | undefined {
    const record = this.o.recovery();
    if (record === undefined) return undefined;
    const { reason, since, votesFrom } = record;
    const old = this.o.activities().filter((activity) => activity.created <= votesFrom && !isEnded(activity));
    const over = voting && old.length === 0 && this.o.clock() > votesFrom && this.o.hasCaughtUp();
    return { reason, since, votesFrom, abstains: old.length, over };
  }

  #lagging(): Standing['lagging'] {
    const since = this.#missingSince;
    if (since === undefined || this.o.clock() - since < LAGGING_AFTER_MS) return undefined;
    return { since, requests: this.#missing };
  }
}
