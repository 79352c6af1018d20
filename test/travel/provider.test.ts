import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { join } from 'node:path';
import { createSigner, createVerifier } from '../../src/client/index.js';
import { loadClientKeys } from '../../src/config/index.js';
import { endpointReference } from '../../src/contract/index.js';
import { silentLogger } from '../../src/log.js';
import type { CallResult, OutgoingMessage, XmlElement } from '../../src/soap/index.js';
import { el, HttpTransport, SoapCaller } from '../../src/soap/index.js';
import { contextToXml, encodeActivity } from '../../src/soap/messages/index.js';
import { PROVIDERS } from '../../src/travel/catalog.js';
import {
  checkReserved,
  decodeReserve,
  encodeReserve,
  encodeReserved,
  RESERVE_ACTION,
  TRAVEL_NS,
} from '../../src/travel/messages.js';
import { Provider } from '../../src/travel/provider.js';
import { makePlace } from './fixture.js';
import type { Place } from './fixture.js';

const ACTIVITY = 'urn:uuid:00000000-0000-8000-8000-000000000001';
const RESERVE = { bookingId: 'trip-1', item: 'seat VIE-LIS', customer: 'Ada' };

let place: Place;
let provider: Provider;
let transport: HttpTransport;

beforeAll(async () => {
  place = await makePlace();
  transport = new HttpTransport();
  const anywhere = { host: '127.0.0.1', port: 0 };
  provider = await Provider.start({
    config: PROVIDERS.airline,
    cluster: place.cluster,
    credentials: loadClientKeys(place.dir, 'airline'),
    dataDir: join(place.dir, 'airline'),
    business: anywhere,
    participant: anywhere,
    desk: anywhere,
    log: silentLogger,
  });
}, 30_000);

afterAll(async () => {
  transport.close();
  await provider.stop();
  place.remove();
});

function call(client: string, message: Partial<OutgoingMessage> & { action?: string } = {}): Promise<CallResult> {
  const { cluster, dir } = place;
  const signer = createSigner(loadClientKeys(dir, client));
  const caller = new SoapCaller({ signer, verifier: createVerifier(cluster.authorityPems), transport, clock: Date.now });
  return caller.call(provider.url, {
    soapVersion: '1.1',
    addressing: { to: provider.url, action: message.action ?? RESERVE_ACTION, messageId: 'urn:uuid:1' },
    headers: [contextAt(cluster.config.address)],
    body: encodeReserve(RESERVE),
    ...message,
  });
}

function contextAt(logical: string): XmlElement {
  const addresses = { logical, replicas: place.cluster.replicas.map(({ url }) => url) };
  const registrationService = endpointReference(addresses, 'registration', [encodeActivity(ACTIVITY)]);
  return contextToXml({ identifier: ACTIVITY, coordinationType: `${TRAVEL_NS}:any`, registrationService, extensions: [] });
}

const refusal = async (result: Promise<CallResult>): Promise<string | undefined> => {
  const answer = await result;
  return answer.kind === 'fault' ? answer.fault.concordatCode : answer.kind;
};

describe('the business endpoint of a provider', () => {
  test('takes reservations of agencies only', async () => {
    expect(await refusal(call('hotel'))).toBe('NotAuthorized');
  });

  test('refuses what is not a reservation', async () => {
    expect(await refusal(call('agency', { body: el(TRAVEL_NS, 'Refund') }))).toBe('ActionNotSupported');
    expect(await refusal(call('agency', { action: `${TRAVEL_NS}/Refund` }))).toBe('ActionMismatch');
    expect(await refusal(call('agency', { body: encodeReserve({ ...RESERVE, item: 'yacht' }) }))).toBe('InvalidParameters');
  });

  test('refuses a reservation without the context of an activity of its own cluster', async () => {
    expect(await refusal(call('agency', { headers: [] }))).toBe('InvalidParameters');
    expect(await refusal(call('agency', { headers: [contextAt('http://elsewhere.example')] }))).toBe('InvalidParameters');
  });

  test('shows its inventory at its desk and lets people there change the stock', async () => {
    const put = (stock: unknown) =>
      fetch(`${provider.deskUrl}/stock`, {
        method: 'PUT',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ item: RESERVE.item, stock }),
      });
    const empty = expect.arrayContaining([{ item: RESERVE.item, capacity: 0, stock: 0 }]) as unknown;
    expect(await (await put(0)).json()).toEqual(empty);
    expect((await put('many')).status).toBe(400);
    expect(await (await fetch(`${provider.deskUrl}/inventory`)).json()).toEqual(empty);
    const asked: unknown = await (await fetch(`${provider.deskUrl}/reservations`)).json();
    expect(asked).toMatchObject([{ item: RESERVE.item, customer: 'Ada', activity: ACTIVITY, state: 'requested' }]);
  });
});

describe('the business messages', () => {
  test('read back what was written', () => {
    expect(decodeReserve(encodeReserve(RESERVE))).toEqual(RESERVE);
    expect(() => checkReserved(encodeReserved('trip-1'), 'trip-1')).not.toThrow();
  });

  test('an answer to another booking does not count', () => {
    expect(() => checkReserved(encodeReserved('trip-2'), 'trip-1')).toThrow(/trip-1/);
    expect(() => checkReserved(encodeReserve(RESERVE), 'trip-1')).toThrow(/trip-1/);
  });

  test.each([
    ['a missing part', el(TRAVEL_NS, 'Reserve', {}, el(TRAVEL_NS, 'BookingId', {}, 'x'))],
    ['a part too many', { ...encodeReserve(RESERVE), children: [...encodeReserve(RESERVE).children, el(TRAVEL_NS, 'Extra')] }],
    ['an overlong text', encodeReserve({ ...RESERVE, customer: 'x'.repeat(101) })],
    ['an empty text', encodeReserve({ ...RESERVE, customer: '' })],
    ['a text of two lines', encodeReserve({ ...RESERVE, customer: 'a\nb' })],
  ])('%s is refused', (_what, body) => {
    expect(() => decodeReserve(body)).toThrow(expect.objectContaining({ code: 'InvalidParameters' }));
  });
});
