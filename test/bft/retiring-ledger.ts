import { decodeRecord, DEFAULT_BROADCAST_LIMITS, type Digest, type Request, type Retirement } from '../../src/bft/index.js';
import type { MemoryDisk } from '../support/simulation.js';
import { type Cluster, makeCluster } from './ledger-cluster.js';
import { LedgerService, request } from './ledger-service.js';

type Streams = Map<string, string[]>;

/** What ends a domain when it is the last payload of its control stream. */
export const END = 'end';

/** A ledger whose domains leave memory once they have ended, and are read back from their records. */
export class RetiringLedger extends LedgerService {
  readonly retirement: Retirement = {
    over: (domain) => (this.streams.get(this.#control(domain))?.at(-1) === END ? domain : undefined),
    pack: (unit) => {
      const streams = this.#of(unit);
      return { streams: streams.map(([name]) => name), state: Buffer.from(JSON.stringify(streams)) };
    },
    streams: (unit) => [...this.#of(unit), ...(this.#read(unit) ?? [])].map(([name]) => name),
    forget: (unit) => {
      for (const [name] of this.#of(unit)) this.streams.delete(name);
      this.addDomain(unit);
    },
  };

  constructor(private readonly disk: () => MemoryDisk) {
    super();
  }

  override stream(name: string): ReturnType<LedgerService['stream']> {
    const domain = name.split('/')[1] ?? '';
    if (this.disk().record(domain) !== undefined) this.addDomain(domain);
    return super.stream(name);
  }

  override deliver(r: Request, digest: Digest): { domains: string[]; effects: string } {
    this.#warm(r.stream.split('/')[1] ?? '');
    return super.deliver(r, digest);
  }

  /** All streams, retired or not. */
  override state(): string {
    const all: Streams = new Map(this.streams);
    for (const unit of this.disk().units()) {
      for (const [name, payloads] of this.#read(unit) ?? []) if (!all.has(name)) all.set(name, payloads);
    }
    return JSON.stringify([...all].sort(([a], [b]) => (a < b ? -1 : 1)));
  }

  #warm(domain: string): void {
    if (this.#of(domain).length > 0) return;
    for (const [name, payloads] of this.#read(domain) ?? []) this.streams.set(name, payloads);
  }

  #of(domain: string): [string, string[]][] {
    return [...this.streams].filter(([name]) => name.split('/')[1] === domain).sort(([a], [b]) => (a < b ? -1 : 1));
  }

  #control(domain: string): string {
    return [...this.streams.keys()].find((name) => name.endsWith(`/${domain}/control`)) ?? '';
  }

  #read(unit: string): [string, string[]][] | undefined {
    const record = this.disk().record(unit);
    if (record === undefined) return undefined;
    const { state } = decodeRecord('simulated', record, DEFAULT_BROADCAST_LIMITS);
    return JSON.parse(Buffer.from(state).toString()) as [string, string[]][];
  }
}

/** The limits of a cluster that retires at once what every peer has followed. */
export const PROMPT = { retireMinMs: 200, retireMaxMs: 2_000 };

export function retiringCluster(seed: number, options: Parameters<typeof makeCluster>[1] = {}): Cluster {
  const cluster: Cluster = makeCluster(seed, {
    limits: PROMPT,
    ...options,
    makeService: (id) => new RetiringLedger(() => cluster.node(id).disk),
  });
  return cluster;
}

/** All requests of a short life in domain `name`, from its creation to its end. */
export const lifeOf = (name: string): Request[] => [
  request(`ann/${name}/create`, 1, 'create'),
  request(`ann/${name}/control`, 1, 'go'),
  request(`bob/${name}/plain`, 1, 'one'),
  request(`bob/${name}/plain`, 2, 'two'),
  request(`ann/${name}/control`, 2, END),
];
