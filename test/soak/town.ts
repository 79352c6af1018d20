import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ClusterStatus } from '../../src/cli/cluster-status.js';
import { askClusterStatus } from '../../src/cli/cluster-status.js';
import type { ClusterConfig, HostPort, KeyPair, LoadedCluster } from '../../src/config/index.js';
import { CLUSTER_FILE, exportPart, initCluster, loadClientKeys, loadCluster, parseCluster } from '../../src/config/index.js';
import { partnersIn } from '../../src/travel/agency.js';
import type { Partner } from '../../src/travel/booking-run.js';
import type { ProviderRole } from '../../src/travel/catalog.js';
import { PROVIDER_ROLES } from '../../src/travel/catalog.js';
import { Inventory } from '../../src/travel/inventory.js';
import { RESERVE_PATH } from '../../src/travel/messages.js';
import { Part } from '../../src/travel/part.js';
import { freeBlock } from '../../src/travel/ports.js';
import { PROVIDER_FILES } from '../../src/travel/provider.js';
import { freeze } from './frozen.js';
import { CLUSTER_LIMITS } from './limits.js';
import { StoreFiles } from './store-files.js';
import { STOCK } from './trips.js';
import { Violation } from './violation.js';
import { Wires } from './wires.js';

const HOST = '127.0.0.1';
const REPLICAS = [1, 2, 3, 4];
const PORTS_OF_PROVIDER = 3;
/** Initiators, each with a key of its own. */
export const AGENCIES = ['agency-1', 'agency-2'] as const;

/** The shipped programs, as they are built. */
const shipped = (name: string): string => fileURLToPath(new URL(`../../../dist/${name}`, import.meta.url));
const REPLICA = shipped('cli/main.js');
const SERVICE = shipped('travel/service-main.js');

interface Ports {
  readonly wire: (from: number, to: number) => number;
  readonly provider: (role: ProviderRole) => { readonly business: number; readonly participant: number; readonly desk: number };
}

/** Four replicas, an airline and a hotel, each a process of its own on this machine; each replica with a cluster.json of its own. */
export class Town {
  readonly #parts = new Map<string, Part>();
  /** Everything ever started, so that nothing is left behind. */
  readonly #running = new Set<Part>();
  readonly #expected = new Set<Part>();
  readonly #wakers = new Set<() => Promise<void>>();
  #closing = false;
  #fail: (violation: Violation) => void = () => undefined;

  /** Rejects when a process stops that nobody stopped. */
  readonly broken = new Promise<never>((_resolve, reject) => (this.#fail = reject));

  private constructor(
    readonly dir: string,
    readonly cluster: LoadedCluster,
    private readonly ports: Ports,
    private readonly operator: KeyPair,
    readonly wires: Wires,
  ) {
    this.broken.catch(() => undefined);
  }

  /** Makes the keys and the configuration; nothing runs yet. */
  static async build(dir: string): Promise<Town> {
    const home = join(dir, 'home');
    const count = REPLICAS.length;
    const base = await freeBlock(2 * count + count * count + PORTS_OF_PROVIDER * PROVIDER_ROLES.length, HOST);
    const clients = [
      ...AGENCIES.map((name) => ({ name, roles: ['initiator'] })),
      ...PROVIDER_ROLES.map((name) => ({ name, roles: ['participant'] })),
    ];
    await initCluster(home, { n: count, host: HOST, basePort: base, clients });
    edit(home, (config) => ({ ...config, limits: CLUSTER_LIMITS }));
    const ports = portsFrom(base + 2 * count);
    const cluster = loadCluster(home);
    for (const from of REPLICAS) {
      exportPart(home, { kind: 'replica', id: from }, machine(dir, from));
      edit(machine(dir, from), (config) => ({
        ...config,
        replicas: config.replicas.map((entry) => seenFrom(from, entry, ports)),
      }));
    }
    const wires = cluster.replicas.flatMap(({ id: to, peerListen: target }) =>
      REPLICAS.filter((from) => from !== to).map((from) => ({
        from,
        to,
        listen: { host: HOST, port: ports.wire(from, to) },
        target,
      })),
    );
    return new Town(dir, cluster, ports, loadClientKeys(home, 'operator'), new Wires(wires));
  }

  async start(): Promise<void> {
    await this.wires.open();
    for (const role of PROVIDER_ROLES) Inventory.open(this.inventoryFile(role), STOCK[role]).close();
    await Promise.all([
      ...REPLICAS.map((id) => this.startReplica(id)),
      ...PROVIDER_ROLES.map((role) => this.#startProvider(role)),
    ]);
  }

  /** Stops everything and waits until it is gone. */
  async stop(): Promise<void> {
    this.#closing = true;
    await Promise.all([...this.#wakers].map((wake) => wake()));
    await Promise.all([...this.#running].map((part) => part.stop()));
    await this.wires.close();
  }

  get replicas(): readonly number[] {
    return REPLICAS;
  }

  get logs(): string {
    return join(this.dir, 'logs');
  }

  get partners(): Readonly<Record<ProviderRole, Partner>> {
    const url = (role: ProviderRole): string => `http://${HOST}:${this.ports.provider(role).business}${RESERVE_PATH}`;
    return partnersIn(this.cluster.dir, { airline: url('airline'), hotel: url('hotel') });
  }

  inventoryFile(role: ProviderRole): string {
    return join(this.dir, role, PROVIDER_FILES.inventory);
  }

  /** The databases of an agency. */
  agencyFolder(name: string): string {
    return join(this.dir, name);
  }

  filesOf(replica: number): StoreFiles {
    return new StoreFiles(this.#data(replica), join(this.dir, 'copies', replicaName(replica)));
  }

  status(): Promise<ClusterStatus> {
    return askClusterStatus(this.cluster, this.operator);
  }

  // --- replicas -----------------------------------------------------------------------------------------------------

  async startReplica(id: number): Promise<void> {
    const args = ['replica', machine(this.dir, id), '--id', String(id), '--data', this.#data(id), '--log-level', 'info'];
    await this.#start(replicaName(id), REPLICA, args);
  }

  async killReplica(id: number): Promise<void> {
    await this.#expectEnd(id).kill();
  }

  async stopReplica(id: number): Promise<void> {
    await this.#expectEnd(id).stop();
  }

  /** @returns lets it go on */
  freezeReplica(id: number): () => Promise<void> {
    const thaw = freeze(this.#part(id));
    const wake = async (): Promise<void> => {
      this.#wakers.delete(wake);
      await thaw();
    };
    this.#wakers.add(wake);
    return wake;
  }

  #expectEnd(id: number): Part {
    const part = this.#part(id);
    this.#expected.add(part);
    return part;
  }

  #part(id: number): Part {
    const part = this.#parts.get(replicaName(id));
    if (part === undefined) throw new Error(`${replicaName(id)} was never started`);
    return part;
  }

  #data(id: number): string {
    return join(this.dir, 'data', replicaName(id));
  }

  async #startProvider(role: ProviderRole): Promise<void> {
    const { business, participant, desk } = this.ports.provider(role);
    const ports = ['--business-port', business, '--participant-port', participant, '--desk-port', desk].map(String);
    await this.#start(role, SERVICE, [role, this.cluster.dir, '--data', join(this.dir, role), '--host', HOST, ...ports]);
  }

  async #start(name: string, program: string, args: readonly string[]): Promise<void> {
    if (this.#closing) throw new Error('the soak is closing');
    await Part.start({ name, program, args, log: join(this.logs, `${name}.log`) }, (part) => {
      this.#parts.set(name, part);
      this.#running.add(part);
      void part.exited.then((how) => {
        this.#running.delete(part);
        if (!this.#closing && !this.#expected.delete(part)) this.#fail(new Violation(`${name} stopped by itself with ${how}`));
      });
    });
  }
}

const replicaName = (id: number): string => `replica-${id}`;
const machine = (dir: string, id: number): string => join(dir, 'machines', replicaName(id));

/** A replica dials its peers at the wires that lead there from it; it listens itself where it did. */
function seenFrom(from: number, entry: ClusterConfig['replicas'][number], ports: Ports): ClusterConfig['replicas'][number] {
  if (entry.id === from) return entry;
  const peer: HostPort = { host: HOST, port: ports.wire(from, entry.id) };
  return { ...entry, peer, peerListen: entry.peer };
}

function edit(dir: string, change: (config: ClusterConfig) => ClusterConfig): void {
  const path = join(dir, CLUSTER_FILE);
  writeFileSync(path, `${JSON.stringify(change(parseCluster(readFileSync(path, 'utf8'))), null, 2)}\n`);
}

function portsFrom(base: number): Ports {
  const providers = base + REPLICAS.length ** 2;
  return {
    wire: (from, to) => base + (from - 1) * REPLICAS.length + (to - 1),
    provider: (role) => {
      const first = providers + PORTS_OF_PROVIDER * PROVIDER_ROLES.indexOf(role);
      return { business: first, participant: first + 1, desk: first + 2 };
    },
  };
}
