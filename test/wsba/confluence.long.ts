import { expect, test } from '@jest/globals';
import { machine } from '../../src/wsba/index.js';
import { EXHAUSTIVE } from './families.js';
import { explore, setsOf } from './lattice.js';

const AN_HOUR = 3_600_000;

test(
  'every interleaving of every set of short streams ends in one state, and nobody is told two outcomes',
  () => {
    let sets = 0;
    for (const set of setsOf(EXHAUSTIVE)) {
      const finding = explore(machine, set);
      if (finding !== 'one state') throw new Error(`${finding}: ${JSON.stringify(set)}`);
      sets += 1;
    }
    expect(sets).toBeGreaterThan(200_000);
  },
  AN_HOUR,
);
