import { describe, expect, test } from '@jest/globals';
import type { Digest, Ready, Request } from '../../src/bft/index.js';
import { controlStream, createStream, participantOfStream, participantStream } from '../../src/contract/index.js';
import { createLogger, type LogLevel } from '../../src/log.js';
import { EventLog } from '../../src/replica/event-log.js';
import type { ServiceEffect } from '../../src/replica/index.js';
import { encodeOperation } from '../../src/replica/operation.js';
import { encodeCreateCoordinationContext, encodeInitiatorRequest, encodeNotification } from '../../src/soap/messages/index.js';
import type { XmlElement } from '../../src/soap/xml.js';
import { NS } from '../../src/soap/index.js';
import { activityId } from '../../src/wsba/index.js';

const DIGEST = 'ab'.repeat(32) as Digest;
const ACTIVITY = activityId(DIGEST);
const STREAM = participantStream(ACTIVITY, 'm', 'CN=airline');
const PARTICIPANT = participantOfStream(STREAM);

const delivered = (stream: string, messageId: string, body: XmlElement, effects: readonly ServiceEffect[] = []) => {
  const payload = encodeOperation({ action: 'urn:test', messageId, references: [], body });
  const request: Request = { stream, number: 1, writer: 'CN=somebody', payload };
  return { stream, number: 1, digest: DIGEST, request, effects };
};

const ready: Ready<readonly ServiceEffect[]> = {
  records: [
    { type: 'vote', round: 'echo', stream: STREAM, number: 1, digest: DIGEST },
    {
      type: 'evidence',
      evidence: {
        kind: 'writer',
        writer: 'CN=mallory',
        stream: STREAM,
        number: 7,
        first: Buffer.from('1'),
        second: Buffer.from('2'),
      },
    },
  ],
  delivered: [
    delivered(
      createStream('CN=agency', 'urn:m:1'),
      'urn:m:1',
      encodeCreateCoordinationContext({ coordinationType: `${NS.wsba}/AtomicOutcome`, extensions: [] }),
    ),
    delivered(STREAM, 'urn:m:2', encodeNotification('Completed')),
    delivered(controlStream(ACTIVITY), 'urn:m:3', encodeInitiatorRequest({ operation: 'cancelOrCompensateAllParticipants' }), [
      { kind: 'command', activity: ACTIVITY, participant: PARTICIPANT, command: 'Compensate', state: 'Compensating' },
      { kind: 'ended', activity: ACTIVITY },
    ]),
  ],
  withdrawn: [{ stream: controlStream(ACTIVITY), number: 9, digest: DIGEST, code: 'NotEnabled', detail: '' }],
  frames: [],
  retired: [],
  passedOn: [],
  malformed: [],
  votesLost: [],
};

function linesAt(level: LogLevel): Record<string, unknown>[] {
  const lines: Record<string, unknown>[] = [];
  const log = createLogger('replica 1', level, {
    write: (line: string) => void lines.push(JSON.parse(line) as Record<string, unknown>),
  });
  new EventLog(log).turn(ready);
  return lines;
}

describe('the log of events', () => {
  test('tells at info what becomes of activities, each in one line with the ids of activity and request', () => {
    expect(linesAt('info')).toMatchObject([
      { level: 'error', msg: 'two signed statements contradict each other', writer: 'CN=mallory', number: 7 },
      { level: 'info', msg: 'an activity was created', activity: ACTIVITY, messageId: 'urn:m:1' },
      {
        level: 'info',
        msg: 'a decision was delivered',
        activity: ACTIVITY,
        messageId: 'urn:m:3',
        message: 'cancelOrCompensateAllParticipants',
      },
      { level: 'info', msg: 'an activity has ended', activity: ACTIVITY },
    ]);
  });

  test('tells at debug also votes, requests of participants, commands, and what was given up', () => {
    const lines = linesAt('debug').filter(({ level }) => level === 'debug');
    expect(lines).toMatchObject([
      { msg: 'voted', activity: ACTIVITY, participant: PARTICIPANT, number: 1, round: 'echo', digest: DIGEST },
      { msg: 'a request was delivered', activity: ACTIVITY, message: 'Completed', messageId: 'urn:m:2', writer: 'CN=somebody' },
      { msg: 'a participant is told', activity: ACTIVITY, participant: PARTICIPANT, command: 'Compensate' },
      { msg: 'a request was not voted for in time', activity: ACTIVITY, number: 9, code: 'NotEnabled' },
    ]);
  });
});
