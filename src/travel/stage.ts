import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { askClusterStatus } from '../cli/cluster-status.js';
import type { ClusterStatus } from '../cli/cluster-status.js';
import { ownIdentity } from '../client/index.js';
import type { KeyPair, LoadedCluster } from '../config/index.js';
import { CLUSTER_FILE, initCluster, loadClientKeys, loadCluster } from '../config/index.js';
import { ConcordatError } from '../errors.js';
import { AGENCY_FILES } from './agency.js';
import type { ProviderRole } from './catalog.js';
import { CLIENTS, PROVIDER_ROLES } from './catalog.js';
import { asObject } from './desk.js';
import { DemoFailure } from './failure.js';
import { TRAVEL_LIMITS } from './limits.js';
import { RESERVE_PATH } from './messages.js';
import type { PartPlan } from './part.js';
import { Part } from './part.js';
import { freeBlock } from './ports.js';
import { PROVIDER_FILES } from './provider.js';
import { answerControl } from './stage-controls.js';

const HOST = '127.0.0.1';
const REPLICAS = 4;
const PORTS_FILE = 'travel.json';

const script = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

/** What a part can be run by: the shipped programs, and those that lie or fail on purpose. */
export const PROGRAMS = {
  replica: script('../cli/main.js'),
  lyingReplica: script('./lying-replica.js'),
  service: script('./service-main.js'),
  agencyCutShort: script('./agency-cut-short.js'),
} as const;

/** Ports of the services; like those of the replicas they stay the same over restarts. */
type Ports = Readonly<Record<(typeof PORT_NAMES)[number], number>>;
const PORT_NAMES = [
  'agencyDesk',
  'airline',
  'airlineParticipant',
  'airlineDesk',
  'hotel',
  'hotelParticipant',
  'hotelDesk',
  'page',
] as const;

/** The cluster and the services of the demo, each part a process of its own with its own key and data below one directory. */
export class Stage {
  readonly #parts = new Map<string, Part>();
  /** Everything ever started, so that nothing is left behind. */
  readonly #started = new Set<Part>();
  #closing = false;

  private constructor(
    readonly dir: string,
    readonly cluster: LoadedCluster,
    private readonly ports: Ports,
    private readonly operator: KeyPair,
  ) {}

  /** Makes the keys and the configuration in `dir`, or takes what an earlier run made there. */
  static async open(dir: string): Promise<Stage> {
    if (!existsSync(join(dir, CLUSTER_FILE))) {
      const base = await freeBlock(2 * REPLICAS + PORT_NAMES.length, HOST);
      await initCluster(dir, { n: REPLICAS, host: HOST, basePort: base, clients: CLIENTS });
      const ports = Object.fromEntries(PORT_NAMES.map((name, index) => [name, base + 2 * REPLICAS + index]));
      writeFileSync(join(dir, PORTS_FILE), `${JSON.stringify(ports, null, 2)}\n`);
    }
    return new Stage(dir, loadCluster(dir), readPorts(join(dir, PORTS_FILE)), loadClientKeys(dir, 'operator'));
  }

  /** Starts the replicas, then the services. */
  async start(): Promise<void> {
    await Promise.all([
      ...this.replicaIds.map((id) => this.startReplica(id)),
      ...PROVIDER_ROLES.map((role) => this.startProvider(role)),
    ]);
    await this.startAgency();
  }

  /** Stops every part and waits until all are gone. */
  async stop(): Promise<void> {
    this.#closing = true;
    await Promise.all([...this.#started].map((part) => part.stop()));
  }

  get replicaIds(): readonly number[] {
    return this.cluster.replicas.map(({ id }) => id);
  }

  /** Every part that runs, with the address where it is reached. */
  get parts(): readonly {
    readonly name: string;
    readonly address: string;
    readonly pid: number;
    readonly exited: Promise<string>;
  }[] {
    return [...this.#parts.values()].map(({ plan: { name }, pid, exited }) => ({
      name,
      address: this.#address(name),
      pid,
      exited,
    }));
  }

  get logs(): string {
    return join(this.dir, 'logs');
  }

  logOf(name: string): string {
    return join(this.logs, `${name}.log`);
  }

  // --- parts --------------------------------------------------------------------------------------------------------

  async startReplica(id: number, program: string = PROGRAMS.replica): Promise<void> {
    await this.#start(replicaName(id), program, ['replica', this.dir, '--id', String(id), '--log-level', 'info']);
  }

  async killReplica(id: number): Promise<void> {
    await this.part(replicaName(id)).kill();
  }

  async stopReplica(id: number): Promise<void> {
    await this.part(replicaName(id)).stop();
  }

  /** Freezes it, as a machine that hangs: it keeps its connections and answers nothing. */
  async pauseReplica(id: number): Promise<void> {
    await Promise.resolve(this.part(replicaName(id)).pause());
  }

  async continueReplica(id: number): Promise<void> {
    await Promise.resolve(this.part(replicaName(id)).resume());
  }

  /** Stops it if it runs, and starts it again from its database; by default as the honest program. */
  async restartReplica(id: number, program: string = PROGRAMS.replica): Promise<void> {
    await this.stopReplica(id);
    await this.startReplica(id, program);
  }

  async startProvider(role: ProviderRole): Promise<void> {
    const { [role]: business, [`${role}Participant` as const]: participant, [`${role}Desk` as const]: desk } = this.ports;
    const ports = ['--business-port', business, '--participant-port', participant, '--desk-port', desk].map(String);
    await this.#start(role, PROGRAMS.service, [role, this.dir, '--data', join(this.dir, role), '--host', HOST, ...ports]);
  }

  async startAgency(program: string = PROGRAMS.service): Promise<void> {
    const partners = PROVIDER_ROLES.flatMap((role) => [`--${role}`, this.#providerUrl(role)]);
    const where = ['--data', join(this.dir, AGENCY), '--host', HOST, '--desk-port', String(this.ports.agencyDesk)];
    const desks = PROVIDER_ROLES.flatMap((role) => [`--${role}-desk`, this.providerDesk(role)]);
    const page = ['--page-port', String(this.ports.page), ...desks];
    const answer = (message: unknown): Promise<unknown> => answerControl(this, message);
    await this.#start(AGENCY, program, [AGENCY, this.dir, ...where, ...partners, ...page], answer);
  }

  /** A part by its name, running or gone. */
  part(name: string): Part {
    const part = this.#parts.get(name);
    if (part === undefined) throw new DemoFailure(`${name} was never started`);
    return part;
  }

  async #start(name: string, program: string, args: readonly string[], answer?: PartPlan['answer']): Promise<void> {
    if (this.#closing) throw new ConcordatError('Busy', 'the demo is closing');
    const plan = { name, program, args, log: this.logOf(name), ...(answer === undefined ? {} : { answer }) };
    await Part.start(plan, (part) => {
      this.#parts.set(name, part);
      this.#started.add(part);
      void part.exited.then(() => this.#started.delete(part));
    });
  }

  #providerUrl(role: ProviderRole): string {
    return `http://${HOST}:${this.ports[role]}${RESERVE_PATH}`;
  }

  #address(name: string): string {
    const replica = this.cluster.replicas.find(({ id }) => replicaName(id) === name);
    const role = PROVIDER_ROLES.find((candidate) => candidate === name);
    return replica?.url ?? (role === undefined ? this.agencyDesk : this.#providerUrl(role));
  }

  // --- what people do and see ---------------------------------------------------------------------------------------

  /** The agency's web page. */
  get page(): string {
    return `http://${HOST}:${this.ports.page}/`;
  }

  get agencyDesk(): string {
    return `http://${HOST}:${this.ports.agencyDesk}`;
  }

  providerDesk(role: ProviderRole): string {
    return `http://${HOST}:${this.ports[`${role}Desk` as const]}`;
  }

  /** The identity under which the providers know the agency. */
  get agencyWriter(): string {
    return ownIdentity(loadClientKeys(this.dir, AGENCY)).writer;
  }

  get bookingsFile(): string {
    return join(this.dir, AGENCY, AGENCY_FILES.bookings);
  }

  inventoryFile(role: ProviderRole): string {
    return join(this.dir, role, PROVIDER_FILES.inventory);
  }

  /** Asks the agency's desk for a trip. */
  async book(id: string, customer: string): Promise<void> {
    await ask('POST', `${this.agencyDesk}/bookings`, { id, customer });
  }

  async setStock(role: ProviderRole, item: string, stock: number): Promise<void> {
    await ask('PUT', `${this.providerDesk(role)}/stock`, { item, stock });
  }

  status(): Promise<ClusterStatus> {
    return askClusterStatus(this.cluster, this.operator);
  }
}

const AGENCY = 'agency';
export const replicaName = (id: number): string => `replica-${id}`;

async function ask(method: string, url: string, body: unknown): Promise<void> {
  const response = await fetch(url, {
    method,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
    signal: AbortSignal.timeout(TRAVEL_LIMITS.callMs),
  });
  if (!response.ok) throw new DemoFailure(`${method} ${url}: HTTP ${response.status} ${await response.text()}`);
  await response.body?.cancel();
}

function readPorts(path: string): Ports {
  const read = parse(path);
  const port = (name: keyof Ports): number => {
    const value = read[name];
    if (typeof value === 'number' && Number.isInteger(value) && value > 0 && value < 65_536) return value;
    throw new ConcordatError('ConfigInvalid', `${path}: ${name} must be a port`);
  };
  return {
    agencyDesk: port('agencyDesk'),
    airline: port('airline'),
    airlineParticipant: port('airlineParticipant'),
    airlineDesk: port('airlineDesk'),
    hotel: port('hotel'),
    hotelParticipant: port('hotelParticipant'),
    hotelDesk: port('hotelDesk'),
    page: port('page'),
  };
}

function parse(path: string): Readonly<Record<string, unknown>> {
  try {
    return asObject(JSON.parse(readFileSync(path, 'utf8')));
  } catch (error) {
    throw new ConcordatError('ConfigInvalid', `${path} must give the port of each service`, { cause: error });
  }
}
