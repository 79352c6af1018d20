import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type CallResult, NS, type XmlElement } from '../../src/soap/index.js';
import { comparableBody } from '../../src/soap/messages/index.js';
import { LocalCluster, until } from '../support/cluster.js';
import { codeOf, PlainClient, type RequestParts } from '../support/soap-client.js';
import {
  bodyOf,
  creation,
  identityIn,
  PlainActivity,
  PlainParticipant,
  registering,
  sendTo,
  sendToAll,
  unanimous,
} from './plain-activity.js';

const LIMITS = { maxActivitiesPerWriter: 5, maxParticipantsPerActivity: 2, maxPendingPerWriter: 2, requestWaitMs: 1_000 };
/** Beside the initiator and the participant that every cluster has. */
const INITIATORS = ['host', 'hurried', 'early', 'rival'];
const PARTICIPANTS = ['first', 'second'];
const OTHERS = [1, 2, 3];

let cluster: LocalCluster;
const clients = new Map<string, PlainClient>();

function client(name: string): PlainClient {
  const known = clients.get(name) ?? new PlainClient(cluster.cluster, cluster.keys(name));
  clients.set(name, known);
  return known;
}

beforeAll(async () => {
  const named = (role: string) => (name: string) => ({ name, roles: [role] });
  const made = [...INITIATORS.map(named('initiator')), ...PARTICIPANTS.map(named('participant'))];
  cluster = await LocalCluster.make({ clients: made }, undefined, LIMITS);
}, 60_000);

afterAll(async () => {
  for (const each of clients.values()) each.close();
  await cluster.close();
});

async function answerOf(from: PlainClient, replica: number, parts: RequestParts): Promise<CallResult> {
  return unanimous(await sendTo(from, [replica], parts));
}

const votesAndDeliveries = () =>
  cluster.running().map((replica) => {
    const { deliveries, open, pending } = replica.status();
    return { deliveries, open, pending };
  });

/** Waits until nothing is under way and all replicas are equally far. */
const quiet = (): Promise<void> =>
  until(() => {
    const now = votesAndDeliveries();
    return now.every(({ open, pending }) => open + pending === 0) && new Set(now.map(({ deliveries }) => deliveries)).size === 1;
  }, 'nothing under way');

/** Makes an attempt that all replicas refuse alike: with that code, and without a vote. */
async function refused(from: PlainClient, parts: RequestParts, code: string, retryable = false): Promise<void> {
  await quiet();
  const before = votesAndDeliveries();
  const answer = unanimous(await sendToAll(from, parts));
  expect(codeOf(answer)).toBe(code);
  expect(answer).toMatchObject({ kind: 'fault', fault: { code: `{${NS.concordat}}${code}`, retryable } });
  expect(votesAndDeliveries()).toEqual(before);
}

describe('limits of one writer or one activity', () => {
  test('open activities: one too many is refused, another writer is not, and one that has ended makes room', async () => {
    const collector = client('initiator');
    const activity = await PlainActivity.create(collector);
    for (let more = 1; more < LIMITS.maxActivitiesPerWriter; more += 1) await PlainActivity.create(collector);
    await refused(collector, creation(), 'TooManyActivities');
    await PlainActivity.create(client('rival'));
    await activity.ask({ operation: 'cancelOrCompensateAllParticipants' });
    await PlainActivity.create(collector);
  });

  test('participants of one activity: one too many is refused, another activity is not', async () => {
    const activity = await PlainActivity.create(client('host'));
    const invitation = await activity.invite('party');
    await PlainParticipant.register(client('first'), invitation);
    await PlainParticipant.register(client('second'), invitation);
    await refused(client('participant'), registering(invitation), 'TooManyParticipants');
    const other = await PlainActivity.create(client('host'));
    await PlainParticipant.register(client('participant'), other.registration);
  });

  test('requests in flight that wait: one too many is refused, another writer’s is not, and none is lost', async () => {
    const activity = await PlainActivity.create(client('early'));
    const invite = (number: number) =>
      activity.request({ operation: 'getCoordinationContextWithMatchcode', matchcode: `m${number}` }, number);
    const waiting = [2, 3].map((number) => answerOf(activity.initiator, 1, invite(number)));
    await until(() => cluster.replica(1).status().pending === 2, 'two requests that wait');
    const third = await answerOf(activity.initiator, 1, invite(4));
    expect(third).toMatchObject({ fault: { code: `{${NS.concordat}}TooManyRequests`, retryable: true } });
    expect(cluster.replica(1).status().pending).toBe(2);
    await PlainActivity.create(client('rival'));
    expect((await answerOf(activity.initiator, 1, invite(1))).kind).toBe('reply');
    expect((await Promise.all(waiting)).map(codeOf)).toEqual(['reply', 'reply']);
    expect((await answerOf(activity.initiator, 1, invite(4))).kind).toBe('reply');
  });

  test('requests in flight that are voted for: one too many is refused until the others are delivered', async () => {
    const hurried = client('hurried');
    await Promise.all([2, 3].map((id) => cluster.stop(id)));
    const [first, second, third] = [creation(), creation(), creation()];
    const without = await Promise.all([first, second].map((parts) => hurried.call(1, parts)));
    expect(without.map(codeOf)).toEqual(['NoQuorum', 'NoQuorum']);
    expect(codeOf(await hurried.call(1, third))).toBe('TooManyRequests');
    expect(codeOf(await client('rival').call(1, creation()))).toBe('NoQuorum');
    await Promise.all([2, 3].map((id) => cluster.start(id)));
    await until(() => cluster.replica(1).status().open === 0, 'delivery of what was in flight');
    expect((await answerOf(hurried, 1, third)).kind).toBe('reply');
  }, 40_000);
});

describe('rights', () => {
  let activity: PlainActivity;
  let participant: PlainParticipant;

  beforeAll(async () => {
    activity = await PlainActivity.create(client('host'), 'MixedOutcome');
    participant = await PlainParticipant.register(
      client('first'),
      await activity.invite('mine', identityIn(cluster.keys('first'))),
    );
  }, 20_000);

  const close = () => activity.request({ operation: 'closeParticipants', participants: [{ participantId: participant.id }] }, 2);

  test.each<[string, () => [PlainClient, RequestParts], string]>([
    ['another initiator’s decision', () => [client('rival'), close()], 'NotTheWriter'],
    ['a participant’s decision', () => [client('first'), close()], 'NotAuthorized'],
    ['another participant’s report', () => [client('second'), participant.report('Completed', 2)], 'NotTheWriter'],
    ['the initiator’s report for a participant', () => [client('host'), participant.report('Completed', 2)], 'NotTheWriter'],
    [
      'a Register with an invitation that is reserved for somebody else',
      () => [client('second'), registering([...activity.registration, ...invitationOf(participant)])],
      'NotInvited',
    ],
    ['an initiator’s Register', () => [client('host'), registering(activity.registration)], 'NotAuthorized'],
    ['a participant’s activity', () => [client('first'), creation()], 'NotAuthorized'],
    ['another initiator’s question for the participants', () => [client('rival'), activity.question()], 'NotAuthorized'],
  ])('%s is refused', async (_what, attempt, code) => {
    const [from, parts] = attempt();
    await refused(from, parts, code);
  });

  test('and nothing of it had an effect', async () => {
    expect((await activity.list()).participants).toMatchObject([{ participantId: participant.id, status: 'Active' }]);
  });
});

describe('a replica with lower limits than the others', () => {
  beforeAll(async () => {
    await cluster.stop(4);
    await cluster.start(4, {}, { maxActivitiesPerWriter: 1, maxParticipantsPerActivity: 1, maxPendingPerWriter: 1 });
    // What comes before it votes again is passed on, not judged. An old request it refuses as soon as it judges.
    const old = { ...creation(), sequence: { number: 1, created: Date.now() - 3_600_000 } };
    await until(async () => codeOf(await client('rival').call(4, old)) === 'MessageExpired', 'replica 4 to vote again');
  }, 40_000);

  /** Replica 4 refuses what the others certify; then it delivers it, and answers as they do. */
  async function overruled(from: PlainClient, parts: RequestParts, code: string): Promise<void> {
    const same = { ...parts, messageId: parts.messageId ?? `urn:uuid:${randomUUID()}` };
    expect(codeOf(await answerOf(from, 4, same))).toBe(code);
    const others = await sendTo(from, OTHERS, same);
    expect(new Set(others.map(codeOf))).toEqual(new Set(['reply']));
    await quiet();
    const late = await answerOf(from, 4, same);
    expect(comparableBody(bodyOf(late))).toBe(comparableBody(bodyOf(unanimous(others))));
    expect(new Set(cluster.running().map((replica) => replica.status().state)).size).toBe(1);
  }

  /** An activity that the others certified, whatever replica 4 says, and that it has delivered. */
  async function certified(): Promise<PlainActivity> {
    const answer = unanimous(await sendTo(client('early'), OTHERS, creation()));
    await quiet();
    return PlainActivity.of(client('early'), bodyOf(answer));
  }

  test('delivers an activity beyond its limit', async () => {
    await certified();
    await overruled(client('early'), creation(), 'TooManyActivities');
  });

  test('delivers a participant beyond its limit', async () => {
    const activity = await certified();
    await PlainParticipant.register(client('first'), activity.registration);
    await overruled(client('second'), registering(activity.registration), 'TooManyParticipants');
  });

  test('delivers a request beyond its limit on requests in flight', async () => {
    const activity = await certified();
    const { initiator } = activity;
    const invite = (number: number) =>
      activity.request({ operation: 'getCoordinationContextWithMatchcode', matchcode: `m${number}` }, number);
    const early = answerOf(initiator, 4, invite(3));
    await until(() => cluster.replica(4).status().pending === 1, 'a request that waits');
    const fourth = { ...invite(4), messageId: `urn:uuid:${randomUUID()}` };
    expect(codeOf(await answerOf(initiator, 4, fourth))).toBe('TooManyRequests');
    for (const number of [1, 2]) await sendTo(initiator, OTHERS, invite(number));
    expect(codeOf(await early)).toBe('reply');
    expect(codeOf(unanimous(await sendTo(initiator, OTHERS, fourth)))).toBe('reply');
    await quiet();
    expect(codeOf(await answerOf(initiator, 4, fourth))).toBe('reply');
  });
});

const invitationOf = ({ coordinator }: PlainParticipant): readonly XmlElement[] =>
  coordinator.filter(({ name }) => name === 'Invitation');
