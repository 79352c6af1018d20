import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ConcordatError } from '../../src/errors.js';

/** A new directory under the system's temporary one. */
export const temporaryDirectory = (): string => mkdtempSync(join(tmpdir(), 'concordat-test-'));

export const removeDirectory = (dir: string): void => rmSync(dir, { recursive: true, force: true });

/** A copy of a directory, to break. */
export function copyOf(dir: string): string {
  const copy = temporaryDirectory();
  cpSync(dir, copy, { recursive: true });
  return copy;
}

/** The error that `run` throws; fails when it throws none, or another kind. */
export function errorOf(run: () => unknown): ConcordatError {
  try {
    run();
  } catch (error) {
    if (error instanceof ConcordatError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

/** As errorOf, for promises. */
export async function rejectionOf(promise: Promise<unknown>): Promise<ConcordatError> {
  return promise.then(
    () => {
      throw new Error('the promise was fulfilled');
    },
    (error: unknown) => {
      if (error instanceof ConcordatError) return error;
      throw error;
    },
  );
}

interface Editable {
  [name: string]: unknown;
  replicas: { [name: string]: unknown; peer: Record<string, unknown> }[];
}

/** Changes cluster.json in `dir` through `edit`. */
export function editCluster(dir: string, edit: (config: Editable) => void): void {
  const path = join(dir, 'cluster.json');
  const config = JSON.parse(readFileSync(path, 'utf8')) as Editable;
  edit(config);
  writeFileSync(path, JSON.stringify(config));
}
