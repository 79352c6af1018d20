import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { initCluster, loadClientKeys, loadCluster } from '../../src/config/index.js';
import type { LoadedCluster } from '../../src/config/index.js';
import type { ErrorCode } from '../../src/errors.js';
import { eprFromXml, NS, readFault, referenceParameterHeaders, TrustStore, Verifier } from '../../src/soap/index.js';
import type { OutgoingMessage, VerifiedMessage } from '../../src/soap/index.js';
import {
  decodeCreateCoordinationContextResponse,
  encodeCreateCoordinationContext,
  encodeInitiatorRequest,
  encodeNotification,
  encodeParticipant,
  encodeRegister,
} from '../../src/soap/messages/index.js';
import type { XmlElement } from '../../src/soap/xml.js';
import { LocalCluster } from '../support/cluster.js';
import { PlainClient } from '../support/soap-client.js';
import { cut, swap } from './surgery.js';

/** Messages that are well signed, in the wrong place: against running replicas. */

interface Activity {
  /** What control messages of it carry. */
  readonly control: readonly XmlElement[];
}

let cluster: LocalCluster;
/** Another cluster, of another authority. It need not run to have clients. */
let other: LoadedCluster;
let otherDir: string;
let initiator: PlainClient;
let rival: PlainClient;
let participant: PlainClient;
let own: Activity;
let another: Activity;

const CREATE = encodeCreateCoordinationContext({ coordinationType: `${NS.wsba}/AtomicOutcome`, extensions: [] });
const create = () => ({ endpoint: 'activation' as const, body: CREATE, sequence: { number: 1, created: Date.now() } });
const invite = (matchcode: string): XmlElement =>
  encodeInitiatorRequest({ operation: 'getCoordinationContextWithMatchcode', matchcode });

beforeAll(async () => {
  cluster = await LocalCluster.make({ clients: [{ name: 'rival', roles: ['initiator', 'participant'] }] });
  otherDir = mkdtempSync(join(tmpdir(), 'concordat-other-'));
  await initCluster(otherDir, {});
  other = loadCluster(otherDir);
  initiator = new PlainClient(cluster.cluster, cluster.keys('initiator'));
  rival = new PlainClient(cluster.cluster, cluster.keys('rival'));
  participant = new PlainClient(cluster.cluster, cluster.keys('participant'));
  own = await createActivity(initiator);
  another = await createActivity(rival);
}, 60_000);

afterAll(async () => {
  for (const client of [initiator, rival, participant]) client.close();
  await cluster.close();
  rmSync(otherDir, { recursive: true, force: true });
});

async function createActivity(client: PlainClient): Promise<Activity> {
  const result = await client.call(1, create());
  if (result.kind !== 'reply') throw new Error('the activity could not be created');
  const { extensions } = decodeCreateCoordinationContextResponse(result.message.body);
  const service = extensions.find(({ name }) => name === 'InitiatorService');
  if (service === undefined) throw new Error('no initiator service');
  return { control: referenceParameterHeaders(eprFromXml(service)) };
}

/** Posts an envelope as text; the code of the signed fault, or the HTTP status where there is none. */
async function post(url: string, xml: string, headers: Record<string, string> = {}): Promise<string> {
  const { status, text } = await exchange(url, xml, headers);
  return readFault(readAnswer(text).body)?.concordatCode ?? String(status);
}

function exchange(url: string, xml: string, headers: Record<string, string>): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const options = { method: 'POST', headers: { 'content-type': 'text/xml; charset=utf-8', ...headers } };
    const sent = httpRequest(url, options, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString('utf8') }));
      response.on('error', reject);
    });
    sent.on('error', reject);
    sent.end(xml);
  });
}

/** The answer is signed by a replica. */
const readAnswer = (xml: string): VerifiedMessage =>
  new Verifier(new TrustStore(cluster.cluster.authorityPems), { clockWindowMs: 300_000 }).verify(xml, Date.now());

const sign = (client: PlainClient, message: OutgoingMessage): string => client.signer.sign(message, Date.now());
const deliveries = (): number[] => cluster.running().map((replica) => replica.status().deliveries);

/** Refused with that code, and no replica has delivered anything for it. */
async function expectRefused(code: ErrorCode, url: string, xml: string, headers?: Record<string, string>): Promise<void> {
  const before = deliveries();
  expect(await post(url, xml, headers)).toBe(code);
  expect(deliveries()).toEqual(before);
}

describe('a replica refuses', () => {
  test('a SOAPAction of something else', async () => {
    const xml = sign(initiator, initiator.message(create()));
    await expectRefused('ActionMismatch', initiator.url(1, 'activation'), xml, { soapaction: `"${NS.wsba}/Completed"` });
  });

  test('a wsa:Action of something else, signed like the rest', async () => {
    for (const action of [`${NS.wscoor}/Register`, `${NS.wsba}/Completed`, 'urn:evil']) {
      const message = initiator.message(create());
      const xml = sign(initiator, { ...message, addressing: { ...message.addressing, action } });
      await expectRefused('ActionMismatch', initiator.url(1, 'activation'), xml, { soapaction: `"${action}"` });
    }
  });

  test('a Body for another endpoint, whatever SOAPAction says', async () => {
    const xml = sign(initiator, initiator.message(create()));
    for (const endpoint of ['registration', 'coordinator', 'completion'] as const)
      await expectRefused('ActionNotSupported', initiator.url(1, endpoint), xml, { soapaction: '""' });
  });

  test('what is addressed to another cluster, to nobody, or to another endpoint of this one', async () => {
    const addresses = [
      `${other.config.address}/activation`,
      'https://elsewhere.example/activation',
      `${cluster.cluster.config.address}/registration`,
      `${NS.wsa}/anonymous`,
    ];
    for (const to of addresses) {
      const xml = sign(initiator, initiator.message({ ...create(), to }));
      await expectRefused('DestinationUnreachable', initiator.url(1, 'activation'), xml);
    }
  });

  test('a message of another cluster’s client, as it was sent there or addressed to this one', async () => {
    const stranger = new PlainClient(other, loadClientKeys(otherDir, 'initiator'));
    const url = initiator.url(1, 'activation');
    for (const { cluster: addressed } of [stranger, initiator]) {
      const to = `${addressed.config.address}/activation`;
      await expectRefused('CertificateUntrusted', url, sign(stranger, stranger.message({ ...create(), to })));
    }
    stranger.close();
  });

  test('a message with the activity of another message in it', async () => {
    const mine = sign(
      initiator,
      initiator.message({ endpoint: 'completion', body: invite('x'), headers: own.control, sequence: { number: 1 } }),
    );
    const theirs = sign(
      rival,
      rival.message({ endpoint: 'completion', body: invite('x'), headers: another.control, sequence: { number: 1 } }),
    );
    const url = initiator.url(1, 'completion');
    await expectRefused('SignatureInvalid', url, swap(mine, cut(mine, 'c:Activity'), cut(theirs, 'c:Activity')));
    await expectRefused(
      'DuplicateId',
      url,
      swap(mine, cut(mine, 'c:Activity'), cut(mine, 'c:Activity') + cut(theirs, 'c:Activity')),
    );
  });

  test('a control message that somebody else signed anew', async () => {
    const message = initiator.message({
      endpoint: 'completion',
      body: invite('x'),
      headers: own.control,
      sequence: { number: 1 },
    });
    await expectRefused('NotTheWriter', initiator.url(1, 'completion'), sign(rival, message));
  });

  test('a control message for an activity of somebody else', async () => {
    const message = initiator.message({
      endpoint: 'completion',
      body: invite('x'),
      headers: another.control,
      sequence: { number: 1 },
    });
    await expectRefused('NotTheWriter', initiator.url(1, 'completion'), sign(initiator, message));
  });

  test('a participant’s message that another participant signed anew', async () => {
    const headers = [
      ...own.control.filter(({ name }) => name === 'Activity'),
      asReferenceParameter(encodeParticipant(`urn:uuid:${randomUUID()}`)),
    ];
    const message = participant.message({
      endpoint: 'coordinator',
      body: encodeNotification('Completed'),
      headers,
      sequence: { number: 2 },
    });
    for (const client of [participant, rival])
      await expectRefused('NotTheWriter', participant.url(1, 'coordinator'), sign(client, message));
  });

  test('a request in a role that its certificate does not give', async () => {
    await expectRefused('NotAuthorized', participant.url(1, 'activation'), sign(participant, participant.message(create())));
    const body = encodeRegister({
      protocolIdentifier: `${NS.wsba}/ParticipantCompletion`,
      participantProtocolService: { address: 'http://127.0.0.1:9/', referenceParameters: [], extensions: [] },
      extensions: [],
    });
    const register = initiator.message({ endpoint: 'registration', body, headers: own.control, sequence: { number: 1 } });
    await expectRefused('NotAuthorized', initiator.url(1, 'registration'), sign(initiator, register));
  });

  test('an old message, and one from the future', async () => {
    for (const at of [Date.now() - 3_600_000, Date.now() + 3_600_000]) {
      const xml = initiator.signer.sign(initiator.message(create()), at);
      await expectRefused('MessageExpired', initiator.url(1, 'activation'), xml);
    }
  });
});

test('a message replayed at every replica, many times, is one request', async () => {
  const xml = sign(initiator, initiator.message(create()));
  const before = deliveries();
  const urls = [1, 2, 3, 4].map((id) => initiator.url(id, 'activation'));
  const answers = await Promise.all([...urls, ...urls, ...urls].map((url) => post(url, xml)));
  expect(new Set(answers)).toEqual(new Set(['200']));
  expect(deliveries()).toEqual(before.map((count) => count + 1));
});

const asReferenceParameter = (header: XmlElement): XmlElement => ({
  ...header,
  attributes: [...header.attributes, { ns: NS.wsa, name: 'IsReferenceParameter', value: 'true' }],
});
