/** How long to wait before the next attempt: twice as long after each failure, and less by a random part up to a half. */
export class Backoff {
  #failures = 0;

  /** @param minMs before the first repetition; @param random 0 ≤ r < 1 */
  constructor(
    private readonly minMs: number,
    private readonly maxMs: number,
    private readonly random: () => number = Math.random,
  ) {}

  /** Milliseconds to wait now. */
  next(): number {
    const full = Math.min(this.maxMs, this.minMs * 2 ** this.#failures);
    if (full < this.maxMs) this.#failures += 1;
    return full * (1 - this.random() / 2);
  }

  /** To be called after an attempt that lasted. */
  reset(): void {
    this.#failures = 0;
  }
}
