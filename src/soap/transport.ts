import { readFileSync } from 'node:fs';
import { Agent as HttpAgent, request as httpRequest } from 'node:http';
import type { ClientRequest, IncomingMessage, RequestOptions } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { createSecureContext, rootCertificates } from 'node:tls';
import { ConcordatError } from '../errors.js';
import { writeContentType } from './content-type.js';
import type { DestinationPolicy } from './destination-policy.js';
import { TRANSPORT_LIMITS } from './limits.js';
import type { TransportLimits } from './limits.js';
import type { SoapVersion } from './parse.js';

export interface PostResult {
  readonly status: number;
  readonly body: string;
}

export interface PostMessage {
  readonly soapVersion: SoapVersion;
  readonly action: string;
  readonly xml: string;
}

export interface TransportOptions extends Partial<TransportLimits> {
  /** Authorities (PEM) that certify https endpoints, beside those of the system. */
  readonly authorities?: readonly string[];
  /** Whether the authorities of the system count, too (and those of NODE_EXTRA_CA_CERTS); true by default. */
  readonly systemRoots?: boolean;
  /** Where messages may be sent; without it, anywhere. */
  readonly destinations?: DestinationPolicy;
}

/** A connection kept alive that the other side closed just as we used it: worth one more try, for requests are repeatable. */
const STALE: ReadonlySet<string> = new Set(['ECONNRESET', 'EPIPE']);
const MIN_TLS = 'TLSv1.2';

const unreachable = (detail: string, cause?: unknown): ConcordatError => new ConcordatError('PeerUnreachable', detail, { cause });

/** Posts SOAP over HTTP or HTTPS with connections kept alive; bounded in time, size and connections per host. Follows no redirects. */
export class HttpTransport {
  private readonly limits: TransportLimits;
  private readonly destinations: DestinationPolicy | undefined;
  private readonly http: HttpAgent;
  private readonly https: HttpsAgent;

  constructor(options: TransportOptions = {}) {
    const { authorities, systemRoots, destinations, ...limits } = options;
    this.limits = { ...TRANSPORT_LIMITS, ...limits };
    this.destinations = destinations;
    const agentOptions = { keepAlive: true, maxSockets: this.limits.maxSocketsPerHost };
    this.http = new HttpAgent(agentOptions);
    const ca = rootsOf(authorities, systemRoots);
    const secureContext = ca === undefined ? {} : { secureContext: createSecureContext({ ca, minVersion: MIN_TLS }) };
    this.https = new HttpsAgent({ ...agentOptions, minVersion: MIN_TLS, ...secureContext });
  }

  /**
   * @throws PeerUnreachable (retryable): no connection, no answer in time, an answer too large, aborted by `signal`, or nothing may
   *   be sent there (which its operator may change)
   */
  async post(url: string, message: PostMessage, signal?: AbortSignal): Promise<PostResult> {
    if (!URL.canParse(url)) throw unreachable(`${url} is not a URL`);
    const target = new URL(url);
    if (target.protocol !== 'http:' && target.protocol !== 'https:') throw unreachable(`${target.protocol} is not http or https`);
    const objection = this.destinations?.objection(target);
    if (objection !== undefined) throw unreachable(`nothing is sent to ${target.host}: ${objection}`);
    const timeout = AbortSignal.timeout(this.limits.timeoutMs);
    const either = signal === undefined ? timeout : AbortSignal.any([timeout, signal]);
    try {
      return await this.attempt(target, message, either);
    } catch (error) {
      if (error instanceof StaleConnection)
        return await this.attempt(target, message, either).catch((second: unknown) => fail(second));
      return fail(error);
    }

    function fail(error: unknown): never {
      if (error instanceof ConcordatError) throw error;
      if (timeout.aborted) throw unreachable(`${target.host} did not answer in time`, error);
      const reason = signal?.aborted === true ? 'aborted' : messageOf(error);
      throw unreachable(`${target.host}: ${reason}`, error);
    }
  }

  /** Closes idle and busy connections. */
  close(): void {
    this.http.destroy();
    this.https.destroy();
  }

  private attempt(target: URL, message: PostMessage, signal: AbortSignal): Promise<PostResult> {
    return new Promise((resolve, reject) => {
      const options: RequestOptions = {
        method: 'POST',
        headers: headersOf(message),
        signal,
        ...(this.destinations === undefined ? {} : { lookup: this.destinations.lookupFor(target) }),
      };
      const onResponse = (response: IncomingMessage): void => void this.read(response).then(resolve, reject);
      const request: ClientRequest =
        target.protocol === 'https:'
          ? httpsRequest(target, { ...options, agent: this.https }, onResponse)
          : httpRequest(target, { ...options, agent: this.http }, onResponse);
      request.on('error', (error: NodeJS.ErrnoException) => {
        reject(
          request.reusedSocket && STALE.has(error.code ?? '') ? new StaleConnection(error.message, { cause: error }) : error,
        );
      });
      request.end(message.xml);
    });
  }

  private async read(response: IncomingMessage): Promise<PostResult> {
    const chunks: Buffer[] = [];
    let size = 0;
    for await (const chunk of response) {
      if (!Buffer.isBuffer(chunk)) continue;
      size += chunk.length;
      if (size > this.limits.maxResponseBytes) throw unreachable(`an answer of more than ${this.limits.maxResponseBytes} bytes`);
      chunks.push(chunk);
    }
    return { status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString('utf8') };
  }
}

class StaleConnection extends Error {}

const messageOf = (error: unknown): string =>
  typeof error === 'object' && error !== null && 'message' in error ? String(error.message) : String(error);

/** Undefined: those of the system, as Node.js takes them by itself. */
function rootsOf(authorities: readonly string[] = [], systemRoots = true): string[] | undefined {
  if (!systemRoots) return [...authorities];
  return authorities.length === 0 ? undefined : [...rootCertificates, ...extraRoots(), ...authorities];
}

/** Node.js adds these only where no authorities are given. */
function extraRoots(): string[] {
  const path = process.env['NODE_EXTRA_CA_CERTS'];
  if (path === undefined || path === '') return [];
  try {
    return [readFileSync(path, 'utf8')];
  } catch {
    // Node.js has warned of it at its start.
    return [];
  }
}

function headersOf(message: PostMessage): Record<string, string | number> {
  const soapAction = message.soapVersion === '1.1' ? { soapaction: `"${message.action}"` } : {};
  return {
    'content-type': writeContentType(message.soapVersion, message.action),
    'content-length': Buffer.byteLength(message.xml),
    ...soapAction,
  };
}
