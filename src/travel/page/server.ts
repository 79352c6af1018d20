import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import { isIP } from 'node:net';
import { ConcordatError } from '../../errors.js';
import type { Logger } from '../../log.js';
import type { Booking } from '../bookings.js';
import { answer, asObject, close, listen, readJson } from '../desk.js';
import { DemoFailure } from '../failure.js';
import { TRAVEL_LIMITS } from '../limits.js';
import { loadAssets } from './assets.js';
import type { Controls } from './controls.js';
import { isAction } from './controls.js';
import { checkSameOrigin, SECURITY_HEADERS } from './guard.js';

export interface PageServerOptions {
  readonly host: string;
  /** 0 takes any free port. */
  readonly port: number;
  /** Host names, beside the bound one and those of loopback, under which a browser may open the page. */
  readonly names: readonly string[];
  readonly view: {
    subscribe(chosen: string | undefined, send: (view: string) => void): () => void;
    view(chosen?: string): string;
    wake(): void;
  };
  readonly controls: Controls;
  readonly replicas: readonly number[];
  /** Writes a booking down. @throws ConcordatError InvalidParameters, Busy */
  readonly book: (order: unknown) => Booking;
  /** Takes all rooms off the hotel's shelves, or puts them back. @throws ConcordatError PeerUnreachable */
  readonly setHotelFull: (full: boolean) => Promise<void>;
  readonly log: Logger;
}

export interface PageServer {
  readonly url: string;
  close(): Promise<void>;
}

type Route = (context: {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly parts: readonly string[];
  readonly query: URLSearchParams;
}) => void | Promise<void>;

/** Serves the page, its live view as server-sent events, and what its buttons do. @throws ConcordatError PortInUse */
export async function openPageServer(options: PageServerOptions): Promise<PageServer> {
  const routes = routesOf(options);
  const names = ['localhost', '127.0.0.1', '[::1]', options.host, ...options.names];
  const server = createServer(
    { requestTimeout: TRAVEL_LIMITS.callMs },
    (request, response) => void serve(options, names, routes, request, response),
  );
  server.maxConnections = TRAVEL_LIMITS.pageConnections;
  const port = await listen(server, options);
  // Bound to all addresses it is opened by the one name that always works on this machine.
  const name = ['0.0.0.0', '::'].includes(options.host)
    ? 'localhost'
    : isIP(options.host) === 6
      ? `[${options.host}]`
      : options.host;
  return { url: `http://${name}:${port}/`, close: () => close(server) };
}

async function serve(
  options: PageServerOptions,
  names: readonly string[],
  routes: Readonly<Record<string, Route>>,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  try {
    checkSameOrigin(request, names);
    const { path, query } = addressOf(request);
    const [, first = '', ...parts] = path.split('/');
    const route = routes[`${request.method ?? ''} /${first}`];
    if (route === undefined) throw new ConcordatError('NotFound', `${request.method ?? ''} ${path.slice(0, TRAVEL_LIMITS.text)}`);
    await route({ request, response, parts, query });
  } catch (error) {
    const { status, code, message } = problemOf(error);
    if (status === 500) options.log.error({ err: error }, 'the page failed');
    answer(response, status, { error: code, message }, SECURITY_HEADERS);
  }
}

function addressOf({ url = '/' }: IncomingMessage): { readonly path: string; readonly query: URLSearchParams } {
  const [path = '/', query = ''] = url.split('?');
  return { path, query: new URLSearchParams(query) };
}

const STATUS: Readonly<Record<string, number>> = {
  NotAuthorized: 403,
  NotFound: 404,
  Busy: 503,
  TooLarge: 413,
  UnsupportedContentType: 415,
  PeerUnreachable: 502,
};

/** What went wrong, for the visitor. The inside of an unknown failure is for the log only. */
function problemOf(error: unknown): { readonly status: number; readonly code: string; readonly message: string } {
  if (error instanceof DemoFailure) return { status: 502, code: 'ControlFailed', message: error.message };
  if (error instanceof ConcordatError)
    return { status: STATUS[error.code] ?? 400, code: error.code, message: error.detail ?? error.message };
  return { status: 500, code: 'Internal', message: 'the page could not do that; its log says why' };
}

function routesOf(options: PageServerOptions): Readonly<Record<string, Route>> {
  const { view, log } = options;
  const fixed = [...loadAssets()].map(([path, { type, bytes }]): [string, Route] => [
    `GET ${path}`,
    ({ response, parts }) => {
      if (parts.length > 0) throw new ConcordatError('NotFound');
      response.writeHead(200, { ...SECURITY_HEADERS, 'content-type': type, 'content-length': bytes.length });
      response.end(bytes);
    },
  ]);
  return {
    ...Object.fromEntries(fixed),
    'GET /view': ({ response, query }) => answer(response, 200, JSON.parse(view.view(chosenIn(query))), SECURITY_HEADERS),
    'GET /events': ({ response, query }) => watch(options, response, chosenIn(query)),
    'POST /bookings': async ({ request, response }) => {
      const booking = options.book(await readJson(request));
      view.wake();
      answer(response, 202, { id: booking.id }, SECURITY_HEADERS);
    },
    'PUT /hotel': async ({ request, response }) => {
      const { full } = asObject(await readJson(request));
      if (typeof full !== 'boolean') throw new ConcordatError('InvalidParameters', 'full must be true or false');
      await options.setHotelFull(full).finally(() => view.wake());
      answer(response, 200, { full }, SECURITY_HEADERS);
    },
    'POST /replicas': async ({ request, response, parts }) => {
      const { replica, action } = controlIn(parts, options.replicas);
      asObject(await readJson(request));
      if (options.controls.kind === 'commands')
        throw new ConcordatError('NotAuthorized', 'here replicas are controlled by commands that you type');
      log.info({ replica, action }, 'a visitor asks for');
      await options.controls.perform(replica, action).finally(() => view.wake());
      answer(response, 200, { replica, action }, SECURITY_HEADERS);
    },
  };
}

const ACTIVITY = /^urn:uuid:[0-9a-f-]{36}$/;

function chosenIn(query: URLSearchParams): string | undefined {
  const activity = query.get('activity');
  if (activity === null) return undefined;
  if (!ACTIVITY.test(activity)) throw new ConcordatError('InvalidParameters', 'activity must be a urn:uuid');
  return activity;
}

function controlIn([id = '', action = '', ...rest]: readonly string[], replicas: readonly number[]) {
  const replica = replicas.find((known) => String(known) === id);
  if (replica === undefined || rest.length > 0) throw new ConcordatError('NotFound', 'there is no such replica');
  if (!isAction(action)) throw new ConcordatError('NotFound', 'there is no such action');
  return { replica, action };
}

/** Server-sent events: the whole view, whenever it has changed. A browser that is cut off asks again by itself. */
function watch({ view }: PageServerOptions, response: ServerResponse, chosen: string | undefined): void {
  const write = (text: string): void => {
    if (response.writableLength > TRAVEL_LIMITS.watcherBytes) response.destroy();
    else response.write(text);
  };
  const begin = (): void => {
    if (response.headersSent) return;
    response.writeHead(200, {
      ...SECURITY_HEADERS,
      'content-type': 'text/event-stream; charset=utf-8',
      'x-accel-buffering': 'no',
    });
    write('retry: 1000\n\n');
  };
  const end = view.subscribe(chosen, (json) => {
    begin();
    write(`data: ${json}\n\n`);
  });
  const heartbeat = setInterval(() => write('event: alive\ndata: 1\n\n'), TRAVEL_LIMITS.heartbeatMs);
  response.on('close', () => {
    clearInterval(heartbeat);
    end();
  });
}
