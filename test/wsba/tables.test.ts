import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { PROTOCOLS, TABLES, onReceive, onSend, stateAfterReceive, stateAfterSend } from '../../src/wsba/index.js';
import type { ReceiveCell, SendCell } from '../../src/wsba/index.js';

interface PrintedTable {
  initial: string;
  terminal: string[];
  states: string[];
  inbound: Record<string, Record<string, string>>;
  outbound: Record<string, Record<string, string>>;
}

const FILE = new URL('../data/wsba-state-tables.json', import.meta.url);
const printed = (JSON.parse(readFileSync(FILE, 'utf8')) as { tables: Record<string, PrintedTable> }).tables;
const VIEWS = ['coordinator', 'participant'] as const;
const cases = PROTOCOLS.flatMap((protocol) => VIEWS.map((view) => ({ protocol, view, name: `${protocol}/${view}` })));

/** The notation of the data file's legend. */
function printReceive(cell: ReceiveCell): string {
  switch (cell.kind) {
    case 'go':
      return `>${cell.to}`;
    case 'resend':
      return `resend ${cell.message}`;
    case 'ignore':
    case 'InvalidState':
      return cell.kind;
  }
}

function printSend(cell: SendCell): string {
  switch (cell.kind) {
    case 'go':
      return `>${cell.to}`;
    case 'again':
      return 'again';
    case 'forbidden':
      return '-';
  }
}

describe('the state tables', () => {
  test('the data file holds the tables of both protocols and views', () => {
    expect(Object.keys(printed).sort()).toEqual(cases.map(({ name }) => name).sort());
  });

  test.each(cases)('$name has the states and messages of the standard', ({ protocol, view, name }) => {
    const table = TABLES[protocol][view];
    const standard = printed[name];
    expect(table.states).toEqual(standard?.states);
    expect([...table.inbound].sort()).toEqual(Object.keys(standard?.inbound ?? {}).sort());
    expect([...table.outbound].sort()).toEqual(Object.keys(standard?.outbound ?? {}).sort());
  });

  test.each(cases)('$name equals the standard cell by cell', ({ protocol, view, name }) => {
    const table = TABLES[protocol][view];
    const inbound = table.inbound.map((message): [string, Record<string, string>] => [
      message,
      Object.fromEntries(table.states.map((state) => [state, printReceive(onReceive(protocol, view, state, message))])),
    ]);
    const outbound = table.outbound.map((message): [string, Record<string, string>] => [
      message,
      Object.fromEntries(table.states.map((state) => [state, printSend(onSend(protocol, view, state, message))])),
    ]);
    expect(Object.fromEntries(inbound)).toEqual(printed[name]?.inbound);
    expect(Object.fromEntries(outbound)).toEqual(printed[name]?.outbound);
  });

  test('a message that a view never receives is an InvalidState, one that it never sends is forbidden', () => {
    expect(onReceive('ParticipantCompletion', 'participant', 'Active', 'Complete')).toEqual({ kind: 'InvalidState' });
    expect(onReceive('ParticipantCompletion', 'coordinator', 'Active', 'Close')).toEqual({ kind: 'InvalidState' });
    expect(onSend('ParticipantCompletion', 'coordinator', 'Active', 'Complete')).toEqual({ kind: 'forbidden' });
    expect(onSend('ParticipantCompletion', 'coordinator', 'Completing', 'Cancel')).toEqual({ kind: 'forbidden' });
  });

  test('the helpers give the state that follows', () => {
    expect(stateAfterReceive('ParticipantCompletion', 'participant', 'Completed', 'Close')).toBe('Closing');
    expect(stateAfterReceive('ParticipantCompletion', 'participant', 'Active', 'Close')).toBe('Active');
    expect(stateAfterSend('CoordinatorCompletion', 'coordinator', 'Completing', 'Cancel')).toBe('Canceling-Completing');
    expect(stateAfterSend('CoordinatorCompletion', 'coordinator', 'Closing', 'Close')).toBe('Closing');
    expect(stateAfterSend('CoordinatorCompletion', 'coordinator', 'Ended', 'Close')).toBeUndefined();
  });
});
