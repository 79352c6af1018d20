import { test } from '@jest/globals';
import { DEFAULT_BROADCAST_LIMITS } from '../../src/bft/index.js';
import { decodeFrame, encodeFrame } from '../../src/bft/frames.js';
import { allEqual, CREATE, everywhere, makeCluster, submitTo } from './ledger-cluster.js';
import { request } from './ledger-service.js';

const STREAM = 'bob/d1/plain';

/** Requests with one byte of their content changed. */
function altered(frame: Uint8Array, n: number): Uint8Array {
  const read = decodeFrame(frame, DEFAULT_BROADCAST_LIMITS, n);
  if (read.type !== 'found') return frame;
  const items = read.items.map(({ content, certificate }) => {
    const copy = Buffer.from(content);
    copy[copy.length - 1] = (copy[copy.length - 1] ?? 0) ^ 1;
    return { content: copy, certificate };
  });
  return encodeFrame({ ...read, items });
}

test.each([1, 2, 3])('a replica that was away catches up although replica %i gives false requests', (liar) => {
  const cluster = makeCluster(liar);
  submitTo(cluster, everywhere(cluster), CREATE);
  cluster.run(500);
  cluster.crash(4);
  for (let number = 1; number <= 5; number++) submitTo(cluster, [1, 2, 3], request(STREAM, number, `${number}`));
  cluster.run(2_000);
  cluster.node(liar).tamper = (_to, frame) => [altered(frame, cluster.nodes.length)];
  cluster.restart(4);
  cluster.run(10_000);
  allEqual(cluster);
});
