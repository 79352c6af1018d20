import { describe, expect, test } from '@jest/globals';
import { destinationsOf, guarded } from '../../src/soap/destinations.js';
import type { EdgeOptions, EdgeRequest } from '../../src/soap/index.js';
import { DestinationPolicy } from '../../src/soap/policy.js';
import { addressed, el, laterDestination, NS } from '../../src/soap/index.js';
import type { Addressing, EndpointReference } from '../../src/soap/index.js';
import { MESSAGES, WSA_ANONYMOUS, WSA_NONE } from '../../src/soap/messages/index.js';
import { codeOf } from './fixtures.js';

const epr = (address: string, ...referenceParameters: EndpointReference['referenceParameters']): EndpointReference => ({
  address,
  referenceParameters,
  extensions: [],
});
const A = epr('https://a.example/');
const B = epr('http://b.example/');
const C = epr('http://c.example/');
const NOBODY = epr(WSA_NONE);
const BACK = epr(WSA_ANONYMOUS, el('urn:mine', 'Call', {}, '7'));
const URN = epr('urn:uuid:c');

const REGISTER = el(NS.wscoor, 'Register');
const EXIT = el(NS.wsba, 'Exit');
const destinations = (properties: Partial<Addressing>, body = REGISTER) =>
  destinationsOf({ addressing: { action: 'urn:a', ...properties }, body });
const where = (destination: ReturnType<typeof destinations>['reply']): string =>
  destination.kind === 'endpoint' ? destination.epr.address : destination.kind;

describe('the answers to a message go', () => {
  const request: readonly [string, Partial<Addressing>, string, string][] = [
    ['says nothing', {}, 'exchange', 'exchange'],
    ['wants them back', { replyTo: BACK }, 'exchange', 'exchange'],
    ['has a ReplyTo', { replyTo: A }, A.address, A.address],
    ['has a ReplyTo and a FaultTo', { replyTo: A, faultTo: B }, A.address, B.address],
    ['has a FaultTo only', { faultTo: B }, 'exchange', B.address],
    ['wants no reply', { replyTo: NOBODY }, 'nobody', 'nobody'],
    ['wants no reply, but faults', { replyTo: NOBODY, faultTo: BACK }, 'nobody', 'exchange'],
    ['wants no faults', { faultTo: NOBODY }, 'exchange', 'nobody'],
    ['tells who sends it', { from: C }, 'exchange', 'exchange'],
  ];
  test.each(request)('of a request that %s', (_what, properties, reply, fault) => {
    const found = destinations(properties);
    expect([where(found.reply), where(found.fault)]).toEqual([reply, fault]);
  });

  const notification: readonly [string, Partial<Addressing>, string][] = [
    ['says nothing', {}, 'exchange'],
    ['tells who sends it', { from: C }, C.address],
    ['wants no reply, and tells who sends it', { replyTo: NOBODY, from: C }, C.address],
    ['wants no reply', { replyTo: NOBODY }, 'exchange'],
    ['wants them back', { replyTo: BACK, from: C }, 'exchange'],
    ['has a ReplyTo', { replyTo: A, from: C }, A.address],
    ['has a FaultTo', { replyTo: A, from: C, faultTo: B }, B.address],
    ['wants no faults', { from: C, faultTo: NOBODY }, 'nobody'],
    ['wants faults back', { from: C, faultTo: BACK }, 'exchange'],
    ['is sent by nobody that a message can be posted to', { from: URN }, 'exchange'],
  ];
  test.each(notification)('of a notification that %s: faults', (_what, properties, fault) => {
    expect(where(destinations(properties, EXIT).fault)).toBe(fault);
  });

  test('every message without a reply counts as a notification, whatever its protocol', () => {
    for (const { kind, body } of MESSAGES) {
      const { fault } = destinations({ from: C }, el(body.ns, body.name));
      expect([body.name, where(fault)]).toEqual([body.name, kind === 'one-way' ? C.address : 'exchange']);
    }
  });

  test('to nowhere that nothing can be posted to: that is refused before anything is done', () => {
    expect(codeOf(() => destinations({ replyTo: URN }))).toBe('OnlyAnonymousAddressSupported');
    expect(codeOf(() => destinations({ faultTo: URN }, EXIT))).toBe('OnlyAnonymousAddressSupported');
  });

  test.each([
    ['WS-Addressing', el(NS.wsa, 'Action', {}, 'urn:evil')],
    ['WS-Security', el(NS.wsse, 'Security')],
    ['SOAP', el(NS.soap12, 'Upgrade')],
  ])('never with a reference parameter that is a header of %s', (_what, parameter) => {
    for (const name of ['replyTo', 'faultTo', 'from'] as const) {
      expect(codeOf(() => destinations({ [name]: epr(A.address, parameter) }))).toBe('InvalidAddressingHeader');
    }
  });
});

test('what comes later goes to the first address that a message can be posted to', () => {
  expect(laterDestination(undefined, BACK, NOBODY, URN, B, A)).toBe(B);
  expect(laterDestination(undefined, BACK, NOBODY, URN)).toBeUndefined();
});

describe('an addressed message', () => {
  const message = { soapVersion: '1.1', addressing: { action: 'urn:a', relatesTo: 'urn:m' }, headers: [], body: EXIT } as const;
  const marked = el('urn:mine', 'Call', [{ ns: NS.wsa, name: 'IsReferenceParameter', value: 'true' }], '7');

  test('carries the address and the reference parameters', () => {
    const to = epr(A.address, el('urn:mine', 'Call', {}, '7'));
    expect(addressed(message, to)).toEqual({
      ...message,
      addressing: { ...message.addressing, to: A.address },
      headers: [marked],
    });
  });

  test('that goes back anonymously carries the reference parameters alone', () => {
    expect(addressed(message, BACK)).toEqual({ ...message, headers: [marked] });
  });
});

describe('a guarded edge', () => {
  const policy = new DestinationPolicy({ allow: ['*.example'] });
  const outgoing = { soapVersion: '1.1', addressing: { action: 'urn:a' }, headers: [], body: REGISTER } as const;
  const taken: string[] = [];
  const edge = {
    handle: () => Promise.resolve({ kind: 'accepted' }),
    deliver: (_message: unknown, to: EndpointReference) => {
      taken.push(to.address);
      return true;
    },
  } as unknown as EdgeOptions;
  const it = guarded(edge, () => policy);
  const verdict = (addressing: Partial<Addressing>, body = REGISTER): Promise<string> =>
    it.handle({ message: { addressing: { action: 'urn:a', ...addressing }, body } } as unknown as EdgeRequest).then(
      ({ kind }) => kind,
      (error: { code: string }) => error.code,
    );
  const registering = (address: string) =>
    el(NS.wscoor, 'Register', {}, el(NS.wscoor, 'ParticipantProtocolService', {}, el(NS.wsa, 'Address', {}, `\n${address} `)));

  test('takes what names allowed places, or none at all', async () => {
    expect(await verdict({ replyTo: A, faultTo: B }, registering('http://c.example/'))).toBe('accepted');
    expect(await verdict({ replyTo: BACK, faultTo: NOBODY })).toBe('accepted');
  });

  const elsewhere = 'http://elsewhere.test/';
  test.each([
    ['ReplyTo', { replyTo: epr(elsewhere) }, REGISTER],
    ['FaultTo', { faultTo: epr('http://127.0.0.1/') }, REGISTER],
    ['the endpoint that it registers', {}, registering(elsewhere)],
    ['a loopback address that it registers', {}, registering('http://[::1]:8080/')],
  ])('refuses what names another place in %s', async (_what, addressing, body) => {
    expect(await verdict(addressing, body)).toBe('DestinationRefused');
  });

  test('has no room for an answer to another place', () => {
    expect(it.deliver?.(outgoing, A)).toBe(true);
    expect(it.deliver?.(outgoing, epr(elsewhere))).toBe(false);
    expect(taken).toEqual([A.address]);
  });
});
