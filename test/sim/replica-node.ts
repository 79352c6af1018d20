import type { Logger } from '../../src/log.js';
import { Replica, type ReplicaPorts } from '../../src/replica/index.js';
import type { ReplicaStorage } from '../../src/replica/ports.js';
import type { StoreFiles } from '../../src/replica/store-files.js';
import { ConcordatError } from '../../src/errors.js';
import type { StoreRecord } from '../../src/store/index.js';
import { machine } from '../../src/wsba/index.js';
import { keysOf } from './cluster.js';
import { siteOf } from './links.js';
import { Platter, Session } from './platter.js';
import type { Process } from './process.js';
import { Killed } from './process.js';
import type { World } from './world.js';

/** Where in a write a process dies: before anything of it is on disk, or after all of it is. */
export interface DeathAtWrite {
  readonly afterWrites: number;
  readonly written: boolean;
}

/** Alters the ports of a replica: a mutant's, or a liar's. */
export type Tamper = (ports: ReplicaPorts, node: ReplicaNode) => ReplicaPorts;

/** One replica through all its lives, with its disk. */
export class ReplicaNode {
  platter: Platter;
  replica: Replica | undefined;
  process: Process | undefined;
  /** Its machine is this much ahead, in milliseconds. */
  skewMs = 0;
  tamper: Tamper = (ports) => ports;
  /** Whether it does what the shipped code does. */
  honest = true;
  /** Databases set aside. */
  #setAside = 0;
  #damage: string | undefined;
  #unreadable = false;
  #death: DeathAtWrite | undefined;
  #disks = 0;
  /** Called when it has died at a write. */
  onDeath: () => void = () => undefined;

  constructor(
    readonly world: World,
    readonly id: number,
    /** Tells two copies of a replica apart. */
    readonly label = siteOf(id),
  ) {
    this.platter = this.#newPlatter();
  }

  get up(): boolean {
    return this.process?.alive === true;
  }

  async start(recover = false): Promise<void> {
    const { world, id, label } = this;
    const process = world.newProcess(siteOf(id), this.skewMs);
    this.process = process;
    this.replica = undefined;
    world.trace.note(label, 'starts');
    try {
      const replica = await Replica.start({
        cluster: world.clusterOf(this),
        id,
        keys: keysOf(id),
        dataDir: label,
        log: this.#log(),
        ports: this.tamper(this.#ports(process), this),
        recover,
        onFailure: (error) => this.#failed(process, error),
      });
      if (process.alive) this.replica = replica;
    } catch (error) {
      this.#failed(process, error);
    }
  }

  kill(): void {
    this.process?.kill();
    this.replica = undefined;
    this.#death = undefined;
    this.world.links.refresh();
  }

  /** Kills it at one of its next writes. */
  killAtWrite(death: DeathAtWrite): void {
    this.#death = death;
  }

  loseDisk(): void {
    this.#unreadable = false;
    this.platter = this.#newPlatter();
  }

  makeUnreadable(): void {
    this.#unreadable = true;
  }

  rollBack(writes: number): void {
    this.platter = this.platter.asOf(Math.max(0, this.platter.writes - writes));
    this.world.judge.rewound(this, this.platter.lastDelivered());
  }

  #newPlatter(): Platter {
    this.#disks += 1;
    return new Platter(`${this.label}.${this.#disks}`);
  }

  #failed(process: Process, error: unknown): void {
    if (!process.alive || error instanceof Killed) return;
    process.kill();
    this.world.judge.replicaFailed(this, error);
  }

  #log(): Logger {
    const note = (level: string) => (fields: object, message: string) => {
      this.world.trace.note(this.label, `${level}: ${message}`, () => describe(fields));
    };
    return { debug: () => undefined, info: note('info'), warn: note('warn'), error: note('error') };
  }

  #ports(process: Process): ReplicaPorts {
    const { world, id } = this;
    return {
      startPeerLinks: (options) => world.links.start(process, options),
      startEdge: (options) => world.web.startEdge(process, siteOf(id), options),
      transport: (timeoutMs) => world.web.transport(process, timeoutMs),
      participants: (send) => send,
      openStore: () => this.#open(process),
      storeFiles: () => this.#files(),
      security: world.security.replica,
      machine,
      timers: process.timers,
      random: () => world.random.next(),
      clock: process.clock,
      steadyClock: process.steadyClock,
    };
  }

  #files(): StoreFiles {
    return {
      noteDamage: (why) => (this.#damage = why),
      notedDamage: () => this.#damage,
      hasSetAsides: () => this.#setAside > 0,
      setAside: () => {
        this.#setAside += 1;
        this.#damage = undefined;
        this.#unreadable = false;
        this.platter = this.#newPlatter();
        return [`${this.label}.set-aside`];
      },
    };
  }

  #open(process: Process): ReplicaStorage {
    if (this.#unreadable) throw new ConcordatError('StoreCorrupt', `${this.label} cannot be read`);
    const { platter } = this;
    const append = (batch: readonly StoreRecord[]): void => {
      if (batch.length === 0) return;
      process.check();
      if (this.#diesNow()) this.#die(process, batch);
      platter.append(batch);
      this.world.judge.wrote(this, batch);
    };
    return new Session(platter, append);
  }

  #diesNow(): boolean {
    if (this.#death === undefined) return false;
    this.#death = { ...this.#death, afterWrites: this.#death.afterWrites - 1 };
    return this.#death.afterWrites <= 0;
  }

  #die(process: Process, batch: readonly StoreRecord[]): never {
    const written = this.#death?.written === true;
    if (written) {
      this.platter.append(batch);
      this.world.judge.wrote(this, batch);
    } else this.world.faults.add('batch lost at a kill');
    this.world.faults.add('replica killed at a write');
    this.world.trace.note(this.label, `dies at a write, ${written ? 'after' : 'before'} it`);
    this.kill();
    this.onDeath();
    throw new Killed(process);
  }
}

function describe(fields: object): string {
  return JSON.stringify(fields, (_key, value: unknown) => (value instanceof Error ? value.message : value));
}
