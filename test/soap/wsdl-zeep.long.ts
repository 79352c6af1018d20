import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { encodeParticipantList, ENDPOINTS } from '../../src/soap/messages/index.js';
import { NS } from '../../src/soap/namespaces.js';
import { bundled } from '../../src/soap/wsdl.js';
import { el, serialize } from '../../src/soap/xml.js';

/** Debian's, which has the package python3-zeep. */
const PYTHON = '/usr/bin/python3';
const READER = fileURLToPath(new URL('zeep-reader.py', import.meta.url));

interface Answer {
  readonly operations: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>>;
  readonly replies: readonly unknown[];
}

interface PortTypes {
  readonly portTypes: readonly { readonly wsdl: string; readonly operations: readonly { readonly operation: string }[] }[];
}

const list = encodeParticipantList({
  operation: 'listParticipants',
  participants: [
    {
      matchcode: 'flight',
      participantId: 'urn:uuid:1',
      status: 'Completed',
      resultState: 'Completed',
      protocol: `${NS.wsba}/ParticipantCompletion`,
      writer: 'CN=Airline | CN=CA',
      waitsFor: ['Close', 'Compensate'],
    },
  ],
  waiting: [
    {
      stream: 'control',
      number: 2,
      operation: 'closeAllParticipants',
      code: 'NotEnabled',
      waitsFor: ['urn:uuid:1', 'urn:uuid:2'],
    },
  ],
});

describe('zeep, reading strictly,', () => {
  let answer: Answer;

  beforeAll(() => {
    const envelope = serialize(el(NS.soap11, 'Envelope', {}, el(NS.soap11, 'Body', {}, list)));
    const question = {
      wsdls: Object.fromEntries(ENDPOINTS.map((endpoint) => [endpoint, join(bundled, `${endpoint}.wsdl`)])),
      replies: [{ wsdl: 'completion', port: 'CoordinatorInitiatorMixedSoap11Port', operation: 'listParticipants', envelope }],
    };
    answer = JSON.parse(execFileSync(PYTHON, [READER], { input: JSON.stringify(question), encoding: 'utf8' })) as Answer;
  }, 60_000);

  test.each(ENDPOINTS)('loads %s.wsdl with every operation of its port types', (endpoint) => {
    const data = JSON.parse(readFileSync(new URL('../data/port-types.json', import.meta.url), 'utf8')) as PortTypes;
    const wanted = data.portTypes
      .filter(({ wsdl }) => wsdl === endpoint)
      .map(({ operations }) => operations.map(({ operation }) => operation).sort());
    expect(Object.values(answer.operations[endpoint] ?? {})).toEqual(wanted.flatMap((operations) => [operations, operations]));
  });

  test('reads a list of participants, with what waits', () => {
    expect(answer.replies).toMatchObject([
      {
        participantList: {
          participant: [
            {
              participantMatchcode: { participantMatchcode: 'flight', ParticipantId: 'urn:uuid:1' },
              Writer: 'CN=Airline | CN=CA',
              WaitsFor: ['Close', 'Compensate'],
            },
          ],
        },
        Waiting: [
          {
            stream: 'control',
            number: 2,
            operation: 'closeAllParticipants',
            code: 'NotEnabled',
            WaitsFor: ['urn:uuid:1', 'urn:uuid:2'],
          },
        ],
      },
    ]);
  });
});
