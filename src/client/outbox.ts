import { setMaxListeners } from 'node:events';
import { ConcordatError } from '../errors.js';
import type { ErrorCode } from '../errors.js';
import type { Logger } from '../log.js';
import { serialize } from '../soap/index.js';
import type { Draft, Journal, StoredAnswer, StoredRequest } from './journal.js';
import type { ClientLimits } from './limits.js';
import { Backoff } from '../backoff.js';
import { pause } from './pause.js';
import type { Waiting } from './ports.js';
import type { Agreed, Standing } from './tally.js';
import type { VotingCaller } from './voting.js';
import { noAnswer } from './voting.js';

export interface OutboxOptions {
  readonly journal: Journal;
  /** Who asks the cluster that the stream belongs to. */
  readonly callerOf: (stream: string) => VotingCaller;
  readonly limits: ClientLimits;
  readonly ports: Waiting;
  readonly log: Logger;
}

/** Faults that answer a request at its place in the stream: its number is used up. All others leave it without effect. */
const ANSWERS: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'InvalidState',
  'InvalidParameters',
  'InvalidProtocol',
  'DuplicateMatchcode',
  'CannotRegisterParticipant',
  'CannotCreateContext',
]);

interface Worker {
  readonly done: Promise<void>;
  /** How the request under way stands. */
  standing: () => Standing;
}

const NOT_ASKED: Standing = { summary: 'not asked yet', code: 'NoQuorum', waitsFor: [] };

interface Waiter {
  readonly number: number;
  resolve(answer: StoredAnswer): void;
  reject(error: Error): void;
}

/**
 * Sends what the journal holds: each stream in its order, one request at a time, again and again until it is answered. A call
 * that gives up waiting takes nothing back; the request stays written down and under way.
 */
export class Outbox {
  readonly #workers = new Map<string, Worker>();
  readonly #waiters = new Map<string, Set<Waiter>>();
  readonly #closing = new AbortController();

  constructor(private readonly options: OutboxOptions) {
    // Every stream under way listens, and their number has its own limit.
    setMaxListeners(0, this.#closing.signal);
  }

  callerOf(stream: string): VotingCaller {
    return this.options.callerOf(stream);
  }

  /**
   * Writes the request down, unless the stream has one with this label already, and waits for its answer.
   * @throws ConcordatError the fault agreed upon; after `timeoutMs` NoQuorum, or NotEnabled; InvalidParameters if the label was used for another content
   */
  async submit(stream: string, label: string, draft: () => Draft, timeoutMs: number): Promise<StoredAnswer> {
    const { journal } = this.options;
    const known = journal.find(stream, label);
    const stored = known ?? journal.append(stream, label, draft());
    if (known !== undefined && serialize(known.request.body) !== serialize(draft().body)) {
      throw new ConcordatError('InvalidParameters', `${label} was asked for before, with other particulars`);
    }
    return this.answer(stored, timeoutMs);
  }

  /** Waits for the answer to a request of the journal. */
  async answer(request: StoredRequest, timeoutMs: number): Promise<StoredAnswer> {
    const stored = this.options.journal.find(request.stream, request.label) ?? request;
    if (stored.answer !== undefined) return settled(stored.answer);
    const answered = this.#wait(stored, timeoutMs);
    this.send(stored.stream);
    return settled(await answered);
  }

  /** Starts sending what the stream has unanswered. */
  send(stream: string): void {
    if (this.#closing.signal.aborted || this.#workers.has(stream)) return;
    if (this.options.journal.firstOpen(stream) === undefined) return;
    const done = this.#work(stream).finally(() => {
      this.#workers.delete(stream);
      // Something may have been written down between the last look and now.
      if ((this.#waiters.get(stream)?.size ?? 0) > 0) this.send(stream);
    });
    this.#workers.set(stream, { done, standing: () => NOT_ASKED });
  }

  /** Sends an answered request once more, unchanged; for a coordinator that asks again. */
  repeat(request: StoredRequest): void {
    if (request.answer === undefined) return this.send(request.stream);
    const caller = this.options.callerOf(request.stream);
    const { need, request: content } = request;
    caller.ask(content, this.#round(caller, need)).catch((error: unknown) => this.#report(request, error));
  }

  /** Sends everything that has no answer yet. */
  resume(): void {
    for (const stream of this.options.journal.openStreams()) this.send(stream);
  }

  async close(): Promise<void> {
    this.#closing.abort();
    for (const waiters of this.#waiters.values()) {
      for (const waiter of waiters) waiter.reject(new ConcordatError('NoQuorum', 'closed before an answer came'));
    }
    await Promise.all([...this.#workers.values()].map(({ done }) => done));
  }

  async #work(stream: string): Promise<void> {
    const { roundPauseMinMs, roundPauseMaxMs } = this.options.limits;
    const { timers, random } = this.options.ports;
    const backoff = new Backoff(roundPauseMinMs, roundPauseMaxMs, random);
    for (let next = this.#next(stream); next !== undefined; next = this.#next(stream)) {
      try {
        this.#settle(next, await this.#ask(next));
        backoff.reset();
      } catch (error) {
        if (this.#closing.signal.aborted) return;
        const known = error instanceof ConcordatError ? error : new ConcordatError('Internal', String(error), { cause: error });
        this.#report(next, known);
        if (ANSWERS.has(known.code)) this.#settle(next, { kind: 'fault', code: known.code, detail: known.detail ?? '' });
        else if (known.entry.retryable) await pause(timers, backoff.next(), this.#closing.signal);
        else return this.#refuse(stream, known);
      }
    }
  }

  #next(stream: string): StoredRequest | undefined {
    return this.#closing.signal.aborted ? undefined : this.options.journal.firstOpen(stream);
  }

  async #ask({ stream, request, need }: StoredRequest): Promise<StoredAnswer> {
    const caller = this.options.callerOf(stream);
    const progress = (standing: () => Standing): void => {
      const worker = this.#workers.get(stream);
      if (worker !== undefined) worker.standing = standing;
    };
    const agreed: Agreed = await caller.ask(request, { ...this.#round(caller, need), progress });
    return agreed.kind === 'reply' ? { kind: 'reply', body: serialize(agreed.body) } : agreed;
  }

  #round({ view: { n, f } }: VotingCaller, need: Draft['need']): { need: number; timeoutMs: number; signal: AbortSignal } {
    return { need: need === 'quorum' ? n - f : f + 1, timeoutMs: this.options.limits.roundMs, signal: this.#closing.signal };
  }

  #settle(request: StoredRequest, answer: StoredAnswer): void {
    const stored = this.options.journal.answered(request, answer);
    const final = stored.answer ?? answer;
    for (const waiter of this.#waiters.get(request.stream) ?? []) if (waiter.number === request.number) waiter.resolve(final);
  }

  /** A refusal that leaves the number free for the same request: whoever waits is told, and it is sent again when asked for. */
  #refuse(stream: string, error: ConcordatError): void {
    for (const waiter of this.#waiters.get(stream) ?? []) waiter.reject(error);
    this.#waiters.delete(stream);
  }

  #wait({ stream, number, label }: StoredRequest, timeoutMs: number): Promise<StoredAnswer> {
    return new Promise((resolve, reject) => {
      const waiters = this.#waiters.get(stream) ?? new Set();
      const leave = (): void => {
        cancel();
        waiters.delete(waiter);
        if (waiters.size === 0 && this.#waiters.get(stream) === waiters) this.#waiters.delete(stream);
      };
      const waiter: Waiter = {
        number,
        resolve: (answer) => (leave(), resolve(answer)),
        reject: (error) => (leave(), reject(error)),
      };
      const giveUp = (): void =>
        waiter.reject(noAnswer(`${label}, within ${timeoutMs} ms`, this.#workers.get(stream)?.standing() ?? NOT_ASKED));
      const cancel = this.options.ports.timers.after(timeoutMs, giveUp);
      this.#waiters.set(stream, waiters.add(waiter));
    });
  }

  #report({ stream, number, label }: StoredRequest, error: unknown): void {
    if (this.#closing.signal.aborted) return;
    const message = error instanceof Error ? error.message : String(error);
    this.options.log.warn({ stream, number, label, error: message }, 'a numbered request has no good answer');
  }
}

function settled(answer: StoredAnswer): StoredAnswer {
  if (answer.kind === 'fault') throw new ConcordatError(answer.code, answer.detail);
  return answer;
}
