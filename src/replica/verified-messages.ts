import { hash } from 'node:crypto';
import type { VerifiedMessage } from '../soap/index.js';

/** Messages kept, and bytes of them in all. */
const MAX_MESSAGES = 2_000;
const MAX_CHARACTERS = 32 * 1024 * 1024;

/** Messages whose signature was checked, by the hash of their text: one that comes again, or that three peers pass on, is checked once. */
export class VerifiedMessages {
  readonly #messages = new Map<string, VerifiedMessage>();
  #characters = 0;

  constructor(private readonly verify: (raw: string) => VerifiedMessage) {}

  /** @throws ConcordatError what the verifier finds wrong */
  check(raw: string): VerifiedMessage {
    const known = this.#messages.get(hashOf(raw));
    if (known !== undefined) return known;
    const message = this.verify(raw);
    this.remember(message);
    return message;
  }

  remember(message: VerifiedMessage): void {
    const key = hashOf(message.raw);
    if (this.#messages.has(key)) return;
    this.#messages.set(key, message);
    this.#characters += message.raw.length;
    for (const [oldest, { raw }] of this.#messages) {
      if (this.#messages.size <= MAX_MESSAGES && this.#characters <= MAX_CHARACTERS) return;
      this.#messages.delete(oldest);
      this.#characters -= raw.length;
    }
  }
}

const hashOf = (raw: string): string => hash('sha256', raw, 'base64');
