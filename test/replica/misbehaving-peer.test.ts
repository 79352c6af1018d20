import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { askClusterStatus } from '../../src/cli/cluster-status.js';
import { describe as linesOf } from '../../src/cli/status.js';
import { decodeFrame, encodeFrame } from '../../src/bft/frames.js';
import { DEFAULT_BROADCAST_LIMITS } from '../../src/bft/index.js';
import type { PeerLinks } from '../../src/peers/index.js';
import { REAL_PORTS } from '../../src/replica/index.js';
import { LocalCluster, until } from '../support/cluster.js';
import { PlainClient } from '../support/soap-client.js';
import { PlainActivity } from './plain-activity.js';

const LIAR = 4;
const LIMITS = { peerMalformedMax: 5, peerBanMinMs: 300, peerBanMaxMs: 600, peerReconnectMaxMs: 100 };

let cluster: LocalCluster;
let initiator: PlainClient;
let liar: PeerLinks;
/** The last frame of votes that went out. */
let votes: Uint8Array | undefined;

beforeAll(async () => {
  const ports = (id: number) =>
    id !== LIAR
      ? {}
      : {
          startPeerLinks: async (options: Parameters<typeof REAL_PORTS.startPeerLinks>[0]): Promise<PeerLinks> => {
            liar = await REAL_PORTS.startPeerLinks(options);
            const send = (peer: number, frame: Uint8Array): boolean => {
              if (frame[0] === 1) votes = Buffer.from(frame);
              return liar.send(peer, frame);
            };
            return { ...liar, send };
          },
        };
  cluster = await LocalCluster.make({}, ports, LIMITS);
  initiator = new PlainClient(cluster.cluster, cluster.keys('initiator'));
}, 60_000);

afterAll(async () => {
  initiator.close();
  await cluster.close();
});

const malformed = (at: number): number =>
  cluster
    .replica(at)
    .status()
    .peers.find(({ replica }) => replica === LIAR)?.malformed ?? 0;
const linesAt = (at: number, message: string) =>
  cluster.logs.get(at)?.lines.filter((line) => line.peer === LIAR && line.message.startsWith(message)) ?? [];

function wronglySigned(): Uint8Array {
  if (votes === undefined) throw new Error('it has not voted');
  const frame = decodeFrame(votes, DEFAULT_BROADCAST_LIMITS, 4);
  if (frame.type !== 'votes') throw new Error('no votes');
  return encodeFrame({ ...frame, batch: { ...frame.batch, made: frame.batch.made + 1 } });
}

describe('a peer that sends junk and wrongly signed votes', () => {
  test('is counted, logged once, cut off when it goes on, named in status, and let in again; the cluster goes on', async () => {
    await PlainActivity.create(initiator);
    await until(() => liar.send(1, wronglySigned()), 'the link is up');
    liar.send(1, Buffer.from('junk'));
    await until(() => malformed(1) === 2, 'both are counted');
    expect(linesAt(1, 'dropped what a peer sent')).toMatchObject([{ reason: 'wrong signature on votes' }]);
    expect(linesAt(1, 'peer link closed')).toEqual([]);

    for (let count = 0; count < LIMITS.peerMalformedMax; count += 1) liar.send(1, Buffer.from([0xee, count]));
    await until(() => linesAt(1, 'peer link closed').length === 1, 'it is cut off');
    await PlainActivity.create(initiator);
    const lines = linesOf(await askClusterStatus(cluster.cluster, cluster.keys('operator')));
    expect(lines.find((line) => line.startsWith('Malformed: '))).toMatch(/^Malformed: replica 4 sent .*: \d+ to replica 1$/);

    const before = malformed(1);
    await until(
      () => liar.connected().includes(1) && liar.send(1, Buffer.from('junk')) && malformed(1) > before,
      'it is let in again',
    );
    expect(linesAt(1, 'dropped what a peer sent')).toHaveLength(1);
    await PlainActivity.create(initiator);
  }, 60_000);
});
