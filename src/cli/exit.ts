import { ConcordatError } from '../errors.js';

/** Wrong use and wrong configuration exit with 2, what went wrong while working with 1. */
export const exitCodeOf = (error: unknown): number => (error instanceof ConcordatError ? error.entry.exitCode : 1);

/** One line for the terminal. */
export function oneLine(error: unknown): string {
  if (error instanceof ConcordatError) return `concordat: ${error.code}: ${error.message.replaceAll('\n', ' ')}`;
  return `concordat: ${error instanceof Error ? error.message : String(error)}`;
}
