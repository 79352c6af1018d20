import fc from 'fast-check';
import { PARTICIPANT_MESSAGES, PROTOCOLS } from '../../../src/wsba/index.js';
import type { Model, ModelActivity } from '../model.js';
import type { Guest, Matchcode, Slot } from '../names.js';
import { type Character, type Report, REPORTS } from '../participant.js';
import { activityOf, camps, command, guest, matchcode, show, slot, to } from './parts.js';

/** Most work succeeds. */
const outcome = fc.oneof(
  { weight: 3, arbitrary: fc.constant<Report>('Completed') },
  { weight: 2, arbitrary: fc.constantFrom(...REPORTS) },
);

const character: fc.Arbitrary<Character> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      honest: fc.constant(true as const),
      report: outcome,
      canUndo: fc.constantFrom(true, true, true, false),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      honest: fc.constant(false as const),
      reaction: fc.option(fc.constantFrom(...PARTICIPANT_MESSAGES), { nil: undefined }),
    }),
  },
);

const showCharacter = (who: Character): string =>
  who.honest
    ? `honest, will report ${who.report}${who.canUndo ? '' : ' and cannot undo'}`
    : `dishonest, answers ${who.reaction ?? 'nothing'}`;

/** An honest participant uses an invitation that is meant for it; a dishonest one takes any. */
export const join = fc
  .record({
    slot,
    guest,
    protocol: fc.constantFrom(...PROTOCOLS),
    matchcode: fc.oneof({ weight: 3, arbitrary: fc.constant<Matchcode | ''>('') }, { weight: 1, arbitrary: matchcode }),
    character,
    to,
  })
  .map(({ slot, guest, protocol, matchcode, character, to }) =>
    command(
      `${guest} joins ${slot} (${protocol}${matchcode === '' ? '' : `, by ${matchcode}`}; ${showCharacter(character)}), ${show(to)}`,
      (m) => {
        const activity = activityOf(m, slot);
        if (activity === undefined || activity.joined.has(guest)) return false;
        return !character.honest || matchcode === '' || isInvited(activity, guest, matchcode);
      },
      (m, stage) => {
        activityOf(m, slot)?.joined.set(guest, { honest: character.honest });
        stage.join(slot, guest, protocol, matchcode, character).register(to);
      },
    ),
  );

function isInvited(activity: ModelActivity, guest: Guest, matchcode: Matchcode): boolean {
  const invited = activity.invited.get(matchcode);
  return invited?.certain === true && (invited.guest === undefined || invited.guest === guest);
}

export const report = fc.record({ slot, guest, report: outcome, to }).map(({ slot, guest, report, to }) =>
  command(
    `${guest} of ${slot} reports ${report}, if it is at work, ${show(to)}`,
    (m) => activityOf(m, slot)?.joined.get(guest)?.honest === true,
    (_m, stage) => stage.guest(slot, guest).report(report, to),
  ),
);

const isDishonest = (m: Readonly<Model>, slot: Slot, guest: Guest): boolean =>
  activityOf(m, slot)?.joined.get(guest)?.honest === false;

export const blurt = fc
  .record({ slot, guest, message: fc.constantFrom(...PARTICIPANT_MESSAGES), to })
  .map(({ slot, guest, message, to }) =>
    command(
      `${guest} of ${slot} says ${message}, whatever its state, ${show(to)}`,
      (m) => isDishonest(m, slot, guest),
      (_m, stage) => stage.guest(slot, guest).blurt(message, to),
    ),
  );

export const contradict = fc
  .record({
    slot,
    guest,
    first: fc.constantFrom(...PARTICIPANT_MESSAGES),
    second: fc.constantFrom(...PARTICIPANT_MESSAGES),
    camps,
  })
  .map(({ slot, guest, first, second, camps }) =>
    command(
      `${guest} of ${slot} says ${first} ${show(camps.first)} and, under the same number, ${second} ${show(camps.second)}`,
      (m) => isDishonest(m, slot, guest),
      (_m, stage) => stage.guest(slot, guest).equivocate([first, second], [camps.first, camps.second]),
    ),
  );
