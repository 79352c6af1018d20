import { ConcordatError } from '../errors.js';

/** For `catch`: an error that a later attempt may not meet is passed over, any other one stands. */
export function ifStillUnderWay(error: unknown): undefined {
  if (error instanceof ConcordatError && error.entry.retryable) return undefined;
  throw error;
}
