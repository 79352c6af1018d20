import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { askClusterStatus } from '../../src/cli/cluster-status.js';
import { describe as linesOf } from '../../src/cli/status.js';
import { LocalCluster, until } from '../support/cluster.js';
import { PlainClient } from '../support/soap-client.js';
import { Inbox, registerAt } from './inbox.js';
import { identityIn, PlainActivity } from './plain-activity.js';

let cluster: LocalCluster;
let initiator: PlainClient;
let participant: PlainClient;
let inbox: Inbox;

beforeAll(async () => {
  cluster = await LocalCluster.make({}, undefined, { requestWaitMs: 1_000, commandRetryMinMs: 100, commandRetryMaxMs: 200 });
  initiator = new PlainClient(cluster.cluster, cluster.keys('initiator'));
  participant = new PlainClient(cluster.cluster, cluster.keys('participant'));
  inbox = await Inbox.open(cluster.cluster, cluster.keys('participant'));
}, 60_000);

afterAll(async () => {
  initiator.close();
  participant.close();
  await Promise.all([inbox.close(), cluster.close()]);
});

describe('an initiator that sends close to two replicas and cancel to the two others, under one number', () => {
  test('gets neither through, no participant sees both, and everybody can see the two signed requests', async () => {
    const before = Date.now();
    const activity = await PlainActivity.create(initiator);
    const names = ['one', 'two'];
    const registered = await Promise.all(
      names.map(async (name) => registerAt(participant, await activity.invite(name), inbox.box(name))),
    );
    for (const one of registered) await one.notify('Completed');
    const named = registered.map(({ id }) => ({ participantId: id }));
    const close = activity.request({ operation: 'closeAllParticipants', participants: named });
    const cancel = activity.request({ operation: 'cancelOrCompensateAllParticipants' }, close.sequence?.number);
    const [closing, canceling] = [initiator.message(close), initiator.message(cancel)];
    await Promise.all(
      [1, 2, 3, 4].map((id) => initiator.caller.call(initiator.url(id, 'completion'), id <= 2 ? closing : canceling)),
    );

    await until(
      () => cluster.running().every((replica) => replica.status().evidence.some(({ kind }) => kind === 'writer')),
      'every replica has both requests',
    );
    for (const replica of cluster.running()) {
      const [evidence] = replica.status().evidence;
      expect(evidence).toMatchObject({ who: identityIn(cluster.keys('initiator')), number: close.sequence?.number });
      expect(evidence?.since).toBeGreaterThan(before);
      const requests = evidence?.statements.map(({ signed }) => /(closeAll|cancelOrCompensateAll)Participants/.exec(signed)?.[1]);
      expect(new Set(requests)).toEqual(new Set(['closeAll', 'cancelOrCompensateAll']));
    }
    for (const name of names) {
      const told = new Set(inbox.in(name).map(({ body }) => body.name));
      expect(told.has('Close') && (told.has('Cancel') || told.has('Compensate'))).toBe(false);
    }
    const lines = linesOf(await askClusterStatus(cluster.cluster, cluster.keys('operator')));
    const caught = lines.filter((line) => line.startsWith('Caught: '));
    expect(caught).toHaveLength(1);
    expect(caught[0]).toContain(identityIn(cluster.keys('initiator')));
    expect(caught[0]).toContain('known since 20');
  }, 60_000);
});
