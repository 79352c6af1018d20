import { describe, test } from '@jest/globals';
import { survivesRetiring } from './retiring-faults.js';

describe('units retire under random faults, many runs', () => {
  test.each(Array.from({ length: 12 }, (_, i) => 2_000 + i * 25))('25 seeds from %i', (first) => {
    for (let seed = first; seed < first + 25; seed++) survivesRetiring(seed);
  });
});
