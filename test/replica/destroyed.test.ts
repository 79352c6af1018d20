import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { rmSync } from 'node:fs';
import { votesOf } from '../../src/client/cluster-view.js';
import { decodeCertificate, DEFAULT_BROADCAST_LIMITS } from '../../src/bft/index.js';
import { loadCluster, rekeyReplica } from '../../src/config/index.js';
import { LocalCluster, until } from '../support/cluster.js';
import { codeOf, PlainClient } from '../support/soap-client.js';
import { bodyOf, creation, PlainActivity, PlainParticipant, registering, sendTo, unanimous } from './plain-activity.js';

const DESTROYED = 4;
const WITHOUT_THREE = [1, 2, DESTROYED];

let cluster: LocalCluster;
let initiator: PlainClient;
let participant: PlainClient;

beforeAll(async () => {
  cluster = await LocalCluster.make({}, undefined, { clockWindowMs: 5_000 });
  initiator = new PlainClient(cluster.cluster, cluster.keys('initiator'));
  participant = new PlainClient(cluster.cluster, cluster.keys('participant'));
}, 60_000);

afterAll(async () => {
  initiator.close();
  participant.close();
  await cluster.close();
});

const equal = (): Promise<void> =>
  until(() => {
    const statuses = cluster.running().map((replica) => replica.status());
    return statuses.every(({ voting }) => voting) && new Set(statuses.map(({ state }) => state)).size === 1;
  }, 'all vote, and hold equal states');

describe('a replica whose machine is destroyed', () => {
  test('comes back with new keys; what it voted for with the old ones stays proven', async () => {
    // Without replica 3 every certificate has a vote of replica 4.
    await cluster.stop(3);
    const created = bodyOf(unanimous(await sendTo(initiator, WITHOUT_THREE, creation())));
    const old = PlainActivity.of(initiator, created);
    const register = bodyOf(unanimous(await sendTo(participant, WITHOUT_THREE, registering(old.registration))));
    const registered = PlainParticipant.of(participant, register);
    await cluster.start(3);
    await equal();

    await cluster.stop(DESTROYED);
    rmSync(cluster.dataDir(DESTROYED), { recursive: true });
    const before = cluster.cluster;
    await rekeyReplica(cluster.dir, DESTROYED);
    cluster.reload();
    for (const id of [1, 2, 3]) {
      await cluster.stop(id);
      await cluster.start(id);
      await until(() => cluster.replica(id).status().voting, 'it votes again');
    }
    await cluster.start(DESTROYED, {}, {}, { recover: true });
    await equal();

    const { recovery } = cluster.replica(DESTROYED).status();
    expect(recovery).toMatchObject({ reason: 'asked-to', abstains: 1 });
    const text = (await old.list(DESTROYED)).participants.find(
      ({ participantId }) => participantId === registered.id,
    )?.certificate;
    const certificate = decodeCertificate(Buffer.from(text ?? '', 'base64'), DEFAULT_BROADCAST_LIMITS, 4);
    expect(certificate.attestations.map(({ replica }) => replica)).toContain(DESTROYED);
    expect(votesOf(before).verifyCertificate(certificate)).toBe(true);
    expect(votesOf(loadCluster(cluster.dir)).verifyCertificate(certificate)).toBe(true);

    await until(() => Date.now() > (recovery?.votesFrom ?? 0), 'the clock window has passed');
    await cluster.stop(3);
    const answers = await sendTo(initiator, WITHOUT_THREE, creation());
    expect(answers.map(codeOf)).toEqual(['reply', 'reply', 'reply']);
    await cluster.start(3);
    await equal();
    await registered.notify('Completed');
    await equal();
  }, 60_000);
});
