import { COORDINATOR_MESSAGES, STATES } from '../types.js';
import type { CoordinatorMessage, ParticipantMessage, Protocol, State } from '../types.js';
import { onReceive, onSend } from '../tables.js';

/**
 * Rule 1. The sendings of the coordinator that can still make `message` legal for a participant in `state`: not empty means
 * that the message overtook a decision and waits for it; empty, that it never becomes legal and is passed over.
 */
export type HoldRule = (protocol: Protocol, state: State, message: ParticipantMessage) => readonly CoordinatorMessage[];

const legal = (protocol: Protocol, state: State, message: ParticipantMessage): boolean =>
  onReceive(protocol, 'coordinator', state, message).kind !== 'InvalidState';

function search(protocol: Protocol, start: State, message: ParticipantMessage): readonly CoordinatorMessage[] {
  const release = new Set<CoordinatorMessage>();
  const reached = new Set([start]);
  for (const from of reached) {
    for (const sending of COORDINATOR_MESSAGES) {
      const cell = onSend(protocol, 'coordinator', from, sending);
      if (cell.kind !== 'go') continue;
      if (legal(protocol, cell.to, message)) release.add(sending);
      else reached.add(cell.to);
    }
  }
  return [...release].sort();
}

type Row = Map<ParticipantMessage, readonly CoordinatorMessage[]>;
const memo: Readonly<Record<Protocol, ReadonlyMap<State, Row>>> = {
  ParticipantCompletion: new Map(STATES.map((state) => [state, new Map()])),
  CoordinatorCompletion: new Map(STATES.map((state) => [state, new Map()])),
};

export const hold: HoldRule = (protocol, state, message) => {
  const row = memo[protocol].get(state);
  const known = row?.get(message);
  if (known !== undefined) return known;
  const found = search(protocol, state, message);
  row?.set(message, found);
  return found;
};
