import { ALL_RULES, PROTOCOLS, TABLES, onReceive, onSend } from '../../src/wsba/index.js';
import type { CoordinatorMessage, Message, ParticipantMessage, Protocol, State } from '../../src/wsba/index.js';

/** A cell of a coordinator's table. */
export interface Cell {
  readonly protocol: Protocol;
  readonly state: State;
  readonly message: ParticipantMessage;
}

/** A cell where the standard says InvalidState, and a replicated coordinator holds the message. */
export interface HeldCell extends Cell {
  readonly releasedBy: readonly CoordinatorMessage[];
}

/** The acknowledgement that a coordinator sends by itself in this state and that leads out of it; undefined: it stays there. */
export function acknowledgementIn(protocol: Protocol, state: State): CoordinatorMessage | undefined {
  const acknowledgements = ['Exited', 'Failed', 'NotCompleted'] as const;
  return acknowledgements.find((message) => onSend(protocol, 'coordinator', state, message).kind === 'go');
}

/** Every cell of the coordinators' tables where the standard says InvalidState. */
export const INVALID_CELLS: readonly Cell[] = PROTOCOLS.flatMap((protocol) => {
  const { states, inbound } = TABLES[protocol].coordinator;
  const cells = states.flatMap((state) => inbound.map((message): Cell => ({ protocol, state, message })));
  return cells.filter(({ state, message }) => onReceive(protocol, 'coordinator', state, message).kind === 'InvalidState');
});

/** The held ones, as the rule has it. In a state that it leaves by itself the coordinator has nothing to hold a message for. */
export const HELD_CELLS: readonly HeldCell[] = INVALID_CELLS.filter(
  ({ protocol, state }) => acknowledgementIn(protocol, state) === undefined,
)
  .map((cell): HeldCell => ({ ...cell, releasedBy: ALL_RULES.hold(cell.protocol, cell.state, cell.message) }))
  .filter(({ releasedBy }) => releasedBy.length > 0);

export const isHeld = (protocol: Protocol, state: State, message: Message): boolean =>
  HELD_CELLS.some((cell) => cell.protocol === protocol && cell.state === state && cell.message === message);
