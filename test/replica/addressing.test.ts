import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { NS, readFault, referenceParameterHeaders, type SoapVersion, type VerifiedMessage } from '../../src/soap/index.js';
import {
  encodeCreateCoordinationContext,
  encodeNotification,
  encodeRegister,
  readReferences,
} from '../../src/soap/messages/index.js';
import { LocalCluster, until } from '../support/cluster.js';
import { codeOf, PlainClient, type RequestParts } from '../support/soap-client.js';
import { ANONYMOUS, epr, Inbox, NONE, registerAt, sendAddressed } from './inbox.js';
import { creation, PlainActivity, registering, unanimous } from './plain-activity.js';

const ALL = [1, 2, 3, 4];
const VERSIONS: readonly SoapVersion[] = ['1.1', '1.2'];

let cluster: LocalCluster;
let initiator: PlainClient;
let rival: PlainClient;
let participant: PlainClient;
let inbox: Inbox;

beforeAll(async () => {
  const clients = [{ name: 'rival', roles: ['initiator' as const] }];
  cluster = await LocalCluster.make({ clients }, () => ({}), { requestWaitMs: 1_500 });
  initiator = new PlainClient(cluster.cluster, cluster.keys('initiator'));
  rival = new PlainClient(cluster.cluster, cluster.keys('rival'));
  participant = new PlainClient(cluster.cluster, cluster.keys('participant'));
  inbox = await Inbox.open(cluster.cluster, cluster.keys('participant'));
}, 30_000);

afterAll(async () => {
  for (const client of [initiator, rival, participant]) client.close();
  await inbox.close();
  await cluster.close();
});

const signers = (messages: readonly VerifiedMessage[]): string[] => messages.map(({ identity }) => identity.name).sort();
const kinds = (results: readonly { kind: string }[]): string[] => results.map(({ kind }) => kind);

/** Everything that must be right about an answer that came by an exchange of its own. */
function expectAnswer(got: VerifiedMessage | undefined, soapVersion: SoapVersion, action: string, relatesTo: string): void {
  expect(got).toMatchObject({ soapVersion, addressing: { to: inbox.url, action, relatesTo } });
}

describe('the reply to a request with a ReplyTo', () => {
  test.each(VERSIONS)(
    'comes by a signed exchange of its own from every replica, SOAP %s; again when it is asked again',
    async (soapVersion) => {
      const name = `create ${soapVersion}`;
      const parts = creation();
      const extra = { soapVersion, addressing: { replyTo: inbox.box(name) } };
      expect(kinds(await sendAddressed(initiator, ALL, parts, extra))).toEqual(Array(4).fill('accepted'));
      const got = await inbox.expect(name, 4);
      expect(new Set(signers(got)).size).toBe(4);
      for (const one of got)
        expectAnswer(one, soapVersion, `${NS.wscoor}/CreateCoordinationContextResponse`, parts.messageId ?? '');
      const [first, ...others] = got.map(({ body }) => PlainActivity.of(initiator, body).id);
      expect(others).toEqual([first, first, first]);
      expect(kinds(await sendAddressed(initiator, [2], parts, extra))).toEqual(['accepted']);
      await inbox.expect(name, 5);
    },
  );

  test('of registration and of the initiator comes so, too', async () => {
    const activity = await PlainActivity.create(initiator);
    const addressing = (name: string) => ({ addressing: { replyTo: inbox.box(name) } });
    await sendAddressed(participant, [1], registering(activity.registration), addressing('register'));
    const [registered] = await inbox.expect('register', 1);
    expect(registered?.body).toMatchObject({ ns: NS.wscoor, name: 'RegisterResponse' });
    const invite = activity.request({ operation: 'getCoordinationContextWithMatchcode', matchcode: 'm' });
    await sendAddressed(initiator, [1], invite, addressing('invite'));
    await sendAddressed(initiator, [1], activity.question(), addressing('list'));
    const [invited] = await inbox.expect('invite', 1);
    const [listed] = await inbox.expect('list', 1);
    expect(invited?.addressing.action).toBe(`${NS.wsbai}getCoordinationContextWithMatchcodeResponse`);
    expect(listed?.body).toMatchObject({ ns: NS.wsbai, name: 'listParticipantsResponse' });
  });

  test('that is anonymous comes back on the exchange, with its reference parameters as signed headers', async () => {
    const [result] = await sendAddressed(initiator, [1], creation(), {
      addressing: { replyTo: { ...inbox.box('echo'), address: ANONYMOUS } },
    });
    expect(result).toMatchObject({ kind: 'reply', message: { headers: [{ name: 'Box', children: ['echo'] }] } });
  });

  test('that is none is dropped; the request takes effect all the same', async () => {
    const before = cluster.replica(1).status().activities.total;
    expect(kinds(await sendAddressed(initiator, ALL, creation(), { addressing: { replyTo: epr(NONE) } }))).toEqual(
      Array(4).fill('accepted'),
    );
    expect(cluster.replica(1).status().activities.total).toBe(before + 1);
  });

  test('that nothing can be posted to is refused before anything is done', async () => {
    const before = cluster.replica(1).status().deliveries;
    const [result] = await sendAddressed(initiator, [1], creation(), { addressing: { replyTo: epr('urn:uuid:x') } });
    expect(result && codeOf(result)).toBe('OnlyAnonymousAddressSupported');
    expect(cluster.replica(1).status().deliveries).toBe(before);
  });

  test('that nobody listens at is given up after some attempts, with one line', async () => {
    const nowhere = 'http://127.0.0.1:9/nowhere';
    const parts = creation();
    expect(kinds(await sendAddressed(initiator, [3], parts, { addressing: { replyTo: epr(nowhere) } }))).toEqual(['accepted']);
    const lines = () => (cluster.logs.get(3)?.lines ?? []).filter(({ to }) => to === nowhere);
    await until(() => lines().length > 0, 'a line about it');
    expect(lines()).toMatchObject([{ message: 'a message could not be delivered', relatesTo: parts.messageId, attempts: 4 }]);
  }, 20_000);
});

describe('a fault', () => {
  const unknownType = (): RequestParts => ({
    ...creation(),
    body: encodeCreateCoordinationContext({ coordinationType: 'urn:x', extensions: [] }),
  });

  test.each([
    ['to FaultTo', { faultTo: 'a', replyTo: 'b' }, 'a'],
    ['to ReplyTo where there is no FaultTo', { replyTo: 'c' }, 'c'],
  ])('goes %s', async (_what, boxes: { faultTo?: string; replyTo: string }, name) => {
    const addressing = {
      replyTo: inbox.box(boxes.replyTo),
      ...(boxes.faultTo === undefined ? {} : { faultTo: inbox.box(boxes.faultTo) }),
    };
    const parts = unknownType();
    expect(kinds(await sendAddressed(initiator, [1], parts, { addressing }))).toEqual(['accepted']);
    const [got] = await inbox.expect(name, 1);
    expectAnswer(got, '1.1', `${NS.wscoor}/fault`, parts.messageId ?? '');
    expect(cluster.logs.get(1)?.refusals().at(-1)).toMatchObject({ code: 'InvalidParameters' });
  });

  test('about a notification goes to From; without any address, back on the exchange', async () => {
    const activity = await PlainActivity.create(initiator);
    const report: RequestParts = { endpoint: 'coordinator', body: encodeNotification('Completed'), sequence: { number: 2 } };
    const headers = activity.registration;
    const addressing = { replyTo: epr(NONE), from: inbox.box('from') };
    expect(kinds(await sendAddressed(participant, [1], { ...report, headers }, { addressing }))).toEqual(['accepted']);
    const [got] = await inbox.expect('from', 1);
    expect(got && readFault(got.body)).toMatchObject({ concordatCode: 'InvalidParameters' });
    const [back] = await sendAddressed(participant, [1], { ...report, headers });
    expect(back && codeOf(back)).toBe('InvalidParameters');
  });
});

describe('the faults of WS-Coordination', () => {
  let activity: PlainActivity;
  let decide: () => RequestParts;
  beforeAll(async () => {
    activity = await PlainActivity.create(initiator);
    await activity.ask({ operation: 'cancelOrCompensateAllParticipants' });
    decide = () => activity.request({ operation: 'cancelOrCompensateAllParticipants' });
  });
  const context = (address: string) => ({
    identifier: `urn:uuid:${randomUUID()}`,
    coordinationType: `${NS.wsba}/AtomicOutcome`,
    registrationService: epr(address),
    extensions: [],
  });
  const register = (protocol: string): RequestParts => ({
    ...registering(activity.registration),
    body: encodeRegister({ protocolIdentifier: protocol, participantProtocolService: epr(inbox.url), extensions: [] }),
  });
  const nobodysActivity = (): RequestParts =>
    registering(referenceParameterHeaders({ ...epr(''), referenceParameters: activityReference(`urn:uuid:${randomUUID()}`) }));
  const activityReference = (id: string) => [{ ns: NS.concordat, name: 'Activity', attributes: [], children: [id] }];

  const cases: readonly [string, () => PlainClient, () => RequestParts][] = [
    ['InvalidState', () => initiator, () => decide()],
    ['InvalidProtocol', () => participant, () => register('urn:x')],
    [
      'InvalidParameters',
      () => initiator,
      () => ({ ...creation(), body: encodeCreateCoordinationContext({ coordinationType: 'urn:x', extensions: [] }) }),
    ],
    [
      'CannotCreateContext',
      () => initiator,
      () => ({
        ...creation(),
        body: encodeCreateCoordinationContext({
          coordinationType: `${NS.wsba}/AtomicOutcome`,
          currentContext: context('http://elsewhere.example/registration'),
          extensions: [],
        }),
      }),
    ],
    ['CannotRegisterParticipant', () => participant, nobodysActivity],
  ];

  for (const soapVersion of VERSIONS) {
    test.each(cases)(`%s in the form of SOAP ${soapVersion}`, async (code, client, parts) => {
      const sent = { messageId: `urn:uuid:${randomUUID()}`, ...parts() };
      const [result] = await sendAddressed(client(), [1], sent, { soapVersion });
      if (result?.kind !== 'fault') throw new Error(`no fault but ${result?.kind ?? 'nothing'}`);
      const { addressing, raw } = result.message;
      expect(addressing).toMatchObject({ action: `${NS.wscoor}/fault`, relatesTo: sent.messageId });
      expect(result.fault).toMatchObject({ code: `{${NS.wscoor}}${code}`, concordatCode: code, retryable: false });
      if (soapVersion === '1.1') expect(raw).toContain(`<faultcode>wscoor:${code}</faultcode>`);
      else {
        const subcode = `<soap12:Subcode><soap12:Value>wscoor:${code}</soap12:Value></soap12:Subcode>`;
        expect(raw).toContain(`<soap12:Code><soap12:Value>soap12:Sender</soap12:Value>${subcode}</soap12:Code>`);
      }
    });
  }
});

describe('what a participant is told later', () => {
  /** A participant that has registered at a box of its own, completed and was told to close, so that Fail is illegal for ever. */
  async function closing(name: string): Promise<{ report: RequestParts; id: string }> {
    const activity = await PlainActivity.create(initiator);
    const registered = await registerAt(participant, activity.registration, inbox.box(`${name} registered`));
    await registered.notify('Completed');
    await activity.ask({ operation: 'closeAllParticipants', participants: [{ participantId: registered.id }] });
    return { report: registered.report('Exit'), id: registered.id };
  }

  test.each([
    ['FaultTo', { faultTo: 'F', replyTo: 'R', from: 'S' }, 'F'],
    ['ReplyTo', { replyTo: 'R', from: 'S' }, 'R'],
    ['From', { from: 'S' }, 'S'],
    ['where it registered', {}, 'registered'],
  ])('an InvalidState goes to %s, in its words', async (what, boxes, expected) => {
    const { report, id } = await closing(what);
    const soapVersion = expected === 'registered' ? '1.1' : '1.2';
    const addressing = Object.fromEntries(
      Object.entries(boxes).map(([property, box]) => [property, inbox.box(`${what} ${box}`)]),
    );
    const messageId = `urn:uuid:${randomUUID()}`;
    const sent = await sendAddressed(participant, ALL, { ...report, messageId }, { soapVersion, addressing });
    expect(unanimous(sent).kind).toBe('accepted');
    const box = `${what} ${expected}`;
    await until(() => inbox.in(box).filter(({ body }) => readFault(body) !== undefined).length >= 3, `faults in ${box}`);
    for (const fault of inbox.in(box).filter(({ body }) => readFault(body) !== undefined)) {
      expect(fault).toMatchObject({ soapVersion, addressing: { action: `${NS.wscoor}/fault`, relatesTo: messageId } });
      expect(readFault(fault.body)?.concordatCode).toBe('InvalidState');
      expect(readReferences(fault.addressing.from?.referenceParameters ?? []).participant).toBe(id);
    }
  });

  test.each([
    ['ReplyTo', { replyTo: 'R', from: 'S' }, 'R'],
    ['From', { replyTo: NONE, from: 'S' }, 'S'],
    ['where it registered', {}, 'registered'],
  ])('the Status it asked for goes to %s', async (what, boxes: Record<string, string>, expected) => {
    const name = `status ${what}`;
    const activity = await PlainActivity.create(initiator);
    const registered = await registerAt(participant, activity.registration, inbox.box(`${name} registered`));
    const addressing = Object.fromEntries(
      Object.entries(boxes).map(([property, box]) => [property, box === NONE ? epr(NONE) : inbox.box(`${name} ${box}`)]),
    );
    const messageId = `urn:uuid:${randomUUID()}`;
    const question: RequestParts = {
      endpoint: 'coordinator',
      body: encodeNotification('GetStatus'),
      headers: registered.coordinator,
      messageId,
    };
    expect(unanimous(await sendAddressed(participant, ALL, question, { addressing, soapVersion: '1.2' })).kind).toBe('accepted');
    const got = await inbox.expect(`${name} ${expected}`, 4);
    expect(new Set(signers(got)).size).toBe(4);
    for (const status of got) {
      expect(status).toMatchObject({
        soapVersion: '1.2',
        addressing: { action: `${NS.wsba}/Status`, relatesTo: messageId },
        body: { name: 'Status', children: [{ name: 'State', children: [`{${NS.wsba}}Active`] }] },
      });
      expect(readReferences(status.addressing.from?.referenceParameters ?? []).participant).toBe(registered.id);
    }
  });

  test('comes from where it can answer: wsa:From of a command is its own coordinator endpoint, invitation included', async () => {
    const activity = await PlainActivity.create(initiator);
    const registered = await registerAt(participant, await activity.invite('m'), inbox.box('invited'));
    await activity.ask({ operation: 'cancelOrCompensateAllParticipants' });
    const [command] = await inbox.expect('invited', 1);
    const { from } = command?.addressing ?? {};
    expect(command?.body.name).toBe('Cancel');
    expect(from && referenceParameterHeaders(from)).toEqual(registered.coordinator);
  });
});

test('an initiator that is not the creator gets its fault where it wants it', async () => {
  const activity = await PlainActivity.create(initiator);
  await sendAddressed(rival, [1], activity.question(), { addressing: { faultTo: inbox.box('rival') } });
  const [got] = await inbox.expect('rival', 1);
  expect(got && readFault(got.body)?.concordatCode).toBe('NotAuthorized');
});
