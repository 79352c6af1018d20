import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { LoadedCluster } from '../../src/config/index.js';
import { initCluster, loadCluster } from '../../src/config/index.js';
import { CLIENTS } from '../../src/travel/catalog.js';

export interface Place {
  readonly dir: string;
  readonly cluster: LoadedCluster;
  remove(): void;
}

/** The keys of the demo in a directory of its own; no replica runs. */
export async function makePlace(): Promise<Place> {
  const dir = mkdtempSync(join(tmpdir(), 'travel-'));
  await initCluster(dir, { clients: CLIENTS });
  return { dir, cluster: loadCluster(dir), remove: () => rmSync(dir, { recursive: true, force: true }) };
}
