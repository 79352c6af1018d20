import { expect } from '@jest/globals';
import type { ReplicaId, Request, Submission } from '../../src/bft/index.js';
import { SimCluster, type SimOptions } from '../support/simulation.js';
import { LedgerService, proofOf, readProof, request } from './ledger-service.js';

export type Cluster = SimCluster<string>;

/** A simulated cluster of replicas of the ledger. */
export const makeCluster = (seed: number, options: Partial<SimOptions<string>> = {}): Cluster =>
  new SimCluster({ seed, makeService: () => new LedgerService(), verifyProof: readProof, ...options });

export const states = (cluster: Cluster): string[] => cluster.nodes.map((node) => (node.service as LedgerService).state());
export const ledger = (cluster: Cluster, id: ReplicaId): LedgerService => cluster.node(id).service as LedgerService;
export const everywhere = (cluster: Cluster): ReplicaId[] => cluster.nodes.map((node) => node.id);
export const submitTo = (cluster: Cluster, ids: readonly ReplicaId[], r: Request): (Submission | undefined)[] =>
  ids.map((id) => cluster.submit(id, r, proofOf(r)));

export const CREATE = request('ann/d1/create', 1, 'create');

export function allEqual(cluster: Cluster, ids = everywhere(cluster)): void {
  expect(new Set(ids.map((id) => ledger(cluster, id).state())).size).toBe(1);
}

const STREAMS = ['ann/d1/control', 'bob/d1/plain', 'cy/d1/plain'];
const PER_STREAM = 6;

/**
 * One run with lost, repeated and reordered frames, cut links and a replica at a time that crashes and comes back, all from
 * the seed. At the end everything that was sent is delivered everywhere, in the order of its stream.
 */
export function survivesRandomFaults(seed: number): void {
  const n = seed % 5 === 0 ? 7 : 4;
  const cluster = makeCluster(seed, { n, f: n === 7 ? 2 : 1 });
  const { random } = cluster;
  cluster.network = { loss: 0.2, duplicate: 0.1, minDelay: 1, maxDelay: 60 };
  const sent: Request[] = [CREATE];
  for (let k = 1; k <= PER_STREAM; k++) for (const stream of STREAMS) sent.push(request(stream, k, `${stream} ${k}`));
  for (const r of sent) {
    cluster.after(random.below(600), () => {
      const to = everywhere(cluster).filter(() => random.chance(0.5));
      submitTo(cluster, to.length > 0 ? to : [1], r);
    });
  }
  let down: ReplicaId | undefined;
  for (let i = 0; i < 12; i++) {
    cluster.run(80);
    const victim = random.pick(everywhere(cluster));
    if (down !== undefined) cluster.restart(down);
    down = random.chance(0.7) ? victim : undefined;
    if (down !== undefined) cluster.crash(down);
    if (random.chance(0.3)) cluster.cutLink(random.pick([1, 2]), random.pick([3, 4]));
    if (random.chance(0.3)) cluster.cut.clear();
  }
  if (down !== undefined) cluster.restart(down);
  cluster.heal();
  for (const r of sent) submitTo(cluster, everywhere(cluster), r);
  cluster.run(25_000);
  allEqual(cluster);
  for (const stream of STREAMS) {
    expect(ledger(cluster, 1).streams.get(stream)).toEqual(Array.from({ length: PER_STREAM }, (_, k) => `${stream} ${k + 1}`));
  }
  for (const node of cluster.nodes) expect(node.broadcast.evidence()).toEqual([]);
}
