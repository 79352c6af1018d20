import { setMaxListeners } from 'node:events';
import { Backoff } from '../backoff.js';
import { ConcordatError, ERRORS } from '../errors.js';
import type { Logger } from '../log.js';
import type { Cancel } from '../timers.js';
import { addressed, type EndpointReference, type OutgoingMessage } from '../soap/index.js';
import { serialize } from '../soap/xml.js';
import type { SendToParticipant } from './commands.js';
import { REAL_PORTS, type ReplicaPorts } from './ports.js';

/** Times in milliseconds. */
export interface CourierLimits {
  /** Messages being sent at once. */
  readonly concurrency: number;
  /** Of those, to one host: so that one that does not answer delays only its own. */
  readonly perHost: number;
  /** Messages that wait to be sent, or sent again, or are being sent. */
  readonly messages: number;
  /** Characters of all of them. */
  readonly characters: number;
  /** Times that one is tried. */
  readonly attempts: number;
  readonly retryMinMs: number;
  readonly retryMaxMs: number;
}

export const COURIER_LIMITS: CourierLimits = {
  concurrency: 32,
  perHost: 4,
  messages: 2_000,
  characters: 32 * 1024 * 1024,
  attempts: 4,
  retryMinMs: 250,
  retryMaxMs: 5_000,
};

/** While the courier has no room, it says so this often at most. */
const COMPLAIN_EVERY_MS = 10_000;

interface Letter {
  readonly url: string;
  readonly host: string;
  readonly message: OutgoingMessage;
  readonly weight: number;
  readonly backoff: Backoff;
  attempts: number;
}

/**
 * Sends messages that are told once: replies and faults that go elsewhere than back on the exchange, Status, InvalidState for a
 * notification that was passed over. A few attempts, then it is dropped: whoever misses it asks again, and is told again. What
 * must arrive is sent by `Commands`.
 */
export class Courier {
  readonly #limits: CourierLimits;
  readonly #waiting: Letter[] = [];
  readonly #sendingTo = new Map<string, number>();
  readonly #retries = new Set<Cancel>();
  readonly #closing = new AbortController();
  #sending = 0;
  #held = 0;
  #characters = 0;
  #complainedAt = -Infinity;

  constructor(
    private readonly o: { readonly send: SendToParticipant; readonly log: Logger; readonly limits?: Partial<CourierLimits> },
    private readonly ports: Pick<ReplicaPorts, 'steadyClock' | 'timers' | 'random'> = REAL_PORTS,
  ) {
    this.#limits = { ...COURIER_LIMITS, ...o.limits };
    setMaxListeners(0, this.#closing.signal);
  }

  /** Addresses a message to an endpoint reference and takes it to be sent; see `post`. */
  mail(message: OutgoingMessage, to: EndpointReference): boolean {
    return this.post(addressed(message, to), to);
  }

  /**
   * Takes a message, addressed already, to be sent to the address of an endpoint reference.
   * @returns false, and one line in the log now and then, if there is no room
   */
  post(message: OutgoingMessage, { address }: EndpointReference): boolean {
    if (this.#closing.signal.aborted) return false;
    const weight = weigh(message);
    const { messages, characters, retryMinMs, retryMaxMs } = this.#limits;
    if (this.#held >= messages || this.#characters + weight > characters) return this.#complain(address, message);
    this.#held += 1;
    this.#characters += weight;
    const backoff = new Backoff(retryMinMs, retryMaxMs, this.ports.random);
    this.#waiting.push({ url: address, host: new URL(address).host, message, weight, backoff, attempts: 0 });
    this.#drain();
    return true;
  }

  close(): void {
    this.#closing.abort();
    for (const cancel of this.#retries) cancel();
    this.#retries.clear();
    this.#waiting.length = 0;
  }

  #complain(address: string, { addressing }: OutgoingMessage): false {
    const now = this.ports.steadyClock();
    if (now - this.#complainedAt >= COMPLAIN_EVERY_MS) {
      this.#complainedAt = now;
      this.o.log.warn({ to: address, action: addressing.action, waiting: this.#held }, 'too many messages wait to be sent');
    }
    return false;
  }

  #drain(): void {
    const { concurrency, perHost } = this.#limits;
    while (this.#sending < concurrency) {
      const next = this.#waiting.findIndex(({ host }) => (this.#sendingTo.get(host) ?? 0) < perHost);
      const [letter] = next === -1 ? [] : this.#waiting.splice(next, 1);
      if (letter === undefined) return;
      this.#count(letter.host, 1);
      void this.#attempt(letter).finally(() => {
        this.#count(letter.host, -1);
        this.#drain();
      });
    }
  }

  #count(host: string, change: 1 | -1): void {
    this.#sending += change;
    const sending = (this.#sendingTo.get(host) ?? 0) + change;
    if (sending === 0) this.#sendingTo.delete(host);
    else this.#sendingTo.set(host, sending);
  }

  /** Never rejects. */
  async #attempt(letter: Letter): Promise<void> {
    letter.attempts += 1;
    const failure = await this.#trySend(letter);
    if (failure === undefined || this.#closing.signal.aborted) return this.#release(letter);
    if (failure.isFinal || letter.attempts >= this.#limits.attempts) {
      const { action, relatesTo } = letter.message.addressing;
      const { attempts, url } = letter;
      this.o.log.warn({ to: url, action, relatesTo, attempts, reason: failure.reason }, 'a message could not be delivered');
      return this.#release(letter);
    }
    const cancel = this.ports.timers.after(letter.backoff.next(), () => {
      this.#retries.delete(cancel);
      this.#waiting.push(letter);
      this.#drain();
    });
    this.#retries.add(cancel);
  }

  /** Undefined: the endpoint took it. */
  async #trySend({ url, message }: Letter): Promise<{ isFinal: boolean; reason: string } | undefined> {
    try {
      const result = await this.o.send(url, message, this.#closing.signal);
      return result.kind === 'fault' ? { isFinal: !result.fault.retryable, reason: result.fault.reason } : undefined;
    } catch (error) {
      // An answer that cannot be verified is an answer: the message arrived.
      const isAnswer = error instanceof ConcordatError && !ERRORS[error.code].retryable;
      return isAnswer ? undefined : { isFinal: false, reason: String(error) };
    }
  }

  #release({ weight }: Letter): void {
    this.#held -= 1;
    this.#characters -= weight;
  }
}

const weigh = ({ body, headers }: OutgoingMessage): number =>
  [body, ...headers].reduce((sum, element) => sum + serialize(element).length, 0);
