import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { participantOfStream, participantStream } from '../../src/contract/index.js';
import { NS, referenceParameterHeaders } from '../../src/soap/index.js';
import {
  encodeActivity,
  encodeFail,
  encodeInitiatorRequest,
  encodeNotification,
  encodeParticipant,
  encodeRegister,
  PROTOCOL_IDENTIFIER,
  type NotificationName,
} from '../../src/soap/messages/index.js';
import { commandId, type CoordinatorMessage } from '../../src/wsba/index.js';
import { LocalCluster, until } from '../support/cluster.js';
import { codeOf, PlainClient, type RequestParts } from '../support/soap-client.js';
import { epr, Inbox, NONE, registerAt, sendAddressed } from './inbox.js';
import { identityIn, PlainActivity, registering, sendTo, unanimous } from './plain-activity.js';

const ALL = [1, 2, 3, 4];
const WAIT_MS = 1_000;

let cluster: LocalCluster;
let initiator: PlainClient;
let participant: PlainClient;
let inbox: Inbox;
/** An activity that all know, and in which nobody has registered. */
let known: string;

beforeAll(async () => {
  cluster = await LocalCluster.make({}, () => ({}), { requestWaitMs: WAIT_MS });
  initiator = new PlainClient(cluster.cluster, cluster.keys('initiator'));
  participant = new PlainClient(cluster.cluster, cluster.keys('participant'));
  inbox = await Inbox.open(cluster.cluster, cluster.keys('participant'));
  known = (await PlainActivity.create(initiator)).id;
}, 30_000);

afterAll(async () => {
  initiator.close();
  participant.close();
  await inbox.close();
  await cluster.close();
});

const nobodys = (): string => `urn:uuid:${randomUUID()}`;
const references = (activity: string, id?: string) =>
  referenceParameterHeaders({
    ...epr(''),
    referenceParameters: [encodeActivity(activity), ...(id === undefined ? [] : [encodeParticipant(id)])],
  });

/** The id that the participant would have had in an activity, had it registered. */
const idIn = (activity: string): string =>
  participantOfStream(participantStream(activity, '', identityIn(cluster.keys('participant'))));

/** A number is used once, whatever becomes of its request. */
let used = 1;

const notification = (activity: string, message: NotificationName | 'Fail'): RequestParts => ({
  endpoint: 'coordinator',
  body: message === 'Fail' ? encodeFail('wsba:Broken') : encodeNotification(message),
  headers: references(activity, idIn(activity)),
  ...(message === 'GetStatus' ? {} : { sequence: { number: (used += 1) } }),
});

describe('a participant that nobody knows counts as Ended', () => {
  const acknowledged: readonly [NotificationName | 'Fail', CoordinatorMessage][] = [
    ['Exit', 'Exited'],
    ['Fail', 'Failed'],
    ['CannotComplete', 'NotCompleted'],
  ];

  test.each(acknowledged)('%s is answered with %s by every replica', async (message, command) => {
    for (const activity of [known, nobodys()]) {
      const box = `${message} ${activity}`;
      const addressing = { replyTo: inbox.box(box), from: inbox.box('elsewhere') };
      const answers = await sendAddressed(participant, ALL, notification(activity, message), { addressing, soapVersion: '1.2' });
      expect(answers.map(({ kind }) => kind)).toEqual(Array(4).fill('accepted'));
      const got = await inbox.expect(box, 4);
      expect(new Set(got.map(({ identity }) => identity.name)).size).toBe(4);
      for (const one of got) {
        expect(one).toMatchObject({
          soapVersion: '1.2',
          addressing: {
            to: inbox.url,
            action: `${NS.wsba}/${command}`,
            messageId: commandId(activity, idIn(activity), command),
            from: { referenceParameters: [{ name: 'Activity' }, { name: 'Participant' }] },
          },
          body: { ns: NS.wsba, name: command, children: [] },
        });
      }
    }
    expect(inbox.in('elsewhere')).toEqual([]);
  });

  test('and is answered at From where it wants no reply', async () => {
    const addressing = { replyTo: epr(NONE), from: inbox.box('from') };
    await sendAddressed(participant, [2], notification(nobodys(), 'Exit'), { addressing });
    expect((await inbox.expect('from', 1))[0]?.body.name).toBe('Exited');
  });

  test('that says nowhere to answer is told so, and may try again', async () => {
    const [answer] = await sendAddressed(participant, [1], notification(known, 'Exit'));
    expect(answer).toMatchObject({ kind: 'fault', fault: { concordatCode: 'UnknownParticipant', retryable: true } });
  });

  test.each(['Completed', 'Canceled', 'Closed', 'Compensated'] as const)(
    '%s is accepted and nothing comes of it',
    async (message) => {
      const before = cluster.replica(1).status();
      const addressing = { replyTo: inbox.box(message), from: inbox.box(message) };
      const answers = await sendAddressed(participant, ALL, notification(known, message), { addressing });
      expect(answers.map(({ kind }) => kind)).toEqual(Array(4).fill('accepted'));
      expect(cluster.replica(1).status()).toMatchObject({ deliveries: before.deliveries, state: before.state });
      expect(inbox.in(message)).toEqual([]);
    },
  );

  test('GetStatus gets InvalidState: there is no state to tell', async () => {
    for (const activity of [known, nobodys()]) {
      const [answer] = await sendAddressed(participant, [3], notification(activity, 'GetStatus'));
      expect(answer).toMatchObject({ kind: 'fault', fault: { concordatCode: 'InvalidState', retryable: false } });
    }
  });
});

describe('an activity that nobody knows', () => {
  test('takes no registration, of a participant or of an initiator', async () => {
    const headers = references(nobodys());
    const [answer] = await sendAddressed(participant, [1], registering(headers));
    expect(answer).toMatchObject({ kind: 'fault', fault: { concordatCode: 'CannotRegisterParticipant', retryable: false } });
    const body = encodeRegister({ protocolIdentifier: PROTOCOL_IDENTIFIER.initiator, extensions: [] });
    const [refused] = await sendAddressed(initiator, [1], { endpoint: 'registration', body, headers });
    expect(refused && codeOf(refused)).toBe('CannotRegisterParticipant');
  });

  test('has no ordered answers either: its initiator may try again', async () => {
    const parts: RequestParts = {
      endpoint: 'completion',
      body: encodeInitiatorRequest({ operation: 'cancelOrCompensateAllParticipants' }),
      headers: references(nobodys()),
      sequence: { number: 1 },
    };
    const [answer] = await sendAddressed(initiator, [1], parts);
    expect(answer).toMatchObject({ kind: 'fault', fault: { concordatCode: 'UnknownActivity', retryable: true } });
  });
});

describe('what is on its way is waited for', () => {
  test('a notification that comes before the registration is delivered after it', async () => {
    const activity = await PlainActivity.create(initiator);
    const addressing = { replyTo: inbox.box('early'), from: inbox.box('early') };
    const exit = { ...notification(activity.id, 'Exit'), sequence: { number: 2 } };
    const early = sendAddressed(participant, [1], exit, { addressing });
    await registerAt(participant, activity.registration, inbox.box('early registered'));
    expect((await early)[0]?.kind).toBe('accepted');
    await inbox.expect('early registered', 4);
    expect(inbox.in('early')).toEqual([]);
    expect((await activity.list()).participants).toMatchObject([{ status: 'Ended', endedBy: 'Exit' }]);
  });
});

describe('a replica that may be behind', () => {
  beforeAll(async () => {
    await cluster.stop(3);
    await cluster.stop(4);
  });
  afterAll(async () => {
    await Promise.all([cluster.start(3), cluster.start(4)]);
  });

  test.each(['Exit', 'Completed', 'GetStatus'] as const)(
    'does not take an unknown participant for Ended: %s',
    async (message) => {
      const addressing = { replyTo: inbox.box('behind'), from: inbox.box('behind'), faultTo: epr(`${NS.wsa}/anonymous`) };
      const [of, none] = await Promise.all([
        sendAddressed(participant, [1], notification(known, message), { addressing }),
        sendAddressed(participant, [1], notification(nobodys(), message), { addressing }),
      ]);
      expect(of[0]).toMatchObject({ kind: 'fault', fault: { concordatCode: 'UnknownParticipant', retryable: true } });
      expect(none[0]).toMatchObject({ kind: 'fault', fault: { concordatCode: 'UnknownActivity', retryable: true } });
      expect(inbox.in('behind')).toEqual([]);
    },
  );

  test('nor an unknown activity for one that is not', async () => {
    const [answer] = await sendAddressed(participant, [1], registering(references(nobodys())));
    expect(answer).toMatchObject({ kind: 'fault', fault: { concordatCode: 'UnknownActivity', retryable: true } });
  });
});

test('a replica that comes back catches up before it calls anything unknown', async () => {
  await until(() => cluster.running().length === 4, 'four replicas');
  const activity = await PlainActivity.create(initiator);
  await cluster.stop(1);
  expect(unanimous(await sendTo(participant, [2, 3, 4], registering(activity.registration))).kind).toBe('reply');
  await cluster.start(1);
  const addressing = { replyTo: inbox.box('back'), faultTo: epr(`${NS.wsa}/anonymous`) };
  await until(async () => {
    const [answer] = await sendAddressed(participant, [1], notification(activity.id, 'GetStatus'), { addressing });
    if (answer?.kind === 'fault') expect(answer.fault.retryable).toBe(true);
    return answer?.kind === 'accepted';
  }, 'an answer to GetStatus');
  expect((await inbox.expect('back', 1))[0]?.body.name).toBe('Status');
}, 20_000);
