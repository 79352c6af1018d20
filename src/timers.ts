/** Takes back what was to happen; harmless when it has happened. */
export type Cancel = () => void;

/** When things happen: all waiting and repeating of replicas and clients goes through here. Times in milliseconds. */
export interface Timers {
  after(ms: number, run: () => void): Cancel;
  every(ms: number, run: () => void): Cancel;
  /** Once the current turn of the event loop is over. */
  soon(run: () => void): Cancel;
}

export const REAL_TIMERS: Timers = {
  after: (ms, run) => {
    const timer = setTimeout(run, ms);
    return () => clearTimeout(timer);
  },
  every: (ms, run) => {
    const timer = setInterval(run, ms);
    return () => clearInterval(timer);
  },
  soon: (run) => {
    const immediate = setImmediate(run);
    return () => clearImmediate(immediate);
  },
};
