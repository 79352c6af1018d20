/** A thread of the check: takes the numbers of parts, answers with what it found in them. */

import { parentPort, workerData } from 'node:worker_threads';
import { createMachine } from '../../src/wsba/index.js';
import { SIZES, partsOf } from './alphabet.js';
import type { Options } from './options.js';
import { rulesWithout } from './rules.js';
import { tallyOf } from './tally.js';

const { size, without } = workerData as Pick<Options, 'size' | 'without'>;
const alphabet = SIZES[size];
const parts = partsOf(alphabet);
const machine = createMachine(rulesWithout(without));

parentPort?.on('message', (number: number) => {
  const part = parts[number];
  if (part === undefined) throw new RangeError(`there is no part ${number}`);
  parentPort?.postMessage(tallyOf(machine, alphabet, part));
});
