import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { ALL_RULES, machine, onSend, waiting } from '../../src/wsba/index.js';
import type { Activity, ControlRequest, CoordinatorMessage, Effect, State } from '../../src/wsba/index.js';
import { control, newActivity, notify, register, runFrom } from '../wsba/support.js';
import { HELD_CELLS, INVALID_CELLS, acknowledgementIn, isHeld } from './held-cells.js';
import type { Cell, HeldCell } from './held-cells.js';

const read = (name: string): unknown => JSON.parse(readFileSync(new URL(`../data/${name}`, import.meta.url), 'utf8'));
const listed = read('held-cells.json') as readonly HeldCell[];
const { tables } = read('wsba-state-tables.json') as {
  tables: Record<string, { inbound: Record<string, Record<string, string>> }>;
};

const named = <C extends Cell>(cells: readonly C[]): readonly (C & { name: string })[] =>
  cells.map((cell) => ({ ...cell, name: `${cell.message} in ${cell.state} of ${cell.protocol}` }));

const lasting = ({ protocol, state }: Cell): boolean => acknowledgementIn(protocol, state) === undefined;

const HAVING_COMPLETED: readonly State[] = ['Completed', 'Closing', 'Compensating'];

/** A mixed activity whose participant P is in the state of the cell. */
function activityIn({ protocol, state }: Cell): Activity {
  const { activity } = machine.deliver(newActivity('MixedOutcome'), register('P', protocol));
  return {
    ...activity,
    participants: new Map(
      [...activity.participants].map(([id, p]) => [id, { ...p, state, completed: HAVING_COMPLETED.includes(state) }]),
    ),
  };
}

const ORDERS: Readonly<Partial<Record<CoordinatorMessage, ControlRequest>>> = {
  Cancel: { kind: 'cancel', participants: ['P'] },
  Close: { kind: 'close', participants: ['P'] },
  Compensate: { kind: 'compensate', participants: ['P'] },
  Complete: { kind: 'complete', participants: ['P'] },
};

const faults = (effects: readonly Effect[]): readonly Effect[] => effects.filter(({ kind }) => kind === 'fault');

describe('cells where a replicated coordinator holds a message', () => {
  test('are those of the list, no more and no fewer', () => {
    expect(HELD_CELLS).toEqual(listed);
  });

  test.each(named(listed))('$name: the standard says InvalidState', ({ protocol, state, message }) => {
    expect(tables[`${protocol}/coordinator`]?.inbound[message]?.[state]).toBe('InvalidState');
  });

  test.each(named(listed))('$name is held until $releasedBy, and then taken in', (cell) => {
    const held = machine.deliver(activityIn(cell), notify('P', 2, cell.message));
    expect(held.effects).toEqual([]);
    expect(waiting(held.activity)).toEqual([{ stream: '/P', number: 2, waitsFor: cell.releasedBy }]);
    for (const command of cell.releasedBy) {
      const order = ORDERS[command];
      if (order === undefined) throw new Error(`no order leads to ${command}`);
      const { activity, effects } = machine.deliver(held.activity, control(1, order));
      expect(effects).toContainEqual({ kind: 'command', participant: 'P', command, state: cell.state });
      expect(faults(effects)).toEqual([]);
      expect(waiting(activity)).toEqual([]);
    }
  });

  test('every other cell with InvalidState is answered with it at once', () => {
    const others = INVALID_CELLS.filter((cell) => lasting(cell) && !isHeld(cell.protocol, cell.state, cell.message));
    for (const cell of others) {
      const { activity, effects } = machine.deliver(activityIn(cell), notify('P', 2, cell.message));
      expect(effects).toMatchObject([{ kind: 'fault', message: cell.message, state: cell.state }]);
      expect(waiting(activity)).toEqual([]);
    }
    expect(others.length).toBeGreaterThan(listed.length);
  });
});

describe('states that the coordinator leaves by its own acknowledgement', () => {
  const cells = INVALID_CELLS.filter((cell) => !lasting(cell));

  test('make a message wait for nothing but that', () => {
    expect(cells.length).toBeGreaterThan(0);
    for (const { protocol, state, message } of cells) {
      expect(ALL_RULES.hold(protocol, state, message)).toEqual([acknowledgementIn(protocol, state)]);
    }
  });

  test.each(['ParticipantCompletion', 'CoordinatorCompletion'] as const)(
    '%s: never last, so nothing is held in them',
    (protocol) => {
      for (const message of ['Exit', 'Fail', 'CannotComplete'] as const) {
        for (const next of ['Completed', 'Closed', 'Canceled', 'Compensated', 'Exit', 'Fail', 'CannotComplete'] as const) {
          const { activity } = runFrom(newActivity('AtomicOutcome'), [
            register('P', protocol),
            notify('P', 2, message),
            notify('P', 3, next),
          ]);
          expect(activity.participants.get('P')?.state).toBe('Ended');
          expect(waiting(activity)).toEqual([]);
        }
      }
      expect(onSend(protocol, 'coordinator', 'Ended', 'Exited')).toEqual({ kind: 'again' });
    },
  );
});
