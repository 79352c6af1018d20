import { Worker } from 'node:worker_threads';
import type { Mutant } from './mutants/index.js';
import { Sum, type Summary } from './report.js';
import type { Answer, Range, Work } from './worker.js';

/** Seeds that a thread gets at once. */
const CHUNK = 20;
/** Room for what lives shortly, in MiB: schedules leave much behind and keep little. */
const YOUNG_MB = 64;

export interface Run {
  readonly schedules: number;
  readonly seed: number;
  readonly workers: number;
  readonly mutant?: Mutant;
  /** Called when some schedules are through. */
  readonly progress?: (done: number) => void;
}

/** Runs schedules on several threads. With a mutant it ends soon after the first violation. The result does not depend on the threads. */
export async function runAll({ schedules, seed, workers, mutant, progress }: Run): Promise<Summary> {
  const sum = new Sum();
  const ranges = rangesOf(seed, schedules);
  let next = 0;
  let done = 0;
  let caught = false;
  const one = async (): Promise<void> => {
    const worker = start(mutant);
    try {
      for (let range = ranges[next++]; range !== undefined && !caught; range = ranges[next++]) {
        const { results } = await ask(worker, range);
        results.forEach((result) => sum.add(result));
        done += results.length;
        caught ||= mutant !== undefined && results.some(({ violations }) => violations.length > 0);
        progress?.(done);
      }
    } finally {
      await worker.terminate();
    }
  };
  await Promise.all(Array.from({ length: Math.min(workers, ranges.length) }, one));
  return sum.summary;
}

/** Runs one schedule and tells what happens. */
export async function replayOne(seed: number, mutant: Mutant | undefined): Promise<Answer> {
  const worker = start(mutant);
  try {
    return await ask(worker, { first: seed, count: 1, tell: true });
  } finally {
    await worker.terminate();
  }
}

function start(mutant: Mutant | undefined): Worker {
  const workerData: Work = { mutant: mutant?.name, source: mutant?.source };
  return new Worker(new URL('./worker.js', import.meta.url), {
    workerData,
    resourceLimits: { maxYoungGenerationSizeMb: YOUNG_MB },
  });
}

function rangesOf(seed: number, schedules: number): Range[] {
  return Array.from({ length: Math.ceil(schedules / CHUNK) }, (_, i) => ({
    first: seed + i * CHUNK,
    count: Math.min(CHUNK, schedules - i * CHUNK),
  }));
}

function ask(worker: Worker, range: Range): Promise<Answer> {
  return new Promise((resolve, reject) => {
    worker.once('error', reject);
    worker.once('message', (answer: Answer) => {
      worker.off('error', reject);
      resolve(answer);
    });
    worker.postMessage(range);
  });
}
