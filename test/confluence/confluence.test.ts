import { describe, expect, test } from '@jest/globals';
import { createMachine, machine } from '../../src/wsba/index.js';
import type { Effect, Machine } from '../../src/wsba/index.js';
import { Random } from '../support/random.js';
import { SIZES, partsOf } from './alphabet.js';
import type { Alphabet, Part } from './alphabet.js';
import { endingsOf } from './interleavings.js';
import { describeFinding } from './report.js';
import { rulesWithout } from './rules.js';
import type { RuleName } from './rules.js';
import { lengthOf } from './streams.js';
import type { StreamSet } from './streams.js';
import { NOTHING, add, resultLine, tallyOf } from './tally.js';
import type { Found, Tally } from './tally.js';
import { walk } from './walk.js';
import type { Verdict } from './walk.js';

const { small, full } = SIZES;
const without = (...names: readonly RuleName[]): Machine => createMachine(rulesWithout(names));

/** A quarter of the small family: both protocols, both outcomes. */
const QUARTER = partsOf(small).filter(
  ({ protocols: [ofP, ofQ] }) => ofP === 'ParticipantCompletion' && ofQ === 'CoordinatorCompletion',
);
const tally = (using: Machine, parts: readonly Part[] = QUARTER): Tally =>
  parts.map((part) => tallyOf(using, small, part)).reduce(add, NOTHING);

function smallestOf({ smallest }: Found): StreamSet {
  if (smallest === undefined) throw new Error('nothing was found');
  return smallest;
}

test('with the three rules every set ends in one state with the same answers, and nobody is told two outcomes', () => {
  expect(resultLine(tally(machine))).toBe('6624 stream sets, 0 diverge, 0 split');
});

describe('without a rule', () => {
  const tallies = new Map<RuleName, Tally>();
  const tallyWithout = (rule: RuleName): Tally => {
    const known = tallies.get(rule) ?? tally(without(rule));
    tallies.set(rule, known);
    return known;
  };

  test.each(['hold', 'set', 'late'] as const)(
    '%s, sets diverge, the smallest of which does so with that machine only',
    (rule) => {
      const using = without(rule);
      const { sets, diverge } = tallyWithout(rule);
      expect(diverge.count).toBeGreaterThan(sets / 20);
      const set = smallestOf(diverge);
      expect(endingsOf(using, set).endings.length).toBeGreaterThan(1);
      expect(endingsOf(machine, set)).toMatchObject({ endings: [{}], split: false });
    },
  );

  test('set, a participant is told Close in one interleaving and Cancel or Compensate in another', () => {
    const { split } = tallyWithout('set');
    expect(split.count).toBeGreaterThan(0);
    expect(endingsOf(without('set'), smallestOf(split)).split).toBe(true);
  });

  test('the smallest set is described with an interleaving for each of its ends', () => {
    const using = without('hold');
    const { diverge } = tallyWithout('hold');
    expect(describeFinding('The smallest set that diverges', using, smallestOf(diverge)).split('\n')).toEqual([
      'The smallest set that diverges: 3 requests, AtomicOutcome',
      '   control  cancel',
      '   P        nothing',
      '   Q        Register (CoordinatorCompletion), Canceled',
      '',
      'It ends in 2 ways:',
      '',
      '1. by       control#1 cancel, Q#1 Register (CoordinatorCompletion), Q#2 Canceled',
      '   state    settled by cancel; Q Ended by Canceled',
      '   answers  Q#1 ok, control#1 ok',
      '',
      '2. by       Q#1 Register (CoordinatorCompletion), Q#2 Canceled, control#1 cancel',
      '   state    settled by cancel; Q Canceling-Active',
      '   answers  Q#1 ok, Q#2 fault InvalidState (Canceled of Q), control#1 ok',
    ]);
  });
});

describe('a machine that is wrong in one respect only is found out', () => {
  const ATOMIC = QUARTER.filter(({ outcome }) => outcome === 'AtomicOutcome');

  /** The machine with other effects in some steps; the states stay right. */
  const altered = (alter: (effects: readonly Effect[], step: Parameters<Machine['deliver']>) => readonly Effect[]): Machine => ({
    ...machine,
    deliver: (a, input) => {
      const { activity, effects } = machine.deliver(a, input);
      return { activity, effects: alter(effects, [a, input]) };
    },
  });

  test('it tells those who are not ready for a close to cancel', () => {
    const impatient = altered((effects, [a, { request }]) => {
      if (request.kind !== 'close') return effects;
      const late = [...a.participants.values()].filter(({ state }) => state === 'Active');
      return [
        ...effects,
        ...late.map(({ id, state }) => ({ kind: 'command', participant: id, command: 'Cancel', state }) as const),
      ];
    });
    const found = tally(impatient, ATOMIC);
    expect(found.diverge.count).toBe(0);
    expect(found.split.count).toBeGreaterThan(0);
    expect(endingsOf(impatient, smallestOf(found.split))).toMatchObject({ endings: [{}], split: true });
  });

  test('it leaves out a fault when it has not heard of the initiator yet', () => {
    const shy = altered((effects, [a]) => (a.streams.has('control') ? effects : effects.filter(({ kind }) => kind !== 'fault')));
    const found = tally(shy, ATOMIC);
    expect(found.split.count).toBe(0);
    const { endings } = endingsOf(shy, smallestOf(found.diverge));
    expect(endings.map(({ log }) => log.length)).toEqual([3, 2]);
    expect(endings[0]?.activity).toEqual(endings[1]?.activity);
  });

  test('it answers a Register by whether the activity is settled', () => {
    const talkative = altered((effects, [a]) =>
      effects.map((effect) =>
        effect.kind === 'reply' && effect.to.number === 1 && effect.to.stream !== 'control' && a.settlement !== undefined
          ? { ...effect, result: { ok: false, code: 'InvalidState', detail: '' } }
          : effect,
      ),
    );
    expect(tally(talkative, ATOMIC).diverge.count).toBeGreaterThan(0);
  });
});

describe('sharing the work between sets changes nothing', () => {
  /** Between the small family and the full one: up to two messages of P, and second decisions. */
  const alphabet: Alphabet = { ...full, longest: { P: 2, Q: 1 } };
  const LONGEST = 8;

  function* samples(using: Machine, random: Random, count: number): Generator<{ verdict: Verdict; set: StreamSet }> {
    const parts = partsOf(alphabet);
    for (let taken = 0; taken < count;) {
      const found: { verdict: Verdict; set: StreamSet }[] = [];
      walk(using, alphabet, random.pick(parts), (verdict, make) => {
        if (!random.chance(0.005)) return;
        const set = make();
        if (lengthOf(set) <= LONGEST) found.push({ verdict, set });
      });
      for (const sample of found.slice(0, count / 4)) {
        taken += 1;
        yield sample;
      }
    }
  }

  test.each<[string, Machine]>([
    ['all rules', machine],
    ['no hold', without('hold')],
    ['no set', without('set')],
    ['no late', without('late')],
    ['no rule', without('hold', 'set', 'late')],
  ])('%s: walking each interleaving of some sets from beginning to end finds the same', (_name, using) => {
    for (const { verdict, set } of samples(using, new Random(7), 24)) {
      const { endings, split } = endingsOf(using, set);
      expect({ set, endings: endings.length, split }).toEqual({ set, ...verdict });
    }
  });
});
