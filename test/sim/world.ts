import type { LoadedCluster } from '../../src/config/index.js';
import { Random } from '../support/random.js';
import { Agency } from './agency.js';
import type { ClientNode } from './client-node.js';
import { makeCluster } from './cluster.js';
import { Judge } from './judge.js';
import { Links } from './links.js';
import { Loop } from './loop.js';
import { Network } from './network.js';
import { Notary, type Security } from './notary.js';
import { Killed, Process } from './process.js';
import { Provider } from './provider.js';
import { ReplicaNode } from './replica-node.js';
import type { ActivityPlan, Scenario } from './scenario.js';
import { crookedTransport, isEquivocator, isHarmless } from './crooks.js';
import { lie } from './liars.js';
import type { Mutant } from './mutants/mutant.js';
import type { Storm } from './storm.js';
import { FaultTally } from './tally.js';
import { Trace } from './trace.js';
import { Web } from './web.js';

export interface WorldOptions {
  readonly seed: number;
  readonly scenario: Scenario;
  /** How many times longer than asked for the intervals of replicas take. */
  readonly slowness: number;
  readonly clockWindowMs: number;
  readonly grainMs: number;
  readonly tell?: (line: string) => void;
  readonly security?: Security;
  readonly storm: Storm;
  readonly mutant?: Mutant;
}

/** A whole cluster, its clients, and all that is between them, in simulated time and from one seed. */
export class World {
  readonly random: Random;
  readonly faults = new FaultTally();
  readonly loop: Loop;
  readonly trace: Trace;
  readonly judge: Judge;
  readonly network: Network;
  readonly web: Web;
  readonly links: Links;
  readonly security: Security;
  readonly cluster: LoadedCluster;
  readonly replicas: ReplicaNode[];
  readonly agencies: Agency[];
  readonly providers: Provider[];
  /** The second copy of a replica that runs twice. */
  twin: ReplicaNode | undefined;
  /** Activities by their ids, and who plans them. */
  readonly begun = new Map<string, { readonly agency: Agency; readonly plan: ActivityPlan }>();
  #uuids = 0;

  constructor(private readonly options: WorldOptions) {
    const { scenario, seed, clockWindowMs, tell } = options;
    this.random = new Random(seed);
    this.loop = new Loop((error) => this.failed(error));
    this.trace = new Trace(() => this.loop.now, tell);
    this.judge = new Judge(() => this.loop.now, this.trace);
    this.network = new Network(this.loop, this.random, this.faults, this.trace);
    this.network.grainMs = options.grainMs;
    this.security = options.security ?? new Notary();
    this.web = new Web(this.network, (from, to, raw) => this.#seen(from, to, raw));
    this.links = new Links(this.network, (end, peer) => this.#talksTo(end, peer));
    this.cluster = makeCluster(scenario.n, { clockWindowMs }, (site) => this.security.identity(site).fingerprint);
    this.replicas = this.cluster.replicas.map(({ id }) => new ReplicaNode(this, id));
    this.providers = Array.from({ length: scenario.providers }, (_, i) => new Provider(this, `provider-${i + 1}`));
    this.agencies = scenario.activities.map((plans, i) => new Agency(this, `agency-${i + 1}`, plans));
    this.judge.isLiar = (replica) => this.replicas.some((node) => node.id === replica && !node.honest);
    this.#spread(options.storm);
  }

  get hasCrooks(): boolean {
    return this.clients.some(({ honest }) => !honest);
  }

  get clients(): ClientNode[] {
    return [...this.agencies, ...this.providers];
  }

  get honestReplicas(): ReplicaNode[] {
    return this.replicas.filter(({ honest }) => honest);
  }

  provider(index: number): Provider {
    const provider = this.providers[index];
    if (provider === undefined) throw new RangeError(`no provider ${index}`);
    return provider;
  }

  newProcess(site: string, skewMs: number): Process {
    return new Process(site, this.loop, skewMs, this.options.slowness);
  }

  clusterOf(_node: ReplicaNode): LoadedCluster {
    return this.cluster;
  }

  uuid(): string {
    this.#uuids += 1;
    const digits = this.#uuids.toString(16).padStart(12, '0');
    return `00000000-0000-4000-8000-${digits}`;
  }

  activityBegun(agency: Agency, id: string, plan: ActivityPlan): void {
    this.begun.set(id, { agency, plan });
  }

  /** Whether all that were invited keep to the protocol. */
  isHonestParty({ invites, inner }: ActivityPlan): boolean {
    return invites.every(({ provider }) => this.provider(provider).honest) && (inner === undefined || this.isHonestParty(inner));
  }

  /** Makes liars of some, and puts a mutant in the place of everybody else. */
  #spread({ liars, crooks, twin, skews }: Storm): void {
    const { mutant } = this.options;
    for (const node of this.replicas) {
      node.skewMs = skews.get(node.label) ?? 0;
      const lies = liars.get(node.id);
      node.honest = lies === undefined && node.id !== twin;
      if (lies !== undefined) this.trace.note(node.label, 'is a liar:', () => lies.join(', '));
      if (lies !== undefined) node.tamper = (ports) => lies.reduce((altered, kind) => lie(kind, altered, node), ports);
      else if (mutant?.replica !== undefined) node.tamper = mutant.replica;
    }
    const [first] = this.replicas.filter(({ id }) => id === twin);
    if (first !== undefined) {
      this.twin = new ReplicaNode(this, first.id, `${first.label}b`);
      this.twin.honest = false;
      this.faults.add('one key, two replicas');
    }
    for (const client of this.clients) {
      const crookedness = crooks.get(client.name);
      if (mutant?.client !== undefined) client.tamper = mutant.client(client);
      if (crookedness === undefined) continue;
      this.trace.note(client.name, 'is a crook:', () => crookedness);
      client.honest = isHarmless(crookedness);
      if (isEquivocator(crookedness)) this.judge.equivocators.add(client.writer);
      const transport = client.tamper.transport;
      client.tamper = {
        ...client.tamper,
        transport: (real, who) => crookedTransport(crookedness, transport?.(real, who) ?? real, who),
      };
    }
  }

  /** The copies of a replica that runs twice talk to half of the peers each. */
  #talksTo(end: Process, peer: number): boolean {
    const { twin } = this;
    if (twin === undefined) return true;
    if (end === twin.process) return peer % 2 === 0;
    return end !== this.replicas[twin.id - 1]?.process || peer % 2 === 1;
  }

  async start(): Promise<void> {
    for (const node of this.replicas) await node.start();
    await this.twin?.start();
    for (const client of this.clients) client.start();
  }

  failed(error: unknown): void {
    if (error instanceof Killed) return;
    const words = error instanceof Error ? (error.stack ?? error.message) : String(error);
    this.judge.violated('no failure', words);
  }

  /** What honest replicas tell honest providers is held against the properties. */
  #seen(from: string, to: string, raw: string): void {
    this.trace.note(from, `→ ${to}`, () => {
      const { body, headers } = this.security.peek(raw);
      return `${body.name} ${headers.length}`;
    });
    const replica = this.replicas.find((node) => node.label === from);
    if (replica === undefined || !replica.honest || !to.startsWith('provider-')) return;
    this.judge.told(from, this.security.peek(raw));
  }
}
