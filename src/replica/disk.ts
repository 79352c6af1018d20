import { ConcordatError } from '../errors.js';
import type { Logger } from '../log.js';

export interface DiskOptions {
  readonly log: Logger;
  /** Milliseconds since 1970. */
  readonly clock: () => number;
  /** Milliseconds of a clock that never goes back. */
  readonly steadyClock: () => number;
  /** Milliseconds between attempts while there is no room. */
  readonly retryMs: number;
}

const COMPLAIN_EVERY_MS = 60_000;

interface Write {
  readonly write: () => void;
  readonly then: () => void;
}

/**
 * What is written down, in order. While the disk is full it waits here, with everything that is to follow from it: nothing is sent or
 * acknowledged that could be lost. The owner takes in nothing new meanwhile, so that little waits.
 */
export class Disk {
  readonly #waiting: Write[] = [];
  #fullSince: number | undefined;
  #retryAt = 0;
  #complainedAt = Number.NEGATIVE_INFINITY;

  constructor(private readonly o: DiskOptions) {}

  /** Since when there is no room, in milliseconds since 1970. */
  get fullSince(): number | undefined {
    return this.#fullSince;
  }

  get isFull(): boolean {
    return this.#fullSince !== undefined;
  }

  /** Writes, and then does what follows; once there is room, if there is none now. @throws what `write` throws, but DiskFull */
  write(write: () => void, then: () => void = () => undefined): void {
    this.#waiting.push({ write, then });
    if (!this.isFull) this.#drain();
  }

  /** To be called now and then. */
  tick(): void {
    if (this.isFull && this.o.steadyClock() >= this.#retryAt) this.#drain();
  }

  #drain(): void {
    for (let next = this.#waiting[0]; next !== undefined; next = this.#waiting[0]) {
      if (!this.#attempt(next.write)) return;
      this.#waiting.shift();
      next.then();
    }
    if (this.#fullSince === undefined) return;
    this.o.log.info({ since: new Date(this.#fullSince).toISOString() }, 'there is room on the disk again: the replica goes on');
    this.#fullSince = undefined;
  }

  #attempt(write: () => void): boolean {
    try {
      write();
      return true;
    } catch (error) {
      if (!(error instanceof ConcordatError) || error.code !== 'DiskFull') throw error;
      this.#complain(error);
      return false;
    }
  }

  #complain(error: ConcordatError): void {
    const now = this.o.steadyClock();
    this.#fullSince ??= this.o.clock();
    this.#retryAt = now + this.o.retryMs;
    if (now - this.#complainedAt < COMPLAIN_EVERY_MS) return;
    this.#complainedAt = now;
    this.o.log.error({ reason: error.detail }, 'the disk is full: the replica neither votes nor answers until there is room');
  }
}
