import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { CannotUndo, MemoryClientStore } from '../../src/client/index.js';
import type { InvalidStateEvent, Suspicion } from '../../src/client/index.js';
import { ConcordatError } from '../../src/errors.js';
import { faultMessage, NS } from '../../src/soap/index.js';
import { decodeNotification, encodeActivity, encodeParticipant } from '../../src/soap/messages/index.js';
import { until } from '../support/cluster.js';
import { contentOf, FakeCluster } from './fake-cluster.js';
import { outcomeOf, ParticipantFixture } from './participant-fixture.js';

let fakes: FakeCluster;
let at: ParticipantFixture;

beforeAll(async () => {
  fakes = await FakeCluster.make();
}, 60_000);
afterAll(() => fakes.close());
beforeEach(async () => {
  at = await ParticipantFixture.make(fakes);
});
afterEach(async () => {
  await at.close();
  expect(at.equivocations()).toEqual([]);
});

describe('a participant', () => {
  test('obeys a command when f + 1 replicas have sent it, and not before', async () => {
    const { enrollment, service } = await at.enrolled();
    expect(await at.command({ enrollment, service }, 'Cancel', [1])).toBe('accepted');
    expect([at.told, enrollment.state]).toEqual([[], 'Active']);
    await at.command({ enrollment, service }, 'Cancel', [3]);
    expect(await enrollment.ended()).toEqual({ by: 'Canceled' });
    expect(at.told).toEqual(['cancel']);
    await at.everywhere('Canceled');
    expect(at.heard(1, 'Canceled')[0]?.headers.find(({ name }) => name === 'Sequence')?.children).toMatchObject([
      { name: 'Number', children: ['2'] },
    ]);
  });

  test('counts a replica once, however often it says the same', async () => {
    const { enrollment, service } = await at.enrolled();
    expect(await at.command({ enrollment, service }, 'Cancel', [2, 2, 2, 2, 2])).toBe('accepted');
    expect([at.told, enrollment.state]).toEqual([[], 'Active']);
  });

  test('refuses what is no command of this cluster to it', async () => {
    const { enrollment, service } = await at.enrolled();
    const refusal = async (id: number, changes: object): Promise<string> =>
      outcomeOf(await fakes.command(id, enrollment, service, 'Cancel', changes));
    for (const id of [1, 2, 3]) {
      expect(await refusal(id, { messageId: 'urn:uuid:22222222-2222-8222-8222-222222222222' })).toBe('InvalidParameters');
      expect(await refusal(id, { action: `${NS.wsba}/Close` })).toBe('ActionMismatch');
      expect(await refusal(id, { to: 'http://elsewhere.example/participant' })).toBe('DestinationUnreachable');
    }
    expect([at.told, enrollment.state]).toEqual([[], 'Active']);
  });

  test('answers InvalidState once f + 1 replicas have sent what its state does not allow, to each of them', async () => {
    const enrolled = await at.enrolled();
    const answers = [];
    for (const id of [1, 2, 3, 1, 4]) answers.push(await at.command(enrolled, 'Compensate', [id]));
    expect(answers).toEqual(['accepted', 'InvalidState', 'InvalidState', 'InvalidState', 'InvalidState']);
    expect([at.told, enrolled.enrollment.state]).toEqual([[], 'Active']);
  });

  test('lets one replica alone not learn what it would answer', async () => {
    const enrolled = await at.enrolled();
    expect(await at.command(enrolled, 'Compensate', [4, 4, 4])).toBe('accepted');
  });

  test('answers a repeated command with the same numbered request, and does nothing twice', async () => {
    const enrolled = await at.enrolled();
    await enrolled.enrollment.completed();
    await at.command(enrolled, 'Close');
    await enrolled.enrollment.ended();
    await at.everywhere('Closed');
    await at.command(enrolled, 'Close');
    await at.everywhere('Closed', 2);
    const [first, second] = at.heard(1, 'Closed');
    expect(second && contentOf(second)).toEqual(first && contentOf(first));
    expect(at.told).toEqual(['close']);
  });

  test('answers a command that was overtaken with what ended it, after a crash, too', async () => {
    const enrolled = await at.enrolled();
    await enrolled.enrollment.completed();
    await at.command(enrolled, 'Close');
    await enrolled.enrollment.ended();
    await at.everywhere('Closed');
    const again = await at.reopened(enrolled.service);
    expect(await at.command(again, 'Cancel')).toBe('accepted');
    await at.everywhere('Closed', 2);
    expect(at.heard(1, 'Canceled')).toEqual([]);
    expect(at.told).toEqual(['close']);
  });

  test('ends by an acknowledgement of f + 1 replicas, one of them heard before a crash', async () => {
    const enrolled = await at.enrolled();
    await enrolled.enrollment.exit();
    await at.command(enrolled, 'Exited', [1]);
    expect(enrolled.enrollment.state).toBe('Exiting');
    const again = await at.reopened(enrolled.service);
    await at.command(again, 'Exited', [1]);
    expect(again.enrollment.state).toBe('Exiting');
    await at.command(again, 'Exited', [2]);
    expect(await again.enrollment.ended()).toEqual({ by: 'Exit' });
  });

  test('asks for an acknowledgement again when it comes back without one', async () => {
    const enrolled = await at.enrolled();
    await enrolled.enrollment.fail('NoSeat');
    await at.everywhere('Fail');
    const again = await at.reopened(enrolled.service);
    await at.everywhere('Fail', 2);
    await at.command(again, 'Failed');
    expect(await again.enrollment.ended()).toEqual({ by: 'Fail' });
  });

  test('takes a command that overtakes the answer to Register', async () => {
    let free: () => void = () => undefined;
    const held = new Promise<void>((resolve) => (free = resolve));
    for (const one of fakes.replicas) one.script = async (message) => (await held, at.answer(message));
    const opened = await at.open();
    const registering = opened.register(at.context(), { key: 'booking-17', protocol: 'ParticipantCompletion' });
    await until(() => fakes.replicas.some(({ heard: messages }) => messages.length > 0), 'Register');
    const [enrollment] = opened.enrollments();
    if (enrollment === undefined) throw new Error('it was not written down');
    await at.command({ enrollment, service: at.registered() }, 'Cancel');
    await until(() => at.told.includes('cancel'), 'the handler');
    free();
    expect(await registering).toBe(enrollment);
    expect(await enrollment.ended()).toEqual({ by: 'Canceled' });
  });

  test('works only when n − f replicas have acknowledged its Register', async () => {
    for (const id of [1, 2]) await fakes.replica(id).stop();
    const opened = await at.open({ timeoutMs: 300 });
    const register = (key: string) => opened.register(at.context(), { key, protocol: 'ParticipantCompletion' });
    await expect(register('booking-17')).rejects.toMatchObject({ code: 'NoQuorum' });
    await fakes.replica(2).start();
    await until(
      () =>
        register('booking-17').then(
          () => true,
          () => false,
        ),
      'the acknowledgements',
    );
    expect((await register('booking-17')).state).toBe('Active');
    const registers = [2, 3, 4].flatMap((id) => at.heard(id, 'Register'));
    expect(new Set(registers.map((one) => JSON.stringify(contentOf(one)))).size).toBe(1);
    await expect(register('another')).rejects.toMatchObject({ code: 'CannotRegisterParticipant' });
  });

  test('rejects who waits for an end that it will not see', async () => {
    const { enrollment } = await at.enrolled();
    const ended = enrollment.ended();
    const rejected = expect(ended).rejects.toMatchObject({ code: 'NoQuorum', detail: 'closed in Active' });
    await at.participant?.close();
    await rejected;
  });

  test('carries on from a store of the caller’s, which it leaves open', async () => {
    const store = new MemoryClientStore();
    const enrolled = await at.enrolled({ store });
    await enrolled.enrollment.completed();
    const again = await at.reopened(enrolled.service, { store });
    expect([again.enrollment.key, again.enrollment.state]).toEqual(['booking-17', 'Completed']);
    await expect(at.open({ store })).rejects.toMatchObject({ code: 'StoreInUse' });
    await at.command(again, 'Close');
    expect(await again.enrollment.ended()).toEqual({ by: 'Closed' });
  });

  test('that cannot start gives its store and its port back', async () => {
    const store = new MemoryClientStore();
    const enrolled = await at.enrolled({ store });
    await at.participant?.close();
    const listen = { host: '127.0.0.1', port: Number(new URL(enrolled.service.address).port) };
    store.put('open', 'stream', '');
    store.put('request stream', '0000000000000001', '{}');
    await expect(at.open({ store, listen })).rejects.toMatchObject({ code: 'StoreCorrupt' });
    store.delete('open', 'stream');
    expect((await at.open({ store, listen })).enrollments()).toHaveLength(1);
  });
});

describe('a handler', () => {
  test('that failed runs again, at growing intervals, and again after a restart', async () => {
    const runs: number[] = [];
    const stuck = {
      ...at.handlers,
      close: () => (runs.push(performance.now()), Promise.reject(new Error('the seat map is down'))),
    };
    const limits = { handlerRetryMinMs: 20, handlerRetryMaxMs: 60_000 };
    const enrolled = await at.enrolled({ handlers: stuck, limits });
    await enrolled.enrollment.completed();
    await at.command(enrolled, 'Close');
    await until(() => runs.length >= 5, 'five runs');
    expect(enrolled.enrollment.state).toBe('Closing');
    const [first = 0, second = 0, , fourth = 0, fifth = 0] = runs;
    // Pauses are 10 to 20, 20 to 40, 40 to 80, 80 to 160 ms.
    expect(second - first).toBeGreaterThanOrEqual(9);
    expect(fifth - fourth).toBeGreaterThanOrEqual(79);
    expect(at.heard(1, 'Closed')).toEqual([]);
    const again = await at.reopened(enrolled.service);
    expect(await again.enrollment.ended()).toEqual({ by: 'Closed' });
    expect(at.told).toEqual(['close']);
    await at.everywhere('Closed');
  });

  test.each([
    ['cancel', 'Cancel', 'urn:example', 'Failing-Canceling'],
    ['compensate', 'Compensate', 'urn:example', 'Failing-Compensating'],
  ] as const)('of %s that cannot undo makes Fail, with its exception', async (handler, command, ns, state) => {
    const failing = { ...at.handlers, [handler]: () => Promise.reject(new CannotUndo(`{${ns}}RoomUsed`)) };
    const enrolled = await at.enrolled({ handlers: failing });
    if (command === 'Compensate') await enrolled.enrollment.completed();
    await at.command(enrolled, command);
    await at.everywhere('Fail');
    expect(enrolled.enrollment.state).toBe(state);
    expect(at.heard(1, 'Fail').map(({ body }) => decodeNotification(body))).toMatchObject([{ exception: `{${ns}}RoomUsed` }]);
    await at.command(enrolled, 'Failed');
    expect(await enrolled.enrollment.ended()).toEqual({ by: 'Fail' });
  });

  test('of close cannot refuse: CannotUndo is one more failure', async () => {
    let runs = 0;
    const close = () => ((runs += 1), runs < 3 ? Promise.reject(new CannotUndo()) : Promise.resolve());
    const enrolled = await at.enrolled({ handlers: { ...at.handlers, close } });
    await enrolled.enrollment.completed();
    await at.command(enrolled, 'Close');
    expect(await enrolled.enrollment.ended()).toEqual({ by: 'Closed' });
    expect([runs, at.heard(1, 'Fail')]).toEqual([3, []]);
  });

  test('whose exception is no identifier runs again', async () => {
    let runs = 0;
    const cancel = () => ((runs += 1), Promise.reject(new CannotUndo(runs < 3 ? '' : 'RoomUsed')));
    const enrolled = await at.enrolled({ handlers: { ...at.handlers, cancel } });
    await at.command(enrolled, 'Cancel');
    await at.everywhere('Fail');
    expect([runs, enrolled.enrollment.state]).toEqual([3, 'Failing-Canceling']);
  });

  test('of complete may report something else, and a cancel that comes meanwhile waits for it', async () => {
    let free: () => void = () => undefined;
    const working = new Promise<void>((resolve) => (free = resolve));
    const order: string[] = [];
    const handlers = {
      ...at.handlers,
      complete: async () => (order.push('complete begins'), await working, void order.push('complete ends')),
      cancel: () => (order.push('cancel'), Promise.resolve()),
    };
    const enrolled = await at.enrolled({ handlers }, 'CoordinatorCompletion');
    await at.command(enrolled, 'Complete');
    await at.command(enrolled, 'Cancel');
    expect(enrolled.enrollment.state).toBe('Canceling');
    free();
    expect(await enrolled.enrollment.ended()).toEqual({ by: 'Canceled' });
    expect(order).toEqual(['complete begins', 'complete ends', 'cancel']);
    expect(at.heard(1, 'Completed')).toEqual([]);
  });
});

describe('faults and suspicions', () => {
  const invalid = faultMessage(new ConcordatError('InvalidState', 'Completed in Ended'), { soapVersion: '1.1' });

  test('InvalidState of f + 1 replicas for one message is an event; that of one is not', async () => {
    const events: InvalidStateEvent[] = [];
    const { enrollment, service } = await at.enrolled({ onInvalidState: (event) => events.push(event) });
    await enrollment.completed();
    await at.everywhere('Completed');
    const messageId = at.heard(1, 'Completed')[0]?.addressing.messageId ?? '';
    const send = (id: number, relatesTo: string) =>
      fakes.tell(id, service, invalid.body, { action: invalid.addressing.action, relatesTo });
    for (const id of [1, 1, 1]) expect(outcomeOf(await send(id, messageId))).toBe('accepted');
    await send(2, 'urn:uuid:33333333-3333-8333-8333-333333333333');
    expect(events).toEqual([]);
    await send(2, messageId);
    expect(events).toEqual([{ enrollment, message: 'Completed', messageId }]);
  });

  test('what replicas say of another participant does not count, though its sender had it sent here', async () => {
    const events: InvalidStateEvent[] = [];
    const { enrollment, service } = await at.enrolled({ onInvalidState: (event) => events.push(event) });
    await enrollment.completed();
    await at.everywhere('Completed');
    const relatesTo = at.heard(1, 'Completed')[0]?.addressing.messageId ?? '';
    const referenceParameters = [encodeActivity(enrollment.activity), encodeParticipant('urn:uuid:another')];
    const from = { address: 'http://127.0.0.1:9/coordinator', referenceParameters, extensions: [] };
    for (const id of [1, 2, 3]) {
      const said = fakes.tell(id, service, invalid.body, { action: invalid.addressing.action, relatesTo, from });
      expect(outcomeOf(await said)).toBe('InvalidAddressingHeader');
    }
    expect(events).toEqual([]);
  });

  test('a replica that signs as another is named', async () => {
    const suspicions: Suspicion[] = [];
    fakes.replica(3).signer = fakes.signerOf(4);
    await at.enrolled({ onSuspect: (suspicion) => suspicions.push(suspicion) });
    await until(() => suspicions.length > 0, 'a suspicion');
    expect(suspicions).toMatchObject([{ replica: 3, code: 'NotAuthorized' }]);
  });
});
