import type { Request } from '../bft/index.js';
import type { ClusterAddresses } from '../contract/index.js';
import { ConcordatError } from '../errors.js';
import type { VerifiedMessage } from '../soap/index.js';
import { type Interpretation, interpret } from './interpret.js';
import type { VerifiedMessages } from './verified-messages.js';

export interface PassedOnOptions {
  readonly verified: VerifiedMessages;
  readonly addresses: ClusterAddresses;
  /** What a correct peer would not have passed on. */
  readonly complain: (peer: number, reason: string) => void;
  readonly submit: (request: Request, message: VerifiedMessage, proof: Uint8Array) => void;
}

/** Messages of one peer that are verified in one tick. */
const VERIFIED_PER_TICK = 16;

/** Requests that peers pass on, signed by clients: they count as if the client had come here. */
export class PassedOn {
  readonly #verified = new Map<number, number>();

  constructor(private readonly o: PassedOnOptions) {}

  tick(): void {
    this.#verified.clear();
  }

  accept(from: number, proof: Uint8Array): void {
    const before = this.#verified.get(from) ?? 0;
    this.#verified.set(from, before + 1);
    // Verifying costs milliseconds, and a faulty peer may send anything. What is dropped here, an honest one passes on again.
    if (before >= VERIFIED_PER_TICK) return;
    const read = this.#read(from, proof);
    if (read === undefined) return;
    if (read.interpretation.kind !== 'ordered') return this.o.complain(from, 'it passed a question on');
    this.o.submit(read.interpretation.request, read.message, proof);
  }

  #read(from: number, proof: Uint8Array): { message: VerifiedMessage; interpretation: Interpretation } | undefined {
    try {
      const message = this.o.verified.check(Buffer.from(proof).toString('utf8'));
      return { message, interpretation: interpret(message, this.o.addresses) };
    } catch (error) {
      // On its way, or by another clock, a message may have run out: that is nobody's fault.
      const isLate = error instanceof ConcordatError && error.code === 'MessageExpired';
      if (!isLate) this.o.complain(from, `a request that it passed on: ${String(error)}`);
      return undefined;
    }
  }
}
