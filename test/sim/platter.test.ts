import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ReplicaStorage } from '../../src/replica/ports.js';
import { ReplicaStore } from '../../src/store/index.js';
import { Random } from '../support/random.js';
import { Platter } from './platter.js';
import { drawScenario } from './scenario.js';
import { FAIR } from './network.js';
import { World } from './world.js';

let dir = '';
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'concordat-platter-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const bytes = (value: unknown): unknown =>
  JSON.parse(
    JSON.stringify(value, (_key, part: unknown) =>
      part instanceof Set ? [...part].sort() : part instanceof Uint8Array ? Buffer.from(part).toString('hex') : part,
    ),
  );

/** Everything that a replica reads from its store, but for the name of its log. */
function reading(store: ReplicaStorage): unknown {
  const deliveries = store.deliveries(1, 10_000);
  const first = deliveries[0]?.record;
  return bytes({
    head: store.head,
    delivered: store.deliveredCount,
    made: store.made,
    votes: store.votes(),
    open: store.openRequests(),
    certificates: store.certificates(),
    evidence: store.evidence(),
    heard: store.heard(),
    recovery: store.recovery() ?? null,
    done: store.commandsDone(),
    cursors: [1, 2, 3, 4].map((peer) => store.cursor(peer) ?? null),
    deliveries,
    logged: store.logged(1, 10_000),
    tail: store.deliveries(Math.max(1, store.head - 3), 2),
    one: first === undefined ? null : store.delivery(first.stream, first.number),
    proof: first === undefined ? null : store.request(first.digest),
    certificatesOf: first === undefined ? null : store.certificatesOf(first.stream),
    archive: {
      head: store.archive.head,
      totals: store.archive.totals,
      retirements: store.archive.retirements(1, 1_000),
      latest: store.archive.latest(5),
    },
  });
}

test.each([3, 11, 22])('the simulated disk reads as the real store does after the same writes (seed %i)', async (seed) => {
  const scenario = { ...drawScenario(new Random(seed)), real: false };
  const nothing = { mishaps: [], skews: new Map(), liars: new Map(), crooks: new Map(), twin: undefined };
  const world = new World({
    seed,
    scenario,
    storm: { weather: FAIR, ...nothing },
    slowness: 4,
    clockWindowMs: 5_000,
    grainMs: 1,
  });
  await world.start();
  await world.loop.runUntil(9_000);
  const batches = world.replicas[0]?.platter.batches ?? [];
  expect(batches.length).toBeGreaterThan(40);
  const real = ReplicaStore.open(join(dir, 'replica.db'));
  const platter = new Platter('replica-1');
  for (const [i, batch] of batches.entries()) {
    real.append(batch);
    platter.append(batch);
    if (i % 10 === 0 || i === batches.length - 1) expect(reading(platter)).toEqual(reading(real));
  }
  expect(platter.archive.head).toBeGreaterThan(0);
  real.close();
});
