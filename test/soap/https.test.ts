import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { connect as connectTcp } from 'node:net';
import { connect } from 'node:tls';
import { createAuthority, type KeyPair } from '../../src/config/index.js';
import { el, HttpTransport, NS, SoapCaller, startEdge } from '../../src/soap/index.js';
import type { Edge } from '../../src/soap/index.js';
import type { RenewableEdge } from '../../src/soap/edge.js';
import { KeptLog, until } from '../support/cluster.js';
import { message, NOW, setup, type Setup } from './fixtures.js';

const HOST = '127.0.0.1';
let s: Setup;
let authority: string;
let other: string;
let keys: KeyPair;
let renewed: KeyPair;
let edge: RenewableEdge;
const log = new KeptLog();

beforeAll(async () => {
  const [first, second] = await Promise.all(['One', 'Two'].map((name) => createAuthority(name, Date.now())));
  if (first === undefined || second === undefined) throw new RangeError('no authorities');
  authority = first.certificatePem;
  other = second.certificatePem;
  const request = { commonName: 'edge', roles: ['replica'], hosts: [HOST], algorithm: 'p-256' } as const;
  [keys, renewed] = await Promise.all([first.issue(request), first.issue(request)]);
  s = await setup();
  edge = await startEdge({ ...options(), tls: keys });
});
afterAll(() => edge.close());

const options = () => ({
  host: HOST,
  port: 0,
  verifier: s.verifier,
  signer: s.ecSigner,
  paths: new Set(['/registration']),
  handle: () =>
    Promise.resolve({
      kind: 'reply' as const,
      message: {
        soapVersion: '1.1' as const,
        addressing: { action: 'urn:r', relatesTo: 'urn:uuid:1' },
        headers: [],
        body: el(NS.wscoor, 'RegisterResponse'),
      },
    }),
  log,
  clock: () => NOW,
});

async function call(to: Edge, transportOptions: ConstructorParameters<typeof HttpTransport>[0]): Promise<string> {
  const transport = new HttpTransport({ timeoutMs: 5_000, ...transportOptions });
  const caller = new SoapCaller({ signer: s.signer, verifier: s.verifier, transport, clock: () => NOW });
  try {
    return (await caller.call(`${to.url}/registration`, message())).kind;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  } finally {
    transport.close();
  }
}

/** The certificate that the edge shows now. */
const shown = (port: number): Promise<string | undefined> =>
  new Promise((resolve, reject) => {
    const socket = connect({ host: HOST, port, ca: authority }, () => {
      resolve(socket.getPeerX509Certificate()?.toString());
      socket.destroy();
    });
    socket.once('error', reject);
  });

describe('an edge with a certificate', () => {
  test('serves HTTPS to those who trust its authority', async () => {
    expect(edge.url).toMatch(/^https:/);
    expect(await call(edge, { authorities: [authority] })).toBe('reply');
    expect(await call(edge, { authorities: [authority], systemRoots: false })).toBe('reply');
    expect(await call(edge, {})).toContain('unable to verify the first certificate');
    expect(await call(edge, { authorities: [other] })).toContain('unable to verify the first certificate');
  });

  test('refuses TLS 1.1', async () => {
    const reason = await new Promise<string>((resolve) => {
      const socket = connect({ host: HOST, port: edge.port, ca: authority, maxVersion: 'TLSv1.1', minVersion: 'TLSv1.1' });
      socket.once('secureConnect', () => resolve('connected'));
      socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    });
    expect(reason).toMatch(/^ERR_SSL/);
  });

  test('closes on whoever speaks no TLS, with one line in the log', async () => {
    log.lines.length = 0;
    const answer = await new Promise<string>((resolve) => {
      let text = '';
      const socket = connectTcp({ host: HOST, port: edge.port }, () => socket.write('GET / HTTP/1.1\r\n\r\n'));
      socket.on('data', (chunk: Buffer) => (text += chunk.toString('latin1')));
      socket.on('error', () => undefined);
      socket.once('close', () => resolve(text));
    });
    expect(answer).not.toContain('HTTP/1.1 200');
    await until(() => log.refusals().length > 0, 'a line in the log');
    expect(log.refusals()).toHaveLength(1);
    expect(log.refusals()[0]).toMatchObject({ code: 'TlsHandshake' });
  });

  test('shows a new one from the moment it has it, and keeps open connections', async () => {
    const transport = new HttpTransport({ authorities: [authority] });
    const caller = new SoapCaller({ signer: s.signer, verifier: s.verifier, transport, clock: () => NOW });
    const ask = () => caller.call(`${edge.url}/registration`, message()).then(({ kind }) => kind);
    expect(await ask()).toBe('reply');
    expect(await shown(edge.port)).toBe(keys.certificatePem.trim() + '\n');
    edge.renew(renewed);
    expect(await shown(edge.port)).toBe(renewed.certificatePem.trim() + '\n');
    expect(await ask()).toBe('reply');
    transport.close();
    expect(() => edge.renew({ ...renewed, privateKeyPem: keys.privateKeyPem })).toThrow('cannot be used');
    expect(await call(edge, { authorities: [authority] })).toBe('reply');
  });

  test('closes at once, also with a connection that never finishes its handshake', async () => {
    const waiting = await startEdge({ ...options(), tls: keys });
    const socket = connectTcp({ host: HOST, port: waiting.port });
    await new Promise((resolve) => socket.once('connect', resolve));
    const closed = new Promise((resolve) => socket.once('close', resolve));
    const begun = performance.now();
    await waiting.close();
    await closed;
    expect(performance.now() - begun).toBeLessThan(5_000);
  });

  test('is not started with a key that is not its own', async () => {
    await expect(startEdge({ ...options(), tls: { ...keys, privateKeyPem: renewed.privateKeyPem } })).rejects.toMatchObject({
      code: 'ConfigInvalid',
    });
  });
});
