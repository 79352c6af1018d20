import type { Logger } from '../log.js';
import { LOG_EVERY_MS } from './options.js';

/** Counts what went wrong with each peer and logs it at most once a minute, so that a faulty peer cannot fill the log. */
export class Complaints {
  readonly #lines = new Map<string, { loggedAt: number; unlogged: number }>();

  /** @param now milliseconds; any steady clock */
  constructor(
    private readonly log: Logger,
    private readonly now: () => number = () => performance.now(),
  ) {}

  /** @param peer an id of ours, or undefined for whoever did not prove to be a peer; so there are few keys */
  warn(peer: number | undefined, message: string, fields: Record<string, unknown> = {}): void {
    const key = `${peer ?? 'stranger'} ${message}`;
    const line = this.#lines.get(key);
    const now = this.now();
    if (line !== undefined && now - line.loggedAt < LOG_EVERY_MS) {
      line.unlogged += 1;
      return;
    }
    this.log.warn(
      { ...fields, ...(peer === undefined ? {} : { peer }), ...(line?.unlogged ? { unlogged: line.unlogged } : {}) },
      message,
    );
    this.#lines.set(key, { loggedAt: now, unlogged: 0 });
  }
}
