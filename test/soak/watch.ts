import { setTimeout as sleep } from 'node:timers/promises';
import { SOAK_LIMITS } from './limits.js';
import { Violation } from './violation.js';

/**
 * Looks again and again until there is nothing left to wait for.
 * @param missing says what is still missing, or nothing
 * @throws Violation with what is missing after `withinMs`
 */
export async function untilNothing(
  missing: () => string | undefined | Promise<string | undefined>,
  withinMs: number,
): Promise<void> {
  const end = performance.now() + withinMs;
  for (;;) {
    const what = await missing();
    if (what === undefined) return;
    if (performance.now() > end) throw new Violation(`after ${withinMs / 1000} s still: ${what}`);
    await sleep(SOAK_LIMITS.lookMs);
  }
}
