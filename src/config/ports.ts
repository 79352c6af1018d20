import { createServer } from 'node:net';
import type { Server } from 'node:net';
import { ConcordatError } from '../errors.js';
import { systemCode } from './files.js';

/**
 * Finds ports that are free on `host` now, all different. Another process may take one before it is used; then the replica
 * says so with PortInUse.
 */
export async function freePorts(count: number, host: string): Promise<number[]> {
  const servers: Server[] = [];
  try {
    for (let index = 0; index < count; index += 1) servers.push(await listen(host));
    return servers.map(portOf);
  } finally {
    await Promise.all(servers.map((server) => new Promise((done) => server.close(done))));
  }
}

function listen(host: string): Promise<Server> {
  return new Promise((done, fail) => {
    const server = createServer();
    server.once('error', (error) => {
      fail(new ConcordatError('ConfigInvalid', `cannot listen on host ${host} (${systemCode(error)})`, { cause: error }));
    });
    server.listen(0, host, () => done(server));
  });
}

function portOf(server: Server): number {
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}
