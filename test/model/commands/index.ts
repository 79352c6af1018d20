/** The steps of a script. */
import fc from 'fast-check';
import { again, usurp } from './anybody.js';
import { create, decide, equivocate, invite } from './initiators.js';
import { blurt, contradict, join, report } from './participants.js';
import type { StageCommand } from './parts.js';
import { crash, cut, deafen, heal, restart, wait, weather } from './surroundings.js';

export type { StageCommand } from './parts.js';

const weighted = (weight: number, arbitrary: fc.Arbitrary<StageCommand>): fc.WeightedArbitrary<StageCommand> => ({
  weight,
  arbitrary,
});

/** How a script begins: an activity with some guests, so that there is something to play with. */
export const opening: fc.Arbitrary<readonly StageCommand[]> = fc
  .tuple(create, fc.array(fc.oneof(weighted(6, join), weighted(1, invite), weighted(1, wait)), { maxLength: 8, size: 'max' }))
  .map(([first, rest]) => [first, ...rest]);

/** One step, drawn so that most scripts join, finish and decide, and everything else comes in between. */
export const anyCommand: fc.Arbitrary<StageCommand> = fc.oneof(
  weighted(7, wait),
  weighted(1, create),
  weighted(6, join),
  weighted(5, report),
  weighted(6, decide),
  weighted(2, invite),
  weighted(2, equivocate),
  weighted(3, blurt),
  weighted(1, contradict),
  weighted(1, again),
  weighted(1, usurp),
  weighted(1, weather),
  weighted(1, cut),
  weighted(3, deafen),
  weighted(2, heal),
  weighted(1, crash),
  weighted(1, restart),
);
