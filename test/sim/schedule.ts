import { Random } from '../support/random.js';
import type { Violation } from './judge.js';
import type { Security } from './notary.js';
import { makeRealSecurity } from './real.js';
import type { Mutant } from './mutants/mutant.js';
import { drawScenario } from './scenario.js';
import { drawStorm, STORM_MS, StormMaker } from './storm.js';
import type { FaultCounts } from './tally.js';
import { compareStates, isQuiet, judgeEnd, unfinished } from './verdict.js';
import { World } from './world.js';

export interface ScheduleResult {
  readonly seed: number;
  readonly violations: readonly Violation[];
  readonly deliveries: number;
  readonly faults: FaultCounts;
  readonly faultTotal: number;
  readonly real: boolean;
  readonly replicas: number;
  /** Events that ran. */
  readonly steps: number;
  readonly simulatedMs: number;
  /** Of everything that happened. */
  readonly hash: string;
}

export interface ScheduleOptions {
  readonly seed: number;
  readonly mutant?: Mutant;
  /** Gets what happens, line by line. */
  readonly tell?: (line: string) => void;
}

/** After the storm everything possible is to be finished within so many simulated milliseconds. */
const PATIENCE_MS = 60_000;
const LOOK_EVERY_MS = 300;

/** One schedule: a scenario and all that goes wrong, both from the seed, and what it comes to. */
export async function runSchedule({ seed, mutant, tell }: ScheduleOptions): Promise<ScheduleResult> {
  const random = new Random(seed ^ 0x5bd1e995);
  const scenario = drawScenario(random);
  const storm = drawStorm(random, scenario);
  const security = scenario.real ? await realSecurity() : undefined;
  const world = new World({
    seed,
    scenario,
    storm,
    slowness: random.pick([8, 12, 12, 16]),
    grainMs: random.pick([1, 10, 10, 20]),
    clockWindowMs: random.pick([5_000, 300_000]),
    ...(tell === undefined ? {} : { tell }),
    ...(mutant === undefined ? {} : { mutant }),
    ...(security === undefined ? {} : { security }),
  });
  const { loop, judge } = world;
  const maker = new StormMaker(world, storm);
  const regularly = every(world, LOOK_EVERY_MS);
  await world.start();
  maker.begin();
  await loop.runUntil(STORM_MS, () => judge.failed || (regularly() && unfinished(world).length === 0));
  compareStates(world);
  maker.end();
  await loop.runUntil(loop.now + PATIENCE_MS, () => judge.failed || (regularly() && isQuiet(world)));
  if (!judge.failed) judgeEnd(world);
  return {
    seed,
    violations: judge.violations,
    deliveries: judge.deliveries,
    faults: world.faults.counts,
    faultTotal: world.faults.total,
    real: scenario.real,
    replicas: scenario.n,
    steps: loop.steps,
    simulatedMs: loop.now,
    hash: world.trace.hash,
  };
}

let real: Promise<Security> | undefined;
/** Keys are made once in a process. */
const realSecurity = (): Promise<Security> => (real ??= makeRealSecurity());

/** True once in so many simulated milliseconds. */
function every({ loop }: World, ms: number): () => boolean {
  let last = 0;
  return () => {
    if (loop.now - last < ms) return false;
    last = loop.now;
    return true;
  };
}
