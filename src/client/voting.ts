import { setMaxListeners } from 'node:events';
import { urlOf } from '../contract/index.js';
import { ConcordatError, isErrorCode } from '../errors.js';
import type { ErrorCode } from '../errors.js';
import type { Logger } from '../log.js';
import type { CallResult, Identity, OutgoingMessage, Signer, SoapCaller } from '../soap/index.js';
import { clarkName, TIMESTAMP_LIFETIME_MS } from '../soap/index.js';
import type { ClusterView } from './cluster-view.js';
import type { ClientLimits } from './limits.js';
import { Backoff } from '../backoff.js';
import { pause } from './pause.js';
import { REAL_CLIENT_PORTS, type Waiting } from './ports.js';
import type { ClusterRequest } from './request.js';
import { entryOf, toMessage } from './request.js';
import type { Agreed, ReplicaAnswer, Standing } from './tally.js';
import { Tally } from './tally.js';

export interface Suspicion {
  /** The replica that was asked. */
  readonly replica: number;
  readonly code: ErrorCode;
  readonly detail: string;
}

export interface VotingOptions {
  readonly view: ClusterView;
  readonly caller: Pick<SoapCaller, 'send'>;
  readonly signer: Pick<Signer, 'sign'>;
  readonly limits: ClientLimits;
  /** Milliseconds since the epoch. */
  readonly clock: () => number;
  readonly log: Logger;
  readonly ports?: Waiting;
  /** A replica answered what no correct one answers, or somebody answered in its place. */
  readonly onSuspect?: (suspicion: Suspicion) => void;
}

export interface AskOptions {
  /** Matching answers that decide: f + 1 to believe them, n − f for a quorum to know of the request. */
  readonly need: number;
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
  /** Called after every answer; what it is given tells, for as long as the call lasts and later, how things stand. */
  readonly progress?: (standing: () => Standing) => void;
}

/** Asks all replicas of a cluster and believes what enough of them say. */
export class VotingCaller {
  constructor(private readonly options: VotingOptions) {}

  get view(): ClusterView {
    return this.options.view;
  }

  /**
   * Sends one request to all replicas until `need` answers match, asking again those that cannot be reached or say that it is
   * too early. Posts under way then are left to finish, so that slow replicas hear of it too; nothing new is started.
   * @throws ConcordatError the final fault that f + 1 replicas gave; NoQuorum, with a summary of all replicas, at the time limit
   *   or when nothing can be agreed any more; NotEnabled instead if f + 1 replicas say that the request waits for participants
   */
  ask(request: ClusterRequest, options: AskOptions): Promise<Agreed> {
    return new Ballot(this.options, request, options).run();
  }
}

/** One request on its way to all replicas. */
class Ballot {
  readonly #tally: Tally;
  readonly #message: OutgoingMessage;
  readonly #response: string | undefined;
  readonly #over = new AbortController();
  readonly #suspected = new Set<string>();
  readonly #urlOfSigner = new Map<number, number>();
  #signed: { readonly xml: string; readonly at: number } | undefined;
  #resolve: (agreed: Agreed) => void = () => undefined;
  #reject: (error: Error) => void = () => undefined;

  constructor(
    private readonly voting: VotingOptions,
    private readonly request: ClusterRequest,
    private readonly options: AskOptions,
  ) {
    const { n, f, addresses } = voting.view;
    const entry = entryOf(request);
    setMaxListeners(n, this.#over.signal);
    this.#tally = new Tally({ n, f, need: options.need });
    this.#message = toMessage(request, addresses);
    this.#response = entry.kind === 'request' ? `${entry.response.action} ${clarkName(entry.response.body)}` : undefined;
  }

  get #ports(): Waiting {
    return this.voting.ports ?? REAL_CLIENT_PORTS;
  }

  async run(): Promise<Agreed> {
    const decided = new Promise<Agreed>((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    const stop = (): void => this.#fail('stopped');
    const cancel = this.#ports.timers.after(this.options.timeoutMs, () => this.#fail(`within ${this.options.timeoutMs} ms`));
    this.options.signal?.addEventListener('abort', stop);
    if (this.options.signal?.aborted === true) stop();
    this.voting.view.addresses.replicas.forEach((base, index) => void this.#pursue(base, index + 1));
    try {
      return await decided;
    } finally {
      cancel();
      this.options.signal?.removeEventListener('abort', stop);
      this.#over.abort(OVER);
    }
  }

  async #pursue(base: string, asked: number): Promise<void> {
    const { retryMinMs, retryMaxMs } = this.voting.limits;
    const backoff = new Backoff(retryMinMs, retryMaxMs, this.#ports.random);
    while (!this.#over.signal.aborted) {
      const answer = await this.#attempt(base, asked);
      this.#count(asked, answer);
      if (answer.kind !== 'again') return;
      await pause(this.#ports.timers, backoff.next(), this.#over.signal);
    }
  }

  async #attempt(base: string, asked: number): Promise<ReplicaAnswer> {
    try {
      const { action, messageId } = this.#message.addressing;
      const options = messageId === undefined ? {} : { messageId };
      const result = await this.voting.caller.send(urlOf(base, this.request.endpoint), this.#xml(), action, '1.1', options);
      if (result.kind !== 'accepted') this.#checkSigner(result.message.identity, asked);
      return this.#read(result);
    } catch (error) {
      return this.#failed(asked, error);
    }
  }

  /** The same request with a fresh timestamp once half of its life is over. */
  #xml(): string {
    const now = this.voting.clock();
    if (this.#signed === undefined || Math.abs(now - this.#signed.at) > TIMESTAMP_LIFETIME_MS / 2) {
      this.#signed = { xml: this.voting.signer.sign(this.#message, now), at: now };
    }
    return this.#signed.xml;
  }

  /** One vote a replica: the one that was asked, or, where that cannot be known, one that answered nowhere else. */
  #checkSigner(identity: Identity, asked: number): void {
    const { view } = this.voting;
    const replica = view.replicaOf(identity);
    if (replica === undefined) throw new ConcordatError('NotAuthorized', `${identity.writer} is no replica`);
    const expected = view.pinned ? replica : (this.#urlOfSigner.get(replica) ?? asked);
    if (expected !== asked) throw new ConcordatError('NotAuthorized', `${identity.writer} answered in its place`);
    this.#urlOfSigner.set(replica, asked);
  }

  #read(result: CallResult): ReplicaAnswer {
    switch (result.kind) {
      case 'accepted':
        return this.#response === undefined ? result : again('accepted without an answer yet');
      case 'reply': {
        const { body, addressing } = result.message;
        const response = `${addressing.action} ${clarkName(body)}`;
        if (response === this.#response) return result;
        throw new ConcordatError('ActionMismatch', `answered ${response}`);
      }
      case 'fault': {
        const { fault, message } = result;
        const code = fault.concordatCode ?? fault.code;
        const words = fault.detail === undefined ? code : `${code} (${fault.detail})`;
        // A fault that names no request may be an old one played back: it proves nothing about ours.
        const final = !fault.retryable && message.addressing.relatesTo !== undefined;
        return final
          ? { kind: 'fault', code, detail: fault.detail ?? fault.reason }
          : { ...again(words), code, waitsFor: fault.waitsFor };
      }
    }
  }

  #failed(asked: number, error: unknown): ReplicaAnswer {
    if (error instanceof ConcordatError && error.code === 'PeerUnreachable') return again(unreachable(error));
    const code = error instanceof ConcordatError ? error.code : 'Internal';
    const detail = error instanceof Error ? error.message : String(error);
    if (!this.#suspected.has(`${asked} ${code}`)) {
      this.#suspected.add(`${asked} ${code}`);
      this.voting.log.warn(
        { replica: asked, code, detail, messageId: this.request.messageId },
        'a replica gave an answer that does not count',
      );
      this.voting.onSuspect?.({ replica: asked, code, detail });
    }
    return again(`an answer that does not count: ${detail}`);
  }

  #count(replica: number, answer: ReplicaAnswer): void {
    if (this.#over.signal.aborted) return;
    this.#tally.record(replica, answer);
    this.options.progress?.(() => this.#tally.standing());
    const verdict = this.#tally.verdict();
    switch (verdict.kind) {
      case 'open':
        return;
      case 'agreed':
        return this.#resolve(verdict.agreed);
      case 'fault':
        return this.#reject(faultError(verdict.code, verdict.detail));
      case 'impossible':
        return this.#fail('the answers differ');
    }
  }

  #fail(why: string): void {
    this.#reject(noAnswer(`${this.request.body.name}, ${why}`, this.#tally.standing()));
  }
}

/** Without a reason of its own an error would be made each time. */
const OVER = 'the ballot is over';

const again = (why: string) => ({ kind: 'again', why, waitsFor: [] }) as const;

/** The error of a request that has no answer yet. */
export const noAnswer = (what: string, { code, summary, waitsFor }: Standing): ConcordatError =>
  new ConcordatError(code, `${what}: ${summary}`, { waitsFor });

/** The transport's words and what the operating system said, `ECONNREFUSED` for instance. */
function unreachable({ detail = 'unreachable', cause }: ConcordatError): string {
  const code = typeof cause === 'object' && cause !== null && 'code' in cause && typeof cause.code === 'string' ? cause.code : '';
  return detail.includes(code) ? detail : `${detail} (${code})`;
}

/** A stable code of the table; a fault that is not of it, as f + 1 foreign stacks might give, is shown in words. */
const faultError = (code: string, detail: string): ConcordatError =>
  isErrorCode(code) ? new ConcordatError(code, detail) : new ConcordatError('InvalidParameters', `fault ${code}: ${detail}`);
