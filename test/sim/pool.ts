import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Mutant } from './mutants/index.js';
import { Sum, type Summary } from './report.js';
import type { Answer, Range, Work } from './worker.js';

/** Seeds that a process gets at once. */
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

/**
 * Runs schedules in several processes (threads of one process get in each other's way). With a mutant it ends soon after the first
 * violation. The result does not depend on how many there are.
 */
export async function runAll({ schedules, seed, workers, mutant, progress }: Run): Promise<Summary> {
  const sum = new Sum();
  const ranges = rangesOf(seed, schedules);
  let next = 0;
  let done = 0;
  let caught = false;
  const one = async (): Promise<void> => {
    const worker = await start(mutant);
    try {
      for (let range = ranges[next++]; range !== undefined && !caught; range = ranges[next++]) {
        const { results } = await ask(worker, range);
        results.forEach((result) => sum.add(result));
        done += results.length;
        caught ||= mutant !== undefined && results.some(({ violations }) => violations.length > 0);
        progress?.(done);
      }
    } finally {
      worker.kill();
    }
  };
  await Promise.all(Array.from({ length: Math.min(workers, ranges.length) }, one));
  return sum.summary;
}

/** Runs one schedule and tells what happens. */
export async function replayOne(seed: number, mutant: Mutant | undefined): Promise<Answer> {
  const worker = await start(mutant);
  try {
    return await ask(worker, { first: seed, count: 1, tell: true });
  } finally {
    worker.kill();
  }
}

async function start(mutant: Mutant | undefined): Promise<ChildProcess> {
  const worker = fork(fileURLToPath(new URL('./worker.js', import.meta.url)), {
    // As many processes as there are cores: threads that help one of them only get in the way of another.
    execArgv: ['--enable-source-maps', '--single-threaded', `--max-semi-space-size=${YOUNG_MB}`],
  });
  worker.send({ mutant: mutant?.name ?? null, source: mutant?.source ?? null } satisfies Work);
  await answerOf(worker);
  return worker;
}

function rangesOf(seed: number, schedules: number): Range[] {
  return Array.from({ length: Math.ceil(schedules / CHUNK) }, (_, i) => ({
    first: seed + i * CHUNK,
    count: Math.min(CHUNK, schedules - i * CHUNK),
  }));
}

async function ask(worker: ChildProcess, range: Range): Promise<Answer> {
  worker.send(range);
  return (await answerOf(worker)) as Answer;
}

/** @throws Error if the process ends without an answer */
async function answerOf(worker: ChildProcess): Promise<unknown> {
  const heard = new AbortController();
  const ended = once(worker, 'exit', { signal: heard.signal }).then(([code, signal]: unknown[]) => {
    throw new Error(`a process of the simulator ended (${String(signal ?? code)})`);
  });
  try {
    const [answer] = (await Promise.race([once(worker, 'message'), ended])) as [unknown];
    return answer;
  } finally {
    ended.catch(() => undefined);
    heard.abort();
  }
}
