import { describe, expect, test } from '@jest/globals';
import {
  decodeReplicas,
  decodeSequence,
  encodeActivity,
  encodeInvitation,
  encodeParticipant,
  encodeReplicas,
  encodeSequence,
  isInitiatorProtocol,
  MAX_SEQUENCE_NUMBER,
  PROTOCOL_IDENTIFIER,
  PUBLISHED_INITIATOR_PROTOCOL,
  readReferences,
  readSequence,
  replicasOf,
} from '../../src/soap/messages/index.js';
import { NS } from '../../src/soap/namespaces.js';
import { el, serialize } from '../../src/soap/xml.js';
import { parse, refusal, wrap } from './messages-support.js';

describe('the stream header', () => {
  test.each([
    { number: 1 },
    { number: MAX_SEQUENCE_NUMBER },
    { number: 1, created: Date.UTC(2026, 1, 28, 23, 59, 59, 7) },
    { number: 2, created: 0 },
  ])('%j comes back from XML as it went in', (sequence) => {
    expect(decodeSequence(parse(serialize(encodeSequence(sequence))))).toEqual(sequence);
  });

  test('writes the time in UTC with milliseconds', () => {
    expect(serialize(encodeSequence({ number: 3, created: Date.UTC(2026, 0, 31, 12) }))).toBe(
      `<c:Sequence xmlns:c="${NS.concordat}"><c:Number>3</c:Number><c:Created>2026-01-31T12:00:00.000Z</c:Created></c:Sequence>`,
    );
  });

  test.each([
    ['2026-01-31T12:00:00Z', 0],
    ['2026-01-31T12:00:00.5Z', 500],
    ['2026-01-31T12:00:00.123999+00:00', 123],
  ])('reads %s', (written, ms) => {
    const header = wrap(NS.concordat, 'Sequence', `<c:Number>1</c:Number><c:Created>${written}</c:Created>`);
    expect(decodeSequence(header).created).toBe(Date.UTC(2026, 0, 31, 12) + ms);
  });

  test('may carry attributes such as an Id for its signature', () => {
    const header = el(NS.concordat, 'Sequence', [{ ns: NS.wsu, name: 'Id', value: 's' }], el(NS.concordat, 'Number', {}, '4'));
    expect(decodeSequence(header)).toEqual({ number: 4 });
  });

  const created = (value: string): string => `<c:Number>1</c:Number><c:Created>${value}</c:Created>`;
  test.each([
    ['nothing in it', ''],
    ['the number zero', '<c:Number>0</c:Number>'],
    ['a negative number', '<c:Number>-1</c:Number>'],
    ['a number beyond exact integers', '<c:Number>9007199254740992</c:Number>'],
    ['a number not in canonical form', '<c:Number>01</c:Number>'],
    ['a fraction', '<c:Number>1.5</c:Number>'],
    ['two numbers', '<c:Number>1</c:Number><c:Number>1</c:Number>'],
    ['something else', '<c:Number>1</c:Number><c:Stream>a</c:Stream>'],
    ['a local time', created('2026-01-31T12:00:00')],
    ['another zone', created('2026-01-31T12:00:00+01:00')],
    ['a day that does not exist', created('2026-02-30T12:00:00Z')],
    ['an hour that does not exist', created('2026-01-31T25:00:00Z')],
    ['a time before 1970', created('1969-12-31T23:59:59Z')],
    ['the time first', '<c:Created>2026-01-31T12:00:00Z</c:Created><c:Number>1</c:Number>'],
  ])('with %s is refused with InvalidSequenceHeader', (_name, inner) => {
    expect(refusal(() => decodeSequence(wrap(NS.concordat, 'Sequence', inner))).code).toBe('InvalidSequenceHeader');
  });

  test.each([{ number: 0 }, { number: 1.5 }, { number: 1, created: -1 }, { number: 1, created: NaN }])(
    '%j is not written',
    (sequence) => {
      expect(refusal(() => encodeSequence(sequence)).code).toBe('InvalidSequenceHeader');
    },
  );

  test('is found among other headers, and only one is allowed', () => {
    const header = encodeSequence({ number: 7 });
    expect(readSequence([encodeActivity('a'), header])).toEqual({ number: 7 });
    expect(readSequence([encodeActivity('a')])).toBeUndefined();
    expect(refusal(() => readSequence([header, header])).code).toBe('InvalidSequenceHeader');
    expect(refusal(() => decodeSequence(encodeActivity('a'))).code).toBe('InvalidSequenceHeader');
  });
});

describe('reference parameters', () => {
  test('are read back from the headers of a message', () => {
    const headers = [
      encodeActivity('urn:uuid:1'),
      el('urn:other', 'Activity', {}, 'x'),
      encodeInvitation('flight 1'),
      encodeParticipant('urn:uuid:2'),
    ];
    expect(readReferences(headers)).toEqual({ activity: 'urn:uuid:1', invitation: 'flight 1', participant: 'urn:uuid:2' });
    expect(readReferences([])).toEqual({});
  });

  test.each<[string, ReturnType<typeof el>[]]>([
    ['twice', [encodeActivity('a'), encodeActivity('b')]],
    ['empty', [el(NS.concordat, 'Invitation')]],
    ['with markup', [el(NS.concordat, 'Participant', {}, el('', 'b'))]],
    ['oversized', [el(NS.concordat, 'Participant', {}, 'p'.repeat(257))]],
  ])('given %s are refused', (_name, headers) => {
    expect(refusal(() => readReferences(headers)).code).toBe('InvalidParameters');
  });
});

describe('the list of replicas', () => {
  const urls = ['https://r1.example/', 'https://r2.example/', 'http://127.0.0.1:8083/', 'https://r4.example/'];

  test('keeps its order', () => {
    const element = encodeReplicas({ urls });
    expect(decodeReplicas(parse(serialize(element)))).toEqual({ urls });
    expect(replicasOf([el('urn:other', 'x'), element])).toEqual({ urls });
    expect(replicasOf([])).toBeUndefined();
  });

  test('has no attribute that a signature would take for an Id', () => {
    expect(serialize(encodeReplicas({ urls }))).not.toMatch(/ id=/i);
  });

  test.each([
    ['numbers out of order', '<c:Replica number="2">http://a/</c:Replica><c:Replica number="1">http://b/</c:Replica>'],
    ['a missing number', '<c:Replica>http://a/</c:Replica>'],
    ['no replica', ''],
    ['something that is no URL', '<c:Replica number="1">replica one</c:Replica>'],
    ['another scheme', '<c:Replica number="1">file:///etc/passwd</c:Replica>'],
    ['something else', '<c:Replica number="1">http://a/</c:Replica><c:Leader/>'],
  ])('with %s is refused', (_name, inner) => {
    expect(refusal(() => decodeReplicas(wrap(NS.concordat, 'Replicas', inner))).code).toBe('InvalidParameters');
  });

  test.each([[[]], [['ftp://a/']], [Array.from({ length: 65 }, () => 'http://a/')]])(
    'of unusable URLs is not written',
    (list) => {
      expect(refusal(() => encodeReplicas({ urls: list })).code).toBe('InvalidParameters');
    },
  );
});

describe('the initiator protocol', () => {
  test('is known by our identifier and by the published one', () => {
    expect(isInitiatorProtocol(PROTOCOL_IDENTIFIER.initiator)).toBe(true);
    expect(isInitiatorProtocol(PUBLISHED_INITIATOR_PROTOCOL)).toBe(true);
    expect(isInitiatorProtocol(PROTOCOL_IDENTIFIER.participantCompletion)).toBe(false);
  });
});
