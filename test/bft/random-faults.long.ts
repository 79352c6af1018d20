import { describe, test } from '@jest/globals';
import { survivesRandomFaults } from './ledger-cluster.js';

describe('under random faults, many runs', () => {
  test.each(Array.from({ length: 20 }, (_, i) => 1_000 + i * 50))('fifty seeds from %i', (first) => {
    for (let seed = first; seed < first + 50; seed++) survivesRandomFaults(seed);
  });
});
