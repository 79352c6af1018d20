import { describe, expect, test } from '@jest/globals';
import { Random } from '../support/random.js';
import { FAULT_KINDS, FAULTS } from './faults.js';
import type { PlannedFault } from './plan.js';
import { planFaults } from './plan.js';

const REPLICAS = [1, 2, 3, 4];
const ROUNDS = 3;

function planned(seed: number): readonly PlannedFault[] {
  const faults = planFaults(new Random(seed), REPLICAS);
  return Array.from({ length: ROUNDS * FAULT_KINDS.length }, () => faults.next().value);
}

const SEEDS = Array.from({ length: 200 }, (_, seed) => seed);

describe('the plan of a soak', () => {
  test('is the same for the same seed, and another for another', () => {
    expect(planned(7)).toEqual(planned(7));
    expect(planned(7)).not.toEqual(planned(8));
  });

  test('has every kind once in each round, and over the seeds strikes every replica with it', () => {
    const struck = new Set<string>();
    for (const seed of SEEDS) {
      const faults = planned(seed);
      for (let round = 0; round < ROUNDS; round += 1) {
        const kinds = faults.slice(round * FAULT_KINDS.length, (round + 1) * FAULT_KINDS.length).map(({ kind }) => kind);
        expect([...kinds].sort()).toEqual([...FAULT_KINDS].sort());
      }
      for (const { kind, replica } of faults) struck.add(`${kind} ${replica}`);
    }
    expect(struck.size).toBe(FAULT_KINDS.length * REPLICAS.length);
  });

  test('puts back an older copy only of a replica of which one was kept', () => {
    for (const seed of SEEDS) {
      const kept = new Set<number>();
      for (const { kind, replica } of planned(seed)) {
        if (kind === 'older copy') expect(kept).toContain(replica);
        if (FAULTS[kind].keepsCopy) kept.add(replica);
      }
    }
  });
});
