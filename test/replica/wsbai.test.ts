import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { describe as linesOf } from '../../src/cli/status.js';
import { askClusterStatus } from '../../src/cli/cluster-status.js';
import { type CallResult, NS, type SoapFault } from '../../src/soap/index.js';
import { comparableBody, type InitiatorRequest } from '../../src/soap/messages/index.js';
import { LocalCluster, until } from '../support/cluster.js';
import { PlainClient } from '../support/soap-client.js';
import {
  bodyOf,
  identityIn,
  type Outcome,
  PlainActivity,
  PlainParticipant,
  type Protocol,
  registering,
  sendToAll,
  unanimous,
} from './plain-activity.js';

let cluster: LocalCluster;
let initiator: PlainClient;
const guests: PlainClient[] = [];
const GUESTS = ['ann', 'bob', 'cid'];

beforeAll(async () => {
  const clients = GUESTS.map((name) => ({ name, roles: ['participant'] }));
  cluster = await LocalCluster.make({ clients }, undefined, { requestWaitMs: 1_500 });
  initiator = new PlainClient(cluster.cluster, cluster.keys('initiator'));
  guests.push(...GUESTS.map((name) => new PlainClient(cluster.cluster, cluster.keys(name))));
}, 60_000);

afterAll(async () => {
  for (const each of [initiator, ...guests]) each.close();
  await cluster.close();
});

const create = (outcome: Outcome) => PlainActivity.create(initiator, outcome);

function guest(index: number): PlainClient {
  const found = guests[index];
  if (found === undefined) throw new RangeError(`guest ${index}`);
  return found;
}

/** Registers each guest in turn with an invitation of its own. */
async function enroll(activity: PlainActivity, protocols: readonly Protocol[]): Promise<PlainParticipant[]> {
  const enrolled: PlainParticipant[] = [];
  for (const [index, protocol] of protocols.entries()) {
    const invitation = await activity.invite(GUESTS[index] ?? '', identityIn(cluster.keys(GUESTS[index] ?? '')));
    enrolled.push(await PlainParticipant.register(guest(index), invitation, protocol));
  }
  return enrolled;
}

function faultOf(result: CallResult): SoapFault {
  if (result.kind !== 'fault') throw new Error(`no fault but ${result.kind}`);
  return result.fault;
}

const states = (list: { readonly participants: readonly { readonly status: string }[] }): string[] =>
  list.participants.map(({ status }) => status);

const named = (...participants: readonly PlainParticipant[]) => participants.map(({ id }) => ({ participantId: id }));

describe('WS-BA-I, mixed outcome', () => {
  test('complete, close, cancel and compensate reach the participants they name, by id or matchcode, and answer with the list', async () => {
    const activity = await create('MixedOutcome');
    const [ann, bob, cid] = await enroll(activity, ['CoordinatorCompletion', 'ParticipantCompletion', 'ParticipantCompletion']);
    if (ann === undefined || bob === undefined || cid === undefined) throw new Error('nobody came');
    const stateOf = (list: Awaited<ReturnType<typeof activity.list>>): Record<string, string> =>
      Object.fromEntries(list.participants.map(({ matchcode, status }) => [matchcode, status]));
    const decide =
      (operation: 'completeParticipants' | 'closeParticipants' | 'cancelParticipants' | 'compensateParticipants') =>
      async (participants: readonly { participantId?: string; matchcode?: string }[]) => {
        const { decision, ...list } = await activity.decide({ operation, participants });
        return { decision, ...stateOf(list) };
      };

    expect(await decide('completeParticipants')([{ matchcode: 'ann' }])).toMatchObject({
      decision: undefined,
      ann: 'Completing',
    });
    await ann.notify('Completed');
    await bob.notify('Completed');
    expect(await decide('closeParticipants')(named(ann))).toMatchObject({ decision: 'close', ann: 'Closing', bob: 'Completed' });
    expect(await decide('compensateParticipants')([{ matchcode: 'bob' }])).toMatchObject({
      decision: 'compensate',
      bob: 'Compensating',
    });
    expect(await decide('cancelParticipants')(named(cid))).toMatchObject({ decision: 'cancel', cid: 'Canceling' });
    await Promise.all([ann.notify('Closed'), bob.notify('Compensated'), cid.notify('Canceled')]);
    const { participants } = await activity.list();
    expect(participants.map(({ endedBy, resultState }) => [endedBy, resultState])).toEqual(
      expect.arrayContaining([
        ['Closed', 'Completed'],
        ['Compensated', 'Completed'],
        ['Canceled', 'Active'],
      ]),
    );
  });

  test('a matchcode that was never invited is unknown, for good, and uses no number up', async () => {
    const activity = await create('MixedOutcome');
    for (const operation of [
      'completeParticipants',
      'closeParticipants',
      'cancelParticipants',
      'compensateParticipants',
    ] as const) {
      const parts = activity.request({ operation, participants: [{ matchcode: 'nobody' }] }, 1);
      const fault = faultOf(unanimous(await sendToAll(initiator, parts)));
      expect(fault).toMatchObject({
        concordatCode: 'UnknownMatchcode',
        code: `{${NS.wsbai}}unknownMatchcodeFault`,
        retryable: false,
      });
    }
    const invited = await sendToAll(
      initiator,
      activity.request({ operation: 'getCoordinationContextWithMatchcode', matchcode: 'somebody' }, 1),
    );
    expect(unanimous(invited).kind).toBe('reply');
  });

  test.each<[string, InitiatorRequest]>([
    ['closes nobody', { operation: 'closeAllParticipants', participants: [] }],
    ['cancels everybody', { operation: 'cancelOrCompensateAllParticipants' }],
  ])('a request that %s is refused: it is for the other outcome', async (_what, request) => {
    const activity = await create('MixedOutcome');
    expect(faultOf(await activity.ask(request)).concordatCode).toBe('InvalidParameters');
  });
});

describe('WS-BA-I, atomic outcome', () => {
  test('closeAllParticipants closes whom it names, completed, and cancels the rest', async () => {
    const activity = await create('AtomicOutcome');
    const [ann, bob] = await enroll(activity, ['ParticipantCompletion', 'ParticipantCompletion']);
    if (ann === undefined || bob === undefined) throw new Error('nobody came');
    await ann.notify('Completed');
    const list = await activity.decide({ operation: 'closeAllParticipants', participants: named(ann) });
    expect(list.decision).toBe('close');
    expect(Object.fromEntries(list.participants.map(({ matchcode, status }) => [matchcode, status]))).toEqual({
      ann: 'Closing',
      bob: 'Canceling',
    });
    const second = await activity.ask({ operation: 'cancelOrCompensateAllParticipants' });
    expect(faultOf(second)).toMatchObject({ concordatCode: 'InvalidState', code: `{${NS.wscoor}}InvalidState` });
  });

  test('cancelOrCompensateAllParticipants cancels who is at work and compensates who has completed', async () => {
    const activity = await create('AtomicOutcome');
    const [ann] = await enroll(activity, ['ParticipantCompletion', 'ParticipantCompletion']);
    await ann?.notify('Completed');
    const list = await activity.decide({ operation: 'cancelOrCompensateAllParticipants' });
    expect(list.decision).toBe('cancel');
    expect(states(list).sort()).toEqual(['Canceling', 'Compensating']);
  });

  test('compensateParticipants is refused: it is for the other outcome', async () => {
    const activity = await create('AtomicOutcome');
    const [ann] = await enroll(activity, ['ParticipantCompletion']);
    await ann?.notify('Completed');
    const request = { operation: 'compensateParticipants', participants: [{ matchcode: 'ann' }] } as const;
    expect(faultOf(await activity.ask(request)).concordatCode).toBe('InvalidParameters');
  });

  test('a matchcode that is in use is refused with duplicateMatchcodeFault', async () => {
    const activity = await create('AtomicOutcome');
    await activity.invite('room');
    const again = await activity.ask({ operation: 'getCoordinationContextWithMatchcode', matchcode: 'room' });
    expect(faultOf(again)).toMatchObject({
      concordatCode: 'DuplicateMatchcode',
      code: `{${NS.wsbai}}duplicateMatchcodeFault`,
      retryable: false,
    });
    const other = await create('AtomicOutcome');
    await other.invite('room');
  });

  test('a participant without a matchcode registers with the plain context and is listed by its id', async () => {
    const activity = await create('AtomicOutcome');
    const ann = await PlainParticipant.register(guest(0), activity.registration);
    expect((await activity.list()).participants).toMatchObject([{ matchcode: '', participantId: ann.id, status: 'Active' }]);
    await ann.notify('Completed');
    const list = await activity.decide({ operation: 'closeAllParticipants', participants: named(ann) });
    expect(states(list)).toEqual(['Closing']);
  });
});

describe('a request that waits', () => {
  test('to be enabled is answered in time, names whom it waits for, is shown, and then takes effect', async () => {
    const activity = await create('AtomicOutcome');
    const [ann, bob] = await enroll(activity, ['ParticipantCompletion', 'ParticipantCompletion']);
    if (ann === undefined || bob === undefined) throw new Error('nobody came');
    await bob.notify('Completed');
    const close = {
      ...activity.request({ operation: 'closeAllParticipants', participants: named(ann, bob) }),
      messageId: `urn:uuid:00000000-0000-4000-8000-000000000001`,
    };
    const fault = faultOf(unanimous(await sendToAll(initiator, close)));
    expect(fault).toMatchObject({ concordatCode: 'NotEnabled', retryable: true, waitsFor: [ann.id] });

    const waits = {
      stream: 'control',
      number: close.sequence?.number,
      operation: 'closeAllParticipants',
      code: 'NotEnabled',
      waitsFor: [ann.id],
    };
    for (const replica of [1, 2, 3, 4]) expect((await activity.list(replica)).waiting).toEqual([waits]);
    const status = await askClusterStatus(cluster.cluster, cluster.keys('operator'));
    expect(status.waiting).toEqual([{ ...waits, activity: activity.id, waitsForOmitted: 0, replicas: [1, 2, 3, 4] }]);
    expect(status.replicas[0]).toMatchObject({ status: { waiting: [{ ...waits, activity: activity.id }], waitingOmitted: 0 } });
    expect(linesOf(status)).toContain(
      `Waiting: closeAllParticipants (number ${waits.number ?? ''} of the control stream) in ${activity.id}, for ${ann.id} [NotEnabled; at replica 1, 2, 3, 4]`,
    );

    await ann.notify('Completed');
    const closed = await sendToAll(initiator, close);
    expect(new Set(closed.map((result) => comparableBody(bodyOf(result)))).size).toBe(1);
    expect(states(await activity.list())).toEqual(['Closing', 'Closing']);
    await until(() => cluster.running().every((replica) => replica.status().waiting.length === 0), 'nothing to wait');
    expect((await activity.list()).waiting).toBeUndefined();
  }, 20_000);

  test('for its invitation gets a retryable unknownMatchcodeFault, is shown, and then takes effect', async () => {
    const activity = await create('AtomicOutcome');
    const template = (await activity.invite('known')).find(({ name }) => name === 'Invitation');
    if (template === undefined) throw new Error('no invitation');
    const early = registering([...activity.registration, { ...template, children: ['late'] }]);
    const fault = faultOf(unanimous(await sendToAll(guest(0), early)));
    expect(fault).toMatchObject({
      concordatCode: 'InvitationMissing',
      code: `{${NS.wsbai}}unknownMatchcodeFault`,
      retryable: true,
      waitsFor: ['late'],
    });
    expect((await activity.list()).waiting).toMatchObject([
      { stream: 'participant', number: 1, operation: 'Register', code: 'InvitationMissing', waitsFor: ['late'] },
    ]);
    await activity.invite('late');
    await until(async () => (await activity.list()).participants.length === 1, 'the registration');
    expect((await activity.list()).waiting).toBeUndefined();
  }, 20_000);

  test('for the decision that it answers is taken and shown with what releases it', async () => {
    const activity = await create('AtomicOutcome');
    const [ann] = await enroll(activity, ['ParticipantCompletion']);
    if (ann === undefined) throw new Error('nobody came');
    await ann.notify('Canceled');
    expect((await activity.list()).waiting).toEqual([
      { stream: 'participant', participant: ann.id, number: 2, operation: 'Canceled', code: 'NotEnabled', waitsFor: ['Cancel'] },
    ]);
    const list = await activity.decide({ operation: 'cancelOrCompensateAllParticipants' });
    expect(list.participants).toMatchObject([{ status: 'Ended', endedBy: 'Canceled' }]);
    expect((await activity.list()).waiting).toBeUndefined();
  });
});
