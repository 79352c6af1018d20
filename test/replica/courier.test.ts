import { describe, expect, test } from '@jest/globals';
import { ConcordatError } from '../../src/errors.js';
import type { Digest } from '../../src/bft/index.js';
import type { SendToParticipant } from '../../src/replica/commands.js';
import { Correspondence } from '../../src/replica/correspondence.js';
import { Courier, type CourierLimits } from '../../src/replica/courier.js';
import { el, type OutgoingMessage, type VerifiedMessage } from '../../src/soap/index.js';
import { KeptLog, until } from '../support/cluster.js';
import { epr } from './inbox.js';

const message = (id: string, body = el('urn:x', 'Body')): OutgoingMessage => ({
  soapVersion: '1.1',
  addressing: { action: 'urn:x/Body', messageId: id, relatesTo: `to ${id}` },
  headers: [],
  body,
});
const unreachable = (): Promise<never> => Promise.reject(new ConcordatError('PeerUnreachable', 'nobody is there'));

interface Sent {
  readonly url: string;
  readonly id: string | undefined;
  readonly finish: () => void;
}

/** A courier whose messages are on their way until they are let arrive. */
function slow(limits: Partial<CourierLimits>): { courier: Courier; log: KeptLog; sent: Sent[] } {
  const log = new KeptLog();
  const sent: Sent[] = [];
  const send: SendToParticipant = (url, { addressing }) =>
    new Promise((resolve) => sent.push({ url, id: addressing.messageId, finish: () => resolve({ kind: 'accepted' }) }));
  return { courier: new Courier({ send, log, limits }), log, sent };
}

describe('a courier', () => {
  test('sends so many at once, and to one host so many, in order; the others wait', async () => {
    const { courier, sent } = slow({ concurrency: 3, perHost: 2 });
    for (const id of ['a1', 'a2', 'a3', 'b1', 'b2', 'a4']) courier.post(message(id), epr(`http://${id.charAt(0)}.example/`));
    const ids = (): (string | undefined)[] => sent.map(({ id }) => id);
    expect(ids()).toEqual(['a1', 'a2', 'b1']);
    sent[0]?.finish();
    await until(() => sent.length === 4, 'the next');
    sent[2]?.finish();
    await until(() => sent.length === 5, 'the next but one');
    expect(ids()).toEqual(['a1', 'a2', 'b1', 'a3', 'b2']);
    for (const { finish } of sent) finish();
    await until(() => sent.length === 6, 'all');
    courier.close();
  });

  test.each([
    ['messages', { messages: 2 }, el('urn:x', 'Body')],
    ['characters', { characters: 320 }, el('urn:x', 'Body', {}, 'x'.repeat(100))],
  ])('takes no more than so many %s, and says so once in a while', async (_what, limit, body) => {
    const { courier, log, sent } = slow({ concurrency: 1, ...limit });
    const post = (id: string): boolean => courier.post(message(id, body), epr('http://a.example/'));
    expect([post('1'), post('2'), post('3'), post('4')]).toEqual([true, true, false, false]);
    expect(log.lines).toMatchObject([{ level: 'warn', message: 'too many messages wait to be sent' }]);
    sent[0]?.finish();
    await until(() => sent.length === 2, 'room');
    expect(post('5')).toBe(true);
    courier.close();
  });

  test('tries again what did not arrive, some times, and gives it up with one line', async () => {
    let attempts = 0;
    const log = new KeptLog();
    const send: SendToParticipant = () => ((attempts += 1), unreachable());
    const courier = new Courier({ send, log, limits: { attempts: 3, retryMinMs: 1, retryMaxMs: 2 } });
    courier.post(message('m'), epr('http://a.example/'));
    await until(() => log.lines.length > 0, 'the line');
    expect(attempts).toBe(3);
    expect(log.lines).toMatchObject([
      { level: 'warn', message: 'a message could not be delivered', to: 'http://a.example/', relatesTo: 'to m', attempts: 3 },
    ]);
    courier.close();
  });

  test('arrives at the second attempt, without a line', async () => {
    const urls: string[] = [];
    const log = new KeptLog();
    const send: SendToParticipant = (url) => {
      urls.push(url);
      return urls.length === 1 ? unreachable() : Promise.resolve({ kind: 'accepted' });
    };
    const courier = new Courier({ send, log, limits: { retryMinMs: 1, retryMaxMs: 2 } });
    courier.post(message('m'), epr('http://a.example/'));
    await until(() => urls.length === 2, 'the second attempt');
    expect(log.lines).toEqual([]);
    courier.close();
  });

  test('does not repeat what was answered with something that cannot be verified', async () => {
    let attempts = 0;
    const log = new KeptLog();
    const send: SendToParticipant = () => ((attempts += 1), Promise.reject(new ConcordatError('Unsigned')));
    const courier = new Courier({ send, log, limits: { messages: 1, retryMinMs: 1, retryMaxMs: 1 } });
    courier.post(message('m'), epr('http://a.example/'));
    await until(() => courier.post(message('n'), epr('http://a.example/')), 'room for the next');
    expect(log.lines.filter(({ message: line }) => line === 'a message could not be delivered')).toEqual([]);
    expect(attempts).toBeLessThanOrEqual(2);
    courier.close();
  });

  test('takes nothing after it was closed', () => {
    const { courier, sent } = slow({});
    courier.close();
    expect(courier.post(message('m'), epr('http://a.example/'))).toBe(false);
    expect(sent).toEqual([]);
  });

  test('carries reference parameters as marked headers', () => {
    const seen: OutgoingMessage[] = [];
    const courier = new Courier({
      send: (_url, sent) => {
        seen.push(sent);
        return Promise.resolve({ kind: 'accepted' });
      },
      log: new KeptLog(),
    });
    courier.mail(message('m'), { ...epr('http://a.example/'), referenceParameters: [el('urn:mine', 'Box', {}, '7')] });
    expect(seen).toMatchObject([
      { addressing: { to: 'http://a.example/' }, headers: [{ name: 'Box', attributes: [{ name: 'IsReferenceParameter' }] }] },
    ]);
    courier.close();
  });
});

describe('what is remembered of senders', () => {
  const DIGEST = 'ab'.repeat(32) as Digest;
  const from = (address: string, raw = ''): VerifiedMessage =>
    ({ soapVersion: '1.2', addressing: { action: 'urn:x', from: epr(address) }, raw }) as unknown as VerifiedMessage;
  const at = (number: number) => ({ stream: 's', number });

  test('is what the last message with the request said, and is about that request alone', () => {
    const book = new Correspondence();
    book.remember(at(1), DIGEST, from('http://a.example/'));
    book.remember(at(1), DIGEST, from('http://b.example/'));
    expect(book.find(at(1), DIGEST)).toEqual({ soapVersion: '1.2', from: epr('http://b.example/') });
    expect(book.find(at(2), DIGEST)).toBeUndefined();
    expect(book.find(at(1), 'cd'.repeat(32) as Digest)).toBeUndefined();
  });

  test('is bounded in messages and in characters: the oldest are forgotten', () => {
    const many = new Correspondence();
    for (let k = 1; k <= 20_001; k++) many.remember(at(k), DIGEST, from('http://a.example/'));
    expect([many.find(at(1), DIGEST), many.find(at(2), DIGEST)?.soapVersion]).toEqual([undefined, '1.2']);
    const large = new Correspondence();
    const megabyte = 'x'.repeat(1024 * 1024);
    for (let k = 1; k <= 17; k++) large.remember(at(k), DIGEST, from('http://a.example/', megabyte));
    expect([large.find(at(1), DIGEST), large.find(at(2), DIGEST)?.soapVersion]).toEqual([undefined, '1.2']);
  });
});
