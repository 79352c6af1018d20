import { describe, expect, test } from '@jest/globals';
import { MAX_HELD_PER_STREAM, machine } from '../../src/wsba/index.js';
import type { Activity, ControlRequest, Input } from '../../src/wsba/index.js';
import { control, newActivity, notify, register, run } from './support.js';

const PC = 'ParticipantCompletion';
const ADMIT = { verdict: 'admit' };
const empty = newActivity('AtomicOutcome');
const registered = run('AtomicOutcome', [register('P', PC)]).activity;
const close = (...participants: string[]): ControlRequest => ({ kind: 'close', participants });

describe('a replica votes for a Register', () => {
  const invite = (identity?: string): Activity =>
    run('AtomicOutcome', [control(1, { kind: 'invite', matchcode: 'm', ...(identity === undefined ? {} : { identity }) })])
      .activity;
  const withCode = register('P', PC, { invitation: 'm', writer: 'CN=Ritz' });

  test('that uses the plain context', () => {
    expect(machine.admit(empty, register('P', PC))).toEqual(ADMIT);
  });

  test('only when its invitation is delivered here', () => {
    expect(machine.admit(empty, withCode)).toEqual({ verdict: 'wait', code: 'InvitationMissing', waitsFor: ['m'] });
    expect(machine.admit(invite(), withCode)).toEqual(ADMIT);
  });

  test('only from the identity that the invitation names', () => {
    expect(machine.admit(invite('CN=Ritz'), withCode)).toEqual(ADMIT);
    expect(machine.admit(invite('CN=Savoy'), withCode)).toMatchObject({ verdict: 'refuse', code: 'NotInvited' });
  });

  test('only as number 1 of its stream', () => {
    const second: Input = { ...register('P', PC), number: 2 };
    expect(machine.admit(empty, second)).toMatchObject({ verdict: 'refuse', code: 'InvalidParameters' });
    expect(machine.admit(registered, register('P', PC))).toMatchObject({ verdict: 'refuse', code: 'InvalidParameters' });
  });

  test('after a decision, too: it will be canceled', () => {
    expect(machine.admit(run('AtomicOutcome', [control(1, { kind: 'cancel' })]).activity, register('P', PC))).toEqual(ADMIT);
  });
});

describe('a replica votes for a notification', () => {
  test('of a registered participant, legal or not', () => {
    expect(machine.admit(registered, notify('P', 2, 'Completed'))).toEqual(ADMIT);
    expect(machine.admit(registered, notify('P', 2, 'Closed'))).toEqual(ADMIT);
  });

  test('never as the first of a stream', () => {
    expect(machine.admit(empty, notify('P', 1, 'Completed'))).toMatchObject({ verdict: 'refuse', code: 'InvalidParameters' });
  });

  test('only after its predecessor', () => {
    expect(machine.admit(empty, notify('P', 2, 'Completed'))).toMatchObject({ verdict: 'wait', code: 'UnknownParticipant' });
    expect(machine.admit(registered, notify('P', 3, 'Completed'))).toMatchObject({ verdict: 'wait', code: 'PredecessorMissing' });
  });

  test('behind a held one, up to a limit', () => {
    const afterHeld = (count: number): Activity =>
      run('AtomicOutcome', [register('P', PC), ...Array.from({ length: count }, (_, i) => notify('P', i + 2, 'Canceled'))])
        .activity;
    const admit = (held: number): object => machine.admit(afterHeld(held), notify('P', held + 2, 'Canceled'));
    expect(admit(MAX_HELD_PER_STREAM - 1)).toEqual(ADMIT);
    expect(admit(MAX_HELD_PER_STREAM)).toMatchObject({ verdict: 'wait', code: 'PredecessorMissing' });
  });
});

describe('a replica votes for a control request', () => {
  test('only in its turn, and not while an earlier one is held', () => {
    expect(machine.admit(empty, control(2, { kind: 'cancel' }))).toMatchObject({ verdict: 'wait', code: 'PredecessorMissing' });
    const held = run('AtomicOutcome', [control(1, close('P'))]).activity;
    expect(machine.admit(held, control(2, { kind: 'cancel' }))).toMatchObject({ verdict: 'wait', code: 'PredecessorMissing' });
  });

  test('only when it is enabled here', () => {
    const waits = (waitsFor: string[]): object => ({ verdict: 'wait', code: 'NotEnabled', waitsFor });
    expect(machine.admit(registered, control(1, close('P', 'Q')))).toEqual(waits(['P', 'Q']));
    const completed = machine.deliver(registered, notify('P', 2, 'Completed')).activity;
    expect(machine.admit(completed, control(1, close('P', 'Q')))).toEqual(waits(['Q']));
    expect(machine.admit(completed, control(1, close('P')))).toEqual(ADMIT);
    expect(machine.admit(completed, control(1, { kind: 'complete', participants: ['Q'] }))).toEqual(waits(['Q']));
  });

  test('that will be answered with a refusal: the refusal has its place in the stream', () => {
    const decided = run('AtomicOutcome', [control(1, { kind: 'cancel' })]).activity;
    expect(machine.admit(decided, control(2, close('unknown')))).toEqual(ADMIT);
    const failed = run('AtomicOutcome', [register('P', PC), notify('P', 2, 'Fail')]).activity;
    expect(machine.admit(failed, control(1, close('P')))).toEqual(ADMIT);
  });

  test('that is enabled once stays enabled, whatever the participant sends then', () => {
    for (const first of ['Completed', 'Exit', 'Fail', 'CannotComplete'] as const) {
      for (const then of ['Completed', 'Exit', 'Fail', 'CannotComplete', 'Canceled', 'Closed', 'Compensated'] as const) {
        const { activity } = run('AtomicOutcome', [register('P', PC), notify('P', 2, first), notify('P', 3, then)]);
        expect(machine.admit(activity, control(1, close('P')))).toEqual(ADMIT);
      }
    }
  });
});
