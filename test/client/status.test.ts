import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { ConcordatError } from '../../src/errors.js';
import { el, faultMessage, NS } from '../../src/soap/index.js';
import type { EdgeAnswer, VerifiedMessage } from '../../src/soap/index.js';
import { decodeNotification, encodeNotification, encodeStatus } from '../../src/soap/messages/index.js';
import type { State } from '../../src/wsba/index.js';
import type { Service } from './fake-cluster.js';
import { FakeCluster } from './fake-cluster.js';
import type { Enrolled } from './participant-fixture.js';
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
afterEach(() => at.close());

/** A message that may come when nobody listens any more. */
const send = (message: Promise<unknown>): void => void message.catch(() => undefined);

const tellStatus = (id: number, service: Service, state: State, relatesTo: string): Promise<string> =>
  fakes.tell(id, service, encodeStatus(state), { messageId: `urn:uuid:${randomUUID()}`, relatesTo }).then(outcomeOf);

/** Each replica answers GetStatus by a Status of its own with the state that `view` gives it, if any. */
function answerStatus({ service }: Enrolled, view: (id: number, times: number) => State | undefined): void {
  for (const one of fakes.replicas) {
    let times = 0;
    one.script = (message: VerifiedMessage): EdgeAnswer => {
      if (message.body.name !== 'GetStatus') return at.answer(message);
      const state = view(one.id, (times += 1));
      if (state !== undefined) send(tellStatus(one.id, service, state, message.addressing.messageId ?? ''));
      return { kind: 'accepted' };
    };
  }
}

describe('GetStatus to the coordinator', () => {
  test('gives the state that f + 1 replicas report, in the words of their view', async () => {
    const enrolled = await at.enrolled({}, 'CoordinatorCompletion');
    answerStatus(enrolled, (id) => (id === 1 ? 'Ended' : 'Canceling-Completing'));
    expect(await enrolled.enrollment.coordinatorStatus()).toBe('Canceling-Completing');
    const [asked] = at.heard(2, 'GetStatus');
    expect(asked?.headers.filter(({ name }) => name === 'Sequence')).toEqual([]);
    expect(asked?.addressing.from?.address).toBe(enrolled.service.address);
    expect(enrolled.enrollment.state).toBe('Active');
  });

  test('asks again while replicas differ, and the last word of each counts', async () => {
    const enrolled = await at.enrolled();
    const early: readonly State[] = ['Active', 'Completed', 'Closing', 'Ended'];
    answerStatus(enrolled, (id, times) => (times < 3 ? early[id - 1] : 'Closing'));
    expect(await enrolled.enrollment.coordinatorStatus()).toBe('Closing');
    expect(at.heard(1, 'GetStatus').length).toBeGreaterThanOrEqual(2);
  });

  test('is NoQuorum, with what each replica said, when f + 1 do not answer', async () => {
    const enrolled = await at.enrolled();
    answerStatus(enrolled, (id) => (id === 3 ? 'Completed' : undefined));
    await expect(enrolled.enrollment.coordinatorStatus({ timeoutMs: 300 })).rejects.toMatchObject({
      code: 'NoQuorum',
      detail: 'GetStatus, within 300 ms: replica 1: no Status; replica 2: no Status; replica 3: Completed; replica 4: no Status',
    });
  });

  test('is InvalidState when f + 1 replicas do not know the participant, whichever way they say so', async () => {
    const { enrollment, service } = await at.enrolled();
    const unknown = new ConcordatError('InvalidState', 'the participant is not registered here');
    for (const one of fakes.replicas) {
      one.script = () => {
        throw unknown;
      };
    }
    await expect(enrollment.coordinatorStatus()).rejects.toMatchObject({ code: 'InvalidState' });
    for (const one of fakes.replicas) {
      one.script = (message) => {
        const fault = faultMessage(unknown, { soapVersion: '1.1' });
        const relatesTo = message.addressing.messageId ?? '';
        if (one.id < 3) send(fakes.tell(one.id, service, fault.body, { action: fault.addressing.action, relatesTo }));
        return { kind: 'accepted' };
      };
    }
    await expect(enrollment.coordinatorStatus()).rejects.toMatchObject({ code: 'InvalidState' });
  });

  test('does not count a Status that answers no question of ours', async () => {
    const enrolled = await at.enrolled();
    answerStatus(enrolled, () => undefined);
    const refused = expect(enrolled.enrollment.coordinatorStatus({ timeoutMs: 2_000 })).rejects.toMatchObject({
      code: 'NoQuorum',
    });
    for (const id of [1, 2, 3]) {
      expect(await tellStatus(id, enrolled.service, 'Ended', 'urn:uuid:44444444-4444-8444-8444-444444444444')).toBe('accepted');
    }
    await refused;
  });
});

describe('GetStatus from replicas', () => {
  test('is answered when f + 1 ask it, with the participant’s own state, and changes nothing', async () => {
    const { enrollment, service } = await at.enrolled();
    await enrollment.exit();
    const messageId = `urn:uuid:${randomUUID()}`;
    const ask = (id: number) => fakes.tell(id, service, encodeNotification('GetStatus'), { messageId }).then(outcomeOf);
    expect(await ask(1)).toBe('accepted');
    expect(at.heard(1, 'Status')).toEqual([]);
    expect(await ask(2)).toBe('accepted');
    await at.everywhere('Status');
    const [status] = at.heard(1, 'Status');
    expect(status && decodeNotification(status.body)).toMatchObject({ message: 'Status', state: 'Exiting' });
    expect(status?.addressing.relatesTo).toBe(messageId);
    expect(status?.headers.filter(({ name }) => name === 'Sequence')).toEqual([]);
    expect(enrollment.state).toBe('Exiting');
  });
});

/** The database that knows the enrollment is gone: what is answered is what needs no number. */
describe('a participant that lost its database', () => {
  const EXPECTED = {
    Cancel: 'UnknownEnrollment',
    Close: 'UnknownEnrollment',
    Compensate: 'UnknownEnrollment',
    Complete: 'UnknownEnrollment',
    Failed: 'accepted',
    Exited: 'accepted',
    NotCompleted: 'accepted',
    GetStatus: 'InvalidState',
    Status: 'accepted',
  };

  test('refuses commands with the same fault every time, takes acknowledgements, and sends nothing', async () => {
    const enrolled = await at.enrolled();
    const port = Number(new URL(enrolled.service.address).port);
    await at.participant?.close();
    const empty = await at.open({ store: ':memory:', listen: { host: '127.0.0.1', port } });
    const before = fakes.replicas.map(({ heard }) => heard.length);
    for (const id of [1, 2, 3, 1, 2, 3]) {
      const answers = Object.keys(EXPECTED).map(async (name) => {
        const body = name === 'Status' ? encodeStatus('Active') : el(NS.wsba, name);
        const result = await fakes.tell(id, enrolled.service, body, { messageId: `urn:uuid:${randomUUID()}` });
        return [name, outcomeOf(result)] as const;
      });
      expect(Object.fromEntries(await Promise.all(answers))).toEqual(EXPECTED);
    }
    const fault = faultMessage(new ConcordatError('InvalidState'), { soapVersion: '1.1', relatesTo: 'urn:x' });
    expect(outcomeOf(await fakes.tell(1, enrolled.service, fault.body, fault.addressing))).toBe('accepted');
    expect(fakes.replicas.map(({ heard }) => heard.length)).toEqual(before);
    expect(empty.enrollments()).toEqual([]);
  });

  test('is obeyed again by the commands that kept coming, once the right one is back', async () => {
    const enrolled = await at.enrolled();
    const port = Number(new URL(enrolled.service.address).port);
    await at.participant?.close();
    await at.open({ store: ':memory:', listen: { host: '127.0.0.1', port } });
    expect(await at.command(enrolled, 'Cancel')).toBe('UnknownEnrollment');
    const again = await at.reopened(enrolled.service);
    expect(await at.command(again, 'Cancel')).toBe('accepted');
    expect(await again.enrollment.ended()).toEqual({ by: 'Canceled' });
  });
});
