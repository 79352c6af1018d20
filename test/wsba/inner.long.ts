import { expect, test } from '@jest/globals';
import { PARTICIPANT_MESSAGES } from '../../src/wsba/index.js';
import { checkInner } from './inner-lattice.js';

/** Every pair of messages, nonsense included. */
const pairs = [
  [],
  ...PARTICIPANT_MESSAGES.flatMap((first) => [[first], ...PARTICIPANT_MESSAGES.map((second) => [first, second])]),
];

test.each(['AtomicOutcome', 'MixedOutcome'] as const)(
  'inside an activity of %s, every interleaving ends in one state',
  (outcome) => {
    expect(checkInner(outcome, pairs)).toBeGreaterThan(2_000);
  },
  180_000,
);

test('nor does the order matter where participants are told to complete', () => {
  expect(checkInner('AtomicOutcome', pairs, 'CoordinatorCompletion')).toBeGreaterThan(2_000);
}, 240_000);
