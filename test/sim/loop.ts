import type { Cancel } from '../../src/timers.js';

interface Event {
  readonly at: number;
  readonly order: number;
  run: (() => void) | undefined;
}

/** A failure of the code under test that nobody caught. */
export type OnError = (error: unknown) => void;

const before = (a: Event, b: Event): boolean => a.at < b.at || (a.at === b.at && a.order < b.order);

/** What happens when, in simulated milliseconds: a binary heap of events. What an event sets off in promises is done before the next. */
export class Loop {
  now = 0;
  /** Events that have run. */
  steps = 0;
  readonly #heap: Event[] = [];
  #order = 0;

  constructor(private readonly onError: OnError) {}

  get size(): number {
    return this.#heap.length;
  }

  /** At whole milliseconds, so that what comes together is taken together. */
  after(ms: number, run: () => void): Cancel {
    const event: Event = { at: this.now + Math.max(0, Math.ceil(ms)), order: this.#order++, run };
    this.#push(event);
    return () => (event.run = undefined);
  }

  /** Runs until a time, or until `enough` says so after some event. */
  async runUntil(time: number, enough: () => boolean = () => false): Promise<void> {
    for (let next = this.#heap[0]; next !== undefined && next.at <= time; next = this.#heap[0]) {
      this.#pop();
      const { run } = next;
      if (run === undefined) continue;
      this.now = next.at;
      this.steps += 1;
      try {
        run();
      } catch (error) {
        this.onError(error);
      }
      await settled();
      if (enough()) return;
    }
    this.now = Math.max(this.now, time);
  }

  #push(event: Event): void {
    const heap = this.#heap;
    let i = heap.length;
    heap.push(event);
    while (i > 0) {
      const up = (i - 1) >> 1;
      const parent = heap[up] as Event;
      if (!before(event, parent)) break;
      heap[i] = parent;
      i = up;
    }
    heap[i] = event;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop() as Event;
    if (heap.length === 0) return;
    let i = 0;
    for (;;) {
      let child = 2 * i + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && before(heap[child + 1] as Event, heap[child] as Event)) child += 1;
      const least = heap[child] as Event;
      if (!before(least, last)) break;
      heap[i] = least;
      i = child;
    }
    heap[i] = last;
  }
}

/** Resolves when no promise has anything left to do: Node.js looks at its ticks whenever it has run out of microtasks. */
const settled = (): Promise<void> => new Promise((resolve) => process.nextTick(resolve));
