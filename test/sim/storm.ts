import type { Random } from '../support/random.js';
import { CROOKED, type Crookedness } from './crooks.js';
import { LIES, type Lie } from './liars.js';
import { FAIR, type Weather } from './network.js';
import type { Scenario } from './scenario.js';
import { siteOf } from './links.js';
import type { World } from './world.js';

/** One thing that goes wrong at a time. */
export type Mishap =
  | { readonly kind: 'partition'; readonly groups: readonly (readonly string[])[]; readonly forMs: number }
  | { readonly kind: 'kill replica'; readonly replica: number; readonly forMs: number; readonly disk?: DiskFault }
  | {
      readonly kind: 'kill replica at a write';
      readonly replica: number;
      readonly afterWrites: number;
      readonly written: boolean;
      readonly forMs: number;
    }
  | { readonly kind: 'kill client'; readonly client: number; readonly forMs: number }
  | {
      readonly kind: 'kill client at a write';
      readonly client: number;
      readonly afterWrites: number;
      readonly written: boolean;
      readonly forMs: number;
    };

export type DiskFault = 'lost' | 'unreadable' | 'rolled back';

/** Everything that goes wrong in a schedule. */
export interface Storm {
  readonly weather: Weather;
  readonly mishaps: readonly (Mishap & { readonly atMs: number })[];
  /** Clocks ahead or behind, by site. */
  readonly skews: ReadonlyMap<string, number>;
  readonly liars: ReadonlyMap<number, readonly Lie[]>;
  readonly crooks: ReadonlyMap<string, Crookedness>;
  /** A replica that runs twice with one key. */
  readonly twin: number | undefined;
}

/** When mishaps happen. */
export const STORM_MS = 3_000;

export function drawStorm(random: Random, scenario: Scenario): Storm {
  const { n } = scenario;
  const f = Math.floor((n - 1) / 3);
  const clients = scenario.agencies + scenario.providers;
  const ids = shuffled(
    random,
    Array.from({ length: n }, (_, i) => i + 1),
  );
  const liars = new Map<number, readonly Lie[]>();
  const mishaps: (Mishap & { atMs: number })[] = [];
  const at = (): number => 100 + random.below(STORM_MS - 100);
  const downMs = (): number => 50 + random.below(900);
  let twin: number | undefined;
  // Liars and lost disks count against f, together.
  for (let i = 0; i < f; i++) {
    const id = ids[i] as number;
    const fate = random.next();
    if (fate < 0.08 && twin === undefined) twin = id;
    else if (fate < 0.5) liars.set(id, random.chance(0.4) ? [random.pick(LIES), random.pick(LIES)] : [random.pick(LIES)]);
    else if (fate < 0.72) {
      const disk = random.pick(['lost', 'unreadable', 'rolled back', 'rolled back'] as const);
      mishaps.push({ kind: 'kill replica', replica: id, forMs: downMs(), disk, atMs: at() });
    }
  }
  const count = 2 + random.below(4);
  for (let i = 0; i < count; i++) mishaps.push({ ...drawMishap(random, scenario, clients, downMs()), atMs: at() });
  const skews = new Map<string, number>();
  if (random.chance(0.25)) for (const id of ids.slice(0, 1 + random.below(2))) skews.set(siteOf(id), random.below(1_600) - 800);
  return { weather: drawWeather(random), mishaps, skews, liars, crooks: drawCrooks(random, scenario), twin };
}

function drawWeather(random: Random): Weather {
  if (random.chance(0.25)) return FAIR;
  return {
    loss: random.chance(0.5) ? 0.01 + random.next() * 0.08 : 0,
    duplicate: random.chance(0.4) ? 0.02 + random.next() * 0.1 : 0,
    late: random.chance(0.4) ? 0.02 + random.next() * 0.08 : 0,
    lateMs: 400,
    reorder: random.chance(0.5),
    minMs: 1,
    maxMs: random.pick([3, 8, 30]),
  };
}

function drawMishap(random: Random, { n }: Scenario, clients: number, forMs: number): Mishap {
  const replica = 1 + random.below(n);
  const client = random.below(clients);
  const afterWrites = 1 + random.below(8);
  const written = random.chance(0.5);
  switch (random.below(6)) {
    case 0:
      return { kind: 'partition', groups: drawGroups(random, n, clients), forMs };
    case 1:
      return { kind: 'kill replica', replica, forMs };
    case 2:
    case 3:
      return { kind: 'kill replica at a write', replica, afterWrites, written, forMs };
    case 4:
      return { kind: 'kill client', client, forMs };
    default:
      return { kind: 'kill client at a write', client, afterWrites, written, forMs };
  }
}

/** Sites are put on either side; clients are named by their number until the world has names for them. */
function drawGroups(random: Random, n: number, clients: number): string[][] {
  const groups: string[][] = [[], []];
  const put = (site: string): void => void groups[random.below(2)]?.push(site);
  for (let id = 1; id <= n; id++) put(siteOf(id));
  for (let client = 0; client < clients; client++) if (random.chance(0.5)) put(`client ${client}`);
  return groups;
}

function drawCrooks(random: Random, { agencies, providers, real }: Scenario): Map<string, Crookedness> {
  const crooks = new Map<string, Crookedness>();
  if (real || !random.chance(0.4)) return crooks;
  const crookedness = random.pick(CROOKED);
  const isAgency = agencies > 1 && random.chance(0.7);
  crooks.set(isAgency ? `agency-${agencies}` : `provider-${providers}`, crookedness);
  return crooks;
}

function shuffled<T>(random: Random, items: readonly T[]): T[] {
  const left = [...items];
  return items.map(() => left.splice(random.below(left.length), 1)[0] as T);
}

/** Lets everything of a storm happen to a world. */
export class StormMaker {
  constructor(
    private readonly world: World,
    private readonly storm: Storm,
  ) {}

  begin(): void {
    const { network, loop, faults } = this.world;
    network.weather = this.storm.weather;
    for (const skew of this.storm.skews.values()) if (skew !== 0) faults.add('clock skewed');
    for (const mishap of this.storm.mishaps) loop.after(mishap.atMs, () => this.#happen(mishap));
  }

  /** The weather clears up, and everybody who is down comes back. */
  end(): void {
    const { network, links, replicas, clients, trace } = this.world;
    trace.note('world', 'is healed');
    network.weather = FAIR;
    network.heal();
    links.refresh();
    for (const node of replicas) {
      node.killAtWrite({ afterWrites: Infinity, written: true });
      if (!node.up) void node.start();
    }
    for (const client of clients) {
      client.killAtWrite({ afterWrites: Infinity, written: true });
      if (!client.up) client.start();
    }
  }

  #happen(mishap: Mishap): void {
    const { world } = this;
    switch (mishap.kind) {
      case 'partition':
        return this.#part(mishap);
      case 'kill replica': {
        const node = world.replicas[mishap.replica - 1];
        if (node?.up !== true) return;
        this.world.faults.add('replica killed');
        world.trace.note(node.label, 'is killed', () => mishap.disk ?? '');
        node.kill();
        this.#spoil(mishap);
        return this.#comeBack(mishap.replica, mishap.forMs);
      }
      case 'kill replica at a write': {
        const node = world.replicas[mishap.replica - 1];
        if (node?.up !== true) return;
        node.killAtWrite(mishap);
        node.onDeath = () => this.#comeBack(mishap.replica, mishap.forMs);
        return;
      }
      case 'kill client': {
        const client = world.clients[mishap.client];
        if (client?.up !== true) return;
        world.faults.add('client killed');
        world.trace.note(client.name, 'is killed');
        client.kill();
        return this.#clientComesBack(mishap.client, mishap.forMs);
      }
      case 'kill client at a write': {
        const client = world.clients[mishap.client];
        if (client?.up !== true) return;
        client.killAtWrite(mishap);
        client.onDeath = () => this.#clientComesBack(mishap.client, mishap.forMs);
      }
    }
  }

  #part({ groups, forMs }: Mishap & { kind: 'partition' }): void {
    const { network, links, faults, loop, trace, clients } = this.world;
    const named = groups.map((sites) => sites.map((site) => clients[Number(site.replace('client ', ''))]?.name ?? site));
    faults.add('partition');
    trace.note('network', 'is parted', () => named.map((sites) => sites.join(' ')).join(' | '));
    network.split(named);
    links.refresh();
    loop.after(forMs, () => {
      faults.add('partition healed');
      trace.note('network', 'is whole again');
      network.heal();
      links.refresh();
    });
  }

  #spoil({ replica, disk }: Mishap & { kind: 'kill replica' }): void {
    const { faults, random, replicas } = this.world;
    const node = replicas[replica - 1];
    switch (disk) {
      case undefined:
        return;
      case 'lost':
        faults.add('database lost');
        return node?.loseDisk();
      case 'unreadable':
        faults.add('database unreadable');
        return node?.makeUnreadable();
      case 'rolled back':
        faults.add('database rolled back');
        return node?.rollBack(1 + random.below(40));
    }
  }

  #comeBack(replica: number, forMs: number): void {
    const node = this.world.replicas[replica - 1];
    this.world.loop.after(forMs, () => {
      if (node === undefined || node.up) return;
      this.world.faults.add('replica restarted');
      void node.start();
    });
  }

  #clientComesBack(index: number, forMs: number): void {
    const client = this.world.clients[index];
    this.world.loop.after(forMs, () => {
      if (client === undefined || client.up) return;
      this.world.faults.add('client restarted');
      client.start();
    });
  }
}
