import { describe, expect, test } from '@jest/globals';
import { machine, waiting } from '../../src/wsba/index.js';
import type { ControlRequest } from '../../src/wsba/index.js';
import { answerTo, commandsTo, control, notify, register, run, runFrom, stateOf } from './support.js';

const close = (...participants: string[]): ControlRequest => ({ kind: 'close', participants });
const PC = 'ParticipantCompletion';
const CC = 'CoordinatorCompletion';

describe('rule 1: hold', () => {
  test('a Canceled that overtook the decision waits for it', () => {
    const before = run('AtomicOutcome', [register('P', PC), notify('P', 2, 'Canceled')]);
    expect(stateOf(before.activity, 'P')).toBe('Active');
    expect(waiting(before.activity)).toEqual([{ stream: '/P', number: 2, waitsFor: ['Cancel'] }]);
    const { activity, effects } = machine.deliver(before.activity, control(1, { kind: 'cancel' }));
    expect(stateOf(activity, 'P')).toBe('Ended');
    expect(activity.participants.get('P')?.endedBy).toBe('Canceled');
    expect(effects.map((e) => e.kind)).toEqual(['reply', 'command', 'ended']);
  });

  test('a Completed that overtook Complete waits, and what follows waits behind it', () => {
    const before = run('AtomicOutcome', [register('P', CC), notify('P', 2, 'Completed'), notify('P', 3, 'Closed')]);
    expect(waiting(before.activity)).toEqual([{ stream: '/P', number: 2, waitsFor: ['Complete'] }]);
    const completed = machine.deliver(before.activity, control(1, { kind: 'complete', participants: ['P'] })).activity;
    expect(stateOf(completed, 'P')).toBe('Completed');
    expect(waiting(completed)).toEqual([{ stream: '/P', number: 3, waitsFor: ['Close'] }]);
    const { activity, effects } = machine.deliver(completed, control(2, close('P')));
    expect(commandsTo(effects, 'P')).toEqual(['Close']);
    expect(stateOf(activity, 'P')).toBe('Ended');
  });

  test('what no sending of the coordinator makes legal is answered with a fault and passed over', () => {
    const { activity, effects } = run('AtomicOutcome', [
      register('P', PC),
      notify('P', 2, 'Closed'),
      notify('P', 3, 'Completed'),
    ]);
    expect(effects).toContainEqual({
      kind: 'fault',
      to: { stream: '/P', number: 2 },
      participant: 'P',
      message: 'Closed',
      state: 'Active',
    });
    expect(stateOf(activity, 'P')).toBe('Completed');
  });

  test('a message held for one decision is passed over when the other one is taken', () => {
    const held = [register('P', PC), notify('P', 2, 'Completed'), notify('P', 3, 'Closed')];
    const { activity, effects } = run('AtomicOutcome', [...held, control(1, { kind: 'cancel' })]);
    expect(effects.filter((e) => e.kind === 'fault')).toMatchObject([{ message: 'Closed', state: 'Compensating' }]);
    expect(waiting(activity)).toEqual([]);
  });
});

describe('rule 2: explicit set', () => {
  test('a close waits until everybody it names is registered and Completed, and holds what follows', () => {
    const before = run('AtomicOutcome', [register('P', PC), control(1, close('P', 'Q')), control(2, { kind: 'cancel' })]);
    expect(waiting(before.activity)).toEqual([{ stream: 'control', number: 1, waitsFor: ['P', 'Q'] }]);
    expect(before.effects.filter((e) => e.kind === 'reply' && e.to.stream === 'control')).toEqual([]);
    const then = [notify('P', 2, 'Completed'), register('Q', PC), notify('Q', 2, 'Exit')];
    const { activity, effects } = runFrom(before.activity, then);
    expect(answerTo(effects, 1)).toBe('ok');
    expect(answerTo(effects, 2)).toBe('InvalidState');
    expect(stateOf(activity, 'P')).toBe('Closing');
    expect(stateOf(activity, 'Q')).toBe('Ended');
  });

  test('a close is refused, and decides nothing, when a named participant ended other than by Exit', () => {
    const inputs = [register('P', PC), register('Q', PC), notify('P', 2, 'Completed'), notify('Q', 2, 'CannotComplete')];
    const { activity, effects } = run('AtomicOutcome', [...inputs, control(1, close('P', 'Q'))]);
    expect(answerTo(effects, 1)).toBe('InvalidState');
    expect(stateOf(activity, 'P')).toBe('Completed');
    expect(answerTo(machine.deliver(activity, control(2, close('P'))).effects, 2)).toBe('ok');
  });

  test('a name given twice counts once', () => {
    const { effects } = run('AtomicOutcome', [register('P', PC), notify('P', 2, 'Completed'), control(1, close('P', 'P'))]);
    expect(commandsTo(effects, 'P')).toEqual(['Close']);
  });

  test('a complete waits for registration only, and skips whom it does not concern', () => {
    const inputs = [control(1, { kind: 'complete', participants: ['P', 'Q', 'R'] }), register('P', CC), register('Q', PC)];
    const before = run('AtomicOutcome', inputs);
    expect(waiting(before.activity)).toEqual([{ stream: 'control', number: 1, waitsFor: ['R'] }]);
    const { activity, effects } = run('AtomicOutcome', [...inputs, register('R', CC)]);
    expect([stateOf(activity, 'P'), stateOf(activity, 'Q'), stateOf(activity, 'R')]).toEqual([
      'Completing',
      'Active',
      'Completing',
    ]);
    expect(commandsTo(effects, 'Q')).toEqual([]);
  });

  test('in a mixed activity an earlier decision is asked before anything that depends on the participant', () => {
    const decided = [register('P', PC), control(1, { kind: 'cancel', participants: ['P'] })];
    for (const requests of [close('P', 'unknown'), { kind: 'compensate', participants: ['P'] } as const]) {
      const { effects, activity } = run('MixedOutcome', [...decided, control(2, requests)]);
      expect(answerTo(effects, 2)).toBe('InvalidState');
      expect(activity.held.size).toBe(0);
    }
  });

  test('in a mixed activity the same decision again is accepted and says nothing new', () => {
    const inputs = [register('P', PC), notify('P', 2, 'Completed'), control(1, close('P')), control(2, close('P'))];
    const { effects } = run('MixedOutcome', inputs);
    expect(answerTo(effects, 2)).toBe('ok');
    expect(commandsTo(effects, 'P')).toEqual(['Close']);
  });

  test('in a mixed activity a refused request leaves everybody it names undecided', () => {
    const inputs = [register('P', PC), register('Q', PC), notify('P', 2, 'Completed'), notify('Q', 2, 'Fail', 'ns:full')];
    const { activity, effects } = run('MixedOutcome', [...inputs, control(1, { kind: 'compensate', participants: ['P', 'Q'] })]);
    expect(answerTo(effects, 1)).toBe('InvalidState');
    expect(activity.participants.get('P')).toMatchObject({ state: 'Completed' });
    expect(activity.participants.get('P')).not.toHaveProperty('decision');
  });
});

describe('rule 3: late registration', () => {
  test('who registers after a decision is accepted and canceled at once', () => {
    const { activity, effects } = run('AtomicOutcome', [control(1, close()), register('P', CC)]);
    expect(answerTo(effects, 1, '/P')).toBe('ok');
    expect(commandsTo(effects, 'P')).toEqual(['Cancel']);
    expect(stateOf(activity, 'P')).toBe('Canceling-Active');
  });

  test('whom a close does not name is compensated if it completed, and canceled if not', () => {
    const inputs = ['P', 'Q', 'R'].map((id) => register(id, PC));
    const done = [notify('P', 2, 'Completed'), notify('Q', 2, 'Completed')];
    const { effects } = run('AtomicOutcome', [...inputs, ...done, control(1, close('P'))]);
    expect(commandsTo(effects, 'P')).toEqual(['Close']);
    expect(commandsTo(effects, 'Q')).toEqual(['Compensate']);
    expect(commandsTo(effects, 'R')).toEqual(['Cancel']);
  });

  test('a Completed that crosses the Cancel of a late participant is compensated', () => {
    const { activity, effects } = run('AtomicOutcome', [
      control(1, { kind: 'cancel' }),
      register('P', PC),
      notify('P', 2, 'Completed'),
    ]);
    expect(commandsTo(effects, 'P')).toEqual(['Cancel', 'Compensate']);
    expect(stateOf(activity, 'P')).toBe('Compensating');
  });

  test('END cancels everybody undecided, also who registers later, and leaves decided ones alone', () => {
    const decided = [register('P', PC), notify('P', 2, 'Completed'), control(1, close('P')), register('Q', PC)];
    const { activity, effects } = run('MixedOutcome', [...decided, control(2, { kind: 'end' }), register('R', PC)]);
    expect(commandsTo(effects, 'P')).toEqual(['Close']);
    expect([stateOf(activity, 'Q'), stateOf(activity, 'R')]).toEqual(['Canceling', 'Canceling']);
  });
});
