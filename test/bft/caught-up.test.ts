import { describe, expect, test } from '@jest/globals';
import { DEFAULT_BROADCAST_LIMITS, type ReplicaId } from '../../src/bft/index.js';
import { decodeFrame, encodeFrame, type Frame } from '../../src/bft/frames.js';
import { type Cluster, CREATE, everywhere, makeCluster, submitTo } from './ledger-cluster.js';
import { request } from './ledger-service.js';

/** Every frame that replica `id` sends from now on. */
function overhear(cluster: Cluster, id: ReplicaId): Frame[] {
  const heard: Frame[] = [];
  cluster.node(id).tamper = (_to, frame) => {
    heard.push(decodeFrame(frame, DEFAULT_BROADCAST_LIMITS, cluster.nodes.length));
    return [frame];
  };
  return heard;
}

/** Makes a replica claim, whenever it is asked, that its log ends where the asker is. */
function denyEverything(cluster: Cluster, id: ReplicaId): void {
  const asked = new Map<ReplicaId, Frame & { type: 'follow' }>();
  for (const node of cluster.nodes) {
    if (node.id === id) continue;
    const { tamper } = node;
    node.tamper = (to, bytes) => {
      const frame = decodeFrame(bytes, DEFAULT_BROADCAST_LIMITS, cluster.nodes.length);
      if (to === id && frame.type === 'follow') asked.set(node.id, frame);
      return tamper(to, bytes);
    };
  }
  cluster.node(id).tamper = (to) => {
    const question = asked.get(to);
    if (question?.asked === undefined) return [];
    const { epoch, position } = question;
    const lie: Frame = {
      type: 'log',
      epoch: epoch === '' ? 'lie' : epoch,
      from: position + 1,
      entries: [],
      asked: question.asked,
    };
    return [encodeFrame(lie)];
  };
}

describe('a replica that must know whether it is behind', () => {
  test('learns that it is not also while its peers are never idle', () => {
    const cluster = makeCluster(11);
    submitTo(cluster, everywhere(cluster), CREATE);
    for (let k = 1; k <= 300; k++) {
      cluster.after(k * 3, () => submitTo(cluster, everywhere(cluster), request('bob/d1/plain', k, `${k}`)));
    }
    cluster.run(200);
    const { broadcast } = cluster.node(1);
    const since = cluster.now;
    broadcast.catchUp(since);
    cluster.run(400);
    expect(broadcast.isDelivered({ stream: 'bob/d1/plain', number: 300 })).toBe(false);
    expect(broadcast.caughtUpSince(since)).toBe(true);
  });

  test.each([
    [4, 1],
    [7, 2],
  ])('n = %i, f = %i: has caught up once n − f replicas, itself included, had nothing more', (n, f) => {
    const cluster = makeCluster(n, { n, f });
    submitTo(cluster, everywhere(cluster), CREATE);
    cluster.run(500);
    const { broadcast } = cluster.node(1);
    const since = cluster.now;
    expect(broadcast.caughtUpSince(since)).toBe(false);
    broadcast.catchUp(since);
    cluster.run(100);
    expect(broadcast.caughtUpSince(since)).toBe(true);
    expect(broadcast.caughtUpSince(cluster.now)).toBe(false);
  });

  test('does not know it while too many peers cannot be reached, and knows it after they are back', () => {
    const cluster = makeCluster(2);
    submitTo(cluster, everywhere(cluster), CREATE);
    cluster.run(500);
    cluster.cutLink(1, 2);
    cluster.cutLink(1, 3);
    const { broadcast } = cluster.node(1);
    const since = cluster.now;
    broadcast.catchUp(since);
    cluster.run(10_000);
    expect(broadcast.caughtUpSince(since)).toBe(false);
    cluster.heal();
    cluster.run(2_000);
    expect(broadcast.caughtUpSince(since)).toBe(true);
  });

  test('has not caught up before it has delivered what its peers had, whatever a liar says', () => {
    const cluster = makeCluster(3);
    cluster.crash(1);
    submitTo(cluster, [2, 3, 4], CREATE);
    for (let k = 1; k <= 300; k++) submitTo(cluster, [2, 3, 4], request('bob/d1/plain', k, `p${k}`));
    cluster.run(2_000);
    denyEverything(cluster, 4);
    cluster.restart(1);
    const { broadcast } = cluster.node(1);
    const since = cluster.now;
    broadcast.catchUp(since);
    let early = 0;
    for (let waited = 0; waited < 5_000; waited += 5) {
      cluster.run(5);
      if (!broadcast.caughtUpSince(since)) early += 1;
      else expect(broadcast.isDelivered({ stream: 'bob/d1/plain', number: 300 })).toBe(true);
    }
    expect(early).toBeGreaterThan(0);
    expect(broadcast.caughtUpSince(since)).toBe(true);
  });

  test('a lost question or answer is made up for by the next regular one', () => {
    const cluster = makeCluster(4);
    cluster.network = { loss: 0.7, duplicate: 0.2, minDelay: 1, maxDelay: 30 };
    const { broadcast } = cluster.node(1);
    const since = cluster.now;
    broadcast.catchUp(since);
    cluster.run(30_000);
    expect(broadcast.caughtUpSince(since)).toBe(true);
  });

  test('an answer to a question that was never asked counts for nothing', () => {
    const cluster = makeCluster(5);
    cluster.run(500);
    const { broadcast } = cluster.node(1);
    for (const from of [2, 3, 4]) {
      const lie: Frame = { type: 'log', epoch: `epoch-${from}`, from: 1, entries: [], asked: 1_000_000 };
      broadcast.receive(from, encodeFrame(lie), cluster.now);
    }
    expect(broadcast.caughtUpSince(cluster.now)).toBe(false);
  });

  test('what anybody has voted for is underway until it is delivered', () => {
    const cluster = makeCluster(6);
    cluster.crash(3);
    cluster.crash(4);
    submitTo(cluster, [2], CREATE);
    const isCreate = (stream: string): boolean => stream.endsWith('/create');
    expect(cluster.node(1).broadcast.isUnderway(CREATE)).toBe(false);
    cluster.run(100);
    expect(cluster.node(1).broadcast.isUnderway(CREATE)).toBe(true);
    expect(cluster.node(1).broadcast.underway(isCreate)).toHaveLength(1);
    expect(cluster.node(1).broadcast.underway((stream) => !isCreate(stream))).toEqual([]);
    cluster.restart(3);
    cluster.run(3_000);
    expect(cluster.node(1).broadcast.isUnderway(CREATE)).toBe(false);
    expect(cluster.node(1).broadcast.underway(isCreate)).toEqual([]);
  });

  test('idle replicas exchange one small frame a peer and interval, however often they were asked before', () => {
    const cluster = makeCluster(7);
    submitTo(cluster, everywhere(cluster), CREATE);
    cluster.run(500);
    for (const { broadcast } of cluster.nodes) broadcast.catchUp(cluster.now);
    cluster.run(1_000);
    const heard = overhear(cluster, 1);
    const seconds = 20;
    cluster.run(seconds * DEFAULT_BROADCAST_LIMITS.syncEveryMs);
    expect(new Set(heard.map((frame) => frame.type))).toEqual(new Set(['follow']));
    expect(heard.length).toBeLessThanOrEqual(3 * (seconds + 1));
    for (const frame of heard) expect(encodeFrame(frame).length).toBeLessThan(64);
  });
});
