import type { ClientStore } from '../../src/client/index.js';
import { MemoryClientStore } from '../../src/client/index.js';
import type { ClientLimits } from '../../src/client/index.js';
import type { ClientPorts, ClientTransport } from '../../src/client/ports.js';
import type { LoadedCluster } from '../../src/config/index.js';
import { ConcordatError } from '../../src/errors.js';
import type { Process } from './process.js';
import { Killed } from './process.js';
import type { DeathAtWrite } from './replica-node.js';
import type { World } from './world.js';

export const CLIENT_SIM_LIMITS: Partial<ClientLimits> = {
  timeoutMs: 3_000,
  attemptTimeoutMs: 1_500,
  retryMinMs: 100,
  retryMaxMs: 800,
  roundMs: 3_000,
  roundPauseMinMs: 100,
  roundPauseMaxMs: 800,
  pollMinMs: 1_500,
  pollMaxMs: 2_000,
  handlerRetryMinMs: 100,
  handlerRetryMaxMs: 500,
};

const AGAIN_MS = 150;

/** Alters what a client is made of: a mutant's, or that of a client that lies. */
export interface ClientTamper {
  readonly cluster?: (cluster: LoadedCluster) => LoadedCluster;
  readonly transport?: (transport: ClientTransport, client: ClientNode) => ClientTransport;
  readonly store?: (store: ClientStore, client: ClientNode) => ClientStore;
}

/** A program that works with the client library, through all its lives, with its database. */
export abstract class ClientNode {
  process: Process | undefined;
  honest = true;
  tamper: ClientTamper = {};
  skewMs = 0;
  readonly #durable = new MemoryClientStore();
  #death: DeathAtWrite | undefined;
  /** Called when it has died at a write. */
  onDeath: () => void = () => undefined;

  constructor(
    readonly world: World,
    readonly name: string,
  ) {}

  get up(): boolean {
    return this.process?.alive === true;
  }

  get writer(): string {
    return this.world.security.identity(this.name).writer;
  }

  /** What it has not finished yet. */
  abstract unfinished(): string[];

  protected abstract run(process: Process): Promise<void>;

  start(): void {
    const process = this.world.newProcess(this.name, this.skewMs);
    this.process = process;
    this.world.trace.note(this.name, 'starts');
    this.guard(process, this.run(process));
  }

  kill(): void {
    this.process?.kill();
    this.#death = undefined;
  }

  killAtWrite(death: DeathAtWrite): void {
    this.#death = death;
  }

  /** What is left of a life after its end counts for nothing. */
  protected guard(process: Process, work: Promise<void>): void {
    work.catch((error: unknown) => {
      if (!process.alive || error instanceof Killed || !this.honest) return;
      const words = error instanceof Error ? (error.stack ?? error.message) : String(error);
      this.world.judge.violated('no failure', `${this.name}: ${words}`);
    });
  }

  /** Repeats a call until it succeeds or is refused for good. */
  protected async insist<T>(process: Process, what: string, call: () => Promise<T>): Promise<T> {
    for (;;) {
      try {
        return await call();
      } catch (error) {
        process.check();
        if (!(error instanceof ConcordatError) || !error.entry.retryable) throw error;
        this.world.trace.note(this.name, `tries again: ${what}`, () => error.message);
        await this.pause(process, AGAIN_MS);
      }
    }
  }

  protected pause(process: Process, ms: number): Promise<void> {
    return new Promise((resolve) => process.timers.after(ms, resolve));
  }

  protected get cluster(): LoadedCluster {
    const { cluster } = this.world;
    return this.tamper.cluster?.(cluster) ?? cluster;
  }

  protected ports(process: Process): ClientPorts {
    const { world } = this;
    return {
      clock: process.clock,
      steadyClock: process.steadyClock,
      timers: process.timers,
      random: () => world.random.next(),
      uuid: () => world.uuid(),
      transport: (timeoutMs) => {
        const transport = world.web.transport(process, timeoutMs);
        return this.tamper.transport?.(transport, this) ?? transport;
      },
      startEdge: (options) => world.web.startEdge(process, this.name, options),
      security: world.security.client,
    };
  }

  protected store(process: Process): ClientStore {
    const store = this.#store(process);
    return this.tamper.store?.(store, this) ?? store;
  }

  #store(process: Process): ClientStore {
    const durable = this.#durable;
    let depth = 0;
    const transaction = <T>(work: () => T): T => {
      process.check();
      if (depth > 0) return durable.transaction(work);
      depth += 1;
      try {
        const dying = this.#diesNow();
        const result = durable.transaction(() => {
          const done = work();
          if (dying?.written === false) this.#die(process, 'before');
          return done;
        });
        if (dying?.written === true) this.#die(process, 'after');
        return result;
      } finally {
        depth -= 1;
      }
    };
    return {
      put: (kind, key, value) =>
        transaction(() => {
          durable.put(kind, key, value);
          this.#sees(kind, key, value);
        }),
      delete: (kind, key) => transaction(() => durable.delete(kind, key)),
      get: (kind, key) => durable.get(kind, key),
      list: (kind) => durable.list(kind),
      transaction,
      close: () => undefined,
    };
  }

  #diesNow(): DeathAtWrite | undefined {
    if (this.#death === undefined) return undefined;
    this.#death = { ...this.#death, afterWrites: this.#death.afterWrites - 1 };
    return this.#death.afterWrites <= 0 ? this.#death : undefined;
  }

  #die(process: Process, when: string): never {
    this.world.faults.add('client killed at a write');
    this.world.trace.note(this.name, `dies at a write, ${when} it`);
    this.kill();
    this.onDeath();
    throw new Killed(process);
  }

  /** An answer is written down: whoever asked may be told. */
  #sees(kind: string, key: string, value: string): void {
    if (!kind.startsWith('request ') || !this.honest) return;
    const row = JSON.parse(value) as { readonly messageId: string; readonly answer?: { readonly kind: string } };
    if (row.answer === undefined || row.answer.kind === 'fault') return;
    const stream = kind.slice('request '.length);
    this.world.judge.acknowledge({ client: this.name, stream, number: Number(key), messageId: row.messageId });
  }
}
