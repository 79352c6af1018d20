/** One replica of an endurance run, in a process of its own: `node worker.js ID FOLDER`. It ends with its driver. */

import { existsSync, rmSync } from 'node:fs';
import { createServer, type Socket, connect } from 'node:net';
import { join } from 'node:path';
import { DEFAULT_LIMITS } from '../../src/config/index.js';
import { encodeFrame, FrameReader } from '../../src/peers/frames.js';
import { ReplicaCore } from './core.js';
import { decodeToReplica, encodeFromReplica, type FromReplica } from './wire.js';

const RECONNECT_MS = 20;
const REPLICAS = 4;
/** What the driver may send at once. */
const MAX_FROM_DRIVER = 64 * 1024 * 1024;

/** Every replica gets every request, on a machine that may be busy: what is slow is not missing, and to say it again makes it slower. */
const PATIENT = { passOnAfterMs: 5_000, resendVotesAfterMs: 10_000, resendVotesMaxMs: 20_000 };

const [id, folder] = [Number(process.argv[2]), process.argv[3] ?? ''];
const socketOf = (replica: number | string): string => join(folder, '..', `${replica}.sock`);

const peers = new Map<number, Socket>();

/** Everything that arrives in one piece is handled in one turn. */
function* payloads(reader: FrameReader, chunk: Buffer): Generator<Buffer> {
  for (const { payload } of reader.push(chunk)) yield payload;
}

const driver = connect(socketOf('driver'));
const tell = (message: FromReplica): void => void driver.write(encodeFrame('data', encodeFromReplica(message)));

const core = new ReplicaCore({
  id,
  folder,
  limits: PATIENT,
  onFailure: (error) => {
    throw error;
  },
  send: (to, frames) => {
    peers.get(to)?.write(Buffer.concat(frames.map((frame) => encodeFrame('data', frame))));
  },
  report: (events) => tell({ type: 'events', events }),
});

const fromDriver = new FrameReader(MAX_FROM_DRIVER);
driver.write(encodeFrame('hello', Buffer.from([id])));
driver.on('data', (chunk) => {
  for (const payload of payloads(fromDriver, chunk)) {
    const message = decodeToReplica(payload);
    if (message.type === 'submit') core.submit(message.requests);
    else {
      globalThis.gc?.();
      tell({ type: 'measured', measure: core.measure() });
    }
  }
});
driver.on('close', () => {
  core.close();
  process.exit(0);
});

function adopt(peer: number, socket: Socket, reader = new FrameReader(DEFAULT_LIMITS.peerFrameBytes)): void {
  socket.setNoDelay(true);
  peers.set(peer, socket);
  socket.on('data', (chunk) => core.receive(peer, payloads(reader, chunk)));
  socket.on('close', () => {
    if (peers.get(peer) === socket) peers.delete(peer);
    if (peer < id) dial(peer);
  });
  core.connected(peer);
}

/** The replica with the higher number dials. */
function dial(peer: number): void {
  const socket = connect(socketOf(peer));
  const again = (): void => void setTimeout(() => dial(peer), RECONNECT_MS);
  socket.once('error', again);
  socket.once('connect', () => {
    socket.off('error', again);
    socket.on('error', () => socket.destroy());
    socket.write(encodeFrame('hello', Buffer.from([id])));
    adopt(peer, socket);
  });
}

if (existsSync(socketOf(id))) rmSync(socketOf(id));
createServer((socket) => {
  const reader = new FrameReader(DEFAULT_LIMITS.peerFrameBytes);
  socket.on('error', () => socket.destroy());
  socket.once('data', (chunk) => {
    const [hello, ...rest] = payloads(reader, chunk);
    const peer = hello?.[0] ?? 0;
    adopt(peer, socket, reader);
    core.receive(peer, rest);
  });
}).listen(socketOf(id));
for (let peer = 1; peer < id && peer <= REPLICAS; peer++) dial(peer);
