/** One thing whose speed is measured. */
export interface Task {
  /** Does it once. */
  run(): void;
}

/** Rounds that do not count: by then the engine has compiled what is used. */
export const WARM_UP_ROUNDS = 4;

/**
 * Operations per second of each task, round by round. The tasks alternate in short rounds, each round begun by another one, so that a busy
 * machine slows all of them alike; compare them within a round, then take the median.
 */
export function measure(tasks: readonly Task[], rounds: number, roundMs: number): number[][] {
  const rates = tasks.map((): number[] => []);
  for (const task of tasks) rate(task, roundMs * WARM_UP_ROUNDS);
  for (let round = 0; round < rounds; round++) {
    for (let i = 0; i < tasks.length; i++) {
      const turn = (round + i) % tasks.length;
      const task = tasks[turn];
      if (task !== undefined) rates[turn]?.push(rate(task, roundMs));
    }
  }
  return rates;
}

function rate(task: Task, forMs: number): number {
  const started = performance.now();
  let elapsed = 0;
  let done = 0;
  do {
    task.run();
    done += 1;
    elapsed = performance.now() - started;
  } while (elapsed < forMs);
  return (done / elapsed) * 1000;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? NaN) + upper) / 2;
}

/** The median of the ratios of two tasks' rates in the same rounds. */
export const medianRatio = (ours: readonly number[], theirs: readonly number[]): number =>
  median(ours.map((value, round) => value / (theirs[round] ?? NaN)));
