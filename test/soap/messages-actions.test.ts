import { describe, expect, test } from '@jest/globals';
import {
  encodeFail,
  encodeInitiatorRequest,
  encodeNotification,
  encodeRegister,
  MESSAGES,
  messageAt,
} from '../../src/soap/messages/index.js';
import { NS } from '../../src/soap/namespaces.js';

const at = (endpoint: string): string[] =>
  MESSAGES.filter((entry) => entry.endpoint === endpoint).map((entry) => entry.body.name);

describe('the table of messages', () => {
  test('has the messages of every endpoint', () => {
    expect(at('activation')).toEqual(['CreateCoordinationContext']);
    expect(at('registration')).toEqual(['Register']);
    expect(at('coordinator').sort()).toEqual(
      ['Canceled', 'CannotComplete', 'Closed', 'Compensated', 'Completed', 'Exit', 'Fail', 'GetStatus', 'Status'].sort(),
    );
    expect(at('participant').sort()).toEqual(
      ['Cancel', 'Close', 'Compensate', 'Complete', 'Exited', 'Failed', 'GetStatus', 'NotCompleted', 'Status'].sort(),
    );
    expect(at('completion')).toHaveLength(8);
  });

  test('finds a message by its endpoint and Body', () => {
    const register = messageAt('registration', encodeRegister({ protocolIdentifier: 'urn:p', extensions: [] }));
    expect(register).toMatchObject({
      kind: 'request',
      operation: 'RegisterOperation',
      action: 'http://docs.oasis-open.org/ws-tx/wscoor/2006/06/Register',
      response: { action: 'http://docs.oasis-open.org/ws-tx/wscoor/2006/06/RegisterResponse' },
    });
    expect(messageAt('coordinator', encodeFail('wsba:Ended'))).toMatchObject({
      kind: 'one-way',
      direction: 'to-coordinator',
      action: 'http://docs.oasis-open.org/ws-tx/wsba/2006/06/Fail',
    });
    expect(messageAt('participant', encodeNotification('GetStatus'))?.direction).toBe('from-coordinator');
    expect(messageAt('completion', encodeInitiatorRequest({ operation: 'listParticipants' }))?.action).toBe(
      'http://www.big.tuwien.ac.at/projects/WS-BAI/listParticipants',
    );
  });

  test('knows no message at the wrong endpoint or of the wrong namespace', () => {
    expect(messageAt('coordinator', encodeNotification('Close'))).toBeUndefined();
    expect(messageAt('participant', encodeNotification('Closed'))).toBeUndefined();
    expect(messageAt('registration', { ns: NS.wsba, name: 'Register' })).toBeUndefined();
    expect(messageAt('activation', { ns: NS.wscoor, name: 'CreateCoordinationContextResponse' })).toBeUndefined();
  });

  test('gives each Body one meaning at each endpoint', () => {
    const keys = MESSAGES.map((entry) => `${entry.endpoint} {${entry.body.ns}}${entry.body.name}`);
    expect(new Set(keys).size).toBe(keys.length);
  });

  test('answers an invitation with a context, everything else of the initiator with a list', () => {
    const responses = MESSAGES.filter((entry) => entry.endpoint === 'completion').map((entry) =>
      entry.kind === 'request' ? entry.response.body.name : undefined,
    );
    expect(responses).toEqual([
      'CreateCoordinationContextResponse',
      'listParticipantsResponse',
      'completeParticipantsResponse',
      'cancelParticipantsResponse',
      'closeParticipantsResponse',
      'compensateParticipantsResponse',
      'closeAllParticipantsResponse',
      'cancelOrCompensateAllParticipantsResponse',
    ]);
  });
});
