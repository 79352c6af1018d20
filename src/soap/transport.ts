import { Agent as HttpAgent, request as httpRequest } from 'node:http';
import type { ClientRequest, IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { ConcordatError } from '../errors.js';
import { writeContentType } from './content-type.js';
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

/** A connection kept alive that the other side closed just as we used it: worth one more try, for requests are repeatable. */
const STALE: ReadonlySet<string> = new Set(['ECONNRESET', 'EPIPE']);

const unreachable = (detail: string, cause?: unknown): ConcordatError => new ConcordatError('PeerUnreachable', detail, { cause });

/** Posts SOAP over HTTP or HTTPS with connections kept alive; bounded in time, size and connections per host. */
export class HttpTransport {
  private readonly limits: TransportLimits;
  private readonly http: HttpAgent;
  private readonly https: HttpsAgent;

  constructor(options: Partial<TransportLimits> = {}) {
    this.limits = { ...TRANSPORT_LIMITS, ...options };
    const agentOptions = { keepAlive: true, maxSockets: this.limits.maxSocketsPerHost };
    this.http = new HttpAgent(agentOptions);
    this.https = new HttpsAgent(agentOptions);
  }

  /**
   * @throws PeerUnreachable (retryable): no connection, no answer in time, an answer too large, or aborted by `signal`
   */
  async post(url: string, message: PostMessage, signal?: AbortSignal): Promise<PostResult> {
    if (!URL.canParse(url)) throw unreachable(`${url} is not a URL`);
    const target = new URL(url);
    if (target.protocol !== 'http:' && target.protocol !== 'https:') throw unreachable(`${target.protocol} is not http or https`);
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
      const reason = signal?.aborted === true ? 'aborted' : error instanceof Error ? error.message : 'failed';
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
      const options = { method: 'POST', headers: headersOf(message), signal };
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

function headersOf(message: PostMessage): Record<string, string | number> {
  const soapAction = message.soapVersion === '1.1' ? { soapaction: `"${message.action}"` } : {};
  return {
    'content-type': writeContentType(message.soapVersion, message.action),
    'content-length': Buffer.byteLength(message.xml),
    ...soapAction,
  };
}
