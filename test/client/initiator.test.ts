import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Initiator, MemoryClientStore } from '../../src/client/index.js';
import type { ClientStore } from '../../src/client/index.js';
import { endpointReference } from '../../src/contract/index.js';
import { ConcordatError } from '../../src/errors.js';
import { NS } from '../../src/soap/index.js';
import type { EdgeAnswer, VerifiedMessage } from '../../src/soap/index.js';
import { encodeActivity, encodeCreateCoordinationContextResponse } from '../../src/soap/messages/index.js';
import { contentOf, FakeCluster, QUICK, reply } from './fake-cluster.js';

const ACTIVITY = 'urn:uuid:11111111-1111-8111-8111-111111111111';
let fakes: FakeCluster;
let dir: string;

beforeAll(async () => {
  fakes = await FakeCluster.make();
}, 60_000);
afterAll(() => fakes.close());
beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'concordat-initiator-'));
  await fakes.reset(busy);
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const busy = (): never => {
  throw new ConcordatError('Busy');
};

function context(message: VerifiedMessage): EdgeAnswer {
  const addresses = { logical: fakes.cluster.config.address, replicas: fakes.cluster.replicas.map(({ url }) => url) };
  const action =
    message.body.ns === NS.wscoor ? `${NS.wscoor}/CreateCoordinationContextResponse` : `${NS.wsbai}${message.body.name}Response`;
  return reply(
    message,
    action,
    encodeCreateCoordinationContextResponse({
      context: {
        identifier: ACTIVITY,
        coordinationType: `${NS.wsba}/AtomicOutcome`,
        registrationService: endpointReference(addresses, 'registration', [encodeActivity(ACTIVITY)]),
        extensions: [],
      },
      extensions: [],
    }),
  );
}

const open = (timeoutMs = 5_000, store: string | ClientStore = join(dir, 'initiator.db')): Promise<Initiator> =>
  Initiator.open({
    cluster: fakes.cluster,
    credentials: fakes.keys('initiator'),
    store,
    timeoutMs,
    limits: QUICK,
  });
const TRIP = { name: 'trip-17', outcome: 'atomic' } as const;
const contents = (): Set<string> =>
  new Set(fakes.replicas.flatMap(({ heard }) => heard.map((one) => JSON.stringify(contentOf(one)))));

describe('an initiator', () => {
  test('sends exactly the same again after a crash, and the name stands for the same activity', async () => {
    const first = await open(200);
    await expect(first.createActivity(TRIP)).rejects.toMatchObject({ code: 'NoQuorum' });
    await first.close();
    expect(contents().size).toBe(1);

    for (const one of fakes.replicas) one.script = context;
    const second = await open();
    const activity = await second.createActivity(TRIP);
    expect(activity.id).toBe(ACTIVITY);
    expect(contents().size).toBe(1);
    expect(second.activities().map(({ name, id }) => [name, id])).toEqual([['trip-17', ACTIVITY]]);
    await second.close();

    await fakes.reset(busy);
    const third = await open(200);
    expect((await third.createActivity(TRIP)).id).toBe(ACTIVITY);
    expect(contents().size).toBe(0);
    await expect(third.createActivity({ ...TRIP, outcome: 'mixed' })).rejects.toMatchObject({ code: 'InvalidParameters' });
    await third.close();
  });

  test('sends the requests of one activity one after the other, each with the next number', async () => {
    for (const one of fakes.replicas) one.script = context;
    const initiator = await open();
    const activity = await initiator.createActivity(TRIP);
    const numbers: string[] = [];
    fakes.replica(1).script = (message, times) => {
      numbers.push(JSON.stringify(message.headers.find(({ name }) => name === 'Sequence')?.children));
      if (times < 3) throw new ConcordatError('PredecessorMissing');
      return context(message);
    };
    for (const id of [2, 3]) await fakes.replica(id).stop();
    const [a, b, again] = await Promise.all([activity.invite('flight'), activity.invite('room'), activity.invite('flight')]);
    expect([b, again]).toEqual([a, a]);
    const asked = numbers.map((children) => /"children":\["(\d+)"\]/.exec(children)?.[1]);
    expect(asked).toEqual(['1', '1', '1', '2', '2', '2']);
    await initiator.close();
  });

  test('uses no number up when it is refused for what it is, and one when the answer has its place in the stream', async () => {
    for (const one of fakes.replicas) one.script = context;
    const initiator = await open();
    const activity = await initiator.createActivity(TRIP);
    const seen = (): number[] =>
      fakes.replica(1).heard.flatMap(({ headers }) => {
        const number = /"(\d+)"/.exec(JSON.stringify(headers.find(({ name }) => name === 'Sequence')?.children))?.[1];
        return number === undefined ? [] : [Number(number)];
      });
    const refuse = (code: 'NotAuthorized' | 'DuplicateMatchcode') => (): never => {
      throw new ConcordatError(code);
    };
    await fakes.reset(refuse('NotAuthorized'));
    await expect(activity.invite('flight')).rejects.toMatchObject({ code: 'NotAuthorized' });
    await fakes.reset(refuse('DuplicateMatchcode'));
    await expect(activity.invite('flight')).rejects.toMatchObject({ code: 'DuplicateMatchcode' });
    expect(seen()).toEqual([1]);
    await fakes.reset(context);
    await expect(activity.invite('flight')).rejects.toMatchObject({ code: 'DuplicateMatchcode' });
    await activity.invite('room');
    expect(seen()).toEqual([2]);
    await initiator.close();
  });

  test('says of a call that ran out of time whom the request waits for; it stays under way', async () => {
    await fakes.reset(context);
    const initiator = await open();
    const activity = await initiator.createActivity(TRIP);
    await initiator.close();
    const waits = (): never => {
      throw new ConcordatError('NotEnabled', 'flight', { waitsFor: ['urn:flight'] });
    };
    await fakes.reset(waits);
    const impatient = await open(300);
    const [same] = impatient.activities();
    expect(same?.id).toBe(activity.id);
    await expect(same?.cancel()).rejects.toMatchObject({ code: 'NotEnabled', waitsFor: ['urn:flight'] });
    expect(same?.decision).toEqual({ kind: 'cancel', status: 'pending' });
    await expect(same?.close()).rejects.toMatchObject({ code: 'InvalidState', detail: 'already decided: cancel' });
    await impatient.close();
  });

  test('keeps what it needs in a store of the caller’s', async () => {
    await fakes.reset(context);
    const store = new MemoryClientStore();
    const first = await open(5_000, store);
    await first.createActivity(TRIP);
    await expect(open(5_000, store)).rejects.toMatchObject({ code: 'StoreInUse' });
    await first.close();
    await fakes.reset(busy);
    const second = await open(200, store);
    expect((await second.createActivity(TRIP)).id).toBe(ACTIVITY);
    await second.close();
  });
});
