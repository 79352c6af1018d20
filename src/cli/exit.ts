import { ConcordatError, type ErrorCode } from '../errors.js';

/** Wrong use and wrong configuration exit with 2, what went wrong while working with 1. */
const USAGE: ReadonlySet<ErrorCode> = new Set([
  'Usage',
  'ConfigMissing',
  'ConfigInvalid',
  'PortInUse',
  'KeyMismatch',
  'StoreInUse',
]);

export const exitCodeOf = (error: unknown): number => (error instanceof ConcordatError && USAGE.has(error.code) ? 2 : 1);

/** One line for the terminal. */
export function oneLine(error: unknown): string {
  if (error instanceof ConcordatError) return `concordat: ${error.code}: ${error.message.replaceAll('\n', ' ')}`;
  return `concordat: ${error instanceof Error ? error.message : String(error)}`;
}
