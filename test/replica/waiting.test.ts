import { describe, expect, test } from '@jest/globals';
import type { PendingView } from '../../src/bft/index.js';
import { controlStream, participantOfStream, participantStream } from '../../src/contract/index.js';
import { encodeOperation } from '../../src/replica/operation.js';
import { heldFor, WaitingRequests, type WaitingSources } from '../../src/replica/waiting.js';
import {
  encodeInitiatorRequest,
  encodeNotification,
  encodeParticipantList,
  MESSAGE_LIMITS,
} from '../../src/soap/messages/index.js';
import type { XmlElement } from '../../src/soap/xml.js';
import { type Activity, createActivity, type Input, machine } from '../../src/wsba/index.js';

const ID = 'urn:uuid:00000000-0000-8000-8000-000000000000';
const CONTROL = controlStream(ID);

const payload = (body: XmlElement): Buffer => encodeOperation({ action: 'urn:a', messageId: 'urn:m', references: [], body });
const CLOSE = payload(encodeInitiatorRequest({ operation: 'closeAllParticipants', participants: [] }));
const COMPLETED = payload(encodeNotification('Completed'));

const activity = (inputs: readonly Input[] = []): Activity =>
  inputs.reduce(
    (a, input) => machine.deliver(a, input).activity,
    createActivity({ id: ID, outcome: 'AtomicOutcome', creator: 'CN=I', created: 0 }),
  );

const stream = (name: string): string => participantStream(ID, '', name);
const pending = (of: string, number: number, waitsFor: readonly string[] = [], domain = ID): PendingView => ({
  domain,
  request: { stream: of, number, writer: 'CN=W', payload: of === CONTROL ? CLOSE : COMPLETED },
  code: 'PredecessorMissing',
  waitsFor,
});

function waitingOf(views: readonly PendingView[], delivered: WaitingSources['delivered'] = () => undefined): WaitingRequests {
  return new WaitingRequests({
    pending: (of) => views.filter(({ domain }) => of === undefined || domain === of),
    delivered,
  });
}

describe('the waiting requests of an activity', () => {
  test('are those not voted for yet, the initiator’s first, each stream in order', () => {
    const views = [
      pending(stream('b'), 4),
      pending(stream('a'), 3),
      pending(CONTROL, 9),
      pending(stream('a'), 2),
      pending(CONTROL, 2),
    ];
    const listed = waitingOf(views).of(activity());
    expect(listed.map(({ stream: kind, participant, number }) => [kind, participant, number])).toEqual([
      ['control', undefined, 2],
      ['control', undefined, 9],
      ['participant', participantOfStream(stream('a')), 2],
      ['participant', participantOfStream(stream('a')), 3],
      ['participant', participantOfStream(stream('b')), 4],
    ]);
    expect(listed.map(({ operation }) => operation).join(' ')).toBe(
      'closeAllParticipants closeAllParticipants Completed Completed Completed',
    );
  });

  test('and those certified and held, by the name they were delivered with', () => {
    const held: Input = { stream: 'control', number: 1, request: { kind: 'close', participants: ['p', 'q'] } };
    const asked: string[] = [];
    const delivered = (of: string, number: number): Buffer => {
      asked.push(`${of}#${number}`);
      return CLOSE;
    };
    expect(waitingOf([], delivered).of(activity([held]))).toEqual([
      { stream: 'control', number: 1, operation: 'closeAllParticipants', code: 'NotEnabled', waitsFor: ['p', 'q'] },
    ]);
    expect(asked).toEqual([`${CONTROL}#1`]);
    expect(heldFor(activity([held]), CONTROL, 1)).toEqual(['p', 'q']);
    expect(heldFor(activity([held]), CONTROL, 2)).toBeUndefined();
  });

  test('are as many as a list may hold, however many there are, and however long what they wait for', () => {
    const longest = `participant/${'x'.repeat(1_012)}#9007199254740991`;
    const views = Array.from({ length: 200 }, (_, i) => pending(CONTROL, i + 2, [longest]));
    const listed = waitingOf(views).of(activity());
    expect(listed).toHaveLength(MESSAGE_LIMITS.waiting);
    expect(listed.map(({ number }) => number)).toEqual(Array.from({ length: MESSAGE_LIMITS.waiting }, (_, i) => i + 2));
    expect(() => encodeParticipantList({ operation: 'listParticipants', participants: [], waiting: listed })).not.toThrow();
  });

  test('leave out those of other activities, which a status has, too', () => {
    const other = pending(controlStream('urn:uuid:b'), 1, [], 'urn:uuid:b');
    const views = [pending(CONTROL, 2), other];
    expect(waitingOf(views).of(activity())).toHaveLength(1);
    const { listed, omitted } = waitingOf(views).all([activity()], 10);
    expect(listed.map((one) => one.activity)).toEqual([ID, 'urn:uuid:b']);
    expect(omitted).toBe(0);
  });

  test('are bounded in a status, as is what each waits for', () => {
    const names = Array.from({ length: 1_024 }, (_, i) => `p${i}`);
    const { listed, omitted } = waitingOf([2, 3, 4, 5].map((number) => pending(CONTROL, number, names))).all([activity()], 3);
    expect(omitted).toBe(1);
    expect(listed.map(({ waitsFor, waitsForOmitted }) => [waitsFor.length, waitsForOmitted])).toEqual(Array(3).fill([32, 992]));
  });
});
