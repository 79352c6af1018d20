import { expect } from '@jest/globals';
import type { ReplicaId } from '../../src/bft/index.js';
import { allEqual, everywhere, ledger, submitTo } from './ledger-cluster.js';
import { request } from './ledger-service.js';
import { END, lifeOf, retiringCluster } from './retiring-ledger.js';

/** What a disk keeps of requests once everything is retired. */
export const NOTHING = { deliveries: 0, requests: 0, votes: 0 };

const DOMAINS = ['d1', 'd2', 'd3', 'd4'];

/** Domains live and end while frames are lost and replicas are away for longer than deliveries are kept. */
export function survivesRetiring(seed: number): void {
  const cluster = retiringCluster(seed, { limits: { retireMinMs: 100, retireMaxMs: 400 } });
  const { random } = cluster;
  cluster.network = { loss: 0.15, duplicate: 0.1, minDelay: 1, maxDelay: 40 };
  const lives = DOMAINS.map(lifeOf);
  const late = DOMAINS.map((name) => request(`cy/${name}/plain`, 1, 'late'));
  let down: ReplicaId | undefined;
  for (let i = 0; i < 24; i++) {
    const r = random.pick(random.pick(lives).concat(i > 16 ? late : []));
    submitTo(
      cluster,
      everywhere(cluster).filter((id) => cluster.node(id).up),
      r,
    );
    for (const life of lives)
      submitTo(
        cluster,
        everywhere(cluster).filter(() => random.chance(0.5)),
        random.pick(life),
      );
    cluster.run(120);
    if (random.chance(0.3) && down === undefined) cluster.crash((down = random.pick(everywhere(cluster))));
    else if (random.chance(0.3) && down !== undefined) {
      cluster.restart(down);
      down = undefined;
    }
  }
  if (down !== undefined) cluster.restart(down);
  cluster.heal();
  for (let again = 0; again < 3; again++) {
    for (const r of [...lives.flat(), ...late]) submitTo(cluster, everywhere(cluster), r);
    cluster.run(12_000);
  }
  allEqual(cluster);
  for (const { disk, broadcast } of cluster.nodes) {
    expect(disk.units().sort()).toEqual(DOMAINS);
    expect(disk.live).toEqual(NOTHING);
    expect(broadcast.evidence()).toEqual([]);
    expect([...broadcast.status().backlog.values()]).toEqual([0, 0, 0]);
  }
  const state = ledger(cluster, 1).state();
  expect(state.split(END).length - 1).toBe(DOMAINS.length);
  expect(state.split('late').length - 1).toBe(DOMAINS.length);
}
