import { describe, expect, test } from '@jest/globals';
import { decodeActivity, encodeActivity, isEnded, waiting } from '../../src/wsba/index.js';
import type { ControlRequest, Effect, LinkedStep, Outcome } from '../../src/wsba/index.js';
import {
  cancel,
  checkInner,
  close,
  happen,
  I,
  INNER,
  innerControl,
  newWorld,
  OPEN,
  OUTER,
  outerControl,
  P,
  participant,
} from './inner-lattice.js';
import type { Event, World } from './inner-lattice.js';
import { control, notify } from './support.js';

function run(outcome: Outcome, events: readonly Event[]): { world: World; effects: LinkedStep['effects'] } {
  let world = newWorld(outcome);
  const effects: { activity: string; effect: Effect }[] = [];
  for (const event of events) {
    const step = happen(world, event);
    world = step.world;
    effects.push(...step.effects);
  }
  return { world, effects };
}

const standingOf = (world: World): unknown[] => {
  const p = world.get(OUTER)?.participants.get(I);
  return [p?.state, p?.completed, p?.endedBy];
};
const commands = (effects: LinkedStep['effects'], id: string): string[] =>
  effects.flatMap(({ effect }) => (effect.kind === 'command' && effect.participant === id ? [effect.command] : []));

describe('an activity inside another', () => {
  const work = [OPEN, ...participant(INNER, P, ['Completed']), ...innerControl(close(P))];

  test('registers with the outer one, and reports Completed when its own initiator closes it', () => {
    expect(standingOf(run('AtomicOutcome', [OPEN]).world)).toEqual(['Active', false, undefined]);
    const { world, effects } = run('AtomicOutcome', work);
    expect(standingOf(world)).toEqual(['Completed', true, undefined]);
    expect(commands(effects, P)).toEqual([]);
    expect([...world.values()].some(isEnded)).toBe(false);
  });

  test('is closed from the outside: its participants are closed, and only then has it Closed', () => {
    const closed = run('AtomicOutcome', [...work, ...outerControl(close(I))]);
    expect(commands(closed.effects, P)).toEqual(['Close']);
    expect(standingOf(closed.world)).toEqual(['Closing', true, undefined]);
    const { world } = happen(closed.world, { activity: INNER, input: notify(P, 3, 'Closed') });
    expect(standingOf(world)).toEqual(['Ended', true, 'Closed']);
    expect([...world.values()].every(isEnded)).toBe(true);
  });

  test('is canceled from the outside: who completed is compensated', () => {
    const canceled = run('AtomicOutcome', [...work, ...outerControl(cancel)]);
    expect(commands(canceled.effects, P)).toEqual(['Compensate']);
    const { world } = happen(canceled.world, { activity: INNER, input: notify(P, 3, 'Compensated') });
    expect(standingOf(world)).toEqual(['Ended', false, 'Canceled']);
    expect([...world.values()].every(isEnded)).toBe(true);
  });

  test('is compensated in a mixed activity', () => {
    const told = run('MixedOutcome', [...work, ...outerControl({ kind: 'compensate', participants: [I] })]);
    expect(standingOf(told.world)).toEqual(['Compensating', true, undefined]);
    const { world } = happen(told.world, { activity: INNER, input: notify(P, 3, 'Compensated') });
    expect(standingOf(world)).toEqual(['Ended', true, 'Compensated']);
  });

  test('leaves when its own initiator cancels it, so that the outer one cannot close it', () => {
    const left = run('AtomicOutcome', [OPEN, ...participant(INNER, P, ['Completed']), ...innerControl(cancel)]);
    expect(standingOf(left.world)).toEqual(['Ended', false, 'CannotComplete']);
    const refused = happen(left.world, { activity: OUTER, input: control(1, close(I)) });
    expect(refused.effects.map(({ effect }) => effect)).toContainEqual(
      expect.objectContaining({ kind: 'reply', result: expect.objectContaining({ ok: false, code: 'InvalidState' }) }),
    );
  });

  test('whom its close does not name is canceled at once, and who registers late, too', () => {
    const { world, effects } = run('AtomicOutcome', [
      OPEN,
      ...participant(INNER, P, ['Completed']),
      ...participant(INNER, 'X', []),
      ...innerControl(close(P)),
      ...participant(INNER, 'Y', []),
    ]);
    expect([commands(effects, P), commands(effects, 'X'), commands(effects, 'Y')]).toEqual([[], ['Cancel'], ['Cancel']]);
    expect(standingOf(world)).toEqual(['Completed', true, undefined]);
  });

  test('that is opened in an activity already decided is canceled at once', () => {
    const { world, effects } = run('AtomicOutcome', [...outerControl(close()), OPEN, ...participant(INNER, P, [])]);
    expect(standingOf(world)).toEqual(['Canceling', false, undefined]);
    expect(commands(effects, P)).toEqual(['Cancel']);
  });

  test('has an encoding that reads back, on both sides', () => {
    for (const activity of run('AtomicOutcome', [...work, ...outerControl(close(I))]).world.values()) {
      expect(decodeActivity(encodeActivity(activity))).toEqual(activity);
    }
  });
});

describe('an inner activity that is canceled from the outside', () => {
  const complete: ControlRequest = { kind: 'complete', participants: [P] };
  const worker = participant(INNER, P, ['Completed', 'Compensated'], 'CoordinatorCompletion');

  test('compensates who was told to complete elsewhere, though Cancel came first here', () => {
    const { world, effects } = run('AtomicOutcome', [
      OPEN,
      ...outerControl(cancel),
      ...worker.slice(0, 2),
      ...innerControl(complete),
    ]);
    expect(commands(effects, P)).toEqual(['Cancel', 'Compensate']);
    expect(world.get(INNER)?.participants.get(P)).toMatchObject({ state: 'Compensating', completed: true });
  });

  test('lets a Completed wait for a Complete that may be on its way, and says so', () => {
    const { world, effects } = run('AtomicOutcome', [OPEN, ...outerControl(cancel), ...worker.slice(0, 2)]);
    const inner = world.get(INNER);
    expect(inner && waiting(inner)).toEqual([{ stream: `/${P}`, number: 2, waitsFor: ['Complete'] }]);
    expect(effects.filter(({ effect }) => effect.kind === 'fault')).toEqual([]);
  });

  test('passes a Completed over once its own initiator has settled that no Complete comes', () => {
    const events = [OPEN, ...outerControl(cancel), ...worker.slice(0, 2), ...innerControl(cancel)];
    const { world, effects } = run('AtomicOutcome', events);
    expect(effects.map(({ effect }) => effect)).toContainEqual(expect.objectContaining({ kind: 'fault', message: 'Completed' }));
    expect(world.get(INNER)?.participants.get(P)).toMatchObject({ state: 'Canceling-Active' });
  });
});

describe('inner activities need no order either', () => {
  test.each(['AtomicOutcome', 'MixedOutcome'] as const)('%s outside, told to complete inside: one state', (outcome) => {
    const messages = [
      ['Completed', 'Compensated'],
      ['Completed', 'Closed'],
      ['Canceled'],
      ['Exit'],
      ['Fail'],
      ['CannotComplete'],
    ] as const;
    const sets = checkInner(outcome, messages, 'CoordinatorCompletion');
    expect(sets).toBeGreaterThan(100);
  });

  test.each(['AtomicOutcome', 'MixedOutcome'] as const)('%s outside: every interleaving ends in one state', (outcome) => {
    const sets = checkInner(outcome, [['Completed'], ['Canceled', 'Completed'], ['Completed', 'Compensated'], ['Fail']]);
    expect(sets).toBeGreaterThan(100);
  });
});
