import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type CoordinatorMessage, type ParticipantMessage, PROTOCOLS, type State } from '../../src/wsba/index.js';
import { until } from '../support/cluster.js';
import { ORDERED } from './routes.js';
import { type Actor, Scene } from './scene.js';
import { PATIENCE_MS, Stage } from './stage.js';
import { coordinatorTable, target } from './tables.js';

/** So fast that a test sees several repetitions, and never slower. */
const LIMITS = { commandRetryMinMs: 40, commandRetryMaxMs: 80, commandConcurrency: 1_000 };
const TIMES = 3;
const REPLICAS = [1, 2, 3, 4];

/** What a participant answers each command with. */
const ANSWER: { readonly [M in CoordinatorMessage]?: ParticipantMessage } = {
  Cancel: 'Canceled',
  Close: 'Closed',
  Compensate: 'Compensated',
  Complete: 'Completed',
};

const repeated = PROTOCOLS.flatMap((protocol) => {
  const table = coordinatorTable(protocol);
  return table.states.flatMap((state) =>
    table.outbound
      .filter((message) => ORDERED[message] !== undefined && table.send(state, message) === 'again')
      .map((message) => ({ protocol, state, message })),
  );
});

let stage: Stage;

beforeAll(async () => {
  stage = await Stage.make(LIMITS);
}, 30_000);

afterAll(async () => {
  await stage.close();
});

/** Waits until every replica has sent the participant so many messages since the last look, and returns their names. */
async function namesOf(actor: Actor, times: number): Promise<ReadonlySet<string>> {
  // What was sent in an earlier state may still be on its way.
  await stage.quiet([actor.key]);
  stage.fresh(actor.key);
  const before = stage.received(actor.key).length;
  const since = () => stage.received(actor.key).slice(before);
  await until(
    () => REPLICAS.every((id) => since().filter(({ replica }) => replica === id).length >= times),
    `${times} messages from every replica`,
    PATIENCE_MS,
  );
  return new Set(since().map(({ name }) => name));
}

const only = (scene: Scene): Actor => {
  const [actor] = scene.actors;
  if (actor === undefined) throw new RangeError('a scene without participants');
  return actor;
};

describe('a command without an answer', () => {
  test.each(repeated)(
    '$protocol, $state: $message is sent again and again, and changes nothing',
    async (cell) => {
      const { protocol, state, message } = cell;
      const scene = await Scene.open(stage, protocol, 1);
      await scene.enter(protocol, state);
      const actor = only(scene);
      expect([...(await namesOf(actor, TIMES))]).toEqual([message]);
      expect(await scene.reported()).toBe(state);

      const answer = ANSWER[message];
      if (answer === undefined) throw new TypeError(`${message} has no answer`);
      expect(await scene.say(actor, answer)).toBe('accepted');
      expect(await scene.reported()).toBe(target(coordinatorTable(protocol).receive(state, answer)));
    },
    60_000,
  );

  test('is not sent again once its answer is delivered, while others are', async () => {
    const protocol = 'ParticipantCompletion';
    const [answered, unanswered] = [await Scene.open(stage, protocol, 1), await Scene.open(stage, protocol, 1)];
    for (const scene of [answered, unanswered]) await scene.enter(protocol, 'Closing');
    await namesOf(only(answered), TIMES);
    expect(await answered.say(only(answered), 'Closed')).toBe('accepted');
    await stage.quiet([only(answered).key]);
    stage.fresh(only(answered).key);
    await namesOf(only(unanswered), TIMES);
    expect(stage.fresh(only(answered).key)).toEqual([]);
  }, 60_000);

  test('covers every state in which something is repeated', () => {
    const states = (protocol: (typeof PROTOCOLS)[number]): State[] =>
      repeated.filter((cell) => cell.protocol === protocol).map(({ state }) => state);
    expect(states('ParticipantCompletion')).toEqual(['Canceling', 'Closing', 'Compensating']);
    expect(states('CoordinatorCompletion').sort()).toEqual(
      ['Canceling-Active', 'Canceling-Completing', 'Closing', 'Compensating', 'Completing'].sort(),
    );
  });
});
