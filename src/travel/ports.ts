import type { Server } from 'node:net';
import { createServer } from 'node:net';
import { ConcordatError } from '../errors.js';

/**
 * Below what operating systems hand out for outgoing connections, so that nobody's connection takes the port of a part
 * while it is down.
 */
const LOWEST = 10_000;
const HIGHEST = 32_000;
const ATTEMPTS = 50;

/** Finds `count` ports in a row that are free on `host` now. @throws ConcordatError PortInUse */
export async function freeBlock(count: number, host: string): Promise<number> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const base = LOWEST + Math.floor(Math.random() * (HIGHEST - LOWEST - count));
    if (await isFree(base, count, host)) return base;
  }
  throw new ConcordatError('PortInUse', `found no ${count} free ports in a row in ${LOWEST}..${HIGHEST}`);
}

async function isFree(base: number, count: number, host: string): Promise<boolean> {
  const servers: Server[] = [];
  try {
    for (let index = 0; index < count; index += 1) servers.push(await listen(base + index, host));
    return true;
  } catch {
    return false;
  } finally {
    await Promise.all(servers.map((server) => new Promise((done) => server.close(done))));
  }
}

function listen(port: number, host: string): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(port, host, () => resolve(server));
  });
}
