import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { BroadcastLimits, ReplicaId, Request } from '../../src/bft/index.js';
import { ReplicaCore } from './core.js';
import type { ReplicaEvent } from './wire.js';

const IDS: readonly ReplicaId[] = [1, 2, 3, 4];

/** Four replicas of an endurance run in one process, for tests. */
export class LocalCluster {
  readonly #cores = new Map<ReplicaId, ReplicaCore>();
  readonly corrupt: Error[] = [];

  constructor(
    private readonly folder: string,
    private readonly limits: Partial<BroadcastLimits>,
    private readonly onEvents: (from: ReplicaId, events: readonly ReplicaEvent[]) => void,
  ) {
    for (const id of IDS) this.start(id);
  }

  core(id: ReplicaId): ReplicaCore {
    const core = this.#cores.get(id);
    if (core === undefined) throw new Error(`replica ${id} is not running`);
    return core;
  }

  get cores(): readonly ReplicaCore[] {
    return [...this.#cores.values()];
  }

  folderOf(id: ReplicaId): string {
    return join(this.folder, String(id));
  }

  start(id: ReplicaId): void {
    mkdirSync(this.folderOf(id), { recursive: true });
    const core = new ReplicaCore({
      id,
      folder: this.folderOf(id),
      limits: this.limits,
      onCorrupt: (error) => this.corrupt.push(error),
      send: (to, frames) => void setImmediate(() => this.#cores.get(to)?.receive(id, frames)),
      report: (events) => this.onEvents(id, events),
    });
    this.#cores.set(id, core);
    for (const peer of this.#cores.keys()) {
      if (peer === id) continue;
      core.connected(peer);
      this.core(peer).connected(id);
    }
  }

  stop(id: ReplicaId): void {
    this.core(id).close();
    this.#cores.delete(id);
  }

  submit(requests: readonly Request[]): void {
    for (const core of this.#cores.values()) core.submit(requests);
  }

  close(): void {
    for (const id of [...this.#cores.keys()]) this.stop(id);
  }
}
