import { TABLE_DATA } from './table-data.js';
import { isCoordinatorMessage, isParticipantMessage, isState } from './types.js';
import type { CoordinatorMessage, Message, ParticipantMessage, Protocol, State, View } from './types.js';

/** What the tables say about a message that arrives; `Reply` is what this view sends. */
export type ReceiveCell<Reply extends Message = Message> =
  | { readonly kind: 'go'; readonly to: State }
  | { readonly kind: 'ignore' }
  | { readonly kind: 'resend'; readonly message: Reply }
  | { readonly kind: 'InvalidState' };

/** What the tables say about sending a message. */
export type SendCell = { readonly kind: 'go'; readonly to: State } | { readonly kind: 'again' } | { readonly kind: 'forbidden' };

type Grid<Cell> = ReadonlyMap<State, ReadonlyMap<Message, Cell>>;

export interface StateTable<In extends Message, Out extends Message> {
  readonly states: readonly State[];
  /** Messages that this view may receive, and those that it may send. */
  readonly inbound: readonly In[];
  readonly outbound: readonly Out[];
  readonly receive: Grid<ReceiveCell<Out>>;
  readonly send: Grid<SendCell>;
}

export interface ProtocolTables {
  readonly coordinator: StateTable<ParticipantMessage, CoordinatorMessage>;
  readonly participant: StateTable<CoordinatorMessage, ParticipantMessage>;
}

export const INITIAL_STATE: State = 'Active';
/** Also the state of an instance that its receiver does not know (WS-BA 1.1, state tables). */
export const TERMINAL_STATE: State = 'Ended';

const INVALID_STATE = { kind: 'InvalidState' } as const;
const FORBIDDEN: SendCell = { kind: 'forbidden' };

type Guard<T extends string> = (text: string) => text is T;

function word<T extends string>(text: string, guard: Guard<T>): T {
  if (!guard(text)) throw new TypeError(`state table: '${text}' does not belong here`);
  return text;
}

const receiveCell =
  <Out extends Message>(isOutbound: Guard<Out>) =>
  (text: string): ReceiveCell<Out> => {
    if (text === 'x') return INVALID_STATE;
    if (text === 'ignore') return { kind: 'ignore' };
    if (text.startsWith('+')) return { kind: 'resend', message: word(text.slice(1), isOutbound) };
    return { kind: 'go', to: target(text) };
  };

function sendCell(text: string): SendCell {
  if (text === '-') return FORBIDDEN;
  if (text === 'again') return { kind: 'again' };
  return { kind: 'go', to: target(text) };
}

function target(text: string): State {
  if (!text.startsWith('>')) throw new TypeError(`state table: '${text}' is no cell`);
  return word(text.slice(1), isState);
}

function parseGrid<M extends Message, Cell>(
  text: string,
  isColumn: Guard<M>,
  cell: (text: string) => Cell,
): { columns: readonly M[]; grid: Grid<Cell> } {
  const [header = [], ...lines] = text
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s+/));
  const columns = header.map((name) => word(name, isColumn));
  const parseLine = (cells: readonly string[]): ReadonlyMap<Message, Cell> => {
    if (cells.length !== columns.length)
      throw new TypeError(`state table: ${cells.length} cells under ${columns.length} columns`);
    return new Map(columns.map((column, index) => [column, cell(cells[index] ?? '')]));
  };
  return { columns, grid: new Map(lines.map(([name = '', ...cells]) => [word(name, isState), parseLine(cells)])) };
}

function parseTable<In extends Message, Out extends Message>(
  data: { receive: string; send: string },
  isInbound: Guard<In>,
  isOutbound: Guard<Out>,
): StateTable<In, Out> {
  const receive = parseGrid(data.receive, isInbound, receiveCell(isOutbound));
  const send = parseGrid(data.send, isOutbound, sendCell);
  return {
    states: [...receive.grid.keys()],
    inbound: receive.columns,
    outbound: send.columns,
    receive: receive.grid,
    send: send.grid,
  };
}

const parseTables = (data: (typeof TABLE_DATA)[Protocol]): ProtocolTables => ({
  coordinator: parseTable(data.coordinator, isParticipantMessage, isCoordinatorMessage),
  participant: parseTable(data.participant, isCoordinatorMessage, isParticipantMessage),
});

export const TABLES: Readonly<Record<Protocol, ProtocolTables>> = {
  ParticipantCompletion: parseTables(TABLE_DATA.ParticipantCompletion),
  CoordinatorCompletion: parseTables(TABLE_DATA.CoordinatorCompletion),
};

/** What `view` does when `message` arrives in state `at`. A message that this view never receives is an InvalidState. */
export function onReceive(
  protocol: Protocol,
  view: 'coordinator',
  at: State,
  message: ParticipantMessage,
): ReceiveCell<CoordinatorMessage>;
export function onReceive(
  protocol: Protocol,
  view: 'participant',
  at: State,
  message: CoordinatorMessage,
): ReceiveCell<ParticipantMessage>;
export function onReceive(protocol: Protocol, view: View, at: State, message: Message): ReceiveCell;
export function onReceive(protocol: Protocol, view: View, at: State, message: Message): ReceiveCell {
  return TABLES[protocol][view].receive.get(at)?.get(message) ?? INVALID_STATE;
}

/** Whether `view` may send `message` in state `at`. A message that this view never sends is forbidden. */
export function onSend(protocol: Protocol, view: View, at: State, message: Message): SendCell {
  return TABLES[protocol][view].send.get(at)?.get(message) ?? FORBIDDEN;
}

/** The state after `message` arrived; unchanged unless the tables say go. */
export function stateAfterReceive(protocol: Protocol, view: View, at: State, message: Message): State {
  const cell = onReceive(protocol, view, at, message);
  return cell.kind === 'go' ? cell.to : at;
}

/** The state after `message` was sent, or undefined where it must not be sent. */
export function stateAfterSend(protocol: Protocol, view: View, at: State, message: Message): State | undefined {
  const cell = onSend(protocol, view, at, message);
  if (cell.kind === 'forbidden') return undefined;
  return cell.kind === 'go' ? cell.to : at;
}
