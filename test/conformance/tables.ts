import { readFileSync } from 'node:fs';
import {
  type CoordinatorMessage,
  isCoordinatorMessage,
  isParticipantMessage,
  isState,
  type ParticipantMessage,
  type Protocol,
  type State,
} from '../../src/wsba/index.js';

/** The coordinator's table of one protocol as the standard prints it: read from the data file, not from the code under test. */
export interface CoordinatorTable {
  readonly states: readonly State[];
  readonly inbound: readonly ParticipantMessage[];
  readonly outbound: readonly CoordinatorMessage[];
  /** `>X`, `ignore`, `resend M` or `InvalidState`. */
  receive(state: State, message: ParticipantMessage): string;
  /** `>X`, `again` or `-`. */
  send(state: State, message: CoordinatorMessage): string;
}

interface PrintedTable {
  readonly states: readonly string[];
  readonly inbound: Readonly<Record<string, Readonly<Record<string, string>>>>;
  readonly outbound: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

const FILE = new URL('../data/wsba-state-tables.json', import.meta.url);
const { tables } = JSON.parse(readFileSync(FILE, 'utf8')) as { tables: Record<string, PrintedTable> };

export function coordinatorTable(protocol: Protocol): CoordinatorTable {
  const printed = tables[`${protocol}/coordinator`];
  if (printed === undefined) throw new TypeError(`no table of ${protocol}`);
  const { states, inbound, outbound } = printed;
  return {
    states: states.filter(isState),
    inbound: Object.keys(inbound).filter(isParticipantMessage),
    outbound: Object.keys(outbound).filter(isCoordinatorMessage),
    receive: (state, message) => cellOf(inbound, state, message),
    send: (state, message) => cellOf(outbound, state, message),
  };
}

function cellOf(grid: PrintedTable['inbound'], state: string, message: string): string {
  const cell = grid[message]?.[state];
  if (cell === undefined) throw new TypeError(`no cell for ${message} in ${state}`);
  return cell;
}

interface HeldCell {
  readonly protocol: string;
  readonly state: string;
  readonly message: string;
  readonly releasedBy: readonly string[];
}

const held = JSON.parse(readFileSync(new URL('../data/held-cells.json', import.meta.url), 'utf8')) as readonly HeldCell[];

/** The commands that release a message where a replicated coordinator holds instead of InvalidState; none: it is not held. */
export const releases = (protocol: Protocol, state: State, message: ParticipantMessage): readonly CoordinatorMessage[] =>
  held
    .filter((cell) => cell.protocol === protocol && cell.state === state && cell.message === message)
    .flatMap((cell) => cell.releasedBy.filter(isCoordinatorMessage));

/** The state that a `>X` cell leads to; undefined for any other. */
export function target(cell: string): State | undefined {
  const name = cell.slice(1);
  return cell.startsWith('>') && isState(name) ? name : undefined;
}
