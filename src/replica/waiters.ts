import type { Digest, Position } from '../bft/index.js';
import { positionKey } from '../bft/index.js';
import type { Timers } from '../timers.js';

/** How an open request ended for those who wait for it. */
export type Settled =
  | { readonly kind: 'answered' }
  | { readonly kind: 'withdrawn'; readonly code: string; readonly detail: string }
  | { readonly kind: 'timeout' };

const key = (position: Position, digest: Digest): string => `${positionKey(position)} ${digest}`;

/** HTTP exchanges that wait for a request to be delivered and answered. Bounded by the edge's bound on requests in progress. */
export class Waiters {
  readonly #waiting = new Map<string, Set<(settled: Settled) => void>>();
  readonly #watching = new Set<() => void>();

  constructor(private readonly timers: Timers) {}

  /** Resolves when the request is settled, or with 'timeout' after that many milliseconds, or when the sender is gone. */
  wait(position: Position, digest: Digest, timeoutMs: number, signal: AbortSignal): Promise<Settled> {
    const name = key(position, digest);
    return new Promise((resolve) => {
      const waiting = this.#waiting.get(name) ?? new Set();
      this.#waiting.set(name, waiting);
      const finish = (settled: Settled): void => {
        cancel();
        signal.removeEventListener('abort', giveUp);
        waiting.delete(finish);
        if (waiting.size === 0) this.#waiting.delete(name);
        resolve(settled);
      };
      const giveUp = (): void => finish({ kind: 'timeout' });
      const cancel = this.timers.after(timeoutMs, giveUp);
      signal.addEventListener('abort', giveUp);
      waiting.add(finish);
    });
  }

  /** Resolves true once the condition holds; false after that many milliseconds, or when the sender is gone. */
  until(holds: () => boolean, timeoutMs: number, signal: AbortSignal): Promise<boolean> {
    if (holds()) return Promise.resolve(true);
    return new Promise((resolve) => {
      const finish = (answer: boolean): void => {
        cancel();
        signal.removeEventListener('abort', giveUp);
        this.#watching.delete(look);
        resolve(answer);
      };
      const giveUp = (): void => finish(false);
      const look = (): void => {
        if (holds()) finish(true);
      };
      const cancel = this.timers.after(timeoutMs, giveUp);
      signal.addEventListener('abort', giveUp);
      this.#watching.add(look);
    });
  }

  /** Something may have changed: looks at the conditions again. */
  poke(): void {
    for (const look of [...this.#watching]) look();
  }

  settle(position: Position, digest: Digest, settled: Settled): void {
    for (const finish of [...(this.#waiting.get(key(position, digest)) ?? [])]) finish(settled);
  }
}
