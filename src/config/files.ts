import { readFileSync, statSync } from 'node:fs';
import { ConcordatError } from '../errors.js';
import type { ErrorCode } from '../errors.js';

/** Bytes of cluster.json or of one PEM file, at most. */
export const MAX_CONFIG_FILE_BYTES = 1024 * 1024;

/** Why the operating system refused: `ENOENT`, `EACCES`, … */
export function systemCode(error: unknown): string {
  if (typeof error === 'object' && error !== null && 'code' in error && typeof error.code === 'string') return error.code;
  return String(error);
}

/**
 * Reads a small text file.
 * @param what how the message names the file
 * @throws ConcordatError `code` when it cannot be read, ConfigInvalid when it is too large
 */
export const readText = (path: string, what: string, code: ErrorCode): string => readBytes(path, what, code).toString('utf8');

/** The same for a file of any kind. */
export function readBytes(path: string, what: string, code: ErrorCode): Buffer {
  try {
    if (statSync(path).size > MAX_CONFIG_FILE_BYTES) {
      throw new ConcordatError('ConfigInvalid', `${what} is larger than ${MAX_CONFIG_FILE_BYTES} bytes`);
    }
    return readFileSync(path);
  } catch (error) {
    if (error instanceof ConcordatError) throw error;
    throw new ConcordatError(code, `${what} cannot be read (${systemCode(error)})`, { cause: error });
  }
}

/** Writes, by `work`. @throws ConcordatError ConfigInvalid, with the reason of the operating system */
export function attempt(path: string, work: () => void): void {
  try {
    work();
  } catch (error) {
    throw new ConcordatError('ConfigInvalid', `cannot write ${path} (${systemCode(error)})`, { cause: error });
  }
}
