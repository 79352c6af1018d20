import type { Random } from '../support/random.js';
import type { FaultKind } from './faults.js';
import { FAULT_KINDS, FAULTS } from './faults.js';
import { SOAK_LIMITS } from './limits.js';

export interface PlannedFault {
  readonly kind: FaultKind;
  readonly replica: number;
  /** How long it lasts before it is healed, in milliseconds. */
  readonly holdMs: number;
}

/** Faults one after the other, without end: every kind once in each round, in a new order. */
export function* planFaults(random: Random, replicas: readonly number[]): Generator<PlannedFault, never> {
  const copied = new Set<number>();
  for (;;) {
    for (const kind of round(random, copied.size > 0)) {
      const replica = random.pick(kind === 'older copy' ? [...copied] : replicas);
      if (FAULTS[kind].keepsCopy) copied.add(replica);
      const { holdMinMs, holdMaxMs } = SOAK_LIMITS;
      yield { kind, replica, holdMs: holdMinMs + random.below(holdMaxMs - holdMinMs) };
    }
  }
}

/** An older copy can be put back only when one was kept. */
function round(random: Random, hasCopy: boolean): readonly FaultKind[] {
  const kinds = shuffled(random, FAULT_KINDS);
  const keeping = kinds.findIndex((kind) => FAULTS[kind].keepsCopy);
  const restoring = kinds.indexOf('older copy');
  if (hasCopy || keeping < restoring) return kinds;
  return kinds.map((kind, index) => (index === keeping ? 'older copy' : index === restoring ? (kinds[keeping] ?? kind) : kind));
}

function shuffled<T>(random: Random, values: readonly T[]): readonly T[] {
  return values
    .map((value) => ({ value, order: random.next() }))
    .sort((a, b) => a.order - b.order)
    .map(({ value }) => value);
}
