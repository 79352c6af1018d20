import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { Initiator, Participant, type ParticipantOptions } from '../../src/client/index.js';
import { commandId } from '../../src/wsba/index.js';
import { until } from '../support/cluster.js';
import { Scene } from './scene.js';
import { PATIENCE_MS, Stage } from './stage.js';

const REPLICAS = [1, 2, 3, 4];
/** Repetitions at least every second, so that who comes back need not wait for long. */
const LIMITS = { commandRetryMinMs: 100, commandRetryMaxMs: 1_000 };

let stage: Stage;
let dir: string;
const opened: { close(): Promise<void> }[] = [];

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'concordat-restart-'));
  stage = await Stage.make(LIMITS);
}, 30_000);

afterEach(async () => {
  await Promise.all(opened.splice(0).map((one) => one.close()));
});

afterAll(async () => {
  await stage.close();
  rmSync(dir, { recursive: true, force: true });
});

describe('a participant that is down, while all four replicas are restarted', () => {
  test('closes after it has come back, when the close was decided without it', async () => {
    const told: string[] = [];
    const open = async (port: number): Promise<Participant> => {
      const note = (what: string) => (): Promise<void> => Promise.resolve(void told.push(what));
      const options: ParticipantOptions = {
        cluster: stage.local.cluster,
        credentials: stage.keys('participant'),
        store: join(dir, 'participant.db'),
        listen: { host: '127.0.0.1', port },
        handlers: { close: note('close'), cancel: note('cancel'), compensate: note('compensate') },
      };
      return Participant.open(options);
    };
    const initiator = await Initiator.open({
      cluster: stage.local.cluster,
      credentials: stage.keys('initiator'),
      store: ':memory:',
    });
    opened.push(initiator);
    const before = await open(0);
    const activity = await initiator.createActivity({ name: 'trip', outcome: 'atomic' });
    const flight = await before.register(await activity.invite('flight'), { key: 'f1', protocol: 'ParticipantCompletion' });
    await flight.completed();
    const port = Number(new URL(before.url).port);
    await before.close();

    await activity.close();
    expect(await activity.participants()).toMatchObject([{ agreedState: 'Closing' }]);
    await stage.restartReplicas();
    expect(told).toEqual([]);

    const after = await open(port);
    opened.push(after);
    const [same] = after.enrollments();
    expect(await same?.ended()).toEqual({ by: 'Closed' });
    expect(told).toEqual(['close']);
    expect(await activity.ended()).toMatchObject([{ matchcode: 'flight', endedBy: 'Closed', resultState: 'Completed' }]);
  }, 120_000);

  test.each([
    { state: 'Exiting', acknowledgement: 'Exited' },
    { state: 'NotCompleting', acknowledgement: 'NotCompleted' },
    { state: 'Failing-Active', acknowledgement: 'Failed' },
  ] as const)(
    'is told $acknowledgement after it has come back, though nothing answers that',
    async ({ state, acknowledgement }) => {
      const scene = await Scene.open(stage, 'ParticipantCompletion', 1);
      const [actor] = scene.actors;
      if (actor === undefined) throw new RangeError('no participant');
      await stage.takeDown();
      await scene.enter('ParticipantCompletion', state);
      stage.letThrough(actor.key);
      await stage.restartReplicas();
      expect(stage.received(actor.key)).toEqual([]);

      await stage.bringBack();
      const from = (): number[] => stage.received(actor.key).map(({ replica }) => replica);
      await until(() => REPLICAS.every((id) => from().includes(id)), `${acknowledgement} from every replica`, PATIENCE_MS);
      await until(
        () => stage.local.running().every((replica) => replica.status().commands === 0),
        'nothing outstanding',
        PATIENCE_MS,
      );
      const id = commandId(scene.activity, actor.id, acknowledgement);
      const messages = stage.received(actor.key).map(({ name, messageId }) => ({ name, messageId }));
      expect(messages).toEqual(REPLICAS.map(() => ({ name: acknowledgement, messageId: id })));
      expect(await scene.reported()).toBe('Ended');
    },
    60_000,
  );

  test('is not told again what it was told before the restart and nothing answers', async () => {
    const scene = await Scene.open(stage, 'ParticipantCompletion', 1);
    const [actor] = scene.actors;
    if (actor === undefined) throw new RangeError('no participant');
    await scene.enter('ParticipantCompletion', 'Exiting');
    stage.letThrough(actor.key);
    await until(() => stage.received(actor.key).length === REPLICAS.length, 'Exited from every replica', PATIENCE_MS);
    await until(
      () => stage.local.running().every((replica) => replica.status().commands === 0),
      'nothing outstanding',
      PATIENCE_MS,
    );
    await stage.restartReplicas();
    expect(stage.local.running().map((replica) => replica.status().commands)).toEqual(REPLICAS.map(() => 0));
    await stage.quiet([actor.key]);
    expect(stage.received(actor.key)).toHaveLength(REPLICAS.length);
  }, 120_000);
});
