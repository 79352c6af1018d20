import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Request, requestDigest } from '../../src/bft/index.js';
import { controlStream, participantOfStream, participantStream } from '../../src/contract/index.js';
import { plus, type Print, sumOf } from '../../src/replica/prints.js';
import { reportActivity, type ReportSources, summarize } from '../../src/replica/report.js';
import { isEnded } from '../../src/wsba/index.js';
import { ActivityRequests } from './activities.js';
import { CLUSTER, type ReplicaCore } from './core.js';
import { Driver } from './driver.js';
import { LocalCluster } from './local.js';

const ACTIVITIES = 150;
const PROMPT = { retireMinMs: 300, retireMaxMs: 60_000, passOnAfterMs: 5_000, resendVotesAfterMs: 10_000, syncEveryMs: 200 };
const LATE = 'C=AT,O=Latecomer,CN=late';

let folder: string;
let cluster: LocalCluster;
let driver: Driver;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'concordat-endurance-'));
  cluster = new LocalCluster(folder, PROMPT, (from, events) => driver.onEvents(from, events));
  driver = new Driver({ replicas: 4, concurrency: 50, submit: (requests) => cluster.submit(requests) });
});
afterEach(() => {
  cluster.close();
  rmSync(folder, { recursive: true, force: true });
});

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 20));
}

const NOTHING = sumOf([]);
const printsOf = (replica: number): Print[] => {
  const { service } = cluster.core(replica);
  return service.activities().map((activity) => service.fingerprint(activity));
};

const inMemory = (): number => Math.max(...cluster.cores.map((core) => core.service.activities().length));

/** Runs activities to their end, until all have left memory. @returns their ids, as replica 1 knows them */
async function retire(count: number): Promise<string[]> {
  await driver.run(count);
  await until(() => inMemory() === 0);
  return cluster
    .core(1)
    .service.retired(count)
    .map(({ id }) => id);
}

const sourcesOf = (core: ReplicaCore): ReportSources => ({
  replica: core.id,
  service: core.service,
  delivery: (stream, number) => core.journal.read(stream, number),
  stateOf: (_activity, participant) => participant.state,
});

/** A participant that registers with the invitation after all is over. */
function lateRegister(activity: string): Request {
  const [first] = new ActivityRequests(0).registers();
  if (first === undefined) throw new Error('nobody registers');
  return { ...first, stream: participantStream(activity, 'trip', LATE), writer: LATE };
}

describe('activities that have ended', () => {
  test('leave memory and the database; what they were is the same everywhere, and a replica starts without them', async () => {
    const ids = await retire(ACTIVITIES);
    expect(new Set(ids).size).toBe(ACTIVITIES);
    const measures = cluster.cores.map((core) => core.measure());
    for (const { total, state, positions } of measures) {
      expect([total, state, positions]).toEqual([ACTIVITIES, measures[0]?.state, measures[0]?.positions]);
    }
    for (const { store } of cluster.cores) {
      expect(store.deliveries(1, 10)).toEqual([]);
      expect(store.votes()).toEqual([]);
      expect(store.openRequests()).toEqual([]);
    }
    cluster.stop(1);
    cluster.start(1);
    expect(cluster.core(1).measure()).toMatchObject({ activities: 0, total: ACTIVITIES, state: measures[0]?.state });
    await retire(10);
    expect(cluster.core(1).measure().total).toBe(ACTIVITIES + 10);
  }, 60_000);

  test('are told about as before', async () => {
    const [id = ''] = await retire(1);
    const core = cluster.core(2);
    expect(summarize(sourcesOf(core), 10)).toMatchObject([{ id, ended: true, settlement: 'close' }]);
    const report = reportActivity(sourcesOf(core), id);
    const requests = report?.timeline.flatMap((line) => (line.kind === 'request' ? [line] : [])) ?? [];
    expect(requests.map(({ message }) => message).sort()).toEqual(
      [
        'CreateCoordinationContext',
        'getCoordinationContextWithMatchcode',
        ...['Register', 'Completed', 'Closed'].flatMap((message) => [message, message]),
        'closeAllParticipants',
      ].sort(),
    );
    for (const { certifiedBy, signer } of requests) {
      expect(certifiedBy).toHaveLength(3);
      expect(signer).toMatch(/^C=AT,O=/);
    }
    expect(report?.participants.map(({ state, endedBy }) => [state, endedBy])).toEqual([
      ['Ended', 'Closed'],
      ['Ended', 'Closed'],
    ]);
    for (const { id: participant } of core.service.activity(id)?.participants.values() ?? []) {
      const stream = core.service.activity(id)?.participants.get(participant)?.stream ?? '';
      expect(core.journal.certificateText(stream, 1)).toMatch(/^[A-Za-z0-9+/]+=*$/);
    }
  }, 30_000);

  test('answer old requests as they did, and cannot be created again', async () => {
    const sent: Request[] = [];
    const submit = cluster.submit.bind(cluster);
    cluster.submit = (requests) => {
      sent.push(...requests);
      submit(requests);
    };
    await driver.run(1);
    const { service, broadcast, journal } = cluster.core(3);
    const answers = (): unknown[] => sent.map((request) => service.outcome(request, requestDigest(CLUSTER, request))?.ok);
    const before = answers();
    await until(() => inMemory() === 0);
    expect(answers()).toEqual(before);
    for (const request of sent) {
      expect(broadcast.submit(request, new Uint8Array(), performance.now())).toEqual({ outcome: 'delivered' });
      expect(journal.isStored(request)).toBe(true);
    }
    const [create] = sent;
    if (create === undefined) throw new Error('nothing was sent');
    const other = { ...create, payload: new ActivityRequests(1).create.payload };
    expect(broadcast.submit(other, new Uint8Array(), performance.now())).toMatchObject({ code: 'NumberAlreadyUsed' });
    expect(service.activities()).toEqual([]);
  }, 30_000);

  test('take a late participant, tell it to cancel, and leave again when it has', async () => {
    const [id = ''] = await retire(1);
    const before = cluster.core(1).measure();
    const register = lateRegister(id);
    cluster.submit([register]);
    const participant = participantOfStream(register.stream);
    await until(() => cluster.cores.every(({ journal }) => journal.isStored(register)));
    for (const { service } of cluster.cores) {
      expect(service.activity(id)?.participants.get(participant)?.state).toMatch(/^Canceling/);
      expect(service.activities()).toHaveLength(1);
    }
    // Its record is in the archive still, and counts no longer: sums are as if it had never left memory.
    const [first, ...others] = cluster.cores.map((core) => core.measure());
    for (const other of others) expect(other).toMatchObject({ positions: first?.positions, state: first?.state });
    expect(first?.total).toBe(1);
    expect(first?.state).toBe(plus(NOTHING, printsOf(1)).state);
    // Started again in between, it is still not over.
    cluster.stop(4);
    cluster.start(4);
    expect(
      cluster
        .core(4)
        .service.activities()
        .map((activity) => [activity.id, isEnded(activity)]),
    ).toEqual([[id, false]]);
    cluster.submit([new ActivityRequests(0).canceled(id, LATE)]);
    await until(() => inMemory() === 0);
    const after = cluster.cores.map((core) => core.measure());
    expect(new Set(after.map(({ state }) => state)).size).toBe(1);
    expect(after[0]?.state).not.toBe(before.state);
    expect(after[0]?.total).toBe(1);
    const timeline = reportActivity(sourcesOf(cluster.core(2)), id)?.timeline ?? [];
    expect(timeline.filter((line) => line.kind === 'command').map(({ command }) => command)).toEqual([
      'Close',
      'Close',
      'Cancel',
    ]);
  }, 30_000);
});

describe('a replica whose disk', () => {
  test('was cut off between archive and deletion starts as if it had not been', async () => {
    const ids = await retire(5);
    const { state } = cluster.core(1).measure();
    await driver.run(1);
    const core = cluster.core(1);
    // Only the first half of writing down a retirement happens.
    const unit = core.service.activities()[0]?.id ?? '';
    const append = core.store.append.bind(core.store);
    core.store.append = (batch) => {
      const retired = batch.filter((record) => record.type === 'retired');
      if (retired.length === 0) return append(batch);
      core.store.archive.put(retired, core.store.head);
      throw new Error('the power fails');
    };
    await until(() => core.failed !== undefined);
    expect(core.store.archive.has(unit)).toBe(true);
    cluster.stop(1);
    cluster.start(1);
    expect(cluster.core(1).service.activities()).toEqual([]);
    expect(cluster.core(1).store.deliveries(1, 10)).toEqual([]);
    await until(() => inMemory() === 0);
    expect(cluster.core(1).measure().state).not.toBe(state);
    expect(cluster.core(1).measure()).toMatchObject({ total: 6, state: cluster.core(2).measure().state });
    expect(ids).toHaveLength(5);
  }, 30_000);

  test('has a scribbled-on record names it, knows nothing of it, and does not vote for another in its place', async () => {
    const [id = ''] = await retire(1);
    const create = cluster.core(1).service.history(id)?.told[0];
    expect(create).toMatchObject({ kind: 'request', stream: 'create' });
    cluster.stop(1);
    const file = join(cluster.folderOf(1), 'archive.db');
    const bytes = readFileSync(file);
    const at = bytes.indexOf(controlStream(id));
    expect(at).toBeGreaterThan(0);
    bytes[at] = (bytes[at] ?? 0) ^ 1;
    writeFileSync(file, bytes);
    cluster.start(1);
    expect(cluster.core(1).service.activity(id)).toBeUndefined();
    expect(cluster.corrupt[0]).toMatchObject({ code: 'StoreCorrupt', message: expect.stringContaining(id) });
    const { record } = cluster.core(2).store.archive.unit(id) ?? {};
    expect(record).toBeDefined();
    const again = new ActivityRequests(0).create;
    expect(cluster.core(1).service.admit(again)).toMatchObject({ verdict: 'refuse', code: 'StoreCorrupt' });
  }, 30_000);
});
