import { describe, expect, test } from '@jest/globals';
import {
  COORDINATOR_MESSAGES,
  createMachine,
  decisionFor,
  isEnded,
  machine,
  onSend,
  outstandingCommand,
  participants,
  resultState,
} from '../../src/wsba/index.js';
import type { Activity, ControlRequest, Input, Outcome, ParticipantRecord } from '../../src/wsba/index.js';
import { answerTo, commandsTo, control, newActivity, notify, register, run, runFrom, stateOf } from './support.js';

const close = (...ids: string[]): ControlRequest => ({ kind: 'close', participants: ids });
const cancel: ControlRequest = { kind: 'cancel' };
const end: ControlRequest = { kind: 'end' };
const PC = 'ParticipantCompletion';
const CC = 'CoordinatorCompletion';

function recordOf(a: Activity, id: string): ParticipantRecord {
  const record = a.participants.get(id);
  if (record === undefined) throw new Error(`${id} is not registered`);
  return record;
}

describe('an atomic activity', () => {
  test('goes the whole way: complete, close, closed, ended', () => {
    const { activity, effects } = run('AtomicOutcome', [
      register('P', CC),
      control(1, { kind: 'complete', participants: ['P'] }),
      notify('P', 2, 'Completed'),
      control(2, close('P')),
      notify('P', 3, 'Closed'),
    ]);
    expect(commandsTo(effects, 'P')).toEqual(['Complete', 'Close']);
    expect(effects.at(-1)).toEqual({ kind: 'ended' });
    expect(isEnded(activity)).toBe(true);
    expect(recordOf(activity, 'P')).toMatchObject({ state: 'Ended', completed: true, endedBy: 'Closed' });
  });

  test.each<[string, ControlRequest, ControlRequest]>([
    ['close after cancel', cancel, close()],
    ['cancel after close', close(), cancel],
    ['the same decision again', cancel, cancel],
    ['complete after a decision', cancel, { kind: 'complete', participants: ['nobody'] }],
    ['an invitation after a decision', cancel, { kind: 'invite', matchcode: 'late' }],
    ['cancel after END', end, cancel],
  ])('refuses %s with InvalidState and changes nothing', (_name, first, second) => {
    const before = run('AtomicOutcome', [register('P', PC), control(1, first)]).activity;
    const { activity, effects } = machine.deliver(before, control(2, second));
    expect(answerTo(effects, 2)).toBe('InvalidState');
    expect(activity).toEqual({ ...before, streams: activity.streams });
  });

  test('END after a decision is void', () => {
    const { activity, effects } = run('AtomicOutcome', [
      register('P', PC),
      notify('P', 2, 'Completed'),
      control(1, close('P')),
      control(2, end),
    ]);
    expect(commandsTo(effects, 'P')).toEqual(['Close']);
    expect(activity.settlement).toEqual({ kind: 'close', named: ['P'] });
  });

  test('a close that names nobody cancels everybody', () => {
    const { effects } = run('AtomicOutcome', [register('P', PC), register('Q', CC), control(1, close())]);
    expect(commandsTo(effects, 'P')).toEqual(['Cancel']);
    expect(commandsTo(effects, 'Q')).toEqual(['Cancel']);
  });

  test('is over with its last participant, and again after a late one has ended', () => {
    const ended = run('AtomicOutcome', [control(1, cancel)]);
    expect(ended.effects).toContainEqual({ kind: 'ended' });
    const late = machine.deliver(ended.activity, register('P', PC));
    expect(isEnded(late.activity)).toBe(false);
    expect(late.effects).not.toContainEqual({ kind: 'ended' });
    const over = runFrom(late.activity, [notify('P', 2, 'Canceled'), notify('P', 3, 'Canceled')]);
    expect(over.effects).toEqual([{ kind: 'ended' }]);
  });

  test('with fifty participants closes the half it names and compensates the half that came too late', () => {
    const ids = Array.from({ length: 50 }, (_, i) => `P${i}`);
    const closed = ids.slice(0, 25);
    const { activity, effects } = run('AtomicOutcome', [
      control(1, close(...closed)),
      ...ids.flatMap((id) => [register(id, PC), notify(id, 2, 'Completed')]),
      ...ids.map((id, i) => notify(id, 3, i < 25 ? 'Closed' : 'Compensated')),
    ]);
    expect(effects.filter((e) => e.kind === 'ended')).toHaveLength(1);
    expect(participants(activity).map((p) => p.id)).toEqual([...ids].sort());
    for (const id of ids) expect(commandsTo(effects, id)).toEqual(closed.includes(id) ? ['Close'] : ['Cancel', 'Compensate']);
    for (const p of participants(activity)) expect(p.endedBy).toBe(closed.includes(p.id) ? 'Closed' : 'Compensated');
  });
});

describe('a mixed activity', () => {
  test('is decided one by one and stays open until END', () => {
    const { activity, effects } = run('MixedOutcome', [
      ...['P', 'Q', 'R'].flatMap((id) => [register(id, PC), notify(id, 2, 'Completed')]),
      control(1, close('P')),
      control(2, { kind: 'compensate', participants: ['Q'] }),
      control(3, { kind: 'cancel', participants: ['R'] }),
      notify('P', 3, 'Closed'),
      notify('Q', 3, 'Compensated'),
      notify('R', 3, 'Compensated'),
    ]);
    expect(['P', 'Q', 'R'].map((id) => commandsTo(effects, id))).toEqual([['Close'], ['Compensate'], ['Compensate']]);
    expect(['P', 'Q', 'R'].map((id) => recordOf(activity, id).decision)).toEqual(['close', 'compensate', 'cancel']);
    expect(isEnded(activity)).toBe(false);
    expect(machine.deliver(activity, control(4, end)).effects).toContainEqual({ kind: 'ended' });
  });

  test('a participant that exited is no obstacle to a close, and is not told', () => {
    const { effects } = run('MixedOutcome', [register('P', PC), notify('P', 2, 'Exit'), control(1, close('P'))]);
    expect(answerTo(effects, 1)).toBe('ok');
    expect(commandsTo(effects, 'P')).toEqual(['Exited']);
  });
});

describe('parameters', () => {
  test.each<[Outcome, ControlRequest]>([
    ['AtomicOutcome', { kind: 'compensate', participants: ['P'] }],
    ['AtomicOutcome', { kind: 'cancel', participants: ['P'] }],
    ['MixedOutcome', { kind: 'cancel' }],
    ['MixedOutcome', { kind: 'close', participants: [] }],
    ['MixedOutcome', { kind: 'compensate', participants: [] }],
    ['AtomicOutcome', { kind: 'invite', matchcode: '' }],
  ])('%s refuses %j with InvalidParameters, as an ordered answer', (outcome, request) => {
    const { activity, effects } = run(outcome, [register('P', PC), control(1, request)]);
    expect(answerTo(effects, 1)).toBe('InvalidParameters');
    expect(stateOf(activity, 'P')).toBe('Active');
    expect(machine.admit(newActivity(outcome), control(1, request))).toEqual({ verdict: 'admit' });
  });

  test('a matchcode is reserved once, whatever it is called', () => {
    const invite = (n: number, matchcode: string): Input => control(n, { kind: 'invite', matchcode });
    const { effects } = run('AtomicOutcome', [invite(1, '__proto__'), invite(2, 'constructor'), invite(3, '__proto__')]);
    expect([1, 2, 3].map((n) => answerTo(effects, n))).toEqual(['ok', 'ok', 'DuplicateMatchcode']);
  });
});

describe('participants', () => {
  test('two writers may use one open invitation: two participants', () => {
    const { activity, effects } = run('AtomicOutcome', [
      control(1, { kind: 'invite', matchcode: 'hotel' }),
      register('P', PC, { invitation: 'hotel', writer: 'CN=Ritz' }),
      register('Q', PC, { invitation: 'hotel', writer: 'CN=Savoy' }),
      notify('P', 2, 'Completed'),
    ]);
    expect(answerTo(effects, 1, '/P')).toBe('ok');
    expect(answerTo(effects, 1, '/Q')).toBe('ok');
    expect(participants(activity).map((p) => [p.id, p.writer, p.state])).toEqual([
      ['P', 'CN=Ritz', 'Completed'],
      ['Q', 'CN=Savoy', 'Active'],
    ]);
  });

  test('registration does not wait for its invitation once it is certified', () => {
    const { effects } = run('AtomicOutcome', [register('P', PC, { invitation: 'unknown' })]);
    expect(answerTo(effects, 1, '/P')).toBe('ok');
  });

  test.each([
    ['Exit', 'Exited'],
    ['Fail', 'Failed'],
    ['CannotComplete', 'NotCompleted'],
  ] as const)('%s is acknowledged at once, and again when it is repeated', (message, acknowledgement) => {
    const { activity, effects } = run('AtomicOutcome', [register('P', CC), notify('P', 2, message), notify('P', 3, message)]);
    expect(commandsTo(effects, 'P')).toEqual([acknowledgement, acknowledgement]);
    expect(recordOf(activity, 'P')).toMatchObject({ state: 'Ended', endedBy: message });
  });

  test('a failure to compensate is reported as Completed, with its exception', () => {
    const { activity } = run('AtomicOutcome', [
      register('P', PC),
      notify('P', 2, 'Completed'),
      control(1, cancel),
      notify('P', 3, 'Fail', '{urn:hotel}LateFee'),
    ]);
    const p = recordOf(activity, 'P');
    expect(p).toMatchObject({ state: 'Ended', endedBy: 'Fail', exception: '{urn:hotel}LateFee' });
    expect(resultState(p)).toBe('Completed');
  });

  test('a participant that never completed is reported as Active', () => {
    const { activity } = run('AtomicOutcome', [register('P', PC), control(1, cancel), notify('P', 2, 'Canceled')]);
    expect(resultState(recordOf(activity, 'P'))).toBe('Active');
  });

  test('a command is outstanding exactly where the table lets it be sent again and the participant owes an answer', () => {
    const p = recordOf(run('AtomicOutcome', [register('P', CC)]).activity, 'P');
    const states = ['Canceling-Active', 'Canceling-Completing', 'Completing', 'Closing', 'Compensating'] as const;
    for (const state of states) {
      const again = COORDINATOR_MESSAGES.filter((m) => onSend(CC, 'coordinator', state, m).kind === 'again');
      expect([outstandingCommand({ ...p, state })]).toEqual(again);
    }
    expect(outstandingCommand({ ...p, protocol: PC, state: 'Canceling' })).toBe('Cancel');
    for (const state of ['Active', 'Completed', 'Ended'] as const) expect(outstandingCommand({ ...p, state })).toBeUndefined();
  });

  test('decisionFor tells what a settlement means for each', () => {
    const { activity } = run('AtomicOutcome', [
      register('P', PC),
      notify('P', 2, 'Completed'),
      control(1, close('P')),
      register('Q', PC),
    ]);
    expect(['P', 'Q'].map((id) => decisionFor(activity, recordOf(activity, id)))).toEqual(['close', 'cancel']);
    expect(decisionFor(newActivity('AtomicOutcome'), recordOf(activity, 'P'))).toBeUndefined();
  });
});

describe('delivery', () => {
  test('an input that was delivered changes nothing', () => {
    const { activity } = run('AtomicOutcome', [register('P', PC), notify('P', 2, 'Canceled')]);
    expect(machine.deliver(activity, notify('P', 2, 'Exit'))).toEqual({ activity, effects: [] });
  });

  test('a gap in a stream breaks the promise of the caller, and is told so', () => {
    expect(() => machine.deliver(newActivity('AtomicOutcome'), control(2, cancel))).toThrow(RangeError);
  });

  test('a notification before any Register is consumed without a trace in anybody else', () => {
    const { activity, effects } = run('AtomicOutcome', [notify('P', 1, 'Completed'), { ...register('P', PC), number: 2 }]);
    expect(effects).toMatchObject([{ kind: 'reply', result: { ok: false, code: 'InvalidParameters' } }]);
    expect(activity.participants.size).toBe(0);
    expect(activity.held.size).toBe(0);
  });

  test('the state that was given in is left as it was', () => {
    const before = run('AtomicOutcome', [register('P', PC)]).activity;
    const copy = structuredClone(before);
    machine.deliver(before, control(1, cancel));
    expect(before).toEqual(copy);
  });
});

describe('plain handling, without the rules', () => {
  const plain = createMachine({});

  test('a close meets whoever is there, and is refused while somebody is Active', () => {
    const inputs = [register('P', PC), control(1, close('P')), notify('P', 2, 'Completed'), control(2, close())];
    const { activity, effects } = run('AtomicOutcome', inputs, plain);
    expect([answerTo(effects, 1), answerTo(effects, 2)]).toEqual(['InvalidState', 'ok']);
    expect(stateOf(activity, 'P')).toBe('Closing');
  });

  test('registration ends with the decision', () => {
    const { effects } = run('AtomicOutcome', [control(1, cancel), register('P', PC), notify('P', 2, 'Completed')], plain);
    expect(answerTo(effects, 1, '/P')).toBe('CannotRegisterParticipant');
  });

  test('mixed requests skip the unknown and those in another state', () => {
    const inputs = [register('P', PC), register('Q', PC), notify('P', 2, 'Completed'), control(1, close('P', 'Q', 'unknown'))];
    const { activity, effects } = run('MixedOutcome', inputs, plain);
    expect(answerTo(effects, 1)).toBe('ok');
    expect([stateOf(activity, 'P'), stateOf(activity, 'Q')]).toEqual(['Closing', 'Active']);
  });
});
