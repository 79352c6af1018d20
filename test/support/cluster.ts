import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  initCluster,
  type InitOptions,
  type KeyPair,
  type Limits,
  loadClientKeys,
  loadCluster,
  type LoadedCluster,
  loadReplicaKeys,
} from '../../src/config/index.js';
import type { LogFields, Logger } from '../../src/log.js';
import { Replica, type ReplicaOptions, type ReplicaPorts } from '../../src/replica/index.js';

/** A logger that keeps its lines. */
export class KeptLog implements Logger {
  readonly lines: (LogFields & { level: string; message: string })[] = [];
  debug = (): void => undefined;
  info = (fields: LogFields, message: string): void => void this.lines.push({ ...fields, level: 'info', message });
  warn = (fields: LogFields, message: string): void => void this.lines.push({ ...fields, level: 'warn', message });
  error = (fields: LogFields, message: string): void => void this.lines.push({ ...fields, level: 'error', message });

  /** The lines about refused messages. */
  refusals(): (LogFields & { message: string })[] {
    return this.lines.filter((line) => line.message === 'refused');
  }
}

/** Four real replicas inside this process: real TLS links, real SQLite files, real SOAP, on free ports of 127.0.0.1. */
export class LocalCluster {
  readonly logs = new Map<number, KeptLog>();
  readonly #replicas = new Map<number, Replica>();

  private constructor(
    readonly dir: string,
    public cluster: LoadedCluster,
  ) {}

  static async make(
    options: InitOptions = {},
    ports: (id: number) => Partial<ReplicaPorts> = () => ({}),
    limits: Partial<Limits> = {},
  ): Promise<LocalCluster> {
    const dir = mkdtempSync(join(tmpdir(), 'concordat-cluster-'));
    await initCluster(dir, options);
    const cluster = loadCluster(dir);
    const made = new LocalCluster(dir, { ...cluster, limits: { ...cluster.limits, ...limits } });
    await Promise.all(made.cluster.replicas.map(({ id }) => made.start(id, ports(id))));
    return made;
  }

  /** `limits` are this replica's own, where they differ from the others'. */
  async start(
    id: number,
    ports: Partial<ReplicaPorts> = {},
    limits: Partial<Limits> = {},
    extra: Pick<ReplicaOptions, 'recover' | 'onFailure'> = {},
  ): Promise<void> {
    const cluster = { ...this.cluster, limits: { ...this.cluster.limits, ...limits } };
    const log = new KeptLog();
    const dataDir = this.dataDir(id);
    mkdirSync(dataDir, { recursive: true });
    this.logs.set(id, log);
    this.#replicas.set(
      id,
      await Replica.start({ cluster, id, keys: loadReplicaKeys(cluster, id), dataDir, log, ports, ...extra }),
    );
  }

  /** Reads cluster.json again, for the replicas that are started from now on. */
  reload(): void {
    this.cluster = { ...loadCluster(this.dir), limits: this.cluster.limits };
  }

  /** Where a replica has its database. */
  dataDir(id: number): string {
    return join(this.dir, `replica-${id}`, 'data');
  }

  async stop(id: number): Promise<void> {
    await this.replica(id).stop();
    this.#replicas.delete(id);
  }

  replica(id: number): Replica {
    const replica = this.#replicas.get(id);
    if (replica === undefined) throw new RangeError(`replica ${id} is not running`);
    return replica;
  }

  running(): Replica[] {
    return [...this.#replicas.values()];
  }

  keys(name: string): KeyPair {
    return loadClientKeys(this.dir, name);
  }

  async close(): Promise<void> {
    await Promise.all(this.running().map((replica) => replica.stop()));
    rmSync(this.dir, { recursive: true, force: true });
  }
}

/** Waits until a question has the answer yes; fails loudly with the last answer when it does not in time. */
export async function until(question: () => boolean | Promise<boolean>, what: string, timeoutMs = 10_000): Promise<void> {
  const end = Date.now() + timeoutMs;
  while (!(await question())) {
    if (Date.now() > end) throw new Error(`waited ${timeoutMs} ms for: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
