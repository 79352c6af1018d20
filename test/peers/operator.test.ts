import { afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { ConcordatError } from '../../src/errors.js';
import { encodeFrame } from '../../src/peers/frames.js';
import { askOperator } from '../../src/peers/index.js';
import type { AskOperatorOptions, OperatorHandler } from '../../src/peers/index.js';
import { rejectionOf } from '../config/fixture.js';
import { HOST, LIMITS, dial, fingerprintOf, makeKeys, startNode, until } from './fixture.js';
import type { Keys, Node } from './fixture.js';

let keys: Keys;
let node: Node | undefined;

beforeAll(async () => {
  keys = await makeKeys();
});
afterEach(async () => {
  await node?.links.close();
  node = undefined;
});

async function serve(operator?: OperatorHandler): Promise<Node> {
  node = await startNode(keys, 1, [], operator === undefined ? {} : { operator });
  return node;
}

const ask = (to: Node, request: unknown, changes: Partial<AskOperatorOptions> = {}): Promise<unknown> =>
  askOperator({
    host: HOST,
    port: to.links.port,
    credentials: keys.operator,
    authorities: [keys.authority],
    fingerprint: fingerprintOf(keys.one),
    request,
    timeoutMs: 5_000,
    ...changes,
  });

describe('askOperator', () => {
  test('brings a request of an operator to the replica and its answer back', async () => {
    const one = await serve((request, { name }) => Promise.resolve({ name, request }));
    expect(await ask(one, { list: 'activities' })).toEqual({ name: 'operator', request: { list: 'activities' } });
    expect(await Promise.all(Array.from({ length: 10 }, (_, index) => ask(one, index)))).toHaveLength(10);
  });

  test('reports the error that the replica gave, by its code', async () => {
    const one = await serve(() => Promise.reject(new ConcordatError('UnknownActivity', 'urn:uuid:1')));
    expect(await rejectionOf(ask(one, {}))).toMatchObject({ code: 'UnknownActivity', detail: 'urn:uuid:1' });
  });

  test('reports an unexpected failure of the replica without its text', async () => {
    const one = await serve(() => Promise.reject(new Error('secret')));
    expect(await rejectionOf(ask(one, {}))).toMatchObject({ code: 'Internal', detail: undefined });
    expect(one.log.reasons('operator request refused')).toEqual(['Error: secret']);
  });

  test.each([
    ['that is no JSON', 1n, { code: 'Internal', detail: 'the answer is not JSON' }],
    ['that is too large', 'x'.repeat(LIMITS.frameBytes), { code: 'TooLarge' }],
  ])('reports an answer %s', async (_, answer, expected) => {
    const one = await serve(() => Promise.resolve(answer));
    expect(await rejectionOf(ask(one, {}))).toMatchObject(expected);
  });

  test('is refused to anybody who is not an operator, be it a participant or a replica', async () => {
    let asked = 0;
    const one = await serve(() => Promise.resolve((asked += 1)));
    for (const credentials of [keys.participant, keys.two]) {
      expect(await rejectionOf(ask(one, {}, { credentials }))).toMatchObject({
        code: 'NotAuthorized',
        detail: 'the certificate has no OU operator',
      });
    }
    expect(await rejectionOf(ask(one, {}, { credentials: keys.foreignOne }))).toMatchObject({ code: 'ReplicaUnreachable' });
    expect(asked).toBe(0);
  });

  test('is refused where no operator requests are taken', async () => {
    expect(await rejectionOf(ask(await serve(), {}))).toMatchObject({ code: 'NotFound' });
  });

  test('trusts no other certificate than the one it was told', async () => {
    const one = await serve(() => Promise.resolve('fooled'));
    expect(await rejectionOf(ask(one, {}, { fingerprint: fingerprintOf(keys.two) }))).toMatchObject({
      code: 'CertificateUntrusted',
    });
  });

  test('gives up in time, and at once where nobody listens', async () => {
    const one = await serve(() => new Promise(() => undefined));
    expect(await rejectionOf(ask(one, {}, { timeoutMs: 100 }))).toMatchObject({
      code: 'ReplicaUnreachable',
      detail: `${HOST}:${one.links.port}: no answer in 100 ms`,
    });
    await one.links.close();
    expect((await rejectionOf(ask(one, {}))).detail).toContain('ECONNREFUSED');
  });

  test('is answered Busy beyond the limit of requests in progress, and served again when they are done', async () => {
    const release: (() => void)[] = [];
    const one = await serve(() => new Promise((done) => release.push(() => done('done'))));
    const waiting = Array.from({ length: 16 }, () => ask(one, {}));
    await until('all are in progress', () => release.length === 16);
    expect(await rejectionOf(ask(one, {}))).toMatchObject({ code: 'Busy' });
    release.splice(0).forEach((done) => done());
    expect(await Promise.all(waiting)).toEqual(Array.from({ length: 16 }, () => 'done'));
    const next = ask(one, {});
    await until('the next is in progress', () => release.length === 1);
    release[0]?.();
    expect(await next).toBe('done');
  });
});

test('an operator connection that sends something else is closed with a log line', async () => {
  const one = await serve(() => Promise.resolve('x'));
  const { socket, received } = await dial(one.links.port, keys.operator, keys.authority, 'concordat-operator/1');
  socket.write(encodeFrame('data', Buffer.from('{}')));
  await until('it was closed', () => socket.closed);
  expect(received()).toHaveLength(0);
  expect(one.log.reasons('operator request refused')).toEqual(['an unexpected data']);
});
