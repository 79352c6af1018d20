import type { Timers } from '../../src/timers.js';
import type { Loop } from './loop.js';

/** Thrown out of a write at which a process is killed; nothing that the code does with it has any effect any more. */
export class Killed extends Error {
  constructor(readonly process: Process) {
    super(`${process.name} is dead`);
  }
}

/** The beginning of simulated time, in milliseconds since 1970. */
export const EPOCH = Date.UTC(2026, 0, 1);

/** One life of a process: when it is killed, its timers never fire, and nothing it sends or writes counts. */
export class Process {
  alive = true;
  readonly timers: Timers;

  /**
   * @param skewMs how far its clock is ahead
   * @param slowness how many times longer than asked for its intervals take: a machine with little time
   */
  constructor(
    readonly name: string,
    private readonly loop: Loop,
    private readonly skewMs = 0,
    slowness = 1,
  ) {
    const guard = (run: () => void) => (): void => {
      if (this.alive) run();
    };
    this.timers = {
      after: (ms, run) => loop.after(ms, guard(run)),
      soon: (run) => loop.after(0, guard(run)),
      every: (ms, run) => {
        let stopped = false;
        let cancel = (): void => undefined;
        const again = (): void => {
          cancel = loop.after(
            ms * slowness,
            guard(() => {
              // The next one first: an interval goes on whatever one turn throws.
              if (!stopped) again();
              run();
            }),
          );
        };
        again();
        return () => {
          stopped = true;
          cancel();
        };
      },
    };
  }

  readonly clock = (): number => EPOCH + this.loop.now + this.skewMs;
  readonly steadyClock = (): number => this.loop.now;

  kill(): void {
    this.alive = false;
  }

  /** @throws Killed once it is dead */
  check(): void {
    if (!this.alive) throw new Killed(this);
  }
}
