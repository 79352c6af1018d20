import { setTimeout as sleep } from 'node:timers/promises';
import { DemoFailure } from './failure.js';
import { TRAVEL_LIMITS } from './limits.js';

/**
 * Looks again and again until there is something to see.
 * @param what for the message when there is not
 * @param look returns what was seen, or undefined
 * @param everyMs pause between two looks
 * @throws DemoFailure after `TRAVEL_LIMITS.scenarioMs`, with what `explain` says
 */
export async function until<T>(
  what: string,
  look: () => T | undefined | Promise<T | undefined>,
  { everyMs = TRAVEL_LIMITS.lookMs, explain }: { readonly everyMs?: number; readonly explain?: () => string } = {},
): Promise<T> {
  const end = performance.now() + TRAVEL_LIMITS.scenarioMs;
  for (;;) {
    const seen = await look();
    if (seen !== undefined) return seen;
    if (performance.now() > end) {
      const more = explain === undefined ? '' : `: ${explain()}`;
      throw new DemoFailure(`${what} did not come true in ${TRAVEL_LIMITS.scenarioMs} ms${more}`);
    }
    await sleep(everyMs);
  }
}
