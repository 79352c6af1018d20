import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:tls';
import type { TLSSocket } from 'node:tls';
import { certificateFingerprint, createAuthority } from '../../src/config/index.js';
import type { Authority, KeyPair } from '../../src/config/index.js';
import type { LogFields, Logger } from '../../src/log.js';
import { startPeerLinks } from '../../src/peers/index.js';
import type { PeerLimits, PeerLinks, PeerLinksOptions } from '../../src/peers/index.js';

export const HOST = '127.0.0.1';
export const CLUSTER = 'cluster-under-test';
export const LIMITS: Required<PeerLimits> = {
  frameBytes: 64 * 1024,
  queueBytes: 1024 * 1024,
  reconnectMinMs: 10,
  reconnectMaxMs: 50,
  pingEveryMs: 50,
  pingTimeoutMs: 2_000,
  handshakeMs: 2_000,
  malformedMax: 4,
  malformedWithinMs: 60_000,
  banMinMs: 100,
  banMaxMs: 400,
};

export const fingerprintOf = (keys: KeyPair): string => certificateFingerprint(new X509Certificate(keys.certificatePem));

/** Two replicas, two kinds of client, and a replica 1 of another authority. */
export async function makeKeys() {
  const [authority, foreign] = await Promise.all([createAuthority('one', Date.now()), createAuthority('other', Date.now())]);
  const replica = (of: Authority, id: number): Promise<KeyPair> =>
    of.issue({ commonName: `replica-${id}`, roles: ['replica'], hosts: ['localhost', HOST] });
  const client = (name: string): Promise<KeyPair> => authority.issue({ commonName: name, roles: [name] });
  const [one, two, foreignOne, operator, participant] = await Promise.all([
    replica(authority, 1),
    replica(authority, 2),
    replica(foreign, 1),
    client('operator'),
    client('participant'),
  ]);
  return {
    authority: authority.certificatePem,
    foreignAuthority: foreign.certificatePem,
    one,
    two,
    foreignOne,
    operator,
    participant,
  };
}

export type Keys = Awaited<ReturnType<typeof makeKeys>>;

/** A log that keeps its lines. */
export class Lines implements Logger {
  readonly lines: { level: string; fields: LogFields; message: string }[] = [];
  readonly #add =
    (level: string) =>
    (fields: LogFields, message: string): void =>
      void this.lines.push({ level, fields, message });
  readonly debug = this.#add('debug');
  readonly info = this.#add('info');
  readonly warn = this.#add('warn');
  readonly error = this.#add('error');

  /** Reasons of the warnings with this message. */
  reasons(message: string): unknown[] {
    return this.lines.filter((line) => line.level === 'warn' && line.message === message).map(({ fields }) => fields.reason);
  }
}

/** What one node has seen, and a way to wait until it has seen enough. */
export class Seen {
  readonly frames: { from: number; text: string }[] = [];
  readonly events: string[] = [];
  readonly log = new Lines();
}

const WAIT_MS = 10_000;
const LOOK_EVERY_MS = 5;

/** Waits until `condition` holds; fails, naming it, if it does not in ten seconds. */
export async function until(what: string, condition: () => boolean): Promise<void> {
  const end = Date.now() + WAIT_MS;
  while (!condition()) {
    if (Date.now() > end) throw new Error(`not in time: ${what}`);
    await new Promise((done) => setTimeout(done, LOOK_EVERY_MS));
  }
}

export interface Node extends Seen {
  readonly links: PeerLinks;
}

/** Starts a replica's links; what it sees is recorded. */
export async function startNode(
  keys: Keys,
  self: number,
  peers: PeerLinksOptions['peers'],
  changes: Partial<PeerLinksOptions> = {},
): Promise<Node> {
  const seen = new Seen();
  const links = await startPeerLinks({
    self,
    listen: { host: HOST, port: 0 },
    credentials: self === 1 ? keys.one : keys.two,
    authorities: [keys.authority],
    peers,
    cluster: CLUSTER,
    limits: LIMITS,
    onFrame: (from, frame) => void seen.frames.push({ from, text: frame.toString() }),
    onConnect: (peer) => void seen.events.push(`up ${peer}`),
    onDisconnect: (peer) => void seen.events.push(`down ${peer}`),
    log: seen.log,
    ...changes,
  });
  return Object.assign(seen, { links });
}

/** Dials as anybody: to speak what the real dialer would not. */
export async function dial(
  port: number,
  keys: KeyPair,
  authority: string,
  protocol = 'concordat-peer/1',
): Promise<{ socket: TLSSocket; received: () => Buffer }> {
  const socket = connect({
    host: HOST,
    port,
    cert: keys.certificatePem,
    key: keys.privateKeyPem,
    ca: authority,
    ALPNProtocols: [protocol],
    minVersion: 'TLSv1.3',
  });
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  await once(socket, 'secureConnect');
  socket.on('error', () => undefined);
  return { socket, received: () => Buffer.concat(chunks) };
}
