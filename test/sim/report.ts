import type { ScheduleResult } from './schedule.js';
import { FAULTS, type FaultCounts } from './tally.js';

/** What many schedules came to. */
export interface Summary {
  readonly schedules: number;
  readonly real: number;
  readonly larger: number;
  readonly deliveries: readonly number[];
  readonly faultTotals: readonly number[];
  readonly faults: FaultCounts;
  /** Schedules in which each kind of fault happened. */
  readonly faultSchedules: FaultCounts;
  readonly violated: readonly ScheduleResult[];
}

/** Sums results up as they come in. */
export class Sum {
  #real = 0;
  #larger = 0;
  readonly #deliveries: number[] = [];
  readonly #faultTotals: number[] = [];
  readonly #faults: FaultCounts = {};
  readonly #faultSchedules: FaultCounts = {};
  readonly #violated: ScheduleResult[] = [];

  add(result: ScheduleResult): void {
    this.#deliveries.push(result.deliveries);
    this.#faultTotals.push(result.faultTotal);
    if (result.real) this.#real += 1;
    if (result.replicas > 4) this.#larger += 1;
    for (const fault of FAULTS) {
      const count = result.faults[fault] ?? 0;
      if (count === 0) continue;
      this.#faults[fault] = (this.#faults[fault] ?? 0) + count;
      this.#faultSchedules[fault] = (this.#faultSchedules[fault] ?? 0) + 1;
    }
    if (result.violations.length > 0) this.#violated.push(result);
  }

  get summary(): Summary {
    return {
      schedules: this.#deliveries.length,
      real: this.#real,
      larger: this.#larger,
      deliveries: this.#deliveries,
      faultTotals: this.#faultTotals,
      faults: this.#faults,
      faultSchedules: this.#faultSchedules,
      violated: [...this.#violated].sort((a, b) => a.seed - b.seed),
    };
  }
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}

/** Violations that are told one by one. */
const TOLD = 10;

/** The lines of a run, the result last. */
export function describe(summary: Summary): string[] {
  const { faults, faultSchedules, violated } = summary;
  const kinds = FAULTS.map((fault) => {
    const count = String(faults[fault] ?? 0).padStart(9);
    return `  ${fault.padEnd(34)}${count} in ${String(faultSchedules[fault] ?? 0).padStart(6)} schedules`;
  });
  return [
    'faults:',
    ...kinds,
    `median deliveries a schedule: ${median(summary.deliveries)}; median faults a schedule: ${median(summary.faultTotals)}`,
    `with 7 replicas: ${summary.larger}; with the real signer and real XML: ${summary.real}`,
    ...violated.slice(0, TOLD).flatMap(describeViolated),
    resultLine(summary),
  ];
}

export function describeViolated({ seed, violations }: ScheduleResult): string[] {
  return violations
    .slice(0, 3)
    .map(({ property, explanation, atMs }) => `seed ${seed}, at ${(atMs / 1000).toFixed(3)} s: ${property}: ${explanation}`);
}

export const resultLine = ({ schedules, violated }: Pick<Summary, 'schedules' | 'violated'>): string =>
  `${schedules} schedules, ${violated.length} violations`;
