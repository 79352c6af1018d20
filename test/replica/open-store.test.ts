import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import Database from 'better-sqlite3';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openStore } from '../../src/replica/open-store.js';
import { REAL_PORTS, type ReplicaStorage } from '../../src/replica/ports.js';
import { storeFiles } from '../../src/replica/store-files.js';
import { errorOf } from '../config/fixture.js';
import { KeptLog } from '../support/cluster.js';

const NOW = Date.UTC(2026, 0, 2, 3, 4, 5, 678);
const WINDOW = 1_000;

let dir: string;
let path: string;
let log: KeptLog;
let now: number;
const opened: ReplicaStorage[] = [];

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'concordat-open-'));
  path = join(dir, 'replica.db');
  log = new KeptLog();
  now = NOW;
});
afterEach(() => {
  for (const store of opened.splice(0)) store.close();
  rmSync(dir, { recursive: true, force: true });
});

function open(recover = false): ReplicaStorage {
  const store = openStore({
    dataDir: dir,
    open: REAL_PORTS.openStore,
    files: storeFiles(dir),
    store: {},
    storesSetAside: 2,
    recover,
    clock: () => now,
    clockWindowMs: WINDOW,
    log,
  });
  opened.push(store);
  return store;
}

const reopen = (recover = false): ReplicaStorage => {
  opened.pop()?.close();
  return open(recover);
};
const scribble = (file = path): void => writeFileSync(file, Buffer.alloc(8_192, 0x5a));
const asides = (): string[] => readdirSync(dir).filter((name) => name.includes('set-aside'));

describe('the database of a replica', () => {
  test('that is new, or in order, is opened, and nothing is said', () => {
    expect(open().recovery()).toBeUndefined();
    const { epoch } = opened[0] as ReplicaStorage;
    expect(reopen().epoch).toBe(epoch);
    expect(log.lines).toEqual([]);
    expect(asides()).toEqual([]);
  });

  test('that is damaged is set aside with its archive, and the new one knows it from the beginning', () => {
    open().close();
    scribble();
    const store = reopen();
    expect(store.recovery()).toEqual({ type: 'recovery', reason: 'store-set-aside', since: NOW, votesFrom: NOW + WINDOW });
    expect(log.lines).toEqual([
      expect.objectContaining({
        level: 'error',
        setAside: expect.arrayContaining([
          'replica.db.set-aside-20260102T030405678Z',
          'archive.db.set-aside-20260102T030405678Z',
        ]),
      }),
    ]);
  });

  test('whose archive is damaged is set aside as a whole', () => {
    open().close();
    scribble(join(dir, 'archive.db'));
    expect(reopen().recovery()).toMatchObject({ reason: 'store-set-aside' });
  });

  test('of which damage was noted is set aside, though it can be opened', () => {
    open();
    storeFiles(dir).noteDamage('a read failed');
    expect(reopen().recovery()).toMatchObject({ reason: 'store-set-aside' });
    expect(log.lines[0]).toMatchObject({ reason: 'a read failed' });
    expect(storeFiles(dir).notedDamage()).toBeUndefined();
  });

  test('never overwrites what was set aside before, keeps the last, and begins a new log each time', () => {
    const epochs = new Set([open().epoch]);
    for (let round = 1; round <= 4; round += 1) {
      opened.pop()?.close();
      scribble();
      epochs.add(open().epoch);
      expect(asides().filter((name) => /^replica\.db\.set-aside-[\dTZ.]+$/.test(name))).toHaveLength(Math.min(round, 2));
    }
    expect(epochs.size).toBe(5);
  });

  test('that was begun anew says so, even if the start was cut short before it could be written down', () => {
    open().close();
    opened.pop();
    renameSync(path, `${path}.set-aside-20260101T000000000Z`);
    now += 5_000;
    expect(open().recovery()).toMatchObject({ reason: 'store-set-aside', since: now });
    const before = now;
    now += 5_000;
    expect(reopen().recovery()).toMatchObject({ since: before });
  });

  test('is said to be lost by its operator, each time that is said', () => {
    const { epoch } = open(true);
    expect(opened[0]?.recovery()).toMatchObject({ reason: 'asked-to', since: NOW });
    now += 5_000;
    expect(reopen(true).recovery()).toMatchObject({ reason: 'asked-to', since: now, votesFrom: now + WINDOW });
    expect(reopen().recovery()).toMatchObject({ since: now });
    expect(opened[0]?.epoch).not.toBe(epoch);
  });

  test('goes on abstaining from what it abstained from, even if the clock was set back', () => {
    open(true);
    now -= 60_000;
    expect(reopen(true).recovery()).toMatchObject({ since: now, votesFrom: NOW + WINDOW });
  });
});

describe('what is no damage stops the start and changes nothing:', () => {
  test('another process works with the database, or it cannot be opened', () => {
    open();
    storeFiles(dir).noteDamage('noted by that process');
    expect(errorOf(() => open()).code).toBe('StoreInUse');
    opened.pop()?.close();
    rmSync(dir, { recursive: true });
    mkdirSync(join(path, 'a directory'), { recursive: true });
    expect(errorOf(() => open())).toMatchObject({ code: 'StoreDenied', entry: { exitCode: 2 } });
    expect(existsSync(join(path, 'a directory'))).toBe(true);
    expect(asides()).toEqual([]);
  });

  test('it is of another release', () => {
    open().close();
    opened.pop();
    const raw = new Database(path);
    raw.pragma('user_version = 99');
    raw.close();
    expect(errorOf(() => open())).toMatchObject({ code: 'StoreVersion', entry: { exitCode: 2 } });
    expect(asides()).toEqual([]);
  });
});
