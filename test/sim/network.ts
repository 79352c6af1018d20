import { ConcordatError } from '../../src/errors.js';
import type { Random } from '../support/random.js';
import type { Loop } from './loop.js';
import type { FaultTally } from './tally.js';
import type { Trace } from './trace.js';

/** How messages fare. Times in milliseconds. */
export interface Weather {
  readonly loss: number;
  readonly duplicate: number;
  /** Chance that a message takes up to `lateMs`. */
  readonly late: number;
  readonly lateMs: number;
  /** Whether messages of one link may overtake each other. */
  readonly reorder: boolean;
  readonly minMs: number;
  readonly maxMs: number;
}

export const FAIR: Weather = { loss: 0, duplicate: 0, late: 0, lateMs: 0, reorder: false, minMs: 1, maxMs: 4 };

/** Somebody who can be reached. */
export type Site = string;

/** The links between all sites. Who sits where is not its matter: `arrive` finds out at the end of the way. */
export class Network {
  weather: Weather = FAIR;
  /** Messages arrive at multiples of so many milliseconds: what comes together is one turn of whoever takes it. */
  grainMs = 1;
  /** Sites of different groups do not reach each other; who is in none reaches everybody. */
  #groups = new Map<Site, number>();
  readonly #lastArrival = new Map<string, number>();

  constructor(
    private readonly loop: Loop,
    private readonly random: Random,
    private readonly faults: FaultTally,
    private readonly trace: Trace,
  ) {}

  reaches(a: Site, b: Site): boolean {
    const [ga, gb] = [this.#groups.get(a), this.#groups.get(b)];
    return ga === undefined || gb === undefined || ga === gb;
  }

  split(groups: readonly (readonly Site[])[]): void {
    this.#groups = new Map(groups.flatMap((sites, i) => sites.map((site) => [site, i] as const)));
  }

  heal(): void {
    this.#groups.clear();
  }

  /**
   * Carries one message, or loses it.
   * @param arrive called once for each copy that arrives
   * @returns false if it does not
   */
  carry(from: Site, to: Site, arrive: () => void): boolean {
    if (!this.reaches(from, to)) return false;
    if (this.random.chance(this.weather.loss)) {
      this.faults.add('message lost');
      this.trace.note(from, `⤫ ${to}`, () => 'lost');
      return false;
    }
    this.#deliver(from, to, arrive);
    if (this.random.chance(this.weather.duplicate)) {
      this.faults.add('message duplicated');
      this.#deliver(from, to, arrive);
    }
    return true;
  }

  #deliver(from: Site, to: Site, arrive: () => void): void {
    const { minMs, maxMs, late, lateMs, reorder } = this.weather;
    const link = `${from}>${to}`;
    const last = this.#lastArrival.get(link) ?? 0;
    let takes = minMs + this.random.below(maxMs - minMs + 1);
    if (this.random.chance(late)) {
      this.faults.add('message delayed');
      takes += this.random.below(lateMs);
    }
    let at = Math.ceil((this.loop.now + takes) / this.grainMs) * this.grainMs;
    if (at < last && reorder) this.faults.add('message overtaken');
    else at = Math.max(at, last);
    this.#lastArrival.set(link, Math.max(at, last));
    this.loop.after(at - this.loop.now, () => {
      if (this.reaches(from, to)) arrive();
    });
  }
}

export const unreachable = (why: string): ConcordatError => new ConcordatError('PeerUnreachable', why);
