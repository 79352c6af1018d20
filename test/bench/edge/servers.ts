import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { silentLogger } from '../../../src/log.js';
import { el, startEdge } from '../../../src/soap/index.js';
import { BENCH, ECHO_REPLY_ACTION } from './messages.js';
import type { Party } from './messages.js';

export interface Server {
  readonly port: number;
  close(): Promise<void>;
}

const HOST = '127.0.0.1';
export const PATH = '/echo';

/** The whole signed edge: HTTP, limits, parse, verification, an answer with the same content, signed. */
export async function serveOurs({ verifier, signer }: Party, port = 0): Promise<Server> {
  const edge = await startEdge({
    host: HOST,
    port,
    verifier,
    signer,
    paths: new Set([PATH]),
    handle: ({ message }) =>
      Promise.resolve({
        kind: 'reply',
        message: {
          soapVersion: message.soapVersion,
          addressing: { action: ECHO_REPLY_ACTION },
          headers: [],
          body: el(BENCH, 'EchoResponse', {}, ...message.body.children),
        },
      }),
    log: silentLogger,
    clock: Date.now,
  });
  return { port: edge.port, close: () => edge.close() };
}

/** What node's HTTP can do: gives back what it got. */
export async function serveEcho(port = 0): Promise<Server> {
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const body = Buffer.concat(chunks);
      response.writeHead(200, { 'content-type': 'text/xml; charset=utf-8', 'content-length': body.length }).end(body);
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, HOST, resolve);
  });
  const address: AddressInfo | string | null = server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
