import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { configuredView, HttpTransport, Signer, SoapCaller, VotingCaller } from '../../src/client/index.js';
import type { Agreed, AskOptions, ClusterRequest, Suspicion } from '../../src/client/index.js';
import { ConcordatError } from '../../src/errors.js';
import { silentLogger } from '../../src/log.js';
import { el, NS } from '../../src/soap/index.js';
import type { EdgeAnswer, VerifiedMessage } from '../../src/soap/index.js';
import { encodeActivity, encodeInitiatorRequest, encodeNotification } from '../../src/soap/messages/index.js';
import { until } from '../support/cluster.js';
import { contentOf, FakeCluster, LIMITS, reply, verifierOf } from './fake-cluster.js';

let fakes: FakeCluster;
let transport: HttpTransport;
let suspicions: Suspicion[];
let now: () => number;

beforeAll(async () => {
  fakes = await FakeCluster.make();
  transport = new HttpTransport({ timeoutMs: 5_000 });
}, 60_000);
afterAll(async () => {
  transport.close();
  await fakes.close();
});
beforeEach(async () => {
  suspicions = [];
  now = Date.now;
  await fakes.reset((message) => decided(message, 'close'));
});

const LIST = 'listParticipantsResponse';
const decided = (message: VerifiedMessage, decision: string): EdgeAnswer =>
  reply(
    message,
    NS.wsbai + LIST,
    el(NS.wsbai, LIST, {}, el(NS.wsbai, 'participantList'), el(NS.concordat, 'Decision', {}, decision)),
  );

let serial = 0;
const question = (): ClusterRequest => ({
  endpoint: 'completion',
  messageId: `urn:uuid:question-${(serial += 1)}`,
  references: [encodeActivity('urn:uuid:00000000-0000-8000-8000-000000000000')],
  body: encodeInitiatorRequest({ operation: 'listParticipants' }),
});
const notification = (): ClusterRequest => ({
  ...question(),
  endpoint: 'coordinator',
  body: encodeNotification('Completed'),
  sequence: { number: 2 },
});

function ask(request: ClusterRequest, options: Partial<AskOptions> = {}): Promise<Agreed> {
  const signer = new Signer(fakes.keys('initiator'));
  const caller = new SoapCaller({ signer, verifier: verifierOf(fakes.cluster), transport, clock: Date.now });
  const voting = new VotingCaller({
    view: configuredView(fakes.cluster),
    caller,
    signer,
    limits: LIMITS,
    clock: () => now(),
    log: silentLogger,
    onSuspect: (suspicion) => suspicions.push(suspicion),
  });
  return voting.ask(request, { need: 2, timeoutMs: 3_000, ...options });
}

const decisionIn = (agreed: Agreed): string => (agreed.kind === 'reply' ? JSON.stringify(agreed.body) : agreed.kind);
const failure = async (call: Promise<unknown>): Promise<ConcordatError> => {
  const error: unknown = await call.then(
    () => new Error('it did not fail'),
    (reason: unknown) => reason,
  );
  if (error instanceof ConcordatError) return error;
  throw error;
};

describe('a voting call', () => {
  test('believes what f + 1 replicas say, and not the liar that is faster', async () => {
    fakes.replica(1).script = (message) => decided(message, 'cancel');
    for (const id of [2, 3, 4]) {
      fakes.replica(id).script = async (message) => {
        await until(() => fakes.replica(1).heard.length > 0, 'the liar has answered');
        return decided(message, 'close');
      };
    }
    expect(decisionIn(await ask(question()))).toContain('"close"');
  });

  test('does not count an answer in another replica’s name, and says whom it suspects', async () => {
    fakes.replica(1).signer = fakes.signerOf(2);
    await fakes.replica(4).stop();
    await fakes.replica(3).stop();
    const error = await failure(ask(question(), { timeoutMs: 300 }));
    expect(error.code).toBe('NoQuorum');
    expect(suspicions).toMatchObject([{ replica: 1, code: 'NotAuthorized' }]);
  });

  test('does not count an answer signed by somebody who is no replica', async () => {
    fakes.replica(1).signer = new Signer(fakes.keys('operator'));
    const agreed = await ask(question(), { need: 3 });
    expect(agreed.kind === 'reply' && [...agreed.replies.keys()].sort()).toEqual([2, 3, 4]);
  });

  test('does not count an answer to another request', async () => {
    fakes.replica(1).script = (message) =>
      decided({ ...message, addressing: { ...message.addressing, messageId: 'urn:uuid:other' } }, 'close');
    const agreed = await ask(question(), { need: 3 });
    expect(agreed.kind === 'reply' && [...agreed.replies.keys()].sort()).toEqual([2, 3, 4]);
    await until(() => suspicions.some(({ replica, code }) => replica === 1 && code === 'InvalidAddressingHeader'), 'a suspicion');
  });

  test('gets by with one replica down, also where n − f must answer', async () => {
    await fakes.replica(3).stop();
    expect((await ask(question(), { need: 3 })).kind).toBe('reply');
  });

  test('asks again while replicas say that it is too early', async () => {
    for (const one of fakes.replicas) {
      one.script = (message, times) => {
        if (times < 3) throw new ConcordatError('PredecessorMissing');
        return decided(message, 'close');
      };
    }
    expect((await ask(question(), { need: 3 })).kind).toBe('reply');
    expect(fakes.replicas.filter(({ heard }) => heard.length === 3).length).toBeGreaterThanOrEqual(3);
  });

  test('fails with the final fault that f + 1 replicas give', async () => {
    for (const id of [1, 3]) {
      fakes.replica(id).script = () => {
        throw new ConcordatError('DuplicateMatchcode', 'flight');
      };
    }
    for (const id of [2, 4]) await fakes.replica(id).stop();
    expect(await failure(ask(question()))).toMatchObject({ code: 'DuplicateMatchcode', detail: 'flight' });
  });

  test('does not believe the final fault of one replica', async () => {
    fakes.replica(1).script = () => {
      throw new ConcordatError('InvalidState');
    };
    expect((await ask(question(), { need: 3 })).kind).toBe('reply');
  });

  test('counts 202 for one-way messages, and not where an answer is due', async () => {
    for (const one of fakes.replicas) one.script = () => ({ kind: 'accepted' });
    expect((await ask(notification(), { need: 3 })).kind).toBe('accepted');
    expect((await failure(ask(question(), { timeoutMs: 200 }))).code).toBe('NoQuorum');
  });

  test('gives up in time, and says of each replica why', async () => {
    await fakes.replica(1).stop();
    fakes.replica(2).script = () => {
      throw new ConcordatError('NotEnabled', 'urn:uuid:p1');
    };
    fakes.replica(3).script = () => new Promise(() => undefined);
    const { code, detail = '' } = await failure(ask(question(), { timeoutMs: 400 }));
    expect(code).toBe('NoQuorum');
    expect(detail).toMatch(/replica 1: .*ECONNREFUSED/);
    expect(detail).toContain('replica 2: NotEnabled (urn:uuid:p1)');
    expect(detail).toContain('replica 3: no answer');
    expect(detail).toContain('replica 4: replied');
  });

  test('gives up at once when the answers are so different that nothing can be agreed', async () => {
    for (const one of fakes.replicas) one.script = (message) => decided(message, `decision ${one.id}`);
    const started = Date.now();
    const { code, detail } = await failure(ask(question(), { timeoutMs: 20_000 }));
    expect([code, detail?.includes('the answers differ')]).toEqual(['NoQuorum', true]);
    expect(Date.now() - started).toBeLessThan(10_000);
  });

  test('lets a slow replica hear of it, too, after it is decided', async () => {
    let free: () => void = () => undefined;
    const held = new Promise<void>((resolve) => (free = resolve));
    let finished = false;
    fakes.replica(4).script = async (message) => {
      await held;
      finished = true;
      return decided(message, 'close');
    };
    await ask(question());
    expect(finished).toBe(false);
    free();
    await until(() => finished, 'the slow replica was not cut off');
  });

  test('signs the same request again when its timestamp has lived half its life', async () => {
    let offset = 0;
    now = () => Date.now() + offset;
    for (const one of fakes.replicas) {
      one.script = (message, times) => {
        if (times === 1) {
          offset = 160_000;
          throw new ConcordatError('PredecessorMissing');
        }
        return decided(message, 'close');
      };
    }
    await ask({ ...notification(), endpoint: 'completion', body: question().body }, { need: 3 });
    const [first, second] = fakes.replica(1).heard;
    if (first === undefined || second === undefined) throw new Error('it was not asked twice');
    expect(contentOf(second)).toEqual(contentOf(first));
    expect(second.created - first.created).toBeGreaterThan(150_000);
  });

  test('is NotEnabled if f + 1 replicas wait for participants, and names those that f + 1 of them name', async () => {
    const waits =
      (...waitsFor: string[]) =>
      (): never => {
        throw new ConcordatError('NotEnabled', waitsFor.join(', '), { waitsFor });
      };
    fakes.replica(1).script = waits('urn:flight', 'urn:room');
    fakes.replica(2).script = waits('urn:flight');
    fakes.replica(3).script = waits('urn:nobody', 'urn:nobody');
    await fakes.replica(4).stop();
    const error = await failure(ask(question(), { timeoutMs: 1_000 }));
    expect([error.code, error.waitsFor]).toEqual(['NotEnabled', ['urn:flight']]);
    expect(error.detail).toContain('waits for: urn:flight, urn:room, urn:nobody');
  });

  test('is NoQuorum if only a liar says that it waits for participants', async () => {
    for (const id of [1, 2]) await fakes.replica(id).stop();
    for (const id of [3, 4]) {
      fakes.replica(id).script = () => {
        throw id === 3 ? new ConcordatError('NotEnabled', 'x', { waitsFor: ['urn:x'] }) : new ConcordatError('Busy');
      };
    }
    const error = await failure(ask(question(), { timeoutMs: 300 }));
    expect([error.code, error.waitsFor]).toEqual(['NoQuorum', []]);
  });

  test('leaves faults that come at once to the HTTP answer, so that a 202 is no refusal', async () => {
    const from = { address: 'http://127.0.0.1:1/participant', referenceParameters: [], extensions: [] };
    fakes.replicas.forEach((one) => (one.script = () => ({ kind: 'accepted' })));
    await ask({ ...notification(), from });
    expect(fakes.replica(1).heard[0]?.addressing).toMatchObject({ from, faultTo: { address: `${NS.wsa}/anonymous` } });
  });
});
