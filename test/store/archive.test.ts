import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ConcordatError } from '../../src/errors.js';
import { DigestSum, ReplicaStore } from '../../src/store/index.js';
import type { RetiredRecord, StoreRecord } from '../../src/store/index.js';
import { errorOf } from '../config/fixture.js';

let dir: string;
let path: string;
let store: ReplicaStore;
let corrupt: ConcordatError[];

const open = (): ReplicaStore => ReplicaStore.open(path, { onCorrupt: (error) => corrupt.push(error) });

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'concordat-archive-'));
  path = join(dir, 'replica.db');
  corrupt = [];
  store = open();
});
afterEach(() => {
  store.close();
  rmSync(dir, { recursive: true, force: true });
});

const digestOf = (text: string): Buffer => createHash('sha256').update(text).digest();

/** All that is written about one request from the vote to the delivery. */
const delivered = (stream: string, number: number): StoreRecord[] => {
  const digest = digestOf(`${stream} ${number}`);
  const at = { stream, number, digest };
  return [
    { type: 'request', digest, content: Buffer.from(`${stream} ${number}`), proof: Buffer.from('signed') },
    { type: 'vote', kind: 'echo', ...at },
    { type: 'certificate', ...at, certificate: Buffer.from('echo') },
    { type: 'vote', kind: 'ready', ...at },
    { type: 'delivery', ...at, certificate: Buffer.from('ready') },
  ];
};

function retired(unit: string, through: Readonly<Record<string, number>>, at = 1_000, content = 'record'): RetiredRecord {
  const record = Buffer.from(`${content} of ${unit}`);
  const streams = Object.entries(through).map(([stream, number]) => ({ stream, through: number }));
  return {
    type: 'retired',
    unit,
    hash: digestOf(record.toString()),
    record,
    notes: Buffer.from(`notes of ${unit}`),
    names: [unit, `create ${unit}`],
    streams,
    kept: content === 'record' ? undefined : Buffer.from(`kept of ${unit}`),
    commands: [`command of ${unit}`],
    prints: {
      members: 1,
      deliveries: Object.values(through).reduce((sum, number) => sum + number, 0),
      positions: digestOf(`positions ${unit} ${content}`).toString('hex'),
      state: digestOf(`state ${unit} ${content}`).toString('hex'),
    },
    at,
  };
}

const sumOf = (...digests: string[]): string => digests.reduce((sum, digest) => sum.add(digest), new DigestSum()).hex;

function reopen(): void {
  store.close();
  store = open();
}

describe('retiring a unit', () => {
  test('moves it into the archive: nothing of its streams stays, and what is beyond them does', () => {
    store.append([
      ...delivered('s', 1),
      ...delivered('s', 2),
      ...delivered('t', 1),
      { type: 'command-done', command: 'command of u' },
    ]);
    store.append([{ type: 'vote', kind: 'echo', stream: 's', number: 3, digest: digestOf('open') }]);
    store.append([retired('u', { s: 2 })]);
    reopen();
    expect(store.deliveries(1, 10).map(({ record }) => record.stream)).toEqual(['t']);
    expect(store.request(digestOf('s 1'))).toBeUndefined();
    expect(store.vote('s', 2, 'ready')).toBeUndefined();
    expect(store.votes()).toMatchObject([{ stream: 's', number: 3 }]);
    expect(store.certificates()).toEqual([]);
    expect(store.commandsDone().size).toBe(0);
    expect(store.archive.find('create u')?.record.toString()).toBe('record of u');
    expect(store.archive.unit('u')?.notes.toString()).toBe('notes of u');
    expect(store.archive.hash('u')).toEqual(digestOf('record of u'));
    expect([store.archive.has('u'), store.archive.has('v')]).toEqual([true, false]);
    expect(store.unfinished()).toEqual([]);
  });

  test('takes its place in the log: positions rise over restarts, also when nothing else is left', () => {
    store.append([...delivered('s', 1), retired('u', { s: 1 })]);
    expect(store.head).toBe(2);
    reopen();
    expect(store.head).toBe(2);
    store.append(delivered('t', 1));
    reopen();
    expect(store.deliveries(1, 10).map(({ position }) => position)).toEqual([3]);
    expect(store.archive.retirements(1, 10)).toEqual([{ position: 2, unit: 'u', hash: digestOf('record of u') }]);
    expect(store.archive.retirements(3, 10)).toEqual([]);
    expect(store.deliveredCount).toBe(2);
  });

  test('a second time replaces its record, its place and what it adds to the totals', () => {
    store.append([...delivered('s', 1), retired('u', { s: 1 }), retired('v', { x: 4 })]);
    store.append([...delivered('s', 2), retired('u', { s: 2 }, 1_000, 'another record')]);
    reopen();
    expect(store.archive.retirements(1, 10).map(({ position, unit }) => [position, unit])).toEqual([
      [3, 'v'],
      [5, 'u'],
    ]);
    expect(store.archive.find('u')?.record.toString()).toBe('another record of u');
    expect(store.archive.kept('u')?.toString()).toBe('kept of u');
    expect(store.archive.kept('v')).toBeUndefined();
    const digest = (text: string): string => digestOf(text).toString('hex');
    expect(store.archive.totals).toEqual({
      members: 2,
      deliveries: 6,
      positions: sumOf(digest('positions v record'), digest('positions u another record')),
      state: sumOf(digest('state u another record'), digest('state v record')),
    });
    expect(store.archive.latest(1).map(({ unit }) => unit)).toEqual(['u']);
  });
});

test('a crash after the archive was written, and before the rest was deleted, is found and made up for', () => {
  store.append([...delivered('s', 1), ...delivered('t', 1)]);
  store.archive.put([retired('u', { s: 1 })], store.head);
  reopen();
  expect(store.head).toBe(3);
  expect(store.deliveries(1, 10)).toHaveLength(2);
  expect(store.unfinished().map(({ unit }) => unit)).toEqual(['u']);
  store.finish([{ stream: 's', through: 1 }]);
  reopen();
  expect(store.unfinished()).toEqual([]);
  expect(store.deliveries(1, 10).map(({ record }) => record.stream)).toEqual(['t']);
  expect([store.deliveredCount, store.votes().length]).toEqual([2, 0]);
  store.append(delivered('t', 2));
  expect(store.deliveries(1, 10).map(({ position }) => position)).toEqual([2, 4]);
});

describe('sweeping', () => {
  test('forgets the oldest records, some at a time, and never the last entry of the log', () => {
    store.append(['a', 'b', 'c', 'd'].map((unit, i) => retired(unit, { [unit]: 1 }, i)));
    store.archive.sweep(3, 2);
    reopen();
    expect(['a', 'b', 'c', 'd'].map((unit) => store.archive.has(unit))).toEqual([false, false, true, true]);
    expect(store.archive.find('create a')).toBeUndefined();
    store.archive.sweep(1_000, 10);
    store.archive.sweep(1_000, 10);
    expect(store.archive.latest(10).map(({ unit }) => unit)).toEqual(['d']);
    expect(store.head).toBe(4);
    expect(store.archive.totals).toMatchObject({ members: 1, deliveries: 4, state: retired('d', {}).prints.state });
  });

  test('keeps a record that was renewed, and the names that lead to it', () => {
    store.append([retired('a', { a: 1 }, 0), retired('b', { b: 1 }, 0)]);
    store.append([retired('a', { a: 2 }, 5)]);
    store.append([retired('c', { c: 1 }, 9)]);
    store.archive.sweep(5, 10);
    expect(['a', 'b', 'c'].map((unit) => store.archive.find(unit)?.unit)).toEqual(['a', undefined, 'c']);
  });
});

describe('what is damaged', () => {
  /** Changes one byte of a text wherever it is in the archive's file. */
  function scribble(text: string): void {
    store.close();
    const file = join(dir, 'archive.db');
    const bytes = readFileSync(file);
    const at = bytes.indexOf(text);
    expect(at).toBeGreaterThan(0);
    bytes.writeUInt8(bytes.readUInt8(at) ^ 1, at);
    writeFileSync(file, bytes);
    store = open();
  }

  test('a scribbled-on record is named and counts as not there; others are read, and the name is not free', () => {
    store.append([retired('u', { s: 1 }), retired('v', { t: 1 })]);
    scribble('record of u');
    expect(store.archive.find('u')).toBeUndefined();
    expect(store.archive.unit('u')).toBeUndefined();
    expect(corrupt.map(({ code, detail }) => [code, detail])).toEqual(
      Array.from({ length: 2 }, () => ['StoreCorrupt', `${join(dir, 'archive.db')}: the record of u`]),
    );
    expect(store.archive.has('u')).toBe(true);
    expect(store.archive.find('v')?.unit).toBe('v');
    expect(store.archive.latest(10).map(({ unit }) => unit)).toEqual(['v']);
  });

  test.each(['notes of u'])('so is one with other %s', (text) => {
    store.append([retired('u', { s: 1 })]);
    scribble(text);
    expect(store.archive.find('u')).toBeUndefined();
    expect(corrupt).toHaveLength(1);
  });

  test('an archive that lacks what was deleted elsewhere is refused, and nothing stays locked', () => {
    store.append([...delivered('s', 1), retired('u', { s: 1 })]);
    store.close();
    for (const suffix of ['', '-wal', '-shm']) rmSync(join(dir, `archive.db${suffix}`), { force: true });
    expect(errorOf(() => open())).toMatchObject({ code: 'StoreCorrupt' });
    expect(errorOf(() => open())).toMatchObject({ code: 'StoreCorrupt' });
    rmSync(path);
    store = open();
  });
});
