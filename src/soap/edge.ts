import { setMaxListeners } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import type { Server as HttpServer } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { Server as HttpsServer } from 'node:https';
import { Socket } from 'node:net';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { ConcordatError } from '../errors.js';
import type { Logger } from '../log.js';
import type { EndpointReference } from './addressing.js';
import type { OutgoingMessage } from './envelope.js';
import { Exchanges } from './exchange.js';
import type { Credentials } from './identity.js';
import { EDGE_LIMITS } from './limits.js';
import type { EdgeLimits } from './limits.js';
import type { MessageSigner } from './signer.js';
import type { MessageVerifier, VerifiedMessage } from './verifier.js';

export interface EdgeRequest {
  readonly path: string;
  readonly message: VerifiedMessage;
  /** Aborted when the sender goes away, the time for an answer is over, or the edge closes. */
  readonly signal: AbortSignal;
}

export type EdgeAnswer = { readonly kind: 'reply'; readonly message: OutgoingMessage } | { readonly kind: 'accepted' };

export interface EdgeOptions {
  readonly host: string;
  /** 0 takes any free port. */
  readonly port: number;
  readonly verifier: MessageVerifier;
  readonly signer: MessageSigner;
  /** Paths that take SOAP by POST. */
  readonly paths: ReadonlySet<string>;
  /** A ConcordatError it throws becomes the fault of the answer; anything else becomes Internal. */
  handle(request: EdgeRequest): Promise<EdgeAnswer>;
  /** Answers GET, e.g. ?wsdl. `query` is what follows the question mark; `base` is the URL the client used, without path. */
  get?(path: string, query: string, base: string): { contentType: string; body: string } | undefined;
  /**
   * Takes a reply or fault that belongs elsewhere than on the exchange (ReplyTo, FaultTo), to be posted on its own; false if it
   * cannot be taken now. Without it everything is answered on the exchange.
   */
  deliver?(message: OutgoingMessage, to: EndpointReference): boolean;
  readonly log: Logger;
  /** Milliseconds since the epoch. */
  readonly clock: () => number;
  readonly limits?: Partial<EdgeLimits>;
  /** Serves HTTPS (TLS 1.2 or later) with this certificate; without it, HTTP. Clients need no certificate: their messages are signed. */
  readonly tls?: Credentials;
}

export interface Edge {
  readonly port: number;
  readonly url: string;
  /** Stops listening, aborts what is in progress, and resolves when every connection is closed. */
  close(): Promise<void>;
}

/** An edge whose certificate can be changed. */
export interface RenewableEdge extends Edge {
  /** Connections from now on see this certificate; those that are open stay. Does nothing where HTTP is served. @throws ConfigInvalid */
  renew(tls: Credentials): void;
}

type Server = HttpServer | HttpsServer;

/**
 * Starts the signed HTTP edge. Whatever a client sends is answered with a signed fault, or its connection is closed; it changes
 * nothing and logs one line.
 * @throws PortInUse, ConfigInvalid for a certificate that TLS cannot use
 */
export async function startEdge(options: EdgeOptions): Promise<RenewableEdge> {
  const limits: EdgeLimits = { ...EDGE_LIMITS, ...options.limits };
  const server = makeServer(options.tls, limits);
  server.maxConnections = limits.maxConnections;
  const closing = new AbortController();
  // Every request in progress listens, and their number has its own limit.
  setMaxListeners(0, closing.signal);
  const port = await listen(server, options.host, options.port);
  const url = `${options.tls === undefined ? 'http' : 'https'}://${options.host.includes(':') ? `[${options.host}]` : options.host}:${port}`;
  const exchanges = new Exchanges(options, limits, url, closing.signal);
  server.on('request', (request, response) => void exchanges.serve(request, response));
  const refused = new WeakSet<Duplex>();
  const secured = new WeakSet<Duplex>();
  server.on('secureConnection', (socket: Duplex) => secured.add(socket));
  // An HTTPS server reports a handshake that failed as a client's error, too.
  server.on('clientError', (error, socket) => {
    // A request in progress logs its own end, and one line a connection is enough.
    if (refused.has(socket) || exchanges.isServing(socket)) return void socket.destroy();
    refused.add(socket);
    if (options.tls === undefined || secured.has(socket)) refuseHttp(error, socket, options.log);
    else refuseTls(error, socket, options.log);
  });
  server.on('error', (error) => options.log.error({ err: error }, 'the HTTP server failed'));
  const sockets = new Set<Socket>();
  // Until its handshake is done, an HTTPS server does not count a connection among those it closes.
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  return { port, url, close: () => close(server, closing, sockets), renew: (tls) => renew(server, tls) };
}

function makeServer(tls: Credentials | undefined, limits: EdgeLimits): Server {
  const options = {
    maxHeaderSize: limits.maxHeaderBytes,
    headersTimeout: limits.headersTimeoutMs,
    // The body has its own, shorter clock (edge-body.ts), which can still answer.
    requestTimeout: limits.headersTimeoutMs + 2 * limits.bodyTimeoutMs,
    keepAliveTimeout: limits.keepAliveTimeoutMs,
    connectionsCheckingInterval: Math.max(50, Math.floor(limits.headersTimeoutMs / 4)),
  };
  if (tls === undefined) return createHttpServer(options);
  return usable(() => createHttpsServer({ ...options, ...secure(tls), handshakeTimeout: limits.headersTimeoutMs }));
}

const secure = ({ certificatePem, privateKeyPem }: Credentials) =>
  ({ cert: certificatePem, key: privateKeyPem, minVersion: 'TLSv1.2' }) as const;

function renew(server: Server, tls: Credentials): void {
  if ('setSecureContext' in server) usable(() => server.setSecureContext(secure(tls)));
}

function usable<T>(make: () => T): T {
  try {
    return make();
  } catch (error) {
    throw new ConcordatError('ConfigInvalid', 'the certificate and key for HTTPS cannot be used', { cause: error });
  }
}

function listen(server: Server, host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const fail = (error: NodeJS.ErrnoException): void => {
      reject(error.code === 'EADDRINUSE' ? new ConcordatError('PortInUse', `${host}:${port}`, { cause: error }) : error);
    };
    server.once('error', fail);
    server.listen(port, host, () => {
      server.off('error', fail);
      resolve(portOf(server.address()) ?? port);
    });
  });
}

const portOf = (address: AddressInfo | string | null): number | undefined =>
  typeof address === 'object' ? address?.port : undefined;

async function close(server: Server, closing: AbortController, sockets: ReadonlySet<Socket>): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  closing.abort();
  // One turn for the answers of what was just aborted; then nobody is waited for.
  await new Promise((resolve) => setImmediate(resolve));
  server.closeAllConnections();
  for (const socket of sockets) socket.destroy();
  await closed;
}

/** What is not even HTTP: one line, a bare 400, and the connection is gone. */
function refuseHttp(error: NodeJS.ErrnoException, socket: Duplex, log: Logger): void {
  const remote = socket instanceof Socket ? socket.remoteAddress : undefined;
  log.warn({ code: 'MalformedHttp', httpError: error.code, remote }, 'refused');
  if (socket.writable && error.code !== 'ECONNRESET') {
    socket.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n');
  } else socket.destroy();
}

/** A handshake that failed: whoever connected speaks no TLS, or not ours, or does not trust us. */
function refuseTls(error: NodeJS.ErrnoException, socket: Duplex, log: Logger): void {
  const remote = socket instanceof Socket ? socket.remoteAddress : undefined;
  log.warn({ code: 'TlsHandshake', tlsError: error.code, remote }, 'refused');
  socket.destroy();
}
