import { describe, expect, test } from '@jest/globals';
import { DEFAULT_BROADCAST_LIMITS, type ReplicaId, requestDigest } from '../../src/bft/index.js';
import { decodeFrame, encodeFrame, type Frame } from '../../src/bft/frames.js';
import { encodeRecord } from '../../src/bft/record.js';
import { allEqual, type Cluster, everywhere, ledger, submitTo } from './ledger-cluster.js';
import { request } from './ledger-service.js';
import { lifeOf, retiringCluster } from './retiring-ledger.js';
import { NOTHING, survivesRetiring } from './retiring-faults.js';

/** Lives a domain to its end at these replicas. */
function live(cluster: Cluster, name: string, at = everywhere(cluster)): void {
  for (const r of lifeOf(name)) {
    submitTo(cluster, at, r);
    cluster.run(60);
  }
}

const frames = (cluster: Cluster, bytes: Uint8Array): Frame => decodeFrame(bytes, DEFAULT_BROADCAST_LIMITS, cluster.nodes.length);

/** Everything a replica sends, as it goes out. */
function overhear(cluster: Cluster, id: ReplicaId): Frame[] {
  const heard: Frame[] = [];
  cluster.node(id).tamper = (_to, frame) => {
    heard.push(frames(cluster, frame));
    return [frame];
  };
  return heard;
}

describe('a unit that is over', () => {
  test('leaves memory and the log at every replica once all have followed it, and its record is the same everywhere', () => {
    const cluster = retiringCluster(1);
    live(cluster, 'd1');
    cluster.run(2_000);
    for (const { disk } of cluster.nodes) expect(disk.live).toEqual(NOTHING);
    expect(new Set(cluster.nodes.map(({ disk }) => disk.recordHash('d1'))).size).toBe(1);
    for (const id of everywhere(cluster)) expect(ledger(cluster, id).streams.size).toBe(0);
    for (const { disk } of cluster.nodes) expect(disk.log(1, 10)).toMatchObject([{ kind: 'retired', unit: 'd1' }]);
  });

  test('stays while a peer is behind, and goes when its time is over', () => {
    const cluster = retiringCluster(2);
    cluster.crash(4);
    live(cluster, 'd1', [1, 2, 3]);
    cluster.run(1_000);
    expect(cluster.node(1).disk.live.deliveries).toBe(5);
    cluster.run(2_500);
    expect(cluster.node(1).disk.live).toEqual(NOTHING);
  });

  test('answers repetitions as before, and another request under an old number is refused', () => {
    const cluster = retiringCluster(3);
    live(cluster, 'd1');
    cluster.run(2_000);
    for (const r of lifeOf('d1')) expect(submitTo(cluster, [1], r)).toEqual([{ outcome: 'delivered' }]);
    const again = [request('ann/d1/create', 1, 'born again'), request('bob/d1/plain', 2, 'other')];
    for (const r of again) expect(submitTo(cluster, [1], r)).toMatchObject([{ outcome: 'refused', code: 'NumberAlreadyUsed' }]);
    cluster.run(1_000);
    expect(cluster.node(1).disk.live).toEqual(NOTHING);
    expect(ledger(cluster, 1).streams.size).toBe(0);
  });

  test('comes back for a late request, is told to a replica that starts again, and leaves again with one record', () => {
    const cluster = retiringCluster(4, { limits: { retireMinMs: 1_000, retireMaxMs: 5_000 } });
    live(cluster, 'd1');
    cluster.run(3_000);
    const before = cluster.node(1).disk.recordHash('d1');
    submitTo(cluster, everywhere(cluster), request('cy/d1/plain', 1, 'late'));
    cluster.run(300);
    expect(cluster.node(2).disk.live.deliveries).toBe(1);
    cluster.crash(2);
    cluster.restart(2);
    expect(ledger(cluster, 2).streams.get('cy/d1/plain')).toEqual(['late']);
    expect(ledger(cluster, 2).streams.get('bob/d1/plain')).toEqual(['one', 'two']);
    cluster.run(4_000);
    for (const { disk } of cluster.nodes) {
      expect(disk.live).toEqual(NOTHING);
      expect(disk.units()).toEqual(['d1']);
      expect(disk.log(1, 10)).toHaveLength(1);
    }
    expect(new Set(cluster.nodes.map(({ disk }) => disk.recordHash('d1'))).size).toBe(1);
    expect(cluster.node(1).disk.recordHash('d1')).not.toBe(before);
    allEqual(cluster);
  });

  test('leaves although a request beyond its record has votes, which is delivered when the others vote', () => {
    const cluster = retiringCluster(5);
    live(cluster, 'd1');
    submitTo(cluster, [1], request('cy/d1/plain', 1, 'known to one'));
    for (const id of [2, 3, 4]) cluster.cutLink(1, id);
    cluster.run(4_000);
    expect(cluster.node(1).disk.recordHash('d1')).toBeDefined();
    cluster.heal();
    cluster.run(8_000);
    allEqual(cluster);
    expect(cluster.node(3).broadcast.isDelivered({ stream: 'cy/d1/plain', number: 1 })).toBe(true);
  });
});

describe('a replica that was away for longer than the deliveries were kept', () => {
  test.each([
    ['with the beginning of it', 3],
    ['with nothing at all', 0],
  ])('%s: takes over the records that f + 1 peers vouch for', (_what, known) => {
    const cluster = retiringCluster(10 + known);
    for (const r of lifeOf('d1').slice(0, known)) {
      submitTo(cluster, everywhere(cluster), r);
      cluster.run(100);
    }
    cluster.crash(4);
    live(cluster, 'd1', [1, 2, 3]);
    for (let k = 2; k <= 40; k++) live(cluster, `d${k}`, [1, 2, 3]);
    cluster.run(4_000);
    expect(cluster.node(1).disk.live).toEqual(NOTHING);
    cluster.restart(4);
    cluster.run(5_000);
    allEqual(cluster);
    expect(cluster.node(4).disk.units()).toHaveLength(40);
    expect(cluster.node(4).disk.recordHash('d1')).toBe(cluster.node(1).disk.recordHash('d1'));
    expect(submitTo(cluster, [4], lifeOf('d1')[3] as ReturnType<typeof request>)).toEqual([{ outcome: 'delivered' }]);
    for (const { status } of cluster.nodes.map(({ broadcast }) => ({ status: broadcast.status() })))
      expect([...status.backlog.values()]).toEqual([0, 0, 0]);
  });

  test('does not believe one liar, whose log then stalls; what the others say is delivered', () => {
    const cluster = retiringCluster(20);
    cluster.crash(4);
    live(cluster, 'd1', [1, 2, 3]);
    cluster.run(4_000);
    const stream = 'bob/d1/plain';
    const digest = requestDigest(cluster.cluster, request(stream, 1, 'never sent'));
    const lie = encodeRecord(cluster.cluster, {
      unit: 'd1',
      streams: [{ stream, digests: [digest] }],
      state: Buffer.from(JSON.stringify([[stream, ['never sent']]])),
    });
    cluster.node(1).tamper = (_to, bytes) => {
      const frame = frames(cluster, bytes);
      if (frame.type === 'log')
        return [
          encodeFrame({
            ...frame,
            entries: frame.entries.map((entry) => (entry.kind === 'retired' ? { ...entry, hash: lie.hash } : entry)),
          }),
        ];
      if (frame.type === 'vouch') return [encodeFrame({ ...frame, items: [{ unit: 'd1', hash: lie.hash, record: lie.bytes }] })];
      return [bytes];
    };
    cluster.restart(4);
    cluster.run(6_000);
    expect(ledger(cluster, 4).state()).toBe(ledger(cluster, 2).state());
    expect(cluster.node(4).broadcast.deliveredDigest({ stream, number: 1 })).not.toBe(digest);
    expect(cluster.node(4).broadcast.status().backlog.get(1)).toBe(1);
    expect(cluster.node(4).broadcast.status().backlog.get(2)).toBe(0);
  });

  test('keeps what it alone has delivered, until its peers have it, too', () => {
    const cluster = retiringCluster(21);
    live(cluster, 'd1');
    const late = request('cy/d1/plain', 1, 'late');
    submitTo(cluster, everywhere(cluster), late);
    cluster.run(15);
    cluster.crash(4);
    cluster.run(4_000);
    cluster.restart(4);
    cluster.run(6_000);
    allEqual(cluster);
    expect(ledger(cluster, 4).state()).toContain('late');
  });

  test('asks no more than it must: idle replicas exchange no records', () => {
    const cluster = retiringCluster(22);
    live(cluster, 'd1');
    cluster.run(3_000);
    const heard = everywhere(cluster).map((id) => overhear(cluster, id));
    cluster.run(5_000);
    expect(new Set(heard.flat().map(({ type }) => type))).toEqual(new Set(['follow']));
  });
});

test('records that make no sense are reported and change nothing', () => {
  const cluster = retiringCluster(30);
  cluster.crash(4);
  live(cluster, 'd1', [1, 2, 3]);
  cluster.run(4_000);
  cluster.node(1).tamper = (_to, bytes) => {
    const frame = frames(cluster, bytes);
    if (frame.type !== 'vouch') return [bytes];
    return [encodeFrame({ ...frame, items: frame.items.map((item) => ({ ...item, record: Buffer.from('junk') })) })];
  };
  cluster.restart(4);
  cluster.run(5_000);
  expect(ledger(cluster, 4).state()).toBe(ledger(cluster, 2).state());
  expect(cluster.node(4).malformed).toBeGreaterThan(0);
});

test.each(Array.from({ length: 12 }, (_, i) => 400 + i))('seed %i: faults while units retire', survivesRetiring);
