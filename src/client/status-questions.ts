import { Backoff } from '../backoff.js';
import { ConcordatError } from '../errors.js';
import type { State } from '../wsba/index.js';
import type { ClientLimits } from './limits.js';
import { pause } from './pause.js';
import type { Waiting } from './ports.js';
import type { ClusterRequest } from './request.js';
import { ifStillUnderWay } from './still-under-way.js';
import type { VotingCaller } from './voting.js';

export interface StatusRequest {
  readonly caller: VotingCaller;
  /** A GetStatus with a MessageID of its own each time. */
  readonly request: () => ClusterRequest;
  readonly timeoutMs: number;
}

/** What a replica says of an instance: its state, or that it does not know it. */
type Said = State | typeof UNKNOWN;
const UNKNOWN = 'InvalidState';

/** GetStatus to the coordinator. Replicas answer it by messages of their own, so questions wait here for what comes in. */
export class StatusQuestions {
  readonly #open = new Map<string, Question>();

  constructor(
    private readonly limits: Pick<ClientLimits, 'roundMs' | 'roundPauseMinMs' | 'roundPauseMaxMs'>,
    private readonly ports: Waiting,
    private readonly closing: AbortSignal,
  ) {}

  /**
   * Asks all replicas, again and again, until f + 1 report one state.
   * @throws ConcordatError InvalidState if f + 1 do not know the instance; NoQuorum
   */
  async ask(asked: StatusRequest): Promise<State> {
    const { caller, timeoutMs } = asked;
    const { n, f } = caller.view;
    const question = new Question(f + 1);
    const over = new AbortController();
    const stop = (): void => over.abort();
    const cancel = this.ports.timers.after(timeoutMs, stop);
    this.closing.addEventListener('abort', stop);
    if (this.closing.aborted) stop();
    try {
      const state = await Promise.race([question.agreed, this.#keepAsking(question, asked, over.signal)]);
      if (state !== undefined) return state;
      throw new ConcordatError('NoQuorum', `GetStatus, within ${timeoutMs} ms: ${question.summary(n)}`);
    } finally {
      cancel();
      stop();
      this.closing.removeEventListener('abort', stop);
      for (const messageId of question.messageIds) this.#open.delete(messageId);
    }
  }

  /** Takes a replica's Status; one that answers no question of ours, or no longer, is passed over. */
  status(messageId: string | undefined, replica: number, state: State): void {
    if (messageId !== undefined) this.#open.get(messageId)?.hear(replica, state);
  }

  /** Takes a replica's InvalidState fault. @returns false if it is not about a GetStatus of ours */
  unknown(messageId: string, replica: number): boolean {
    const question = this.#open.get(messageId);
    question?.hear(replica, UNKNOWN);
    return question !== undefined;
  }

  /** Sends GetStatus, and once more when its answers do not agree or got lost; returns when `over` aborts. */
  async #keepAsking(question: Question, { caller, request }: StatusRequest, over: AbortSignal): Promise<undefined> {
    const { roundPauseMinMs, roundPauseMaxMs, roundMs } = this.limits;
    const { n, f } = caller.view;
    const backoff = new Backoff(roundPauseMinMs, roundPauseMaxMs, this.ports.random);
    while (!over.aborted) {
      const message = request();
      question.messageIds.add(message.messageId);
      this.#open.set(message.messageId, question);
      await caller.ask(message, { need: n - f, timeoutMs: roundMs, signal: over }).catch(ifStillUnderWay);
      await pause(this.ports.timers, backoff.next(), over);
    }
    return undefined;
  }
}

/** One question, sent perhaps several times; the last answer of each replica counts. */
class Question {
  readonly messageIds = new Set<string>();
  readonly #said = new Map<number, Said>();
  #settle: (state: State) => void = () => undefined;
  #refuse: (error: ConcordatError) => void = () => undefined;
  readonly agreed = new Promise<State>((resolve, reject) => {
    this.#settle = resolve;
    this.#refuse = reject;
  });

  /** @param need f + 1 */
  constructor(private readonly need: number) {
    // The last answer may come when nobody waits any more.
    this.agreed.catch(() => undefined);
  }

  hear(replica: number, said: Said): void {
    this.#said.set(replica, said);
    if ([...this.#said.values()].filter((other) => other === said).length < this.need) return;
    if (said === UNKNOWN) this.#refuse(new ConcordatError('InvalidState', 'the coordinator does not know this participant'));
    else this.#settle(said);
  }

  /** One phrase a replica. */
  summary(n: number): string {
    return Array.from({ length: n }, (_, index) => `replica ${index + 1}: ${this.#said.get(index + 1) ?? 'no Status'}`).join(
      '; ',
    );
  }
}
