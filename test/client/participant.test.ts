import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Participant } from '../../src/client/index.js';
import type { CoordinationContext, Enrollment, Handlers, ParticipantOptions } from '../../src/client/index.js';
import { endpointReference } from '../../src/contract/index.js';
import { decodeRegister, encodeActivity, encodeRegisterResponse } from '../../src/soap/messages/index.js';
import { NS, text } from '../../src/soap/index.js';
import type { CallResult, EdgeAnswer, VerifiedMessage } from '../../src/soap/index.js';
import { until } from '../support/cluster.js';
import { contentOf, FakeCluster, QUICK, reply } from './fake-cluster.js';

const ACTIVITY = 'urn:uuid:11111111-1111-8111-8111-111111111111';
let fakes: FakeCluster;
let dir: string;
let told: string[];
let participant: Participant | undefined;

beforeAll(async () => {
  fakes = await FakeCluster.make();
}, 60_000);
afterAll(() => fakes.close());
beforeEach(async () => {
  told = [];
  dir = mkdtempSync(join(tmpdir(), 'concordat-participant-'));
  await fakes.reset(answer);
});
afterEach(async () => {
  await participant?.close();
  participant = undefined;
  rmSync(dir, { recursive: true, force: true });
});

const addresses = (): { logical: string; replicas: string[] } => ({
  logical: fakes.cluster.config.address,
  replicas: fakes.cluster.replicas.map(({ url }) => url),
});

function answer(message: VerifiedMessage): EdgeAnswer {
  if (message.body.name !== 'Register') return { kind: 'accepted' };
  const coordinatorProtocolService = endpointReference(addresses(), 'coordinator', [encodeActivity(ACTIVITY)]);
  return reply(message, `${NS.wscoor}/RegisterResponse`, encodeRegisterResponse({ coordinatorProtocolService, extensions: [] }));
}

const context = (): CoordinationContext => ({
  identifier: ACTIVITY,
  coordinationType: `${NS.wsba}/AtomicOutcome`,
  registrationService: endpointReference(addresses(), 'registration', [encodeActivity(ACTIVITY)]),
  extensions: [],
});

const note = (what: string) => (): Promise<void> => {
  told.push(what);
  return Promise.resolve();
};
const HANDLERS: Handlers = {
  complete: note('complete'),
  close: note('close'),
  cancel: note('cancel'),
  compensate: note('compensate'),
};

async function open(options: Partial<ParticipantOptions> = {}): Promise<Participant> {
  participant = await Participant.open({
    cluster: fakes.cluster,
    credentials: fakes.keys('participant'),
    store: join(dir, 'participant.db'),
    listen: { host: '127.0.0.1', port: 0 },
    handlers: HANDLERS,
    limits: QUICK,
    ...options,
  });
  return participant;
}

async function enrolled(
  options: Partial<ParticipantOptions> = {},
): Promise<{ enrollment: Enrollment; service: { address: string; id: string } }> {
  const opened = await open(options);
  const enrollment = await opened.register(context(), { key: 'booking-17', protocol: 'ParticipantCompletion' });
  return { enrollment, service: registered() };
}

/** What the participant registered, as the replicas heard it. */
function registered(): { address: string; id: string } {
  const register = fakes.replicas.flatMap(({ heard }) => heard).find(({ body }) => body.name === 'Register');
  const epr = register && decodeRegister(register.body).participantProtocolService;
  const [parameter] = epr?.referenceParameters ?? [];
  if (epr === undefined || parameter === undefined) throw new Error('nobody registered');
  return { address: epr.address, id: text(parameter) };
}

const heard = (id: number, name: string): VerifiedMessage[] => fakes.replica(id).heard.filter(({ body }) => body.name === name);
const everywhere = (name: string, times = 1): Promise<void> =>
  until(() => fakes.replicas.every(({ id }) => heard(id, name).length >= times), `${times} ${name} at every replica`);
const faultOf = (result: CallResult): string | undefined => (result.kind === 'fault' ? result.fault.concordatCode : result.kind);

describe('a participant', () => {
  test('obeys a command when f + 1 replicas have sent it, and not before', async () => {
    const { enrollment, service } = await enrolled();
    expect(faultOf(await fakes.command(1, enrollment, service, 'Cancel'))).toBe('accepted');
    expect([told, enrollment.state]).toEqual([[], 'Active']);
    await fakes.command(3, enrollment, service, 'Cancel');
    expect(await enrollment.ended()).toEqual({ by: 'Canceled' });
    expect(told).toEqual(['cancel']);
    await everywhere('Canceled');
    expect(heard(1, 'Canceled')[0]?.headers.find(({ name }) => name === 'Sequence')?.children).toMatchObject([
      { name: 'Number', children: ['2'] },
    ]);
  });

  test('counts a replica once, however often it says the same', async () => {
    const { enrollment, service } = await enrolled();
    for (let i = 0; i < 5; i++) await fakes.command(2, enrollment, service, 'Cancel');
    expect([told, enrollment.state]).toEqual([[], 'Active']);
  });

  test('refuses what is no command of this cluster to it', async () => {
    const { enrollment, service } = await enrolled();
    const wrongId = { messageId: 'urn:uuid:22222222-2222-8222-8222-222222222222' };
    for (const id of [1, 2, 3]) {
      expect(faultOf(await fakes.command(id, enrollment, service, 'Cancel', wrongId))).toBe('InvalidParameters');
      expect(faultOf(await fakes.command(id, enrollment, service, 'Cancel', { action: `${NS.wsba}/Close` }))).toBe(
        'ActionMismatch',
      );
      expect(
        faultOf(await fakes.command(id, enrollment, service, 'Cancel', { to: 'http://elsewhere.example/participant' })),
      ).toBe('DestinationUnreachable');
      expect(faultOf(await fakes.command(id, enrollment, { ...service, id: 'guessed' }, 'Cancel'))).toBe('UnknownParticipant');
    }
    expect([told, enrollment.state]).toEqual([[], 'Active']);
  });

  test('passes over a command that its state does not allow', async () => {
    const { enrollment, service } = await enrolled();
    for (const id of [1, 2, 3, 4]) await fakes.command(id, enrollment, service, 'Compensate');
    expect([told, enrollment.state]).toEqual([[], 'Active']);
  });

  test('answers a repeated command with the same numbered request, and does nothing twice', async () => {
    const { enrollment, service } = await enrolled();
    await enrollment.completed();
    for (const id of [1, 2]) await fakes.command(id, enrollment, service, 'Close');
    await enrollment.ended();
    await everywhere('Closed');
    for (const id of [1, 2]) await fakes.command(id, enrollment, service, 'Close');
    await everywhere('Closed', 2);
    const [first, second] = heard(1, 'Closed');
    expect(second && contentOf(second)).toEqual(first && contentOf(first));
    expect(told).toEqual(['close']);
  });

  test('ends by an acknowledgement of f + 1 replicas, one of them heard before a crash', async () => {
    const { enrollment, service } = await enrolled();
    await enrollment.exit();
    await fakes.command(1, enrollment, service, 'Exited');
    expect(enrollment.state).toBe('Exiting');
    const port = Number(new URL(service.address).port);
    await participant?.close();
    const again = await open({ listen: { host: '127.0.0.1', port } });
    const [same] = again.enrollments();
    if (same === undefined) throw new Error('the enrollment is gone');
    await fakes.command(1, same, service, 'Exited');
    expect(same.state).toBe('Exiting');
    await fakes.command(2, same, service, 'Exited');
    expect(await same.ended()).toEqual({ by: 'Exit' });
  });

  test('takes a command that overtakes the answer to Register', async () => {
    let free: () => void = () => undefined;
    const held = new Promise<void>((resolve) => (free = resolve));
    for (const one of fakes.replicas) one.script = async (message) => (await held, answer(message));
    const opened = await open();
    const registering = opened.register(context(), { key: 'booking-17', protocol: 'ParticipantCompletion' });
    await until(() => fakes.replicas.some(({ heard: messages }) => messages.length > 0), 'Register');
    const [enrollment] = opened.enrollments();
    if (enrollment === undefined) throw new Error('it was not written down');
    for (const id of [1, 2]) await fakes.command(id, enrollment, registered(), 'Cancel');
    await until(() => told.includes('cancel'), 'the handler');
    free();
    expect(await registering).toBe(enrollment);
    expect(await enrollment.ended()).toEqual({ by: 'Canceled' });
  });

  test('works only when n − f replicas have acknowledged its Register', async () => {
    for (const id of [1, 2]) await fakes.replica(id).stop();
    const opened = await open({ timeoutMs: 300 });
    const registering = opened.register(context(), { key: 'booking-17', protocol: 'ParticipantCompletion' });
    await expect(registering).rejects.toMatchObject({ code: 'NoQuorum' });
    await fakes.replica(2).start();
    const enrollment = await opened.register(context(), { key: 'booking-17', protocol: 'ParticipantCompletion' });
    expect(enrollment.state).toBe('Active');
    const registers = [2, 3, 4].flatMap((id) => heard(id, 'Register'));
    expect(new Set(registers.map((one) => JSON.stringify(contentOf(one)))).size).toBe(1);
    await expect(opened.register(context(), { key: 'another', protocol: 'ParticipantCompletion' })).rejects.toMatchObject({
      code: 'CannotRegisterParticipant',
    });
  });

  test('runs a handler again that failed, and again after a crash', async () => {
    let runs = 0;
    const stuck = { ...HANDLERS, close: () => ((runs += 1), Promise.reject(new Error('the seat map is down'))) };
    const { enrollment, service } = await enrolled({ handlers: stuck });
    await enrollment.completed();
    for (const id of [1, 2]) await fakes.command(id, enrollment, service, 'Close');
    await until(() => runs >= 3, 'three runs');
    expect(enrollment.state).toBe('Closing');
    await participant?.close();
    expect(heard(1, 'Closed')).toEqual([]);
    const again = await open();
    const [same] = again.enrollments();
    expect(await same?.ended()).toEqual({ by: 'Closed' });
    expect(told).toEqual(['close']);
    await everywhere('Closed');
  });
});
