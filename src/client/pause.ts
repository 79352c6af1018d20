/** Waits, or returns early when `signal` aborts; never throws. */
export function pause(ms: number, signal?: AbortSignal): Promise<void> {
  if (signal?.aborted === true) return Promise.resolve();
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal?.addEventListener('abort', done);
  });
}

/** Pauses that double from `min` to `max` milliseconds; half of each is random, so that many clients do not come at once. */
export class Backoff {
  #next: number;

  constructor(
    private readonly min: number,
    private readonly max: number,
    private readonly random: () => number = Math.random,
  ) {
    this.#next = min;
  }

  next(): number {
    const whole = this.#next;
    this.#next = Math.min(this.max, whole * 2);
    return whole / 2 + (whole / 2) * this.random();
  }

  reset(): void {
    this.#next = this.min;
  }
}
