import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { askClusterStatus, type ClusterStatus } from '../../src/cli/cluster-status.js';
import { describe as linesOf } from '../../src/cli/status.js';
import type { ReplicaStatus } from '../../src/replica/index.js';
import { LocalCluster, until } from '../support/cluster.js';
import { codeOf, PlainClient } from '../support/soap-client.js';
import { bodyOf, creation, PlainActivity, sendTo, sendToAll, unanimous } from './plain-activity.js';

/** The window is short, so that it passes within a test; a busy machine may miss it. */
const LIMITS = { clockWindowMs: 4_000, requestWaitMs: 1_000 };
/** The one that loses its database, and one that is stopped beside it. */
const LOSER = 4;
const OTHER = 3;
const WITHOUT_OTHER = [1, 2, LOSER];

let cluster: LocalCluster;
let initiator: PlainClient;
let matchcodes = 0;

beforeAll(async () => {
  cluster = await LocalCluster.make({}, undefined, LIMITS);
  initiator = new PlainClient(cluster.cluster, cluster.keys('initiator'));
}, 60_000);

afterAll(async () => {
  initiator.close();
  await cluster.close();
});

const statuses = (): ReplicaStatus[] => cluster.running().map((replica) => replica.status());
const statusOf = (id: number): ReplicaStatus => cluster.replica(id).status();
const invitation = (matchcode = `m${++matchcodes}`) => ({ operation: 'getCoordinationContextWithMatchcode', matchcode }) as const;

async function equal(): Promise<void> {
  const differ = (of: (status: ReplicaStatus) => unknown): boolean => new Set(statuses().map(of)).size > 1;
  await until(() => !differ(({ deliveries }) => deliveries), 'all are equally far');
  expect(statuses().map(({ state }) => state)).toEqual(statuses().map(() => statusOf(1).state));
}

async function clusterStatus(): Promise<{ status: ClusterStatus; lines: string[] }> {
  const status = await askClusterStatus(cluster.cluster, cluster.keys('operator'));
  return { status, lines: linesOf(status) };
}

/** Stops the replica, does something to its files, and starts it again. */
async function damage(work: (dir: string) => void, recover = false): Promise<void> {
  await cluster.stop(LOSER);
  work(cluster.dataDir(LOSER));
  await cluster.start(LOSER, {}, {}, { recover });
}

const empty = (dir: string): void => rmSync(dir, { recursive: true });

/** A create that took longer than the clock window is made anew. */
async function punctually<T>(create: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await create();
    } catch (error) {
      if (attempt === 5 || !String(error).includes('MessageExpired')) throw error;
    }
  }
}

/** An activity that all four replicas know. */
async function activity(): Promise<PlainActivity> {
  const made = await punctually(() => PlainActivity.create(initiator));
  await made.invite(`m${++matchcodes}`);
  await equal();
  return made;
}

/** The activity is old, so with another replica stopped nothing moves in it; and everything moves in a new one. */
async function votesInNewOnesOnly(old: PlainActivity): Promise<void> {
  const { recovery } = statusOf(LOSER);
  if (recovery === undefined) throw new Error('the replica does not recover');
  await until(() => Date.now() > recovery.votesFrom, 'the clock window has passed');
  await cluster.stop(OTHER);
  const waits = { ...old.request(invitation()), messageId: `urn:uuid:${randomUUID()}` };
  const answers = await Promise.all(
    WITHOUT_OTHER.map((id) => initiator.caller.call(initiator.url(id, 'completion'), initiator.message(waits))),
  );
  expect(answers.map(codeOf)).toEqual(['NoQuorum', 'NoQuorum', 'Recovering']);

  const created = await punctually(async () => bodyOf(unanimous(await sendTo(initiator, WITHOUT_OTHER, creation()))));
  const fresh = PlainActivity.of(initiator, created);
  const invited = await sendTo(initiator, WITHOUT_OTHER, fresh.request(invitation()));
  expect(invited.map(codeOf)).toEqual(['reply', 'reply', 'reply']);
  await cluster.start(OTHER);
  // Signed again, since its timestamp has run out: the same request.
  const late = await sendToAll(initiator, waits);
  expect(late.map(codeOf)).toEqual(['reply', 'reply', 'reply', 'reply']);
  await ends(fresh);
}

/** The old one ends: with that the replica has nothing more to abstain from. */
async function ends(old: PlainActivity): Promise<void> {
  await old.decide({ operation: 'cancelOrCompensateAllParticipants' });
  await equal();
}

describe('a replica whose database', () => {
  test('was deleted is told by its peers that it has voted, follows them, and votes in new activities only', async () => {
    const old = await activity();
    const before = Date.now();
    await damage(empty);
    await until(() => statusOf(LOSER).recovery !== undefined, 'it knows that it has lost votes');
    const { recovery } = statusOf(LOSER);
    expect(recovery).toMatchObject({ reason: 'votes-lost', over: false });
    expect(recovery?.since).toBeGreaterThanOrEqual(before);
    expect(recovery?.votesFrom).toBe((recovery?.since ?? 0) + LIMITS.clockWindowMs);
    await equal();
    const { lines } = await clusterStatus();
    expect(lines.find((line) => line.startsWith(String(LOSER)))).toContain('recovering');
    const said = lines.find((line) => line.startsWith('Recovering: '));
    expect(said).toContain(`replica ${LOSER} since ${new Date(recovery?.since ?? 0).toISOString()}`);
    expect(said).toContain('its database has lost votes');
    expect(cluster.logs.get(LOSER)?.lines.filter(({ level }) => level === 'error')).toEqual([
      expect.objectContaining({ message: expect.stringContaining('the database has lost votes') }),
    ]);
    await votesInNewOnesOnly(old);
    await ends(old);
  }, 60_000);

  test('was replaced by an older copy is told the same, and goes on from the copy', async () => {
    const old = await activity();
    await cluster.stop(LOSER);
    const backup = join(cluster.dir, 'backup');
    cpSync(cluster.dataDir(LOSER), backup, { recursive: true });
    await cluster.start(LOSER);
    await until(() => statusOf(LOSER).voting, 'it votes again');
    const since = statusOf(LOSER).recovery?.since;
    // More votes than the copy knows of: in a new activity, since it abstains in what it lost before.
    const lost = await activity();
    await damage((dir) => {
      empty(dir);
      cpSync(backup, dir, { recursive: true });
    });
    await until(() => statusOf(LOSER).recovery?.since !== since, 'it knows that it has lost votes again');
    expect(statusOf(LOSER).recovery).toMatchObject({ reason: 'votes-lost', over: false });
    await equal();
    await votesInNewOnesOnly(old);
    await ends(lost);
    await ends(old);
  }, 60_000);

  test('was scribbled on sets it aside and says so, twice in a row', async () => {
    const old = await activity();
    for (let round = 1; round <= 3; round += 1) {
      await damage((dir) => writeFileSync(join(dir, 'replica.db'), Buffer.alloc(8_192, 0x5a)));
      const line = cluster.logs.get(LOSER)?.lines.find(({ message }) => message.includes('set aside'));
      const [name] = line?.setAside as string[];
      expect(name).toMatch(/^replica\.db\.set-aside-\d{8}T\d{9}Z$/);
      const kept = readdirSync(cluster.dataDir(LOSER)).filter((file) => /^replica\.db\.set-aside-[\dTZ.]+$/.test(file));
      expect(kept).toContain(name);
      expect(kept).toHaveLength(Math.min(round, cluster.cluster.limits.storesSetAside));
      expect(
        readFileSync(join(cluster.dataDir(LOSER), name ?? ''))
          .subarray(0, 4)
          .toString(),
      ).toBe('ZZZZ');
      expect(statusOf(LOSER).recovery).toMatchObject({ over: false });
    }
    await equal();
    const { lines } = await clusterStatus();
    expect(lines.find((line) => line.startsWith('Recovering: '))).toContain('its database was damaged and set aside');
    await votesInNewOnesOnly(old);
    await ends(old);
  }, 60_000);

  test('holds other bytes than were written, in pages that are in order, is set aside, too', async () => {
    const old = await punctually(() => PlainActivity.create(initiator));
    const answers = await sendToAll(initiator, old.request(invitation('scribbled-over')));
    expect(answers.map(codeOf)).toEqual(['reply', 'reply', 'reply', 'reply']);
    await equal();
    await damage((dir) => {
      const file = join(dir, 'replica.db');
      const bytes = readFileSync(file);
      for (let at = bytes.indexOf('scribbled-over'); at >= 0; at = bytes.indexOf('scribbled-over')) bytes[at] = 0x53;
      writeFileSync(file, bytes);
    });
    const lines = cluster.logs.get(LOSER)?.lines ?? [];
    const line = lines.find(({ message }) => message.includes('set aside'));
    expect(line?.reason).toMatch(/is not what was written/);
    expect(statusOf(LOSER).recovery).toMatchObject({ reason: 'store-set-aside', over: false });
    await equal();
    await ends(old);
  }, 60_000);

  test('is lost, as its operator says, abstains likewise; and is done with it once all that is old has ended', async () => {
    const old = await activity();
    await damage(() => undefined, true);
    expect(statusOf(LOSER).recovery).toMatchObject({ reason: 'asked-to', over: false });
    await votesInNewOnesOnly(old);
    await until(() => statuses().every(({ voting }) => voting), 'all vote');
    await ends(old);
    await until(() => statusOf(LOSER).recovery?.abstains === 0, 'nothing old is open');
    expect(statusOf(LOSER).recovery).toMatchObject({ reason: 'asked-to', over: true });
    const { lines } = await clusterStatus();
    expect(lines.filter((text) => text.startsWith('Recovering'))).toEqual([]);
  }, 60_000);
});
