import { describe, expect, test } from '@jest/globals';
import { agreedActivity, agreeOn, compareStates, mergeTimelines } from '../../../src/travel/page/agree.js';
import { answering } from '../../../src/travel/page/readings.js';
import type { Said } from './fixture.js';
import { activity, ACTIVITY, answer, participant, request, silent } from './fixture.js';

const up = (...said: (Said | undefined)[]) =>
  answering(said.map((one, index) => (one === undefined ? silent(index + 1) : answer(index + 1, one))));

const states = (...said: (Said | undefined)[]) => [...compareStates(up(...said), 2).values()];

describe('what f + 1 replicas agree on', () => {
  const from = (values: readonly string[]) => values.map((value, index) => ({ replica: index + 1, deliveries: index, value }));

  test('is what most say, never what one says alone', () => {
    expect(agreeOn(from(['a', 'b', 'a', 'a']), 2)).toEqual({ value: 'a', replicas: [1, 3, 4] });
    expect(agreeOn(from(['a', 'b', 'c', 'd']), 2)).toBeUndefined();
  });

  test('is, of two that enough say, that of those who are further', () => {
    expect(agreeOn(from(['old', 'old', 'new', 'new']), 2)?.value).toBe('new');
  });

  test('of an activity: each participant for itself, and a liar’s words do not count', () => {
    const closed = activity({
      participants: [participant('airline', { state: 'Ended', endedBy: 'Closed' }), participant('hotel')],
    });
    const lie = activity({ ended: true, settlement: 'cancel', created: 7, participants: [] });
    expect(
      agreedActivity(up({ activities: [closed] }, { activities: [closed] }, { activities: [lie] }, {}), ACTIVITY, 2),
    ).toMatchObject({
      created: 1_000,
      settlement: undefined,
      ended: false,
      participants: [
        { matchcode: 'flight', endedBy: 'Closed' },
        { matchcode: 'room', state: 'Active' },
      ],
    });
    expect(agreedActivity(up({}, { activities: [] }, { activities: [] }), ACTIVITY, 2)).toBeUndefined();
  });
});

describe('the states side by side', () => {
  const far = (deliveries: number, state: string): Said => ({
    status: {
      deliveries,
      positions: `p${deliveries}`,
      state,
      perActivity: [{ id: ACTIVITY, positions: `q${deliveries}`, state }],
    },
  });

  test('are the same, or behind', () => {
    expect(states({}, {}, {}, {})).toEqual(['same', 'same', 'same', 'same']);
    expect(states(far(10, 'a'), far(10, 'a'), far(9, 'b'), far(11, 'c'))).toEqual(['same', 'same', 'behind', 'ahead']);
  });

  test('differ only where equal positions give other states', () => {
    expect(states(far(10, 'a'), far(10, 'a'), far(10, 'x'), far(10, 'a'))).toEqual(['same', 'same', 'differs', 'same']);
    const sameActivityOtherState: Said = {
      status: { positions: 'p9', perActivity: [{ id: ACTIVITY, positions: 'p', state: 'x' }] },
    };
    expect(states({}, {}, sameActivityOtherState)).toEqual(['same', 'same', 'differs']);
  });

  test('of two that contradict each other, neither is taken for right', () => {
    expect(states(far(10, 'a'), far(10, 'x'))).toEqual(['differs', 'differs']);
    expect(states({}, undefined, undefined, undefined)).toEqual(['alone']);
  });
});

describe('the timelines of all replicas as one', () => {
  const create = request({ certifiedBy: [1, 2, 3] });
  const register = request({ message: 'Register', stream: 'participant', participant: 'a', signer: 'CN=airline' });
  const invented = request({ message: 'Closed', stream: 'participant', participant: 'a', signer: 'CN=airline', number: 9 });

  test('each message once, in the order of a replica that others confirm; who has it, and whose votes', () => {
    const merged = mergeTimelines(
      up(
        { timeline: [invented] },
        { timeline: [create, register] },
        { timeline: [{ ...create, position: 7, certifiedBy: [2, 3, 4, 4] } as typeof create, register] },
      ),
      ACTIVITY,
      2,
    );
    expect(merged.map(({ line, replicas }) => [line.kind === 'request' && line.message, replicas])).toEqual([
      ['CreateCoordinationContext', [2, 3]],
      ['Register', [2, 3]],
      ['Closed', [1]],
    ]);
    expect([...(merged[0]?.votes ?? [])].sort()).toEqual([
      [1, 1],
      [2, 2],
      [3, 2],
      [4, 1],
    ]);
  });

  test('a command that comes twice is two lines', () => {
    const close = { kind: 'command', command: 'Close', participant: 'a', matchcode: 'flight' } as const;
    expect(
      mergeTimelines(up({ timeline: [close, close] }, { timeline: [close] }), ACTIVITY, 2).map(({ replicas }) => replicas),
    ).toEqual([[1, 2], [1]]);
  });
});
