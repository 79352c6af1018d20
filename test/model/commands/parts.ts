import fc from 'fast-check';
import type { ReplicaId } from '../../../src/bft/index.js';
import type { Model, ModelActivity } from '../model.js';
import { ACTIVITIES, GUESTS, MATCHCODES, type Slot } from '../names.js';
import type { Stage } from '../stage.js';

export type StageCommand = fc.Command<Model, Stage>;

export const ALL: ReplicaId[] = [1, 2, 3, 4];

/** A step of the script. `text` says all that there is to it, so that a counterexample can be read. */
export const command = (
  text: string,
  check: (m: Readonly<Model>) => boolean,
  run: (m: Model, stage: Stage) => void,
): StageCommand => ({
  check,
  run,
  toString: () => text,
});

export const activityOf = (m: Readonly<Model>, slot: Slot): ModelActivity | undefined => m.activities.get(slot);
export const show = (to: readonly ReplicaId[]): string => (to.length === ALL.length ? 'to all' : `to ${to.join(', ')}`);

export const slot = fc.oneof(
  { weight: 3, arbitrary: fc.constant<Slot>('A') },
  { weight: 1, arbitrary: fc.constantFrom(...ACTIVITIES) },
);
export const guest = fc.constantFrom(...GUESTS);
export const guests = fc.subarray([...GUESTS], { minLength: 1 });
export const matchcode = fc.constantFrom(...MATCHCODES);
export const replica = fc.constantFrom<ReplicaId>(...ALL);
/** Which replicas a request is sent to: shrinks to all of them. */
export const to = fc.oneof(
  { weight: 3, arbitrary: fc.constant(ALL) },
  { weight: 1, arbitrary: fc.subarray(ALL, { minLength: 1 }) },
);
/** Two camps of replicas that are told different things. */
export const camps = fc.subarray(ALL, { minLength: 1, maxLength: 3 }).map((first) => ({
  first,
  second: ALL.filter((id) => !first.includes(id)),
}));
