import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { once } from 'node:events';
import type { Server, Socket } from 'node:net';
import { connect, createServer } from 'node:net';
import { freeBlock } from '../../src/travel/ports.js';
import { Wires } from './wires.js';

const HOST = '127.0.0.1';
let echo: Server;
let wires: Wires;
let base: number;

/** The wire from 1 to 2, that from 2 to 3, and behind both somebody who says the same. */
beforeEach(async () => {
  base = await freeBlock(3, HOST);
  echo = createServer((socket) => socket.on('error', () => socket.destroy()).pipe(socket));
  echo.listen(base, HOST);
  await once(echo, 'listening');
  const target = { host: HOST, port: base };
  wires = new Wires([
    { from: 1, to: 2, listen: { host: HOST, port: base + 1 }, target },
    { from: 2, to: 3, listen: { host: HOST, port: base + 2 }, target },
  ]);
  await wires.open();
});

afterEach(async () => {
  await wires.close();
  await new Promise((resolve) => echo.close(resolve));
});

async function dial(wire: 1 | 2): Promise<Socket> {
  const socket = connect(base + wire, HOST);
  await once(socket, 'connect');
  return socket;
}

async function echoed(socket: Socket, text: string): Promise<string> {
  const answer = once(socket, 'data');
  socket.write(text);
  return String((await answer)[0]);
}

test('cutting a replica off ends and refuses what leads to it and from it, until it is mended', async () => {
  const sockets = await Promise.all([dial(1), dial(2)]);
  for (const socket of sockets) expect(await echoed(socket, 'hello')).toBe('hello');
  const closed = sockets.map((socket) => once(socket, 'close'));
  await wires.cutOff(2);
  await Promise.all(closed);
  await expect(dial(1)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  await expect(dial(2)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  await wires.mend(2);
  const again = await dial(1);
  expect(await echoed(again, 'hello again')).toBe('hello again');
  again.destroy();
});

test('the others stay connected', async () => {
  const socket = await dial(2);
  await wires.cutOff(1);
  await expect(dial(1)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  expect(await echoed(socket, 'hello')).toBe('hello');
  socket.destroy();
});
