import { describe, expect, test } from '@jest/globals';
import {
  comparableBody,
  decodeInitiatorRequest,
  decodeParticipantList,
  encodeInitiatorRequest,
  encodeNotification,
  encodeParticipantList,
  INITIATOR_OPERATIONS,
  LIST_OPERATIONS,
  MESSAGE_LIMITS,
  type InitiatorRequest,
  type ParticipantEntry,
  type WaitingRequest,
} from '../../src/soap/messages/index.js';
import { NS } from '../../src/soap/namespaces.js';
import { child, el, serialize } from '../../src/soap/xml.js';
import { parse, refusal, wrap } from './messages-support.js';

const refs = [{ matchcode: 'flight <1>', participantId: 'urn:uuid:1' }, { participantId: 'urn:uuid:2' }, { matchcode: 'hotel' }];
const ids = [{ participantId: 'urn:uuid:1' }, { participantId: 'urn:uuid:2' }];

const requests: InitiatorRequest[] = [
  { operation: 'getCoordinationContextWithMatchcode', matchcode: 'Flug nach Zürich 🛫' },
  { operation: 'getCoordinationContextWithMatchcode', matchcode: 'm', identity: 'CN=Airline | CN=Example CA' },
  { operation: 'listParticipants' },
  { operation: 'completeParticipants', participants: refs },
  { operation: 'cancelParticipants', participants: refs },
  { operation: 'closeParticipants', participants: refs },
  { operation: 'compensateParticipants', participants: refs },
  { operation: 'closeAllParticipants', participants: ids },
  { operation: 'closeAllParticipants', participants: [] },
  { operation: 'cancelOrCompensateAllParticipants' },
];

const entries: ParticipantEntry[] = [
  {
    matchcode: 'flight',
    participantId: 'urn:uuid:1',
    status: 'Ended',
    resultState: 'Completed',
    endedBy: 'Fail',
    exception: '{urn:travel}NoSeats',
    protocol: `${NS.wsba}/ParticipantCompletion`,
    writer: 'CN=Airline | CN=Example CA',
    certificate: 'AAECAw==',
    waitsFor: ['urn:uuid:2', 'urn:uuid:3'],
  },
  {
    matchcode: '',
    participantId: 'urn:uuid:2',
    status: 'Canceling-Active',
    resultState: 'Active',
    protocol: `${NS.wsba}/CoordinatorCompletion`,
    writer: 'CN=Hotel | CN=Example CA',
  },
];

const waiting: WaitingRequest[] = [
  { stream: 'control', number: 4, operation: 'closeAllParticipants', code: 'NotEnabled', waitsFor: ['urn:uuid:1', 'urn:uuid:2'] },
  {
    stream: 'control',
    number: 5,
    operation: 'completeParticipants',
    code: 'PredecessorMissing',
    waitsFor: ['control/urn:uuid:a#4'],
  },
  {
    stream: 'participant',
    participant: 'urn:uuid:2',
    number: 2,
    operation: 'Canceled',
    code: 'NotEnabled',
    waitsFor: ['Cancel'],
  },
  { stream: 'create', number: 1, operation: 'CreateCoordinationContext', code: 'UnknownActivity', waitsFor: [] },
];

describe('requests of the initiator', () => {
  test.each(requests.map((request) => [request.operation, request] as const))(
    '%s comes back from XML as it went in',
    (operation, request) => {
      const body = encodeInitiatorRequest(request);
      expect(body).toMatchObject({ ns: NS.wsbai, name: operation });
      expect(decodeInitiatorRequest(parse(serialize(body)))).toEqual(request);
    },
  );

  test('every operation is among them', () => {
    expect(new Set(requests.map((request) => request.operation))).toEqual(new Set(INITIATOR_OPERATIONS));
  });

  test('closeAllParticipants names participants by c:Participant', () => {
    expect(serialize(encodeInitiatorRequest({ operation: 'closeAllParticipants', participants: ids }))).toBe(
      `<bai:closeAllParticipants xmlns:bai="${NS.wsbai}"><c:Participant xmlns:c="${NS.concordat}">urn:uuid:1</c:Participant><c:Participant xmlns:c="${NS.concordat}">urn:uuid:2</c:Participant></bai:closeAllParticipants>`,
    );
  });

  const matchcode = (value: string) => () =>
    decodeInitiatorRequest(el(NS.wsbai, 'getCoordinationContextWithMatchcode', {}, el(NS.wsbai, 'matchcode', {}, value)));
  const request = (name: string, inner: string) => () => decodeInitiatorRequest(wrap(NS.wsbai, name, inner));
  const participant = '<bai:participant><c:ParticipantId>i</c:ParticipantId></bai:participant>';

  test.each<[string, () => unknown, string]>([
    ['an unknown operation', request('forgetParticipants', ''), 'bai:forgetParticipants is not such a message'],
    ['an operation of another namespace', () => decodeInitiatorRequest(el(NS.wsba, 'listParticipants')), 'wsba:listParticipants'],
    ['a response', request('listParticipantsResponse', '<bai:participantList/>'), 'is not such a message'],
    ['no matchcode', request('getCoordinationContextWithMatchcode', ''), 'needs bai:matchcode'],
    ['an empty matchcode', matchcode(''), 'bai:matchcode is empty'],
    ['a matchcode of 257 characters', matchcode('m'.repeat(257)), 'longer than 256'],
    ['a control character', matchcode('a\u0007b'), 'control character'],
    ['a line break', matchcode('a\nb'), 'control character'],
    ['half a surrogate pair', matchcode('a\ud800b'), 'cannot carry'],
    ['anything in listParticipants', request('listParticipants', participant), 'unexpected bai:participant'],
    ['names in cancelOrCompensateAllParticipants', request('cancelOrCompensateAllParticipants', participant), 'unexpected'],
    ['an empty set', request('closeParticipants', ''), 'bai:closeParticipants names no participant'],
    ['a participant without a name', request('closeParticipants', '<bai:participant/>'), 'is named by'],
    ['closeAllParticipants by matchcode', request('closeAllParticipants', participant), 'unexpected bai:participant'],
    [
      'something after the set',
      request('closeParticipants', `${participant}<c:Decision>x</c:Decision>`),
      'unexpected c:Decision',
    ],
    ['too large a set', request('closeParticipants', participant.repeat(MESSAGE_LIMITS.participants + 1)), 'more than 1024'],
    [
      'to write an empty set',
      () => encodeInitiatorRequest({ operation: 'cancelParticipants', participants: [] }),
      'names no participant',
    ],
    [
      'to write closeAllParticipants without an id',
      () => encodeInitiatorRequest({ operation: 'closeAllParticipants', participants: [{ matchcode: 'm' }] }),
      'by their ids',
    ],
    [
      'to write a participant without a name',
      () => encodeInitiatorRequest({ operation: 'closeParticipants', participants: [{}] }),
      'is named by',
    ],
    [
      'to write a matchcode that would be trimmed',
      () => encodeInitiatorRequest({ operation: 'getCoordinationContextWithMatchcode', matchcode: 'm ' }),
      'white space',
    ],
    [
      'to write too large a set',
      () =>
        encodeInitiatorRequest({
          operation: 'closeAllParticipants',
          participants: Array.from({ length: 1025 }, () => ({ participantId: 'i' })),
        }),
      'more than 1024',
    ],
  ])('with %s are refused', (_name, action, detail) => {
    const refused = refusal(action);
    expect(refused.code).toBe('InvalidParameters');
    expect(refused.detail).toContain(detail);
  });

  test('a matchcode of 256 characters is fine, whatever their planes', () => {
    const longest = '🛫'.repeat(256);
    expect(matchcode(longest)()).toEqual({ operation: 'getCoordinationContextWithMatchcode', matchcode: longest });
    expect(refusal(matchcode(`${longest}🛫`)).detail).toContain('longer than 256');
  });
});

describe('participant lists', () => {
  test.each(LIST_OPERATIONS)('answer %s and come back from XML as they went in', (operation) => {
    const full = { operation, decision: 'close urn:uuid:1', participants: entries, waiting };
    const body = encodeParticipantList(full);
    expect(body.name).toBe(`${operation}Response`);
    expect(decodeParticipantList(parse(serialize(body)))).toEqual(full);
    const empty = { operation, participants: [] };
    expect(decodeParticipantList(parse(serialize(encodeParticipantList(empty))))).toEqual(empty);
  });

  const [full, plain] = entries.map((entry) =>
    serialize(encodeParticipantList({ operation: 'listParticipants', participants: [entry] })),
  );
  const waits = serialize(encodeParticipantList({ operation: 'listParticipants', participants: [], waiting: [waiting[0]!] }));
  const changed = (xml: string | undefined, from: string | RegExp, to: string) => () => {
    const spoiled = (xml ?? '').replace(from, to);
    expect(spoiled).not.toBe(xml);
    return decodeParticipantList(parse(spoiled));
  };

  test.each<[string, () => unknown, string]>([
    ['a request', () => decodeParticipantList(el(NS.wsbai, 'listParticipants')), 'is not such a message'],
    ['no list', () => decodeParticipantList(el(NS.wsbai, 'listParticipantsResponse')), 'needs bai:participantList'],
    ['an unknown state', changed(full, 'wsba:Ended', 'wsba:Gone'), 'not one of wsba:StateType'],
    [
      'a resultState that is only a state on the way',
      changed(plain, '>wsba:Active<', '>wsba:Canceling<'),
      'neither Active nor Completed',
    ],
    [
      'no id',
      changed(plain, /<c:ParticipantId.*?<\/c:ParticipantId>/, '<bai:participantMatchcode>m</bai:participantMatchcode>'),
      'needs c:ParticipantId',
    ],
    ['no writer', changed(plain, /<c:Writer.*?<\/c:Writer>/, ''), 'needs c:Writer'],
    ['a certificate that is not base64', changed(full, 'AAECAw==', 'AAEC Aw=='), 'c:Certificate'],
    [
      'parts in the wrong order',
      changed(full, /(<c:EndedBy.*?<\/c:EndedBy>)(<c:ExceptionIdentifier.*?<\/c:ExceptionIdentifier>)/, '$2$1'),
      'unexpected c:EndedBy',
    ],
    ['a waiting request of no stream', changed(waits, 'stream="control"', 'stream="other"'), 'no kind of stream'],
    ['a waiting request without a number', changed(waits, ' number="4"', ''), 'no number'],
    ['a waiting request numbered 0', changed(waits, 'number="4"', 'number="0"'), 'no number'],
    ['a waiting request numbered beyond all numbers', changed(waits, 'number="4"', 'number="9007199254740992"'), 'no number'],
    [
      'a waiting request of no operation',
      changed(waits, 'operation="closeAllParticipants"', 'operation="close all"'),
      'operation and code',
    ],
    ['a waiting request that does not say why', changed(waits, ' code="NotEnabled"', ''), 'operation and code'],
    [
      'a waiting request of a participant with too long a name',
      changed(waits, ' number', ` participant="${'p'.repeat(257)}" number`),
      'too great length',
    ],
    [
      'more in a waiting request',
      changed(waits, '</c:Waiting>', '<c:Decision>x</c:Decision></c:Waiting>'),
      'unexpected c:Decision',
    ],
    [
      'to write too many waiting requests',
      () =>
        encodeParticipantList({
          operation: 'listParticipants',
          participants: [],
          waiting: Array.from({ length: MESSAGE_LIMITS.waiting + 1 }, () => waiting[0]!),
        }),
      'more than 64 c:Waiting',
    ],
    [
      'to write a request that waits for too many',
      () =>
        encodeParticipantList({
          operation: 'listParticipants',
          participants: [],
          waiting: [{ ...waiting[0]!, waitsFor: Array.from({ length: 1025 }, () => 'p') }],
        }),
      'more than 1024 others',
    ],
    [
      'to write an unknown state',
      () => encodeParticipantList({ operation: 'listParticipants', participants: [{ ...entries[0]!, status: 'Gone' }] }),
      'wsba:StateType',
    ],
    [
      'to write too many participants',
      () =>
        encodeParticipantList({ operation: 'listParticipants', participants: Array.from({ length: 1025 }, () => entries[1]!) }),
      'more than 1024',
    ],
  ])('with %s are refused', (_name, action, detail) => {
    const refused = refusal(action);
    expect(refused.code).toBe('InvalidParameters');
    expect(refused.detail).toContain(detail);
  });
});

describe('what voters compare', () => {
  const answer = (decision: string, participants: ParticipantEntry[]) =>
    encodeParticipantList({ operation: 'closeAllParticipants', decision, participants });

  test('leaves out lists of states', () => {
    expect(comparableBody(answer('close', entries))).toBe(comparableBody(answer('close', [])));
    const list = { operation: 'listParticipants', participants: [] } as const;
    expect(comparableBody(encodeParticipantList({ ...list, waiting }))).toBe(comparableBody(encodeParticipantList(list)));
    expect(comparableBody(answer('close', entries))).toBe(
      `<bai:closeAllParticipantsResponse xmlns:bai="${NS.wsbai}"><c:Decision xmlns:c="${NS.concordat}">close</c:Decision></bai:closeAllParticipantsResponse>`,
    );
    const fault = (...waits: string[]) =>
      el(NS.soap11, 'Fault', {}, el('', 'detail', {}, ...waits.map((id) => el(NS.concordat, 'WaitsFor', {}, id))));
    expect(comparableBody(fault('urn:uuid:1'))).toBe(comparableBody(fault()));
  });

  test('keeps decisions, operations and every other body', () => {
    expect(comparableBody(answer('close', []))).not.toBe(comparableBody(answer('cancel', [])));
    expect(comparableBody(answer('close', []))).not.toBe(
      comparableBody(encodeParticipantList({ operation: 'listParticipants', decision: 'close', participants: [] })),
    );
    expect(comparableBody(encodeNotification('Close'))).toBe(serialize(encodeNotification('Close')));
  });

  test('leaves the body itself as it was', () => {
    const body = answer('close', entries);
    comparableBody(body);
    expect(child(body, NS.wsbai, 'participantList')?.children).toHaveLength(2);
  });
});
