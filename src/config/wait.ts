import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { neededBy } from './owner.js';
import type { Owner } from './owner.js';

/** Milliseconds between two looks for the files. */
const LOOK_EVERY_MS = 200;

/** Seconds that a service may be told to wait for its keys, at most: a day. */
export const MAX_WAIT_SECONDS = 86_400;

/**
 * Waits until cluster.json and the owner's keys are in `dir`, so that services start in any order. It looks only whether they
 * are there: who loads them then says what is wrong with them, or which is missing still.
 * @param waitMs how long, in milliseconds; 0 looks once
 * @param onWait called once, if there is something to wait for
 * @returns whether all are there
 */
export async function waitForKeys(dir: string, owner: Owner, waitMs: number, onWait: () => void): Promise<boolean> {
  const complete = (): boolean => neededBy(owner).every((group) => group.some((path) => existsSync(join(dir, path))));
  const end = performance.now() + waitMs;
  if (complete()) return true;
  if (waitMs > 0) onWait();
  while (performance.now() < end) {
    await sleep(Math.min(LOOK_EVERY_MS, Math.max(0, end - performance.now())));
    if (complete()) return true;
  }
  return false;
}
