import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { CoordinatorMessage, ParticipantMessage, Protocol, State } from '../../src/wsba/index.js';
import { type Ordered, playAll, playOrders, playState, type StatePlayed } from './play.js';
import { answerTo, LEFT_BY, ORDERED } from './routes.js';
import type { View } from './scene.js';
import { Stage } from './stage.js';
import { coordinatorTable, releases, target } from './tables.js';

/** Nothing is repeated while the cells are played: what arrives twice was sent again because of a message. */
const LIMITS = { commandRetryMinMs: 600_000, commandRetryMaxMs: 600_000, commandConcurrency: 10_000, requestWaitMs: 3_000 };
const PLAY_MS = 240_000;

const ANSWERED: Readonly<Record<string, ParticipantMessage>> = { Exited: 'Exit', Failed: 'Fail', NotCompleted: 'CannotComplete' };

/** Executes every cell of the coordinator's table of a protocol against four running replicas. */
export function executeTable(protocol: Protocol): void {
  const table = coordinatorTable(protocol);
  let stage: Stage | undefined;
  let played: ReadonlyMap<State, Promise<StatePlayed>> = new Map();
  let ordered: ReadonlyMap<State, Promise<ReadonlyMap<CoordinatorMessage, Ordered>>> = new Map();

  beforeAll(async () => {
    const made = await Stage.make(LIMITS);
    stage = made;
    const messages = playAll(table.states, (state) => playState(made, table, protocol, state));
    await messages.over;
    const orders = playAll(table.states, (state) => playOrders(made, table, protocol, state));
    await orders.over;
    played = messages.scenes;
    ordered = orders.scenes;
  }, PLAY_MS);

  afterAll(async () => {
    await stage?.close();
  });

  const scene = async (state: State): Promise<StatePlayed> => {
    const found = await played.get(state);
    if (found === undefined) throw new RangeError(`${state} was not played`);
    return found;
  };

  describe(`a coordinator of ${protocol}`, () => {
    test.each(table.states)('says that it is in %s, and takes a Status that changes nothing', async (state) => {
      const { before, reported, status, toldStatus } = await scene(state);
      expect({ listed: before.state, status, reported }).toEqual({ listed: state, status: state, reported: state });
      expect(toldStatus).toBe('accepted');
    });

    describe.each(table.states)('in %s', (state) => {
      const inbound = table.inbound.map((message) => ({ message, cell: table.receive(state, message) }));
      test.each(inbound)('receives $message: $cell', async ({ message, cell }) => {
        const heard = (await scene(state)).heard.get(message);
        expect(heard?.answer).toBe('accepted');
        const releasedBy = releases(protocol, state, message);
        const first = viewAfter(state, cell, releasedBy);
        expect(heard?.first).toEqual(first);
        const [command] = releasedBy;
        const then = command === undefined ? first : viewReleased(state, message, command);
        if (command !== undefined) expect(heard?.released).toEqual(then);
        expect(heard?.last).toEqual(viewAcknowledged(then));
      });

      const acknowledgements = table.outbound
        .filter((message) => ORDERED[message] === undefined)
        .map((message) => ({ message, cell: table.send(state, message) }));
      test.each(acknowledgements)('acknowledges with $message: $cell', async ({ message, cell }) => {
        const { before, heard } = await scene(state);
        const about = ANSWERED[message];
        switch (cell) {
          case '-':
            expect(before.sent).not.toContain(message);
            expect(before.aboutToSend).not.toContain(message);
            return;
          case 'again':
            expect(about && heard.get(about)?.first.sent).toEqual([message]);
            return;
          default:
            expect(before.aboutToSend).toEqual([message]);
            for (const { last } of heard.values()) expect(last).toMatchObject({ sent: [message], state: target(cell) });
        }
      });

      const orders = table.outbound
        .filter((message) => ORDERED[message] !== undefined)
        .map((message) => ({ message, cell: table.send(state, message) }));
      test.each(orders)('sends $message: $cell', async ({ message, cell }) => {
        const order = ORDERED[message];
        const result = (await ordered.get(state))?.get(message);
        expect(result?.answer).toBe(order && answerTo(state, order));
        expect(result?.view).toEqual(viewOrdered(state, message, cell));
      });
    });

    test('sends nothing that was not looked at', () => {
      expect(stage?.leftOver()).toEqual([]);
    });
  });

  /** What a message makes of a participant. */
  function viewAfter(state: State, cell: string, waitsFor: readonly CoordinatorMessage[]): View {
    const next = target(cell);
    if (next !== undefined) return viewIn(continued(state, next), next === continued(state, next) ? [] : ['Compensate']);
    if (cell === 'InvalidState') return { ...viewIn(state, waitsFor.length === 0 ? ['InvalidState'] : []), waitsFor };
    return viewIn(state, cell.startsWith('resend ') ? [cell.slice('resend '.length)] : []);
  }

  /** A Completed that crossed the Cancel: the participant is compensated at once. */
  function continued(state: State, next: State): State {
    const crossed = state.startsWith('Canceling') && next === 'Completed';
    return (crossed && target(table.send('Completed', 'Compensate'))) || next;
  }

  /**
   * What becomes of a held message when the coordinator decides what it waits for: the states go through that sending and then the
   * message. The sending itself is spared, for the participant has answered it: others have told it.
   */
  function viewReleased(state: State, message: ParticipantMessage, command: CoordinatorMessage): View {
    const between = target(table.send(state, command));
    const next = between === undefined ? undefined : target(table.receive(between, message));
    if (next === undefined) throw new TypeError(`${command} in ${state} does not release ${message}`);
    return viewIn(next, []);
  }

  /** When acknowledgements are let through. */
  function viewAcknowledged({ state, aboutToSend }: View): View {
    const [message] = table.outbound.filter((candidate) => aboutToSend.includes(candidate));
    const next = message === undefined ? undefined : target(table.send(state as State, message));
    return viewIn(next ?? (state as State), aboutToSend);
  }

  function viewOrdered(state: State, message: CoordinatorMessage, cell: string): View {
    const next = target(cell);
    if (next !== undefined) return viewIn(next, [message]);
    // Cancel means Compensate for whoever has completed.
    const instead = message === 'Cancel' ? target(table.send(state, 'Compensate')) : undefined;
    return instead === undefined ? viewIn(state, []) : viewIn(instead, ['Compensate']);
  }
}

function viewIn(state: State, sent: readonly string[]): View {
  const acknowledgement = LEFT_BY[state];
  return { state, sent, aboutToSend: acknowledgement === undefined ? [] : [acknowledgement], waitsFor: [] };
}
