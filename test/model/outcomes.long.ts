import { test } from '@jest/globals';
import fc from 'fast-check';
import { fromEnvironment, outcomesHold } from './property.js';

const RUNS = 800;
const TIMEOUT_MS = 600_000;

// New scripts every time. A counterexample is printed with what outcomes.test.ts takes to repeat it.
test(
  'new scripts every time, and all ends well',
  () => fc.assert(outcomesHold(), fromEnvironment({ numRuns: RUNS })),
  TIMEOUT_MS,
);
