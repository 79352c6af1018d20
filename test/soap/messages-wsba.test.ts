import { describe, expect, test } from '@jest/globals';
import {
  decodeNotification,
  encodeFail,
  encodeNotification,
  encodeStatus,
  NOTIFICATIONS,
} from '../../src/soap/messages/index.js';
import { NS } from '../../src/soap/namespaces.js';
import { el, serialize, type XmlElement } from '../../src/soap/xml.js';
import { STATES } from '../../src/wsba/index.js';
import { parse, refusal, wrap } from './messages-support.js';

const travel = (element: XmlElement) => decodeNotification(parse(serialize(element)));
const extension = el('urn:other', 'Note', {}, 'n');

describe('WS-BusinessActivity messages', () => {
  test.each(NOTIFICATIONS)('%s comes back from XML as it went in', (message) => {
    expect(travel(encodeNotification(message))).toEqual({ message, extensions: [] });
    expect(travel(encodeNotification(message, [extension]))).toEqual({ message, extensions: [extension] });
  });

  test.each(STATES)('Status tells the state %s as a QName whose prefix is declared', (state) => {
    expect(serialize(encodeStatus(state))).toBe(
      `<wsba:Status xmlns:wsba="${NS.wsba}"><wsba:State>wsba:${state}</wsba:State></wsba:Status>`,
    );
    expect(travel(encodeStatus(state, [extension]))).toEqual({ message: 'Status', state, extensions: [extension] });
  });

  test('a state is understood with any prefix, resolved or not', () => {
    const other = parse(`<Status xmlns="${NS.wsba}" xmlns:q="${NS.wsba}"><State>q:Failing-Active</State></Status>`);
    expect(decodeNotification(other)).toEqual({ message: 'Status', state: 'Failing-Active', extensions: [] });
    const unresolved = el(NS.wsba, 'Status', {}, el(NS.wsba, 'State', {}, 'q:Completed'));
    expect(decodeNotification(unresolved)).toEqual({ message: 'Status', state: 'Completed', extensions: [] });
  });

  test('an exception of the wsba namespace is written as the schema says', () => {
    expect(serialize(encodeFail(`{${NS.wsba}}Ended`))).toBe(
      `<wsba:Fail xmlns:wsba="${NS.wsba}"><wsba:ExceptionIdentifier>wsba:Ended</wsba:ExceptionIdentifier></wsba:Fail>`,
    );
    expect(encodeFail('wsba:Ended')).toEqual(encodeFail(`{${NS.wsba}}Ended`));
    expect(travel(encodeFail('wsba:Ended'))).toEqual({ message: 'Fail', exception: `{${NS.wsba}}Ended`, extensions: [] });
  });

  test.each(['{urn:travel}NoSeats', `{${NS.concordat}}Timeout`, 'NoSeats', 'seats:None', 'two words'])(
    'an exception %s arrives whole, and the schema element stays a valid QName',
    (exception) => {
      const sent = encodeFail(exception, [extension]);
      expect(travel(sent)).toEqual({ message: 'Fail', exception, extensions: [extension] });
      expect(serialize(sent)).toMatch(/<wsba:ExceptionIdentifier>(wsba:Fail|NoSeats)<\/wsba:ExceptionIdentifier>/);
    },
  );

  test.each<[string, XmlElement, string]>([
    ['a message of another namespace', el(NS.wscoor, 'Completed'), 'wscoor:Completed is not a message'],
    ['an unknown message', el(NS.wsba, 'Cancelled'), 'wsba:Cancelled is not a message'],
    ['a Fail without its reason', wrap(NS.wsba, 'Fail', ''), 'needs wsba:ExceptionIdentifier'],
    [
      'a Fail with two reasons',
      wrap(NS.wsba, 'Fail', '<wsba:ExceptionIdentifier>wsba:A</wsba:ExceptionIdentifier>'.repeat(2)),
      'repeated',
    ],
    [
      'a Fail with two extended reasons',
      wrap(
        NS.wsba,
        'Fail',
        `<wsba:ExceptionIdentifier>wsba:A</wsba:ExceptionIdentifier>${'<c:ExceptionIdentifier>a</c:ExceptionIdentifier>'.repeat(2)}`,
      ),
      'more than one c:ExceptionIdentifier',
    ],
    [
      'an oversized reason',
      el(NS.wsba, 'Fail', {}, el(NS.wsba, 'ExceptionIdentifier', {}, 'x'.repeat(1025))),
      'longer than 1024',
    ],
    ['a Status without State', wrap(NS.wsba, 'Status', ''), 'needs wsba:State'],
    ['an unknown State', wrap(NS.wsba, 'Status', '<wsba:State>wsba:Happy</wsba:State>'), 'not one of wsba:StateType'],
    ['a State of another namespace', wrap(NS.wsba, 'Status', '<wsba:State>c:Active</wsba:State>'), 'not one of wsba:StateType'],
    ['a notification with parts of its own', wrap(NS.wsba, 'Closed', '<wsba:State>wsba:Active</wsba:State>'), 'misplaced'],
    ['a notification with text', wrap(NS.wsba, 'Closed', 'done'), 'has text'],
  ])('%s is refused with InvalidParameters', (_name, element, detail) => {
    const refused = refusal(() => decodeNotification(element));
    expect(refused.code).toBe('InvalidParameters');
    expect(refused.detail).toContain(detail);
  });
});
