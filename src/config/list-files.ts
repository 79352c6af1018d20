import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import { ConcordatError } from '../errors.js';
import type { LoadedCluster } from './cluster.js';
import { readBytes } from './files.js';

/** A file that may change while a process runs. */
export interface WatchedFile {
  readonly name: string;
  /** Another value each time the contents may have changed. */
  readonly version: string;
  /** Undefined if it cannot be read. */
  readonly bytes: Buffer | undefined;
}

/** What tells whether a file has changed; `-` while it is not there. */
export function fileVersion(path: string): string {
  const stat = statSync(path, { throwIfNoEntry: false });
  return stat === undefined ? '-' : `${stat.ino} ${stat.size} ${stat.mtimeMs}`;
}

/** Reads the revocation lists of a cluster, each again when it has changed. */
export function revocationLists({ dir, config }: Pick<LoadedCluster, 'dir' | 'config'>): () => readonly WatchedFile[] {
  const known = new Map<string, WatchedFile>();
  return () =>
    (config.security?.revocation?.lists ?? []).map((name) => {
      const version = fileVersion(resolve(dir, name));
      const before = known.get(name);
      if (before?.version === version) return before;
      const file = { name, version, bytes: bytesOf(resolve(dir, name), name) };
      known.set(name, file);
      return file;
    });
}

function bytesOf(path: string, name: string): Buffer | undefined {
  try {
    return readBytes(path, name, 'ConfigInvalid');
  } catch (error) {
    if (error instanceof ConcordatError) return undefined;
    throw error;
  }
}
