import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { ConcordatError } from '../errors.js';
import { readContentType, readSoapAction, writeContentType } from './content-type.js';
import type { SoapContentType } from './content-type.js';
import { addressed, destinationsOf, HERE } from './destinations.js';
import type { Destination, Destinations } from './destinations.js';
import { checkDeclaredSize, drain, readBody } from './edge-body.js';
import type { EdgeAnswer, EdgeOptions } from './edge.js';
import type { OutgoingMessage } from './envelope.js';
import { faultMessage, faultStatus } from './faults.js';
import type { EdgeLimits } from './limits.js';
import type { VerifiedMessage, VerifyTrace } from './verifier.js';

/** One HTTP request and what has been found out about it so far, for its fault and its log line. */
interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly path: string;
  readonly query: string;
  /** Kept from the start: a closed socket no longer tells it. */
  readonly remote: string | undefined;
  readonly trace: VerifyTrace;
  contentType?: SoapContentType;
  /** Where answers go, known only when all about the message is checked: until then they go back on this exchange. */
  destinations?: Destinations;
}

const MAX_LOGGED_PATH = 200;
const HOST = /^[A-Za-z0-9.:[\]-]{1,255}$/;

/** Serves requests one by one: path, size, content type, encoding, body, parse and signature, action; then the handler. */
export class Exchanges {
  private inProgress = 0;
  private readonly serving = new WeakSet<Duplex>();

  constructor(
    private readonly options: EdgeOptions,
    private readonly limits: EdgeLimits,
    private readonly url: string,
    private readonly closing: AbortSignal,
  ) {}

  /** Never rejects. */
  async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    request.on('error', ignore);
    response.on('error', ignore);
    const [path = '/', ...query] = (request.url ?? '/').split('?');
    const exchange: Exchange = {
      request,
      response,
      path,
      query: query.join('?'),
      remote: request.socket.remoteAddress,
      trace: {},
    };
    this.inProgress += 1;
    this.serving.add(request.socket);
    try {
      if (request.method === 'POST') await this.post(exchange);
      else this.get(exchange);
    } catch (error) {
      await this.refuse(exchange, error);
    } finally {
      this.inProgress -= 1;
      this.serving.delete(request.socket);
    }
  }

  /** True while a request that came over this connection is being served. */
  isServing(socket: Duplex): boolean {
    return this.serving.has(socket);
  }

  private async post(exchange: Exchange): Promise<void> {
    const { request, path, trace } = exchange;
    if (!this.options.paths.has(path)) throw new ConcordatError('NotFound', path.slice(0, MAX_LOGGED_PATH));
    if (this.inProgress > this.limits.maxConcurrent) throw new ConcordatError('Busy');
    checkDeclaredSize(request, this.limits);
    exchange.contentType = readContentType(request.headers['content-type']);
    checkEncoding(request.headers['content-encoding']);
    const raw = await readBody(request, this.limits);
    const message = this.options.verifier.verify(raw, this.options.clock(), trace);
    checkAgreement(request, exchange.contentType, message);
    if (this.options.deliver !== undefined) exchange.destinations = destinationsOf(message);
    const answer = await this.handle(exchange, message);
    if (answer.kind === 'accepted') return this.accept(exchange);
    const given = this.answer(exchange, 200, answer.message, exchange.destinations?.reply ?? HERE);
    if (!given) throw new ConcordatError('Busy', 'too many replies wait to be sent');
  }

  /** Gives an answer where it belongs; elsewhere means that this exchange is accepted and over. False: it cannot be sent there now. */
  private answer(exchange: Exchange, status: number, message: OutgoingMessage, destination: Destination): boolean {
    switch (destination.kind) {
      case 'exchange':
        this.send(exchange, status, destination.epr === undefined ? message : addressed(message, destination.epr));
        return true;
      case 'endpoint':
        if (this.options.deliver?.(addressed(message, destination.epr), destination.epr) !== true) return false;
        break;
      case 'nobody':
    }
    this.accept(exchange);
    return true;
  }

  private accept({ response }: Exchange): void {
    response.writeHead(202, { 'content-length': 0 }).end();
  }

  /** The handler's answer, or Busy when time is up or the edge closes. */
  private async handle(exchange: Exchange, message: VerifiedMessage): Promise<EdgeAnswer> {
    const abort = new AbortController();
    const gone = (): void => abort.abort(OVER);
    let stop: (error: ConcordatError) => void = ignore;
    const stopped = new Promise<never>((_resolve, reject) => (stop = reject));
    const close = (): void => stop(new ConcordatError('Busy', 'this endpoint is closing'));
    const timer = setTimeout(() => stop(new ConcordatError('Busy', 'it took too long')), this.limits.handlerTimeoutMs);
    exchange.response.on('close', gone);
    this.closing.addEventListener('abort', close);
    if (this.closing.aborted) close();
    try {
      return await Promise.race([this.options.handle({ path: exchange.path, message, signal: abort.signal }), stopped]);
    } finally {
      clearTimeout(timer);
      exchange.response.off('close', gone);
      this.closing.removeEventListener('abort', close);
      abort.abort(OVER);
    }
  }

  private get(exchange: Exchange): void {
    const { request, response, path, query } = exchange;
    const known = this.options.paths.has(path);
    if (request.method !== 'GET' && request.method !== 'HEAD') throw new ConcordatError('MethodNotAllowed', request.method);
    const host = request.headers.host ?? '';
    const page = this.options.get?.(path, query, HOST.test(host) ? `http://${host}` : this.url);
    if (page === undefined) throw new ConcordatError(known ? 'MethodNotAllowed' : 'NotFound', path.slice(0, MAX_LOGGED_PATH));
    response.writeHead(200, { 'content-type': page.contentType, 'content-length': Buffer.byteLength(page.body) });
    response.end(request.method === 'HEAD' ? undefined : page.body);
  }

  private async refuse(exchange: Exchange, error: unknown): Promise<void> {
    const { request, response } = exchange;
    try {
      this.log(exchange, error);
      await drain(request, this.limits);
      if (response.destroyed) return;
      if (response.headersSent) return void response.destroy();
      if (!request.complete) response.shouldKeepAlive = false;
      if (request.method !== 'POST') return void this.sendText(response, error);
      this.fault(exchange, error);
    } catch (failure) {
      this.options.log.error({ err: failure }, 'a fault could not be sent');
      response.destroy();
    }
  }

  /** On this exchange, if what was wrong leaves no other place, or if it cannot be sent there now. */
  private fault(exchange: Exchange, error: unknown): void {
    const { trace, contentType } = exchange;
    const soapVersion = trace.soapVersion ?? contentType?.soapVersion ?? '1.1';
    const relatesTo = trace.messageId === undefined ? {} : { relatesTo: trace.messageId };
    const fault = faultMessage(error, { soapVersion, ...relatesTo });
    const status = faultStatus(error, soapVersion);
    if (!this.answer(exchange, status, fault, exchange.destinations?.fault ?? HERE)) this.send(exchange, status, fault);
  }

  /** To browsers and scanners, in plain text: signing for them would only cost us. */
  private sendText(response: ServerResponse, error: unknown): void {
    const known = error instanceof ConcordatError ? error : new ConcordatError('Internal');
    response.setHeader('content-type', 'text/plain; charset=utf-8');
    if (known.code === 'MethodNotAllowed') response.setHeader('allow', 'POST, GET');
    response.statusCode = known.entry.httpStatus;
    response.end(`${known.code}: ${known.entry.message}\n`);
  }

  private send({ response }: Exchange, status: number, message: OutgoingMessage): void {
    const xml = this.options.signer.sign(message, this.options.clock());
    response.writeHead(status, {
      'content-type': writeContentType(message.soapVersion, message.addressing.action),
      'content-length': Buffer.byteLength(xml),
    });
    response.end(xml);
  }

  private log({ path, remote, trace }: Exchange, error: unknown): void {
    const about = {
      path: path.slice(0, MAX_LOGGED_PATH),
      remote,
      identity: trace.identity?.writer,
    };
    if (error instanceof ConcordatError) this.options.log.warn({ code: error.code, detail: error.detail, ...about }, 'refused');
    else this.options.log.error({ code: 'Internal', err: error, ...about }, 'refused');
  }
}

const ignore = (): void => undefined;

/** Why a handler's signal is aborted. Without a reason each exchange would make an exception of its own, stack and all. */
const OVER = 'the exchange is over';

function checkEncoding(header: string | undefined): void {
  const encoding = header?.trim().toLowerCase() ?? '';
  if (encoding !== '' && encoding !== 'identity') throw new ConcordatError('ContentEncoding', encoding);
}

/** Content type, envelope, SOAPAction and wsa:Action tell the same (WS-Addressing 1.0 SOAP Binding §4.1). */
function checkAgreement(request: IncomingMessage, contentType: SoapContentType, message: VerifiedMessage): void {
  if (contentType.soapVersion !== message.soapVersion) {
    throw new ConcordatError('UnsupportedContentType', `the envelope is of SOAP ${message.soapVersion}`);
  }
  const header = request.headers.soapaction;
  const action =
    message.soapVersion === '1.1' ? readSoapAction(Array.isArray(header) ? header.join() : header) : contentType.action;
  if (action !== undefined && action !== message.addressing.action) {
    throw new ConcordatError('ActionMismatch', `SOAPAction ${action}, wsa:Action ${message.addressing.action}`);
  }
}
