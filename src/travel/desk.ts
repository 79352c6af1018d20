import type { IncomingMessage, OutgoingHttpHeaders, Server, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import { ConcordatError } from '../errors.js';
import type { Logger } from '../log.js';
import { TRAVEL_LIMITS } from './limits.js';

/** What a desk does for one request: gets the parsed JSON of a POST or PUT, returns what is answered as JSON. */
export type DeskRoute = (request: { readonly body: unknown; readonly rest: string }) => unknown;

export interface DeskOptions {
  readonly host: string;
  /** 0 takes any free port. */
  readonly port: number;
  /** Names beside `host` and localhost under which it is reached, such as a container's. */
  readonly names?: readonly string[];
  /** By method and first part of the path: `GET /bookings`; what follows in the path is `rest`. */
  readonly routes: Readonly<Record<string, DeskRoute>>;
  readonly log: Logger;
}

export interface Desk {
  readonly url: string;
  close(): Promise<void>;
}

/**
 * Where the people of a service work: plain JSON over HTTP, meant for the machine (or the containers) it runs on. It believes
 * whoever can reach it, so it listens on a loopback address or a network of its own, and takes only requests that a foreign web
 * page cannot make a browser send: the Host must be its own, and a write must be application/json.
 * @throws ConcordatError PortInUse
 */
export async function openDesk(options: DeskOptions): Promise<Desk> {
  const server = createServer(
    { requestTimeout: TRAVEL_LIMITS.callMs },
    (request, response) => void serve(options, request, response),
  );
  server.maxConnections = TRAVEL_LIMITS.deskConnections;
  const port = await listen(server, options);
  return { url: `http://${options.host}:${port}`, close: () => close(server) };
}

async function serve(options: DeskOptions, request: IncomingMessage, response: ServerResponse): Promise<void> {
  try {
    checkHost(request.headers.host, ['localhost', options.host, ...(options.names ?? [])]);
    const method = request.method ?? '';
    const [path = ''] = (request.url ?? '/').split('?');
    const [, first = '', ...rest] = path.split('/');
    const route = options.routes[`${method} /${first}`];
    if (route === undefined) throw new ConcordatError('NotFound', `${method} ${path.slice(0, TRAVEL_LIMITS.text)}`);
    const body = method === 'GET' ? undefined : await readJson(request);
    answer(response, 200, await route({ body, rest: decode(rest.join('/')) }));
  } catch (error) {
    const known = error instanceof ConcordatError ? error : new ConcordatError('Internal');
    if (known !== error) options.log.error({ err: error }, 'the desk failed');
    answer(response, STATUS[known.code] ?? 400, { error: known.code, message: known.message });
  }
}

const STATUS: Readonly<Record<string, number>> = { Internal: 500, Busy: 503, NotFound: 404, TooLarge: 413 };

/** A page of somebody else's that had its own name resolve to us still names itself here. */
export function checkHost(host: string | undefined, own: readonly string[]): void {
  const name = (host ?? '').replace(/:\d+$/, '').toLowerCase();
  if (!own.includes(name)) throw new ConcordatError('NotAuthorized', 'this server has another name');
}

function decode(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    throw new ConcordatError('NotFound', 'the path is not readable');
  }
}

/** The parsed body. @throws ConcordatError UnsupportedContentType, TooLarge, InvalidParameters */
export async function readJson(request: IncomingMessage): Promise<unknown> {
  const [type = ''] = (request.headers['content-type'] ?? '').split(';');
  if (type.trim().toLowerCase() !== 'application/json')
    throw new ConcordatError('UnsupportedContentType', 'a desk takes application/json');
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request) {
    if (!Buffer.isBuffer(chunk)) continue;
    size += chunk.length;
    if (size > TRAVEL_LIMITS.deskBytes) throw new ConcordatError('TooLarge', `a desk takes ${TRAVEL_LIMITS.deskBytes} bytes`);
    chunks.push(chunk);
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString('utf8'));
  } catch (error) {
    throw new ConcordatError('InvalidParameters', 'the body is not JSON', { cause: error });
  }
}

/** Answers with JSON, unless something was answered already. */
export function answer(response: ServerResponse, status: number, value: unknown, headers: OutgoingHttpHeaders = {}): void {
  if (response.destroyed || response.headersSent) return;
  const text = `${JSON.stringify(value)}\n`;
  const type = { 'content-type': 'application/json; charset=utf-8', 'content-length': Buffer.byteLength(text) };
  response.writeHead(status, { ...headers, ...type });
  response.end(text);
}

/** @returns the port it got @throws ConcordatError PortInUse */
export function listen(server: Server, { host, port }: Pick<DeskOptions, 'host' | 'port'>): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      reject(error.code === 'EADDRINUSE' ? new ConcordatError('PortInUse', `${host}:${port}`, { cause: error }) : error);
    });
    server.listen(port, host, () => {
      const address = server.address();
      resolve(typeof address === 'object' && address !== null ? address.port : port);
    });
  });
}

/** Takes nothing more, and ends what is open. */
export function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}

/** The named members of a JSON object. @throws ConcordatError InvalidParameters if it is none */
export function asObject(value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { ...value };
  throw new ConcordatError('InvalidParameters', 'the body must be a JSON object');
}
