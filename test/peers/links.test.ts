import { afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { once } from 'node:events';
import { createServer } from 'node:tls';
import type { Server, TLSSocket } from 'node:tls';
import type { KeyPair } from '../../src/config/index.js';
import { encodeFrame } from '../../src/peers/frames.js';
import { startPeerLinks } from '../../src/peers/index.js';
import type { PeerLinksOptions } from '../../src/peers/index.js';
import { rejectionOf } from '../config/fixture.js';
import { CLUSTER, HOST, LIMITS, dial, fingerprintOf, makeKeys, startNode, until } from './fixture.js';
import type { Keys, Node } from './fixture.js';

let keys: Keys;
const closing: (() => Promise<unknown>)[] = [];

beforeAll(async () => {
  keys = await makeKeys();
});
afterEach(async () => {
  await Promise.all(closing.splice(0).map((close) => close()));
});

async function start(self: number, peers: PeerLinksOptions['peers'], changes: Partial<PeerLinksOptions> = {}): Promise<Node> {
  const node = await startNode(keys, self, peers, changes);
  closing.push(() => node.links.close());
  return node;
}

const peer = (id: number, port: number) => ({ id, host: HOST, port, fingerprint: fingerprintOf(id === 1 ? keys.one : keys.two) });

/** A port that nobody uses: it was free a moment ago. */
async function freePort(): Promise<number> {
  const node = await startNode(keys, 1, []);
  await node.links.close();
  return node.links.port;
}

/** Two replicas, each with a link to the other. */
async function pair(changesOfOne: Partial<PeerLinksOptions> = {}): Promise<{ one: Node; two: Node; portOfOne: number }> {
  const portOfOne = await freePort();
  const two = await start(2, [peer(1, portOfOne)]);
  const one = await start(1, [peer(2, two.links.port)], { listen: { host: HOST, port: portOfOne }, ...changesOfOne });
  await until('both links are up', () => one.links.connected().length + two.links.connected().length === 2);
  return { one, two, portOfOne };
}

const hello = (from: number, to = 1, cluster = CLUSTER): Buffer =>
  encodeFrame('hello', Buffer.from(JSON.stringify({ cluster, from, to })));

const closeServer = (server: Server): Promise<unknown> => new Promise((done) => server.close(done));

// Not once(socket, 'close'): being cut off shows as an error, too.
const closed = (socket: TLSSocket): Promise<void> => until('the connection was closed', () => socket.closed);

describe('two replicas', () => {
  test('exchange frames both ways, in order, none lost, whatever their size', async () => {
    const { one, two } = await pair();
    const texts = Array.from({ length: 300 }, (_, index) => `${index} ${'x'.repeat((index * 37) % 2000)}`);
    for (const text of texts) {
      expect(one.links.send(2, Buffer.from(text))).toBe(true);
      expect(two.links.send(1, Buffer.from(text))).toBe(true);
    }
    const longest = 'y'.repeat(LIMITS.frameBytes);
    expect(one.links.send(2, Buffer.from(longest))).toBe(true);
    await until('all frames arrived', () => two.frames.length === 301 && one.frames.length === 300);
    expect(two.frames).toEqual([...texts, longest].map((text) => ({ from: 1, text })));
    expect(one.frames).toEqual(texts.map((text) => ({ from: 2, text })));
    expect(one.events).toEqual(['up 2']);
  });

  test('send nothing that the other would refuse, nor to a replica that is unknown', async () => {
    const { one, two } = await pair();
    expect(one.links.send(2, Buffer.alloc(LIMITS.frameBytes + 1))).toBe(false);
    expect(one.links.send(3, Buffer.from('x'))).toBe(false);
    one.links.send(2, Buffer.from('after'));
    await until('the next frame arrived', () => two.frames.length === 1);
    expect(one.links.status()).toEqual([{ peer: 2, connected: true, queuedBytes: 0, dropped: 1, malformed: 0 }]);
  });

  test('keep a link that has nothing to carry', async () => {
    const { one, two } = await pair({ limits: { ...LIMITS, pingEveryMs: 20, pingTimeoutMs: 700 } });
    await new Promise((done) => setTimeout(done, 1_500));
    expect(one.links.connected()).toEqual([2]);
    expect([...one.events, ...two.events]).toEqual(['up 2', 'up 1']);
  });

  test('find each other again after one was restarted, and know that they lost each other', async () => {
    const { one, two, portOfOne } = await pair();
    await one.links.close();
    await until('the loss was seen', () => two.events.includes('down 1'));
    expect(two.links.connected()).toEqual([]);
    expect(two.links.send(1, Buffer.from('lost'))).toBe(false);
    const again = await start(1, [peer(2, two.links.port)], { listen: { host: HOST, port: portOfOne } });
    await until('the links are up again', () => two.links.connected().length + again.links.connected().length === 2);
    two.links.send(1, Buffer.from('hello again'));
    again.links.send(2, Buffer.from('good to see you'));
    await until('frames pass', () => again.frames.length === 1 && two.frames.length === 1);
    expect(two.events).toEqual(['up 1', 'down 1', 'up 1']);
  });

  test('resume: a link that breaks comes back with the same identity checked', async () => {
    const { one, two } = await pair();
    for (let round = 1; round <= 3; round += 1) {
      // A newer link under replica 1's identity takes the place of the older one, which then dials again.
      const { socket } = await dial(two.links.port, keys.one, keys.authority);
      socket.write(hello(1, 2));
      await until('the link broke', () => one.events.filter((event) => event === 'down 2').length === round);
      await until('the link is back', () => one.links.connected().length === 1);
      await closed(socket);
    }
    one.links.send(2, Buffer.from('still me'));
    await until('the frame arrived', () => two.frames.length === 1);
  });

  test('on one port: the second is told PortInUse', async () => {
    const one = await start(1, []);
    const error = await rejectionOf(
      startPeerLinks({
        self: 2,
        listen: { host: HOST, port: one.links.port },
        credentials: keys.two,
        authorities: [keys.authority],
        peers: [],
        cluster: CLUSTER,
        limits: LIMITS,
        onFrame: () => undefined,
        onConnect: () => undefined,
        onDisconnect: () => undefined,
        log: one.log,
      }),
    );
    expect(error).toMatchObject({ code: 'PortInUse', detail: `${HOST}:${one.links.port} (EADDRINUSE)` });
  });
});

describe('a replica refuses', () => {
  const REFUSALS: readonly (readonly [string, (k: Keys) => KeyPair, () => Buffer])[] = [
    ['a hello of another cluster', (k) => k.two, () => hello(2, 1, 'another')],
    ['a hello of a replica that cluster.json does not list', (k) => k.two, () => hello(7)],
    ['a hello for another replica', (k) => k.two, () => hello(2, 3)],
    ['a hello under a certificate that is not its own', (k) => k.participant, () => hello(2)],
    ['a hello without cluster, from and to', (k) => k.two, () => encodeFrame('hello', Buffer.from('{}'))],
    ['a payload that is not JSON', (k) => k.two, () => encodeFrame('hello', Buffer.from('{'))],
    ['a data before hello', (k) => k.two, () => encodeFrame('data', Buffer.from('x'))],
    ['a frame of an unknown kind', (k) => k.two, () => Buffer.from('GET / HTTP/1.1\r\n\r\n')],
  ];

  test.each(REFUSALS)('%s, with one log line', async (reason, who, message) => {
    const one = await start(1, [peer(2, 1)]);
    for (let round = 0; round < 3; round += 1) {
      const { socket, received } = await dial(one.links.port, who(keys), keys.authority);
      socket.write(message());
      socket.write(encodeFrame('data', Buffer.from('must not arrive')));
      await closed(socket);
      expect(received()).toHaveLength(0);
    }
    expect(one.log.reasons('peer link refused')).toEqual([reason]);
    expect(one.frames).toEqual([]);
  });

  test('a hello that is longer than any', async () => {
    const one = await start(1, [peer(2, 1)]);
    const { socket } = await dial(one.links.port, keys.two, keys.authority);
    socket.write(encodeFrame('hello', Buffer.alloc(1025, ' ')));
    await closed(socket);
    expect(one.log.reasons('peer link refused')).toEqual(['a frame of 1026 bytes where 1024 are accepted']);
  });

  test('a certificate of another authority, before it reads anything', async () => {
    const one = await start(1, [peer(2, 1)]);
    const { socket } = await dial(one.links.port, keys.foreignOne, keys.authority);
    socket.write(hello(2));
    await closed(socket);
    expect(one.log.reasons('peer connection failed')).toHaveLength(1);
    expect(one.log.reasons('peer link refused')).toEqual([]);
  });

  test('TLS 1.2, and a protocol that it does not know', async () => {
    const one = await start(1, [peer(2, 1)]);
    await expect(dial(one.links.port, keys.two, keys.authority, 'http/1.1')).rejects.toThrow();
    const { connect } = await import('node:tls');
    const old = connect({ host: HOST, port: one.links.port, ca: keys.authority, maxVersion: 'TLSv1.2' });
    const [error] = (await once(old, 'error')) as [Error];
    expect(error.message).toContain('protocol version');
  });

  test('who does not come to the point in time, however steadily it talks', async () => {
    const one = await start(1, [peer(2, 1)], { limits: { ...LIMITS, handshakeMs: 500 } });
    const { socket, received } = await dial(one.links.port, keys.two, keys.authority);
    const bytes = [...hello(2)];
    const dripping = setInterval(() => socket.write(Buffer.from(bytes.splice(0, 1))), 50);
    await closed(socket);
    clearInterval(dripping);
    expect(bytes.length).toBeGreaterThan(0);
    expect(received()).toHaveLength(0);
    expect(one.log.reasons('peer link refused')).toEqual([]);
  });

  test('an oversize frame of a welcome peer, closes its link, and goes on with the next', async () => {
    const one = await start(1, [peer(2, 1)]);
    for (let round = 1; round <= 2; round += 1) {
      const { socket, received } = await dial(one.links.port, keys.two, keys.authority);
      socket.write(hello(2));
      await until('it was welcomed', () => received().length > 0);
      socket.write(encodeFrame('data', Buffer.from(`good ${round}`)));
      const header = Buffer.from([0xff, 0xff, 0xff, 0xff, 3]);
      socket.write(header);
      await closed(socket);
      expect(one.links.status()[0]?.malformed).toBe(round);
    }
    expect(one.frames.map(({ text }) => text)).toEqual(['good 1', 'good 2']);
    expect(one.log.reasons('peer link refused')).toEqual(['a frame of 4294967295 bytes where 65536 are accepted']);
  });

  test('a frame that the layer above cannot read, as malformed', async () => {
    const one = await start(1, [peer(2, 1)], {
      onFrame: () => {
        throw new Error('not a vote');
      },
    });
    const { socket, received } = await dial(one.links.port, keys.two, keys.authority);
    socket.write(hello(2));
    await until('it was welcomed', () => received().length > 0);
    socket.write(encodeFrame('data', Buffer.from('x')));
    await closed(socket);
    expect(one.links.status()[0]?.malformed).toBe(1);
    expect(one.log.reasons('peer link refused')).toEqual(['not a vote']);
  });

  test('to send to a server whose certificate is not the one in cluster.json', async () => {
    const two = await start(2, [peer(1, 1)]);
    const one = await start(1, [{ ...peer(2, two.links.port), fingerprint: fingerprintOf(keys.participant) }]);
    await until('it was refused', () => one.log.reasons('peer cannot be reached').length === 1);
    expect(one.log.reasons('peer cannot be reached')).toEqual(['its certificate is not the one in cluster.json']);
    expect(one.links.connected()).toEqual([]);
    expect(one.events).toEqual([]);
  });
});

describe('a peer that stands still', () => {
  /** Welcomes whoever comes, and then reads nothing more, as a stopped process does. */
  async function startStopped(): Promise<number> {
    const sockets: TLSSocket[] = [];
    const server = createServer(
      {
        cert: keys.two.certificatePem,
        key: keys.two.privateKeyPem,
        ca: keys.authority,
        requestCert: true,
        ALPNProtocols: ['concordat-peer/1'],
      },
      (socket) => {
        sockets.push(socket);
        socket.on('error', () => undefined);
        socket.once('data', () => {
          socket.pause();
          socket.write(encodeFrame('welcome'));
        });
      },
    );
    server.listen(0, HOST);
    await once(server, 'listening');
    closing.push(() => {
      sockets.forEach((socket) => socket.destroy());
      return closeServer(server);
    });
    const address = server.address();
    if (typeof address !== 'object' || address === null) throw new Error('no address');
    return address.port;
  }

  test('costs no more memory than the queue, is given up, and is dialed again', async () => {
    const stopped = await startStopped();
    const one = await start(1, [peer(2, stopped)], { limits: { ...LIMITS, pingTimeoutMs: 1_000 } });
    await until('the link is up', () => one.links.connected().length === 1);
    const frame = Buffer.alloc(LIMITS.frameBytes);
    let refused = 0;
    let most = 0;
    const dropping = async (): Promise<void> => {
      for (let turn = 0; refused < 100 && turn < 2000; turn += 1) {
        if (!one.links.send(2, frame)) refused += 1;
        most = Math.max(most, one.links.status()[0]?.queuedBytes ?? 0);
        await new Promise((done) => setImmediate(done));
      }
    };
    await dropping();
    expect(refused).toBe(100);
    expect(most).toBeLessThanOrEqual(LIMITS.queueBytes);
    expect(most).toBeGreaterThan(LIMITS.queueBytes / 2);
    await until('it was given up', () => one.events.includes('down 2'));
    expect(one.log.lines).toContainEqual({
      level: 'info',
      fields: { peer: 2, reason: 'it does not answer' },
      message: 'peer link down',
    });
    await until('it was dialed again', () => one.events.length >= 3);
    expect(one.events.slice(0, 3)).toEqual(['up 2', 'down 2', 'up 2']);
  });

  test('before its welcome is given up after the handshake time', async () => {
    const silent = createServer({
      cert: keys.two.certificatePem,
      key: keys.two.privateKeyPem,
      ALPNProtocols: ['concordat-peer/1'],
    });
    silent.on('secureConnection', (socket) => socket.on('error', () => undefined).resume());
    silent.listen(0, HOST);
    await once(silent, 'listening');
    closing.push(() => closeServer(silent));
    const address = silent.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const one = await start(1, [peer(2, port)], { limits: { ...LIMITS, handshakeMs: 200 } });
    await until('it was given up', () => one.log.reasons('peer cannot be reached').length === 1);
    expect(one.log.reasons('peer cannot be reached')).toEqual(['no welcome in time']);
  });
});

describe('a peer that sends what the layer above cannot make sense of', () => {
  /** Peer 2, who is welcomed, says something, and hears that it was none. */
  async function misbehave(one: Node): Promise<TLSSocket> {
    const { socket, received } = await dial(one.links.port, keys.two, keys.authority);
    socket.write(hello(2));
    await until('it was welcomed', () => received().length > 0);
    return socket;
  }

  test('is counted and logged once a minute, and its link is closed when it goes on', async () => {
    const one = await start(1, [peer(2, 1)], { limits: { ...LIMITS, banMinMs: 30_000, banMaxMs: 30_000 } });
    const socket = await misbehave(one);
    for (let count = 1; count <= LIMITS.malformedMax; count += 1) one.links.malformed(2, 'not a vote');
    expect(socket.closed).toBe(false);
    socket.write(encodeFrame('data', Buffer.from('still welcome')));
    await until('it arrived', () => one.frames.length === 1);
    one.links.malformed(2, 'not a vote');
    await closed(socket);
    expect(one.links.status()[0]?.malformed).toBe(LIMITS.malformedMax + 1);
    expect(one.log.reasons('dropped what a peer sent')).toEqual(['not a vote']);

    // And it is kept away.
    const again = await dial(one.links.port, keys.two, keys.authority);
    again.socket.write(hello(2));
    again.socket.write(encodeFrame('data', Buffer.from('must not arrive')));
    await closed(again.socket);
    expect(again.received()).toHaveLength(0);
    expect(one.frames).toHaveLength(1);
  });

  test('is let in again after a while', async () => {
    const one = await start(1, [peer(2, 1)]);
    const socket = await misbehave(one);
    for (let count = 0; count <= LIMITS.malformedMax; count += 1) one.links.malformed(2, 'not a vote');
    await closed(socket);
    let welcome = false;
    while (!welcome) {
      const { socket: next, received } = await dial(one.links.port, keys.two, keys.authority);
      next.write(hello(2));
      await until('it was welcomed or refused', () => received().length > 0 || next.closed);
      welcome = received().length > 0;
    }
    expect(one.links.status()[0]?.malformed).toBe(LIMITS.malformedMax + 1);
  });
});
