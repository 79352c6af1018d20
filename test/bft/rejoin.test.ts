import { describe, expect, test } from '@jest/globals';
import { decodeFrame, encodeFrame } from '../../src/bft/frames.js';
import { DEFAULT_BROADCAST_LIMITS } from '../../src/bft/index.js';
import { MemoryDisk } from '../support/simulation.js';
import { CREATE, everywhere, ledger, makeCluster, states, submitTo } from './ledger-cluster.js';
import { proofOf, request } from './ledger-service.js';

const first = request('bob/d1/plain', 1, 'first');
const other = request('bob/d1/plain', 1, 'another');

describe('a replica that starts', () => {
  test('gives no vote before n − f − 1 peers have told which of its votes they know', () => {
    const cluster = makeCluster(1);
    cluster.crash(1);
    for (const peer of [2, 3, 4]) cluster.cutLink(1, peer);
    cluster.restart(1);
    cluster.run(1_000);
    const submission = cluster.submit(1, CREATE, proofOf(CREATE));
    expect(submission).toMatchObject({ outcome: 'open', waiting: { code: 'Starting' } });
    expect(cluster.node(1).broadcast.status()).toMatchObject({ voting: false, open: 0 });
    cluster.cut.delete('1-2');
    cluster.run(1_000);
    expect(cluster.node(1).broadcast.status()).toMatchObject({ voting: false, open: 0 });
    cluster.cut.delete('1-3');
    cluster.run(1_000);
    expect(cluster.node(1).broadcast.status()).toMatchObject({ voting: true });
    expect(states(cluster)[0]).toContain('create');
  });

  test('that lost its votes is told so, and gives none that contradicts them', () => {
    const cluster = makeCluster(2);
    submitTo(cluster, everywhere(cluster), CREATE);
    cluster.run(500);
    const backup = cluster.node(1).disk.backup();
    // Replica 1 votes for one request; only replica 2 hears of it before the others are cut off.
    for (const peer of [3, 4]) cluster.cutLink(1, peer);
    for (const peer of [3, 4]) cluster.cutLink(2, peer);
    cluster.submit(1, first, proofOf(first));
    cluster.run(100);
    cluster.crash(1);
    cluster.restart(1, backup);
    cluster.heal();
    cluster.run(200);
    expect(cluster.node(1).disk.votesLost).toBe(true);
  });

  test('with an empty disk learns that it has voted before', () => {
    const cluster = makeCluster(3);
    submitTo(cluster, everywhere(cluster), CREATE);
    cluster.run(500);
    cluster.crash(4);
    cluster.restart(4, new MemoryDisk('a new disk'));
    cluster.run(3_000);
    expect(cluster.node(4).disk.votesLost).toBe(true);
    expect(new Set(states(cluster)).size).toBe(1);
    expect(ledger(cluster, 4).state()).toContain('create');
  });

  test('remembers its votes after an ordinary restart, and is not told otherwise', () => {
    const cluster = makeCluster(4);
    submitTo(cluster, everywhere(cluster), CREATE);
    cluster.run(500);
    for (const id of everywhere(cluster)) {
      cluster.crash(id);
      cluster.restart(id);
    }
    cluster.run(1_000);
    for (const node of cluster.nodes) {
      expect(node.disk.votesLost).toBe(false);
      expect(node.broadcast.status().voting).toBe(true);
    }
  });

  test('does not believe a mark that it has not signed', () => {
    const cluster = makeCluster(5);
    submitTo(cluster, everywhere(cluster), CREATE);
    cluster.run(500);
    cluster.node(2).tamper = (_to, bytes) => {
      const frame = decodeFrame(bytes, DEFAULT_BROADCAST_LIMITS, 4);
      if (frame.type !== 'heard' || frame.mark === undefined) return [bytes];
      return [encodeFrame({ ...frame, mark: { ...frame.mark, made: frame.mark.made + 1_000 } })];
    };
    cluster.crash(1);
    cluster.restart(1);
    cluster.run(1_000);
    expect(cluster.node(1).disk.votesLost).toBe(false);
    expect(cluster.node(1).broadcast.status().voting).toBe(true);
  });

  test('is told by peers that were restarted, too: marks are on their disks', () => {
    const cluster = makeCluster(6);
    submitTo(cluster, everywhere(cluster), CREATE);
    cluster.run(500);
    const backup = cluster.node(1).disk.backup(0);
    submitTo(cluster, everywhere(cluster), first);
    cluster.run(500);
    for (const id of everywhere(cluster)) cluster.crash(id);
    cluster.restart(1, backup);
    for (const id of [2, 3, 4]) cluster.restart(id);
    cluster.run(3_000);
    expect(cluster.node(1).disk.votesLost).toBe(true);
    submitTo(cluster, everywhere(cluster), other);
    expect(new Set(states(cluster)).size).toBe(1);
  });
});
