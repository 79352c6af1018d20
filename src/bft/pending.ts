import type { BroadcastLimits } from './limits.js';
import { Backoff, type KnownRequest } from './open-position.js';
import { type Position, positionKey } from './types.js';

/** Why a request may not be voted for yet. */
export interface Wait {
  readonly code: string;
  readonly waitsFor: readonly string[];
}

/** Why a request may not even wait. */
export interface Full {
  readonly code: 'TooManyRequests' | 'Busy';
  readonly detail: string;
}

export interface PendingRequest {
  readonly known: KnownRequest;
  readonly domain: string;
  readonly until: number;
  readonly passOn: Backoff;
  wait: Wait;
}

const sizeOf = (known: KnownRequest): number => known.content.length + known.proof.length;

/** Signed requests that may not be voted for yet, because something they build on has not been delivered here. */
export class PendingRequests {
  readonly #byPosition = new Map<string, PendingRequest>();
  readonly #byDomain = new Map<string, Set<string>>();
  readonly #perWriter = new Map<string, number>();
  #bytes = 0;

  constructor(private readonly limits: BroadcastLimits) {}

  get size(): number {
    return this.#byPosition.size;
  }

  at(position: Position): PendingRequest | undefined {
    return this.#byPosition.get(positionKey(position));
  }

  /** @returns which bound is reached, the writer's own first; then nothing was added */
  add(known: KnownRequest, domain: string, wait: Wait, now: number): Full | undefined {
    const { writer } = known.request;
    const ofWriter = this.#perWriter.get(writer) ?? 0;
    const { maxPendingRequests, maxPendingPerWriter, maxPendingBytes } = this.limits;
    if (ofWriter >= maxPendingPerWriter) return { code: 'TooManyRequests', detail: `${ofWriter} are waiting` };
    if (this.size >= maxPendingRequests || this.#bytes + sizeOf(known) > maxPendingBytes) {
      return { code: 'Busy', detail: 'too many requests are waiting' };
    }
    this.#bytes += sizeOf(known);
    const key = positionKey(known.request);
    const passOn = new Backoff(now, this.limits.passOnAfterMs, this.limits.resendVotesMaxMs);
    this.#byPosition.set(key, { known, domain, until: now + this.limits.pendingMs, passOn, wait });
    const keys = this.#byDomain.get(domain) ?? new Set();
    this.#byDomain.set(domain, keys.add(key));
    this.#perWriter.set(writer, ofWriter + 1);
    return undefined;
  }

  remove(position: Position): PendingRequest | undefined {
    const key = positionKey(position);
    const removed = this.#byPosition.get(key);
    if (removed === undefined) return undefined;
    this.#byPosition.delete(key);
    this.#bytes -= sizeOf(removed.known);
    const keys = this.#byDomain.get(removed.domain);
    keys?.delete(key);
    if (keys?.size === 0) this.#byDomain.delete(removed.domain);
    const { writer } = removed.known.request;
    const left = (this.#perWriter.get(writer) ?? 1) - 1;
    if (left === 0) this.#perWriter.delete(writer);
    else this.#perWriter.set(writer, left);
    return removed;
  }

  inDomain(domain: string): PendingRequest[] {
    return [...(this.#byDomain.get(domain) ?? [])].flatMap((key) => this.#byPosition.get(key) ?? []);
  }

  all(): Iterable<PendingRequest> {
    return this.#byPosition.values();
  }
}
