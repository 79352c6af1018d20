import { randomUUID } from 'node:crypto';
import { request as httpRequest } from 'node:http';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { createAuthority } from '../../src/config/index.js';
import {
  eprFromXml,
  NS,
  type OutgoingMessage,
  parseCanonical,
  parseEnvelope,
  readFault,
  referenceParameterHeaders,
  Signer,
} from '../../src/soap/index.js';
import {
  decodeCreateCoordinationContextResponse,
  encodeActivity,
  encodeCreateCoordinationContext,
  encodeInitiatorRequest,
  encodeNotification,
  encodeParticipant,
  encodeRegister,
} from '../../src/soap/messages/index.js';
import { el, type XmlElement } from '../../src/soap/xml.js';
import { LocalCluster } from '../support/cluster.js';
import { codeOf, PlainClient } from '../support/soap-client.js';

let cluster: LocalCluster;
let initiator: PlainClient;
let participant: PlainClient;
/** Reference parameters of the completion service of an activity that `initiator` created. */
let control: readonly XmlElement[];

const CREATE = encodeCreateCoordinationContext({ coordinationType: `${NS.wsba}/AtomicOutcome`, extensions: [] });
const create = (extra: object = {}) => ({
  endpoint: 'activation' as const,
  body: CREATE,
  sequence: { number: 1, created: Date.now() },
  ...extra,
});
const invite = (matchcode: string) => encodeInitiatorRequest({ operation: 'getCoordinationContextWithMatchcode', matchcode });

beforeAll(async () => {
  cluster = await LocalCluster.make({ clients: [{ name: 'rival', roles: ['initiator'] }] });
  initiator = new PlainClient(cluster.cluster, cluster.keys('initiator'));
  participant = new PlainClient(cluster.cluster, cluster.keys('participant'));
  const result = await initiator.call(1, create());
  if (result.kind !== 'reply') throw new Error('the activity could not be created');
  const { extensions } = decodeCreateCoordinationContextResponse(result.message.body);
  const service = extensions.find((element) => element.name === 'InitiatorService');
  if (service === undefined) throw new Error('no initiator service');
  control = referenceParameterHeaders(eprFromXml(service));
}, 30_000);

afterAll(async () => {
  initiator.close();
  participant.close();
  await cluster.close();
});

interface RawAnswer {
  readonly status: number;
  readonly code: string | undefined;
  readonly fault: string | undefined;
}

/** Posts bytes as they are and reads the fault, whose signature must hold. */
function post(body: string | Buffer, headers: Record<string, string> = {}): Promise<RawAnswer> {
  const url = initiator.url(1, 'activation');
  return new Promise((resolve, reject) => {
    const sent = httpRequest(
      url,
      { method: 'POST', headers: { 'content-type': 'text/xml; charset=utf-8', ...headers } },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', () => {
          const xml = Buffer.concat(chunks).toString('utf8');
          const fault = readFault(bodyOf(xml));
          resolve({ status: response.statusCode ?? 0, code: fault?.concordatCode, fault: fault?.code });
        });
      },
    );
    sent.on('error', reject);
    sent.end(body);
  });
}

function bodyOf(xml: string): XmlElement {
  const envelope = parseCanonical(parseEnvelope(xml) && xml.replace(/^<\?xml[^>]*\?>/, ''));
  const body = envelope.children.find((node): node is XmlElement => typeof node !== 'string' && node.name === 'Body');
  const content = body?.children.find((node): node is XmlElement => typeof node !== 'string');
  if (content === undefined) throw new Error('no Body');
  return content;
}

const signed = (message: OutgoingMessage = initiator.message(create()), at = Date.now()): string =>
  initiator.signer.sign(message, at);

const deliveries = (): number[] => cluster.running().map((replica) => replica.status().deliveries);

/** Runs an attempt; afterwards nothing was delivered, one line was logged, and a good request is still served. */
async function leavesNoTrace(attempt: () => Promise<void>): Promise<void> {
  const before = deliveries();
  await attempt();
  expect(cluster.logs.get(1)?.refusals()).toHaveLength(1);
  expect(deliveries()).toEqual(before);
  const list = await initiator.call(1, {
    endpoint: 'completion',
    body: encodeInitiatorRequest({ operation: 'listParticipants' }),
    headers: control,
  });
  expect(list.kind).toBe('reply');
}

beforeEach(() => {
  cluster.logs.get(1)?.lines.splice(0);
});

describe('what a replica answers to a message that is', () => {
  const wrapped = (xml: string): string => xml.replace('</soap:Body>', '</soap:Body><soap:Body><x/></soap:Body>');

  test.each([
    ['unsigned', () => signed().replace(/<wsse:Security.*<\/wsse:Security>/s, ''), 'Unsigned'],
    ['changed after it was signed', () => signed().replace('AtomicOutcome', 'MixedOutcome'), 'SignatureInvalid'],
    ['expired', () => signed(undefined, Date.now() - 3_600_000), 'MessageExpired'],
    ['from the future', () => signed(undefined, Date.now() + 3_600_000), 'MessageExpired'],
    ['carrying a DOCTYPE', () => `<!DOCTYPE x [<!ENTITY e "e">]>${signed()}`, 'Doctype'],
    ['in a wrong namespace', () => signed().replaceAll(NS.soap11, 'urn:not-soap'), 'NotAnEnvelope'],
    ['with two Bodies', () => wrapped(signed()), 'EnvelopeStructure'],
    ['not XML', () => 'hello', 'MalformedXml'],
  ])('%s', async (_what, make, code) => {
    await leavesNoTrace(async () => {
      expect(await post(make())).toMatchObject({ code });
    });
  });

  test('larger than a mebibyte', async () => {
    await leavesNoTrace(async () => {
      expect(await post(Buffer.alloc(1024 * 1024 + 1, 0x20))).toMatchObject({ code: 'TooLarge', status: 413 });
    });
  });

  test('compressed', async () => {
    await leavesNoTrace(async () => {
      expect(await post(gzipSync(signed()), { 'content-encoding': 'gzip' })).toMatchObject({
        code: 'ContentEncoding',
        status: 415,
      });
    });
  });

  test('signed by a key of another authority', async () => {
    const other = await createAuthority('Another authority', Date.now());
    const stranger = new Signer(await other.issue({ commonName: 'initiator', roles: ['initiator'], hosts: [] }));
    await leavesNoTrace(async () => {
      const answer = await post(stranger.sign(initiator.message(create()), Date.now()));
      expect(answer).toMatchObject({ code: 'CertificateUntrusted', fault: `{${NS.wsse}}FailedAuthentication` });
    });
  });

  test('replayed with a change under the same signature', async () => {
    const original = signed();
    expect((await post(original)).code).toBeUndefined();
    await leavesNoTrace(async () => {
      expect(await post(original.replace(/urn:uuid:[0-9a-f-]+/, `urn:uuid:${randomUUID()}`))).toMatchObject({
        code: 'SignatureInvalid',
      });
    });
  });

  test('replayed unchanged: the first answer again, and nothing new', async () => {
    const original = initiator.message(create());
    const first = await initiator.caller.call(initiator.url(1, 'activation'), original);
    const before = cluster.replica(1).status();
    const second = await initiator.caller.call(initiator.url(1, 'activation'), original);
    if (first.kind !== 'reply' || second.kind !== 'reply') throw new Error('no reply');
    expect(second.message.body).toEqual(first.message.body);
    expect(cluster.replica(1).status()).toMatchObject({ deliveries: before.deliveries, state: before.state });
  });
});

describe('what a replica answers to a signed request that', () => {
  test('needs a number and has none: which header to add', async () => {
    await leavesNoTrace(async () => {
      const result = await initiator.call(1, { endpoint: 'activation', body: CREATE });
      expect(codeOf(result)).toBe('SequenceHeaderRequired');
      if (result.kind === 'fault') expect(result.fault.reason).toContain('c:Sequence');
    });
  });

  test('uses a number that was used for something else, and both are kept', async () => {
    await initiator.callAll({ endpoint: 'completion', body: invite('one'), headers: control, sequence: { number: 1 } });
    cluster.logs.get(1)?.lines.splice(0);
    await leavesNoTrace(async () => {
      const result = await initiator.call(1, {
        endpoint: 'completion',
        body: invite('two'),
        headers: control,
        sequence: { number: 1 },
      });
      expect(codeOf(result)).toBe('NumberAlreadyUsed');
    });
    const [evidence] = cluster.replica(1).status().evidence;
    expect(evidence).toMatchObject({ kind: 'writer', number: 1 });
    const matchcodes = evidence?.statements.map(({ signed: xml }) => /matchcode>(\w+)</.exec(xml)?.[1]);
    expect(matchcodes).toEqual(['one', 'two']);
  });

  test('comes from somebody who is not the stream’s writer', async () => {
    const rival = new PlainClient(cluster.cluster, cluster.keys('rival'));
    await leavesNoTrace(async () => {
      const result = await rival.call(1, {
        endpoint: 'completion',
        body: invite('mine'),
        headers: control,
        sequence: { number: 1 },
      });
      expect(codeOf(result)).toBe('NotTheWriter');
    });
    rival.close();
  });

  test('speaks for another writer’s participant', async () => {
    const activity = control[0];
    if (activity === undefined) throw new Error('no activity');
    const headers = [
      activity,
      el(NS.concordat, 'Participant', [{ ns: NS.wsa, name: 'IsReferenceParameter', value: 'true' }], `urn:uuid:${randomUUID()}`),
    ];
    await leavesNoTrace(async () => {
      const result = await participant.call(1, {
        endpoint: 'coordinator',
        body: encodeNotification('Completed'),
        headers,
        sequence: { number: 2 },
      });
      expect(codeOf(result)).toBe('NotTheWriter');
    });
  });

  test('asks for the participants of somebody else’s activity', async () => {
    const rival = new PlainClient(cluster.cluster, cluster.keys('rival'));
    await leavesNoTrace(async () => {
      const result = await rival.call(1, {
        endpoint: 'completion',
        body: encodeInitiatorRequest({ operation: 'listParticipants' }),
        headers: control,
      });
      expect(codeOf(result)).toBe('NotAuthorized');
    });
    rival.close();
  });

  test.each([
    ['is signed by a participant where an initiator is needed', () => participant.call(1, create()), 'NotAuthorized'],
    [
      'is created an hour ago',
      () => initiator.call(1, create({ sequence: { number: 1, created: Date.now() - 3_600_000 } })),
      'MessageExpired',
    ],
    [
      'does not begin at 1',
      () => initiator.call(1, create({ sequence: { number: 2, created: Date.now() } })),
      'InvalidSequenceHeader',
    ],
    [
      'is meant for another cluster',
      () => initiator.call(1, create({ to: 'http://elsewhere.example/activation' })),
      'DestinationUnreachable',
    ],
    [
      'asks for an unknown coordination type',
      () => initiator.call(1, create({ body: encodeCreateCoordinationContext({ coordinationType: 'urn:x', extensions: [] }) })),
      'InvalidParameters',
    ],
    [
      'comes to the wrong endpoint',
      () => initiator.caller.call(initiator.url(1, 'registration'), initiator.message(create())),
      'ActionNotSupported',
    ],
    [
      'registers for an unknown protocol',
      () =>
        participant.call(1, {
          endpoint: 'registration',
          body: encodeRegister({
            protocolIdentifier: 'urn:x',
            participantProtocolService: { address: 'http://127.0.0.1:9/', referenceParameters: [], extensions: [] },
            extensions: [],
          }),
          headers: control,
          sequence: { number: 1 },
        }),
      'InvalidProtocol',
    ],
    [
      'forgets the reference parameters',
      () => participant.call(1, { endpoint: 'coordinator', body: encodeNotification('Completed'), sequence: { number: 2 } }),
      'InvalidParameters',
    ],
  ])('%s', async (_what, attempt, code) => {
    await leavesNoTrace(async () => {
      expect(codeOf(await attempt())).toBe(code);
    });
  });

  test.each([
    ['the replacement character', '\uFFFD'],
    ['white space and line ends', ' a\r\n\tb '],
    ['markup in text', '<&>"\' ]]> &amp;amp;'],
    ['characters beyond the basic plane', '𝔘𝔫𝔦 🛫'],
    ['names of object members', '__proto__ constructor'],
  ])('carries %s in an extension: delivered like any other, by all replicas', async (_what, content) => {
    const extension = el(
      'urn:odd',
      '__proto__',
      [{ ns: 'urn:odd2', name: 'a', value: content }],
      content,
      el('', 'n1', { x: content }),
    );
    const body = encodeCreateCoordinationContext({ coordinationType: `${NS.wsba}/AtomicOutcome`, extensions: [extension] });
    const results = await initiator.callAll(create({ body }));
    expect(results.map((result) => result.kind)).toEqual(Array(4).fill('reply'));
  });

  test('waits for something: a retryable fault that names it', async () => {
    const result = await initiator.call(1, {
      endpoint: 'completion',
      body: encodeInitiatorRequest({
        operation: 'closeAllParticipants',
        participants: [{ participantId: 'urn:uuid:00000000-0000-8000-8000-000000000000' }],
      }),
      headers: control,
      sequence: { number: 2 },
    });
    expect(codeOf(result)).toMatch(/NotEnabled|UnknownParticipant/);
    expect(result).toMatchObject({ fault: { retryable: true, waitsFor: ['urn:uuid:00000000-0000-8000-8000-000000000000'] } });
  }, 15_000);

  test('is about an activity that nobody knows: retryable, and gone after a while', async () => {
    const unknown = [encodeActivity(`urn:uuid:${randomUUID()}`), encodeParticipant('urn:x')].map((header) => ({
      ...header,
      attributes: [{ ns: NS.wsa, name: 'IsReferenceParameter', value: 'true' }],
    }));
    const result = await initiator.call(1, {
      endpoint: 'completion',
      body: invite('x'),
      headers: unknown,
      sequence: { number: 1 },
    });
    expect(codeOf(result)).toBe('UnknownActivity');
    expect(result).toMatchObject({ fault: { retryable: true } });
  }, 15_000);
});
