import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { request } from 'node:http';
import { ConcordatError } from '../../src/errors.js';
import { silentLogger } from '../../src/log.js';
import type { Desk } from '../../src/travel/desk.js';
import { openDesk } from '../../src/travel/desk.js';

let desk: Desk;
beforeAll(async () => {
  desk = await openDesk({
    host: '127.0.0.1',
    port: 0,
    names: ['hotel'],
    log: silentLogger,
    routes: {
      'GET /things': ({ rest }) => ({ rest }),
      'POST /things': ({ body }) => ({ body }),
      'GET /trouble': () => {
        throw new ConcordatError('Busy', 'come back later');
      },
      'GET /bug': () => {
        throw new Error('secret');
      },
    },
  });
});
afterAll(() => desk.close());

const post = (body: string, type = 'application/json') =>
  fetch(`${desk.url}/things`, { method: 'POST', headers: { 'content-type': type }, body });

/** fetch sets the Host by itself, so this one is sent by hand. */
const statusWithHost = (host: string): Promise<number | undefined> =>
  new Promise((resolve, reject) => {
    const outgoing = request(`${desk.url}/things`, { headers: { host } }, (response) => {
      response.resume();
      resolve(response.statusCode);
    });
    outgoing.on('error', reject);
    outgoing.end();
  });

describe('a desk', () => {
  test('answers by method and path', async () => {
    expect(await (await fetch(`${desk.url}/things/a%20b?x=1`)).json()).toEqual({ rest: 'a b' });
    expect(await (await post('{"a":1}')).json()).toEqual({ body: { a: 1 } });
  });

  test('says what is wrong, in JSON, and tells nothing of its own faults', async () => {
    const answers = await Promise.all(['/nothing', '/trouble', '/bug', '/things/%'].map((path) => fetch(desk.url + path)));
    expect(answers.map(({ status }) => status)).toEqual([404, 503, 500, 404]);
    expect(await answers[2]?.text()).not.toContain('secret');
  });

  test('takes only what a foreign page cannot make a browser send', async () => {
    expect((await post('{}', 'text/plain')).status).toBe(400);
    expect(await statusWithHost('rebound.example')).toBe(400);
    expect(await statusWithHost('localhost:1')).toBe(200);
    expect([await statusWithHost('hotel:4000'), await statusWithHost('airline:4000')]).toEqual([200, 400]);
  });

  test('refuses what is no JSON, or too much of it', async () => {
    expect((await post('{')).status).toBe(400);
    expect((await post(JSON.stringify('x'.repeat(20_000)))).status).toBe(413);
  });

  test('says so when its port is taken', async () => {
    const port = Number(new URL(desk.url).port);
    await expect(openDesk({ host: '127.0.0.1', port, routes: {}, log: silentLogger })).rejects.toMatchObject({
      code: 'PortInUse',
    });
  });
});
