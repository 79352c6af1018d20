import type { Digest, Position } from '../bft/index.js';
import { positionKey } from '../bft/index.js';

/** How an open request ended for those who wait for it. */
export type Settled =
  | { readonly kind: 'answered' }
  | { readonly kind: 'withdrawn'; readonly code: string; readonly detail: string }
  | { readonly kind: 'timeout' };

const key = (position: Position, digest: Digest): string => `${positionKey(position)} ${digest}`;

/** HTTP exchanges that wait for a request to be delivered and answered. Bounded by the edge's bound on requests in progress. */
export class Waiters {
  readonly #waiting = new Map<string, Set<(settled: Settled) => void>>();

  /** Resolves when the request is settled, or with 'timeout' after that many milliseconds, or when the sender is gone. */
  wait(position: Position, digest: Digest, timeoutMs: number, signal: AbortSignal): Promise<Settled> {
    const name = key(position, digest);
    return new Promise((resolve) => {
      const waiting = this.#waiting.get(name) ?? new Set();
      this.#waiting.set(name, waiting);
      const finish = (settled: Settled): void => {
        clearTimeout(timer);
        signal.removeEventListener('abort', giveUp);
        waiting.delete(finish);
        if (waiting.size === 0) this.#waiting.delete(name);
        resolve(settled);
      };
      const giveUp = (): void => finish({ kind: 'timeout' });
      const timer = setTimeout(giveUp, timeoutMs);
      signal.addEventListener('abort', giveUp);
      waiting.add(finish);
    });
  }

  settle(position: Position, digest: Digest, settled: Settled): void {
    for (const finish of [...(this.#waiting.get(key(position, digest)) ?? [])]) finish(settled);
  }
}
