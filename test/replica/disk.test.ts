import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import Database from 'better-sqlite3';
import { askClusterStatus } from '../../src/cli/cluster-status.js';
import { describe as linesOf } from '../../src/cli/status.js';
import { ConcordatError } from '../../src/errors.js';
import { REAL_PORTS, type ReplicaPorts } from '../../src/replica/index.js';
import { Disk } from '../../src/replica/disk.js';
import { KeptLog, LocalCluster, until } from '../support/cluster.js';
import { codeOf, PlainClient } from '../support/soap-client.js';
import { bodyOf, creation, PlainActivity, sendTo, unanimous } from './plain-activity.js';

/** The replica whose disk is full, or whose database is damaged. */
const VICTIM = 4;
const OTHERS = [1, 2, 3];
const NO_LIMIT = 1_000_000_000;

/** Whoever opens a database sets its pragmas. */
const pragmas = jest.spyOn(Database.prototype, 'pragma');
let cluster: LocalCluster;
let initiator: PlainClient;

beforeAll(async () => {
  cluster = await LocalCluster.make({}, undefined, { requestWaitMs: 500, diskRetryMs: 50 });
  initiator = new PlainClient(cluster.cluster, cluster.keys('initiator'));
}, 60_000);

afterAll(async () => {
  initiator.close();
  await cluster.close();
  jest.restoreAllMocks();
});

/** SQLite itself says that the disk is full as soon as the file would need another page. */
function setRoom(pages: number): void {
  const opened = pragmas.mock.contexts.filter((database) => database instanceof Database);
  const database = opened.findLast(({ name }) => name.includes(`replica-${VICTIM}`) && name.endsWith('replica.db'));
  database?.pragma(`max_page_count = ${pages}`);
}

const victim = () => cluster.replica(VICTIM).status();
const lines = (level: string, part: string) =>
  cluster.logs.get(VICTIM)?.lines.filter((line) => line.level === level && line.message.includes(part)) ?? [];

async function createAtOthers(): Promise<PlainActivity> {
  return PlainActivity.of(initiator, bodyOf(unanimous(await sendTo(initiator, OTHERS, creation()))));
}

describe('a replica whose disk is full', () => {
  test('votes for nothing and answers nothing until there is room, says so, and goes on without a restart', async () => {
    const known = await PlainActivity.create(initiator);
    await until(() => new Set(cluster.running().map((r) => r.status().deliveries)).size === 1, 'all are equally far');
    const before = Date.now();
    setRoom(1);
    for (let round = 0; round < 5; round += 1) await createAtOthers();
    await until(() => victim().diskFull !== undefined, 'the disk is full');
    expect(victim().diskFull?.since).toBeGreaterThanOrEqual(before);
    const stored = victim().deliveries;

    for (const parts of [creation(), known.question()]) expect(codeOf(await initiator.call(VICTIM, parts))).toBe('DiskFull');
    const status = await askClusterStatus(cluster.cluster, cluster.keys('operator'));
    expect(linesOf(status).filter((line) => line.startsWith('Disk full: '))).toEqual([
      expect.stringMatching(/^Disk full: replica 4 since 20.*Z: it neither votes nor answers/),
    ]);
    // With another replica stopped three are left: without the votes of this one nothing is certified.
    await cluster.stop(3);
    const message = initiator.message(creation());
    const ask = (id: number) => initiator.caller.call(initiator.url(id, 'activation'), message);
    expect((await Promise.all([1, 2].map(ask))).map(codeOf)).toEqual(['NoQuorum', 'NoQuorum']);
    expect(victim().deliveries).toBe(stored);
    expect(lines('error', 'the disk is full')).toEqual([
      expect.objectContaining({ reason: expect.stringContaining('SQLITE_FULL') }),
    ]);

    setRoom(NO_LIMIT);
    await until(() => victim().diskFull === undefined, 'there is room again');
    await until(async () => (await Promise.all([1, 2, VICTIM].map(ask))).every(({ kind }) => kind === 'reply'), 'it votes again');
    await cluster.start(3);
    await until(() => new Set(cluster.running().map((r) => r.status().state)).size === 1, 'all states are equal');
    expect(lines('info', 'there is room')).toHaveLength(1);
    expect(victim().evidence).toEqual([]);
  }, 60_000);
});

describe('a replica that finds its database damaged while it runs', () => {
  test('stops, and sets it aside at the next start', async () => {
    await cluster.stop(VICTIM);
    let isDamaged = false;
    const ports: Partial<ReplicaPorts> = {
      openStore: (path, options) => {
        const store = REAL_PORTS.openStore(path, options);
        const { delivery } = store;
        jest.spyOn(store, 'delivery').mockImplementation((...position) => {
          if (!isDamaged) return delivery.apply(store, position);
          const error = new ConcordatError('StoreCorrupt', `${path} (SQLITE_CORRUPT)`);
          options.onDamage?.(error);
          throw error;
        });
        return store;
      },
    };
    const failure = new Promise<unknown>((resolve) => {
      void cluster.start(VICTIM, ports, {}, { onFailure: resolve });
    });
    await until(() => lines('info', 'the replica is up').length === 1, 'it is up');
    isDamaged = true;
    const answer = await initiator.call(VICTIM, creation()).catch((error: unknown) => error);
    expect(answer).not.toMatchObject({ kind: 'reply' });
    expect(await failure).toMatchObject({ code: 'StoreCorrupt' });
    expect(lines('error', 'the replica stops')).toHaveLength(1);

    await cluster.start(VICTIM);
    expect(lines('error', 'set aside')).toEqual([expect.objectContaining({ reason: expect.stringContaining('SQLITE_CORRUPT') })]);
    expect(victim().recovery).toMatchObject({ reason: 'store-set-aside', over: false });
    await until(() => new Set(cluster.running().map((r) => r.status().state)).size === 1, 'all states are equal');
  }, 60_000);
});

describe('what waits to be written', () => {
  const full = (): never => {
    throw new ConcordatError('DiskFull', 'x.db (SQLITE_FULL)');
  };

  test('is written in order once there is room; one line a minute says that there is none', () => {
    let steady = 0;
    let isFull = true;
    const log = new KeptLog();
    const disk = new Disk({ log, clock: () => 1_000 + steady, steadyClock: () => steady, retryMs: 100 });
    const done: string[] = [];
    const write = (name: string): void =>
      disk.write(
        () => (isFull ? full() : void done.push(`${name} written`)),
        () => done.push(`${name} told`),
      );
    write('a');
    steady = 50;
    write('b');
    for (; steady < 130_000; steady += 50) disk.tick();
    expect(disk.fullSince).toBe(1_000);
    expect(done).toEqual([]);
    expect(log.lines.map(({ level }) => level)).toEqual(['error', 'error', 'error']);
    isFull = false;
    steady += 100;
    disk.tick();
    expect(done).toEqual(['a written', 'a told', 'b written', 'b told']);
    expect(disk.isFull).toBe(false);
    write('c');
    expect(done.slice(-2)).toEqual(['c written', 'c told']);
  });

  test('is not kept when it fails for another reason', () => {
    const disk = new Disk({ log: new KeptLog(), clock: () => 0, steadyClock: () => 0, retryMs: 100 });
    const fail = (): never => {
      throw new ConcordatError('StoreCorrupt');
    };
    expect(() => disk.write(fail)).toThrow('damaged');
    expect(disk.isFull).toBe(false);
  });
});
