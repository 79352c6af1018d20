import { setTimeout as sleep } from 'node:timers/promises';
import { TRAVEL_LIMITS } from '../limits.js';

/** Does something again and again, one at a time: often while somebody watches, seldom otherwise, and at once when woken. */
export class Poll {
  #pause = new AbortController();
  #stopped = false;
  readonly #running: Promise<void>;

  /** @param once never rejects */
  constructor(
    private readonly once: () => Promise<void>,
    private readonly isWatched: () => boolean,
  ) {
    this.#running = this.#run();
  }

  /** Looks again now, or right after the look that is under way. */
  wake(): void {
    this.#pause.abort();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.wake();
    await this.#running;
  }

  async #run(): Promise<void> {
    while (!this.#stopped) {
      this.#pause = new AbortController();
      await this.once();
      const pause = this.isWatched() ? TRAVEL_LIMITS.watchedMs : TRAVEL_LIMITS.unwatchedMs;
      await sleep(pause, undefined, { signal: this.#pause.signal }).catch(() => undefined);
    }
  }
}
