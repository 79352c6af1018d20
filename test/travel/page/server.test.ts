import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { IncomingMessage } from 'node:http';
import { request } from 'node:http';
import { ConcordatError } from '../../../src/errors.js';
import { silentLogger } from '../../../src/log.js';
import { readOrder } from '../../../src/travel/agency.js';
import { DemoFailure } from '../../../src/travel/failure.js';
import type { Action, Controls } from '../../../src/travel/page/controls.js';
import type { PageServer } from '../../../src/travel/page/server.js';
import { openPageServer } from '../../../src/travel/page/server.js';
import { ACTIVITY, booking } from './fixture.js';

const done: string[] = [];
let watching = 0;
let tooMany = false;

const open = (controls: Controls, port = 0): Promise<PageServer> =>
  openPageServer({
    host: '127.0.0.1',
    port,
    names: ['travel.example'],
    view: {
      view: (chosen) => JSON.stringify({ chosen: chosen ?? 'newest' }),
      wake: () => void done.push('wake'),
      subscribe: (chosen, send) => {
        if (tooMany) throw new ConcordatError('Busy', '16 browsers watch already');
        watching += 1;
        send(JSON.stringify({ chosen: chosen ?? 'newest' }));
        return () => void (watching -= 1);
      },
    },
    controls,
    replicas: [1, 2, 3, 4],
    book: (order) => {
      const { trip } = readOrder(order);
      done.push(`book ${trip.customer}`);
      return booking({ customer: trip.customer });
    },
    setHotelFull: (full) =>
      full ? Promise.resolve() : Promise.reject(new ConcordatError('PeerUnreachable', 'no answer in time')),
    log: silentLogger,
  });

const perform = (replica: number, action: Action): Promise<void> => {
  done.push(`${action} ${replica}`);
  if (action === 'continue') throw new DemoFailure('replica-1 does not run; restart it');
  if (action === 'pause') throw new Error('secret');
  return Promise.resolve();
};

let server: PageServer;
beforeAll(async () => {
  server = await open({ kind: 'buttons', perform });
});
afterAll(() => server.close());
beforeEach(() => void done.splice(0));

interface Sent {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
}

/** Sends what a browser would, or would not: fetch sets some headers by itself. */
function send(
  path: string,
  { method = 'GET', headers = {}, body }: Sent = {},
  url = server.url,
): Promise<IncomingMessage & { text: string }> {
  return new Promise((resolve, reject) => {
    const json = body === undefined ? {} : { 'content-type': 'application/json' };
    const outgoing = request(new URL(path, url), { method, headers: { ...json, ...headers } }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => (text += chunk));
      response.on('end', () => resolve(Object.assign(response, { text })));
    });
    outgoing.on('error', reject);
    outgoing.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

const post = (path: string, body: unknown, headers = {}) => send(path, { method: 'POST', body, headers });
const order = { customer: 'Ada' };

describe('the page’s server', () => {
  test.each([
    ['/', 'text/html; charset=utf-8', '<title>Concordat Travel</title>'],
    ['/style.css', 'text/css; charset=utf-8', 'prefers-color-scheme'],
    ['/page.js', 'text/javascript; charset=utf-8', 'EventSource'],
    ['/icon.svg', 'image/svg+xml', '<svg'],
  ])('serves %s, and lets it load nothing from elsewhere', async (path, type, words) => {
    const { statusCode, headers, text } = await send(path);
    expect([statusCode, headers['content-type']]).toEqual([200, type]);
    expect(text).toContain(words);
    expect(headers['content-security-policy']).toContain("default-src 'self'");
    expect(headers['x-content-type-options']).toBe('nosniff');
    expect(headers['set-cookie']).toBeUndefined();
  });

  test('has neither script nor style in the HTML itself', async () => {
    const { text } = await send('/');
    expect(text).not.toMatch(/<style|style=|\son\w+=|<script(?![^>]*src=)/);
    expect(text).not.toMatch(/(src|href)="(https?:)?\/\//);
  });

  test.each([
    ['a Host that is not its own', { host: 'rebound.example' }],
    ['a foreign Origin', { origin: 'http://evil.example' }],
    ['an opaque Origin', { origin: 'null' }],
    ['another port of the same machine', { origin: 'http://127.0.0.1:1' }],
    ['a browser that says cross-site', { 'sec-fetch-site': 'cross-site' }],
    ['a browser that says same-site', { 'sec-fetch-site': 'same-site' }],
  ])('refuses %s, for reading and for writing', async (_what, headers) => {
    const answers = await Promise.all([
      send('/view', { headers }),
      send('/events', { headers }),
      post('/bookings', order, headers),
      post('/replicas/1/kill', {}, headers),
    ]);
    expect(answers.map(({ statusCode }) => statusCode)).toEqual([403, 403, 403, 403]);
    expect([done, watching]).toEqual([[], 0]);
  });

  test('takes what its own page sends, under each of its names', async () => {
    const { host } = new URL(server.url);
    const own = [
      { origin: `http://${host}`, 'sec-fetch-site': 'same-origin' },
      { host: 'travel.example', origin: 'https://travel.example' },
      { host: 'localhost:1' },
      {},
    ];
    const answers = await Promise.all(own.map((headers) => post('/bookings', order, headers)));
    expect(answers.map(({ statusCode }) => statusCode)).toEqual([202, 202, 202, 202]);
    expect(done.filter((line) => line === 'book Ada')).toHaveLength(4);
  });

  test('takes JSON only, which a foreign form cannot send, and not too much of it', async () => {
    expect((await post('/bookings', order, { 'content-type': 'text/plain' })).statusCode).toBe(415);
    expect((await post('/replicas/1/kill', {}, { 'content-type': 'application/x-www-form-urlencoded' })).statusCode).toBe(415);
    expect((await post('/bookings', { customer: 'x'.repeat(20_000) })).statusCode).toBe(413);
    expect(done).toEqual([]);
  });

  test('says what is wrong with an order', async () => {
    const { statusCode, text } = await post('/bookings', { customer: '' });
    expect([statusCode, JSON.parse(text)]).toEqual([
      400,
      { error: 'InvalidParameters', message: 'customer must be one line of 1 to 100 characters' },
    ]);
  });

  test.each([
    '/replicas/5/kill',
    '/replicas/01/kill',
    '/replicas/1/explode',
    '/replicas/1',
    '/replicas/1/kill/now',
    '/nothing',
    '/view',
  ])('does not know POST %s', async (path) => {
    expect((await post(path, {})).statusCode).toBe(404);
    expect(done).toEqual([]);
  });

  test('does what a button says, and tells when it could not', async () => {
    expect((await post('/replicas/2/corrupt', {})).statusCode).toBe(200);
    const failed = await post('/replicas/1/continue', {});
    expect([failed.statusCode, JSON.parse(failed.text)]).toEqual([
      502,
      { error: 'ControlFailed', message: 'replica-1 does not run; restart it' },
    ]);
    const broken = await post('/replicas/1/pause', {});
    expect([broken.statusCode, broken.text.includes('secret')]).toEqual([500, false]);
    expect(done.slice(0, 2)).toEqual(['corrupt 2', 'wake']);
  });

  test('changes the hotel’s rooms, or says why not', async () => {
    const put = (body: unknown) => send('/hotel', { method: 'PUT', body });
    const answers = await Promise.all([put({ full: true }), put({ full: false }), put({ full: 'yes' }), put([])]);
    expect(answers.map(({ statusCode }) => statusCode)).toEqual([200, 502, 400, 400]);
  });

  test('controls nothing where the visitor is to type commands', async () => {
    const other = await open({ kind: 'commands' });
    expect((await send('/replicas/1/kill', { method: 'POST', body: {} }, other.url)).statusCode).toBe(403);
    await other.close();
  });

  test('streams the view of a chosen activity, and forgets who has gone', async () => {
    const gone = new AbortController();
    const response = await fetch(`${server.url}events?activity=${ACTIVITY}`, { signal: gone.signal });
    expect(response.headers.get('content-type')).toBe('text/event-stream; charset=utf-8');
    const reader = response.body?.getReader();
    let text = '';
    while (!text.includes('data: ')) text += Buffer.from((await reader?.read())?.value ?? []).toString('utf8');
    expect(text).toBe(`retry: 1000\n\ndata: {"chosen":"${ACTIVITY}"}\n\n`);
    expect(watching).toBe(1);
    gone.abort();
    while (watching > 0) await new Promise((resolve) => setImmediate(resolve));
  });

  test('refuses a stream for what is no activity, or for one browser too many', async () => {
    expect((await send('/events?activity=x')).statusCode).toBe(400);
    tooMany = true;
    expect((await send('/events')).statusCode).toBe(503);
    tooMany = false;
  });

  test('says so when its port is taken', async () => {
    await expect(open({ kind: 'commands' }, Number(new URL(server.url).port))).rejects.toMatchObject({ code: 'PortInUse' });
  });
});
