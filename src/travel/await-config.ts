import { setTimeout as sleep } from 'node:timers/promises';
import { ConcordatError } from '../errors.js';
import type { Logger } from '../log.js';
import { TRAVEL_LIMITS } from './limits.js';

/** What may be true of files that somebody else is about to write: not there, or not there in full. */
const MAY_COME: ReadonlySet<string> = new Set(['ConfigMissing', 'ConfigInvalid']);

/**
 * Reads configuration that another process may still be making, such as the one that runs `concordat init` for all containers.
 * Says once in the log that it waits.
 * @param read throws ConcordatError ConfigMissing or ConfigInvalid while the files are not there
 * @param waitMs milliseconds after which the error of the last look is thrown; 0 looks once
 */
export async function awaitConfig<T>(read: () => T, waitMs: number, log: Logger): Promise<T> {
  const end = performance.now() + waitMs;
  for (let told = false; ; told = true) {
    try {
      return read();
    } catch (error) {
      if (!(error instanceof ConcordatError) || !MAY_COME.has(error.code) || performance.now() >= end) throw error;
      if (!told) log.info({ waitMs, missing: error.message }, 'waiting for cluster.json and keys');
    }
    await sleep(TRAVEL_LIMITS.configLookMs);
  }
}
