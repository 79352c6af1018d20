import { setMaxListeners } from 'node:events';
import { ConcordatError } from '../../src/errors.js';
import { type Edge, type EdgeOptions, type EdgeRequest, faultMessage } from '../../src/soap/index.js';
import type { HttpTransport, PostMessage, PostResult } from '../../src/soap/index.js';
import type { VerifyTrace } from '../../src/soap/verifier.js';
import { type Network, type Site, unreachable } from './network.js';
import type { Process } from './process.js';

type Transport = Pick<HttpTransport, 'post' | 'close'>;

interface Server {
  readonly process: Process;
  readonly options: EdgeOptions;
  /** Of every request: a sender that goes away does not tell. */
  readonly stays: AbortSignal;
}

/** An exchange that gets no answer is given up after so many milliseconds, however long it might wait. */
const GIVE_UP_MS = 1_500;

/** SOAP over HTTP between simulated sites: `http://site/path`. Everything behind the edge's verifier is the shipped code. */
export class Web {
  /** Two, where a replica runs twice. */
  readonly #servers = new Map<Site, readonly Server[]>();

  constructor(
    private readonly network: Network,
    /** Sees every message that reaches a server. */
    private readonly seen: (from: Site, to: Site, raw: string) => void = () => undefined,
  ) {}

  startEdge(process: Process, site: Site, options: EdgeOptions): Promise<Edge> {
    process.check();
    const others = (this.#servers.get(site) ?? []).filter((server) => server.process.alive);
    const stays = new AbortController().signal;
    setMaxListeners(0, stays);
    this.#servers.set(site, [...others, { process, options, stays }]);
    const close = (): Promise<void> => {
      const left = (this.#servers.get(site) ?? []).filter((server) => server.process !== process);
      this.#servers.set(site, left);
      return Promise.resolve();
    };
    return Promise.resolve({ port: 80, url: `http://${site}`, close });
  }

  /** Of two that run in one place, each is there for some. */
  #serverFor(from: Site, site: Site): Server | undefined {
    const servers = this.#servers.get(site) ?? [];
    return servers[from.charCodeAt(from.length - 1) % servers.length];
  }

  transport(process: Process, timeoutMs: number): Transport {
    const giveUpMs = Math.min(GIVE_UP_MS, timeoutMs);
    return {
      post: (url, message, signal) => this.#post(process, url, message, signal, giveUpMs),
      close: () => undefined,
    };
  }

  #post(
    process: Process,
    url: string,
    message: PostMessage,
    signal: AbortSignal | undefined,
    giveUpMs: number,
  ): Promise<PostResult> {
    if (signal?.aborted === true) return Promise.reject(unreachable('aborted'));
    const [, site = '', path = ''] = /^http:\/\/([^/]+)(.*)$/.exec(url) ?? [];
    const from = process.name;
    return new Promise((resolve, reject) => {
      const settle = (act: () => void): void => {
        cancel();
        signal?.removeEventListener('abort', stop);
        if (process.alive) act();
      };
      const stop = (): void => settle(() => reject(unreachable('aborted')));
      const cancel = process.timers.after(giveUpMs, () => settle(() => reject(unreachable(`${site} did not answer in time`))));
      signal?.addEventListener('abort', stop);
      this.network.carry(from, site, () => {
        const server = this.#serverFor(from, site);
        if (server === undefined || !server.process.alive) return refuse();
        this.seen(from, site, message.xml);
        void serve(server, path, message).then((answer) => {
          if (server.process.alive) this.network.carry(site, from, () => settle(() => resolve(answer)));
        });
      });
      const refuse = (): void =>
        void this.network.carry(site, from, () => settle(() => reject(unreachable(`nobody listens at ${site}`))));
    });
  }
}

/** One exchange, as the edge of src/soap serves it from the verifier on. */
async function serve({ options, stays }: Server, path: string, { xml, action }: PostMessage): Promise<PostResult> {
  const trace: VerifyTrace = {};
  const sign = (message: Parameters<EdgeOptions['signer']['sign']>[0]): string => options.signer.sign(message, options.clock());
  try {
    if (!options.paths.has(path)) throw new ConcordatError('NotFound', path);
    const message = options.verifier.verify(xml, options.clock(), trace);
    if (message.addressing.action !== action) throw new ConcordatError('ActionMismatch', action);
    const request: EdgeRequest = { path, message, signal: stays };
    const answer = await options.handle(request);
    return answer.kind === 'accepted' ? { status: 202, body: '' } : { status: 200, body: sign(answer.message) };
  } catch (error) {
    const about = trace.messageId === undefined ? {} : { relatesTo: trace.messageId };
    return { status: 500, body: sign(faultMessage(error, { soapVersion: trace.soapVersion ?? '1.1', ...about })) };
  }
}
