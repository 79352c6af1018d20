import { Worker } from 'node:worker_threads';
import { SIZES, partsOf } from './alphabet.js';
import type { Options } from './options.js';
import { NOTHING, add } from './tally.js';
import type { Tally } from './tally.js';

/**
 * Checks all parts of a family, on several threads. The sum does not depend on which thread was faster.
 * @throws whatever a thread could not cope with.
 */
export async function checkAll({ size, without, workers }: Options): Promise<Tally> {
  const parts = partsOf(SIZES[size]);
  const tallies: Tally[] = [];
  const todo = parts.keys();
  const threads = Array.from({ length: Math.min(workers, parts.length) }, () =>
    work(new Worker(new URL('./worker.js', import.meta.url), { workerData: { size, without } }), todo, tallies),
  );
  await Promise.all(threads);
  return tallies.reduce(add, NOTHING);
}

/** Gives a thread one part after another until none is left. */
async function work(worker: Worker, todo: Iterator<number>, tallies: Tally[]): Promise<void> {
  try {
    for (let next = todo.next(); next.done !== true; next = todo.next()) tallies[next.value] = await ask(worker, next.value);
  } finally {
    await worker.terminate();
  }
}

function ask(worker: Worker, part: number): Promise<Tally> {
  return new Promise((resolve, reject) => {
    worker.once('error', reject);
    worker.once('message', (tally: Tally) => {
      worker.off('error', reject);
      resolve(tally);
    });
    worker.postMessage(part);
  });
}
