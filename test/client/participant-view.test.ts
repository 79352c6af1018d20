import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Handlers } from '../../src/client/index.js';
import { ConcordatError } from '../../src/errors.js';
import { readReferences, readSequence } from '../../src/soap/messages/index.js';
import { isParticipantMessage, isState, PROTOCOLS } from '../../src/wsba/index.js';
import type { CoordinatorMessage, ParticipantMessage, Protocol, State } from '../../src/wsba/index.js';
import { until } from '../support/cluster.js';
import { FakeCluster } from './fake-cluster.js';
import type { Enrolled } from './participant-fixture.js';
import { outcomeOf, ParticipantFixture } from './participant-fixture.js';

/**
 * Every cell of both participant views of the standard's tables, executed at a real participant with a real endpoint: commands come
 * from two replicas over signed SOAP, and what it sends is what four replicas hear. A cell that leads elsewhere has an enrollment of
 * its own; the others of a state share one.
 */
interface Printed {
  readonly states: readonly State[];
  readonly inbound: Readonly<Record<string, Readonly<Record<string, string>>>>;
  readonly outbound: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

const FILE = new URL('../data/wsba-state-tables.json', import.meta.url);
const { tables } = JSON.parse(readFileSync(FILE, 'utf8')) as { tables: Record<string, Printed> };

function printed(protocol: Protocol): Printed {
  const table = tables[`${protocol}/participant`];
  if (table === undefined) throw new Error(`no table of ${protocol}`);
  return table;
}

/** A state and, where several messages can have led there, which one did. */
interface Place {
  readonly state: State;
  readonly by?: ParticipantMessage;
}

type Move = CoordinatorMessage | ParticipantMessage;

const COMPLETED: Readonly<Record<Protocol, readonly Move[]>> = {
  ParticipantCompletion: ['Completed'],
  CoordinatorCompletion: ['Complete', 'Completed'],
};

/** How to get to each state from Active. */
function path(protocol: Protocol, { state, by }: Place): readonly Move[] {
  const completed = COMPLETED[protocol];
  switch (state) {
    case 'Canceling':
      return ['Cancel'];
    case 'Completing':
      return ['Complete'];
    case 'Completed':
      return completed;
    case 'Closing':
      return [...completed, 'Close'];
    case 'Compensating':
      return [...completed, 'Compensate'];
    case 'Failing-Active':
      return ['Fail'];
    case 'Failing-Canceling':
      return ['Cancel', 'Fail'];
    case 'Failing-Completing':
      return ['Complete', 'Fail'];
    case 'Failing-Compensating':
      return [...completed, 'Compensate', 'Fail'];
    case 'NotCompleting':
      return ['CannotComplete'];
    case 'Exiting':
      return ['Exit'];
    case 'Ended':
      return by === undefined ? [] : ENDINGS(completed)[by];
    default:
      return [];
  }
}

const ENDINGS = (completed: readonly Move[]): Readonly<Record<ParticipantMessage, readonly Move[]>> => ({
  Canceled: ['Cancel', 'Canceled'],
  Closed: [...completed, 'Close', 'Closed'],
  Compensated: [...completed, 'Compensate', 'Compensated'],
  Exit: ['Exit', 'Exited'],
  Fail: ['Fail', 'Failed'],
  CannotComplete: ['CannotComplete', 'NotCompleted'],
  Completed: [],
});

const ENDS = ['Canceled', 'Closed', 'Compensated', 'Exit', 'Fail', 'CannotComplete'] as const;

const places = (protocol: Protocol): Place[] =>
  printed(protocol).states.flatMap((state): Place[] => (state === 'Ended' ? ENDS.map((by) => ({ state, by })) : [{ state }]));

/** What a handler finishes; the others are calls of the service's own. */
const HANDLER_OF: { readonly [M in ParticipantMessage]?: keyof Handlers } = {
  Canceled: 'cancel',
  Closed: 'close',
  Compensated: 'compensate',
};

/**
 * The cells in which the engine differs from the table, and what it does there instead: a command that comes when another one's
 * answer has ended the participant was overtaken, for channels are not FIFO. The table, which keeps no memory of the end, has it
 * answered as if it had led there. The engine repeats what did: an answer is a numbered request, made once (see Enrollment).
 */
const standsIn = (cell: string, { by }: Place): string => (by !== undefined && cell.startsWith('resend') ? `resend ${by}` : cell);

/**
 * What a cell about sending means for a call. "May be sent again" obliges nobody, and the engine repeats when it is asked: see the
 * cells about receiving. Where a message must not be sent, the call is refused, unless it was sent before: then the call waits for
 * that one's answer, which is there, and sends nothing (see Enrollment). Messages that a handler finishes have no call that could fail.
 */
function effectOf(cell: string, message: ParticipantMessage, before: readonly Move[]): string {
  if (cell !== '-') return cell === 'again' ? NOTHING : cell;
  return before.includes(message) || HANDLER_OF[message] !== undefined ? NOTHING : 'InvalidState';
}

const NOTHING = 'nothing new';

let fakes: FakeCluster;
let at: ParticipantFixture;
const gates = new Map<string, () => void>();
/** What replica 1 must have heard of each enrollment in the end, by its matchcode. */
const expected = new Map<string, string[]>();

/** Handlers that go on when the test says so. */
const gated =
  (handler: keyof Handlers) =>
  ({ key }: { key: string }) =>
    new Promise<void>((resolve) => gates.set(`${key} ${handler}`, resolve));

beforeAll(async () => {
  fakes = await FakeCluster.make();
  at = await ParticipantFixture.make(fakes);
  const handlers: Handlers = {
    complete: gated('complete'),
    close: gated('close'),
    cancel: gated('cancel'),
    compensate: gated('compensate'),
  };
  await at.open({ handlers });
}, 60_000);
afterAll(async () => {
  for (const release of gates.values()) release();
  await at.close();
  await fakes.close();
});

/** One enrollment, brought to a place. */
class Subject {
  private constructor(
    readonly enrolled: Enrolled,
    private readonly sent: string[],
  ) {}

  static async at(protocol: Protocol, place: Place): Promise<Subject> {
    const matchcode = `${protocol} ${expected.size}`;
    const enrollment = await at.participant?.register(at.context(matchcode), { key: matchcode, protocol });
    if (enrollment === undefined) throw new Error('the participant is not open');
    const sent = ['Register#1'];
    expected.set(matchcode, sent);
    const subject = new Subject({ enrollment, service: at.registered(matchcode) }, sent);
    for (const move of path(protocol, place)) {
      if (isParticipantMessage(move)) await subject.send(move);
      else await at.command(subject.enrolled, move);
    }
    if (subject.state !== place.state) throw new Error(`came to ${subject.state} and not to ${place.state}`);
    return subject;
  }

  get state(): State {
    return this.enrolled.enrollment.state;
  }

  /** The cell as the standard's tables print it. */
  async receive(command: string): Promise<string> {
    const before = this.state;
    const first = outcomeOf(await fakes.command(1, this.enrolled.enrollment, this.enrolled.service, command));
    if (first !== 'accepted' || this.state !== before) throw new Error(`one replica alone had an effect: ${first}`);
    const answer = outcomeOf(await fakes.command(2, this.enrolled.enrollment, this.enrolled.service, command));
    if (answer !== 'accepted') return this.state === before ? answer : `${answer} in ${this.state}`;
    return this.state === before ? 'ignore' : `>${this.state}`;
  }

  /** Expects the last message once more, under its old number. */
  async repeated(): Promise<string> {
    const last = this.sent.at(-1) ?? '';
    this.sent.push(last);
    await this.heardAll();
    return `resend ${last.replace(/#.*/, '')}`;
  }

  /** Where it leads, the code of the error, or that nothing happened. */
  async send(message: ParticipantMessage): Promise<string> {
    const before = this.state;
    const refusal = await this.#call(message);
    if (this.state === before) return refusal ?? NOTHING;
    this.sent.push(`${message}#${this.sent.length + 1}`);
    await this.heardAll();
    return `>${this.state}`;
  }

  /** A message that a handler finishes is sent by letting it finish, if it runs at all. */
  async #call(message: ParticipantMessage): Promise<string | undefined> {
    const { enrollment } = this.enrolled;
    const handler = HANDLER_OF[message];
    if (handler !== undefined) {
      this.#release(handler);
      // What follows from a handler's end happens in the same turn of the event loop.
      await new Promise((resolve) => setImmediate(resolve));
      return undefined;
    }
    const calls: { readonly [M in ParticipantMessage]?: () => Promise<void> } = {
      Completed: () => enrollment.completed(),
      Exit: () => enrollment.exit(),
      CannotComplete: () => enrollment.cannotComplete(),
      Fail: () => enrollment.fail('NoSeat'),
    };
    try {
      await calls[message]?.();
      if (message === 'Completed') this.#release('complete');
      return undefined;
    } catch (error) {
      if (error instanceof ConcordatError) return error.code;
      throw error;
    }
  }

  #release(handler: keyof Handlers): void {
    const key = `${this.enrolled.enrollment.key} ${handler}`;
    gates.get(key)?.();
    gates.delete(key);
  }

  heardAll(): Promise<void> {
    const { matchcode } = this.enrolled.enrollment;
    return until(() => heardOf(1, matchcode).length >= this.sent.length, `${this.sent.join(', ')} of ${matchcode}`);
  }
}

/** `Completed#2` and the like, in the order in which a replica heard them. */
const heardOf = (id: number, matchcode: string): string[] =>
  fakes
    .replica(id)
    .heard.filter(({ headers }) => readReferences(headers).invitation === matchcode)
    .map(({ body, headers }) => `${body.name}#${readSequence(headers)?.number}`);

const cellOf = (grid: Printed['inbound'], message: string, { state }: Place): string => grid[message]?.[state] ?? 'no cell';
const named = ({ state, by }: Place): string => (by === undefined ? state : `${state} by ${by}`);
const row = <M extends string>(messages: readonly M[], value: (message: M) => string): Record<string, string> =>
  Object.fromEntries(messages.map((message) => [message, value(message)]));

describe.each(PROTOCOLS)('%s', (protocol) => {
  const table = printed(protocol);
  const cases = places(protocol).map((place) => [named(place), place] as const);
  const commands = Object.keys(table.inbound);
  const reports = Object.keys(table.outbound).filter(isParticipantMessage);

  test('the cases are all states of the table', () => {
    expect(new Set(cases.map(([, { state }]) => state))).toEqual(new Set(table.states.filter(isState)));
  });

  test.each(cases)(
    'what comes in %s',
    async (_name, place) => {
      const standard = row(commands, (command) => cellOf(table.inbound, command, place));
      const shared = await Subject.at(protocol, place);
      const observed: Record<string, string> = {};
      for (const command of commands) {
        const leads = standard[command]?.startsWith('>') === true;
        const subject = leads ? await Subject.at(protocol, place) : shared;
        const cell = await subject.receive(command);
        observed[command] =
          standard[command]?.startsWith('resend') === true && cell === 'ignore' ? await subject.repeated() : cell;
      }
      expect(observed).toEqual(row(commands, (command) => standsIn(standard[command] ?? '', place)));
    },
    60_000,
  );

  test.each(cases)(
    'what goes out of %s',
    async (_name, place) => {
      const standard = row(reports, (message) => cellOf(table.outbound, message, place));
      const shared = await Subject.at(protocol, place);
      const observed: Record<string, string> = {};
      for (const message of reports) {
        const leads = standard[message]?.startsWith('>') === true;
        const subject = leads ? await Subject.at(protocol, place) : shared;
        observed[message] = await subject.send(message);
      }
      expect(observed).toEqual(row(reports, (message) => effectOf(standard[message] ?? '', message, path(protocol, place))));
    },
    60_000,
  );
});

test('nothing else was sent: every replica heard exactly this of each enrollment, and each number meant one thing', async () => {
  const count = [...expected.values()].flat().length;
  await until(() => fakes.replicas.every(({ heard }) => heard.length >= count), `${count} messages at every replica`);
  const heard = Object.fromEntries([...expected.keys()].map((matchcode) => [matchcode, heardOf(1, matchcode).sort()]));
  expect(heard).toEqual(Object.fromEntries([...expected].map(([matchcode, sent]) => [matchcode, [...sent].sort()])));
  expect(fakes.replicas.map((replica) => replica.heard.length)).toEqual([count, count, count, count]);
  expect(at.equivocations()).toEqual([]);
});
