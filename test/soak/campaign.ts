import { setTimeout as sleep } from 'node:timers/promises';
import type { Random } from '../support/random.js';
import type { FaultKind } from './faults.js';
import { FAULT_KINDS, FAULTS } from './faults.js';
import type { Lost } from './health.js';
import { checkHonest, deliveredBySome, whatAils } from './health.js';
import { SOAK_LIMITS } from './limits.js';
import type { PlannedFault } from './plan.js';
import { planFaults } from './plan.js';
import type { Town } from './town.js';
import { untilNothing } from './watch.js';

const MINUTE_S = 60;

export interface CampaignOptions {
  readonly town: Town;
  readonly random: Random;
  /** How long, at least. */
  readonly seconds: number;
  /** Bookings acknowledged so far. */
  readonly booked: () => number;
  /** Aborted when there is nothing more to try: no further fault strikes. */
  readonly signal: AbortSignal;
  readonly say: (line: string) => void;
}

/** Makes one fault after the other; the next comes when every replica votes again and another trip was booked. */
export class Campaign {
  readonly #counts = new Map<FaultKind, number>(FAULT_KINDS.map((kind) => [kind, 0]));
  #isUnderFault = false;

  constructor(private readonly o: CampaignOptions) {}

  get counts(): ReadonlyMap<FaultKind, number> {
    return this.#counts;
  }

  /** From the moment a fault strikes until the replica votes again and lags no more. */
  get isUnderFault(): boolean {
    return this.#isUnderFault;
  }

  /** @throws Violation */
  async run(): Promise<void> {
    const { town, random, seconds, signal } = this.o;
    const begun = performance.now();
    const faults = planFaults(random, town.replicas);
    const isOver = (): boolean => signal.aborted || (performance.now() - begun >= seconds * 1000 && this.#hadTheirTurns());
    await this.#allVote();
    while (!isOver()) await this.#fault(faults.next().value);
  }

  /** Every kind once in every full minute. */
  #hadTheirTurns(): boolean {
    const turns = Math.floor(this.o.seconds / MINUTE_S);
    return [...this.#counts.values()].every((count) => count >= turns);
  }

  async #fault({ kind, replica, holdMs }: PlannedFault): Promise<void> {
    const { town, random, say, signal } = this.o;
    const fault = FAULTS[kind];
    await this.#anotherBooking();
    if (signal.aborted) return;
    const lost = fault.losesVotes ? { replica, at: Date.now() } : undefined;
    const struck = performance.now();
    this.#isUnderFault = true;
    say(`replica ${replica}: ${kind}`);
    const heal = await fault.strike(town, replica, random);
    await sleep(holdMs);
    await heal();
    const healed = performance.now();
    await this.#allVote(lost);
    this.#isUnderFault = false;
    this.#counts.set(kind, (this.#counts.get(kind) ?? 0) + 1);
    const [down, back] = [healed - struck, performance.now() - healed].map((ms) => (ms / 1000).toFixed(1));
    say(`replica ${replica}: votes again, ${back} s after ${down} s of that`);
  }

  async #allVote(lost?: Lost): Promise<void> {
    const { town } = this.o;
    let least = 0;
    await untilNothing(async () => {
      const status = await town.status();
      checkHonest(status);
      const complaint = whatAils(status, least, lost);
      least = deliveredBySome(status, town.cluster.f);
      return complaint;
    }, SOAK_LIMITS.wellMs);
  }

  async #anotherBooking(): Promise<void> {
    const before = this.o.booked();
    await untilNothing(() => (this.o.booked() > before ? undefined : 'no trip is booked'), SOAK_LIMITS.lifeMs);
  }
}
