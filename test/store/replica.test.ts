import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, openSync, rmSync, truncateSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ClientStore, ReplicaStore } from '../../src/store/index.js';
import type { DeliveryRecord, RequestRecord, StoreRecord, VoteRecord } from '../../src/store/index.js';
import { errorOf } from '../config/fixture.js';

let dir: string;
let path: string;
let store: ReplicaStore;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'concordat-store-'));
  path = join(dir, 'replica.db');
  store = ReplicaStore.open(path);
});
afterEach(() => {
  store.close();
  rmSync(dir, { recursive: true, force: true });
});

const digestOf = (text: string): Buffer => createHash('sha256').update(text).digest();
const request = (text: string): RequestRecord => ({
  type: 'request',
  digest: digestOf(text),
  content: Buffer.from(text),
  proof: Buffer.from(`signed ${text}`),
});
const vote = (stream: string, number: number, text: string, kind: 'echo' | 'ready' = 'echo'): VoteRecord => ({
  type: 'vote',
  kind,
  stream,
  number,
  digest: digestOf(text),
});
const delivery = (stream: string, number: number, text: string): DeliveryRecord => ({
  type: 'delivery',
  stream,
  number,
  digest: digestOf(text),
  certificate: Buffer.from(`certificate of ${text}`),
});
const certificate = (stream: string, number: number, text: string): StoreRecord => ({
  ...delivery(stream, number, text),
  type: 'certificate',
});

function reopen(): void {
  store.close();
  store = ReplicaStore.open(path);
}

describe('votes', () => {
  test('are found after a restart; those of delivered positions only by their position', () => {
    store.append([request('a'), vote('s', 1, 'a'), vote('s', 1, 'a', 'ready'), vote('s', 2, 'b'), vote('t', 1, 'c')]);
    store.append([delivery('s', 1, 'a')]);
    reopen();
    expect(store.votes()).toEqual([vote('s', 2, 'b'), vote('t', 1, 'c')]);
    expect(store.vote('s', 1, 'ready')).toEqual(vote('s', 1, 'a', 'ready'));
    expect(store.vote('s', 3, 'echo')).toBeUndefined();
  });

  test('are given once: the same again changes nothing, another digest is refused with its whole batch', () => {
    store.append([vote('s', 1, 'a')]);
    store.append([vote('s', 1, 'a')]);
    expect(() => store.append([vote('s', 2, 'x'), vote('s', 1, 'b')])).toThrow('a second, different echo vote at s#1');
    expect(store.votes()).toEqual([vote('s', 1, 'a')]);
    store.append([vote('s', 1, 'b', 'ready')]);
    expect(store.vote('s', 1, 'ready')).toEqual(vote('s', 1, 'b', 'ready'));
  });

  test('for a digest that is not 32 bytes are refused', () => {
    expect(() => store.append([{ ...vote('s', 1, 'a'), digest: Buffer.alloc(31) }])).toThrow('CHECK constraint');
  });
});

describe('the delivery log', () => {
  test('numbers deliveries 1, 2, 3 in the order of their writing, over restarts, repetitions and refused batches', () => {
    store.append([delivery('s', 1, 'a'), request('a'), request('b'), delivery('t', 1, 'b')]);
    expect(() => store.append([request('c'), delivery('s', 2, 'c'), delivery('s', 1, 'b')])).toThrow('different delivery at s#1');
    expect(store.deliveredCount).toBe(2);
    reopen();
    store.append([delivery('t', 1, 'b'), request('d'), delivery('s', 2, 'd')]);
    expect(store.deliveredCount).toBe(3);
    expect(store.deliveries(1, 10)).toEqual([
      { position: 1, record: delivery('s', 1, 'a'), content: Buffer.from('a') },
      { position: 2, record: delivery('t', 1, 'b'), content: Buffer.from('b') },
      { position: 3, record: delivery('s', 2, 'd'), content: Buffer.from('d') },
    ]);
    expect(store.deliveries(2, 1).map(({ position }) => position)).toEqual([2]);
    expect(store.deliveries(4, 10)).toEqual([]);
    expect(store.delivery('s', 2)).toEqual({ position: 3, record: delivery('s', 2, 'd'), content: Buffer.from('d') });
    expect(store.delivery('s', 3)).toBeUndefined();
  });

  test('is read in pieces of bounded size, one entry at least', () => {
    const big = ['1', '2', '3'].map((text) => text.repeat(1000));
    store.append(big.flatMap((text, index) => [request(text), delivery('s', index + 1, text)]));
    expect(store.deliveries(1, 10, 1).map(({ position }) => position)).toEqual([1]);
    expect(store.deliveries(1, 10, 2500).map(({ position }) => position)).toEqual([1, 2]);
  });

  test('has no entry without its request', () => {
    expect(() => store.append([delivery('s', 1, 'a')])).toThrow('delivery at s#1 without its request');
    expect(store.deliveredCount).toBe(0);
  });

  test('holds the same request at two positions', () => {
    store.append([request('a'), delivery('s', 1, 'a'), delivery('t', 1, 'a')]);
    expect(store.deliveries(1, 10).map(({ record }) => record.stream)).toEqual(['s', 't']);
  });
});

describe('requests and certificates', () => {
  test('that we voted for are open until they are delivered', () => {
    store.append([request('a'), request('b'), request('c'), vote('s', 1, 'a'), vote('s', 2, 'b'), vote('s', 2, 'b', 'ready')]);
    store.append([certificate('s', 1, 'a'), certificate('s', 2, 'b'), delivery('s', 1, 'a')]);
    reopen();
    expect(store.openRequests()).toEqual([request('b')]);
    expect(store.certificates()).toEqual([certificate('s', 2, 'b')]);
    expect(store.request(digestOf('a'))).toEqual(request('a'));
    expect(store.request(digestOf('d'))).toBeUndefined();
  });

  test('keep what was written first', () => {
    store.append([request('a'), { ...request('a'), proof: Buffer.from('signed again') }]);
    expect(store.request(digestOf('a'))).toEqual(request('a'));
    store.append([certificate('s', 1, 'a'), certificate('s', 1, 'a')]);
    expect(() => store.append([certificate('s', 1, 'b')])).toThrow('different certificate at s#1');
  });
});

describe('evidence, cursors and commands', () => {
  const evidence = (about: string): StoreRecord => ({
    type: 'evidence',
    kind: 'writer',
    subject: 'CN=mallory',
    about,
    first: Buffer.from('1'),
    second: Buffer.from('2'),
    at: 1_700_000_000_000,
  });

  test('survive a restart, the last cursor of each peer', () => {
    store.append([
      evidence('s#1'),
      { type: 'cursor', peer: 2, epoch: 'e', position: 1 },
      { type: 'command-done', command: 'urn:uuid:1' },
    ]);
    store.append([
      evidence('s#1'),
      { type: 'cursor', peer: 2, epoch: 'f', position: 7 },
      { type: 'command-done', command: 'urn:uuid:1' },
    ]);
    reopen();
    expect(store.evidence()).toEqual([evidence('s#1')]);
    expect(store.cursor(2)).toEqual({ type: 'cursor', peer: 2, epoch: 'f', position: 7 });
    expect(store.cursor(3)).toBeUndefined();
    expect(store.commandsDone()).toEqual(new Set(['urn:uuid:1']));
  });

  test('evidence stops at its limit', () => {
    store.close();
    store = ReplicaStore.open(path, { evidenceMax: 2 });
    store.append(['s#1', 's#2', 's#3'].map(evidence));
    expect(store.evidence()).toEqual([evidence('s#1'), evidence('s#2')]);
  });
});

describe('the file', () => {
  test('keeps its epoch, and a new file has a new one', () => {
    const { epoch } = store;
    expect(store.created).toBe(true);
    reopen();
    expect(store).toMatchObject({ epoch, created: false });
    const other = ReplicaStore.open(join(dir, 'deep', 'er', 'replica.db'));
    expect(other.epoch).not.toBe(epoch);
    other.close();
  });

  test('belongs to one process: a second opener is told so and the first goes on', () => {
    expect(errorOf(() => ReplicaStore.open(path))).toMatchObject({ code: 'StoreInUse', detail: path });
    store.append([vote('s', 1, 'a')]);
    expect(store.votes()).toHaveLength(1);
  });

  test('that is not a database, or of another kind, or from another version is refused', () => {
    const junk = join(dir, 'junk.db');
    writeFileSync(junk, 'x'.repeat(10_000));
    expect(errorOf(() => ReplicaStore.open(junk))).toMatchObject({ code: 'StoreCorrupt', detail: `${junk} (SQLITE_NOTADB)` });
    const client = join(dir, 'client.db');
    ClientStore.open(client).close();
    expect(errorOf(() => ReplicaStore.open(client)).detail).toBe(`${client} is not a replica store`);
    const folder = join(dir, 'folder.db');
    mkdirSync(folder);
    expect(errorOf(() => ReplicaStore.open(folder))).toMatchObject({ code: 'StoreDenied' });
  });

  test('that lost its tail or had a page overwritten is refused', () => {
    store.append(Array.from({ length: 2000 }, (_, index) => vote('s', index + 1, `${index}`)));
    reopen();
    store.close();
    const file = openSync(path, 'r+');
    writeSync(file, Buffer.alloc(4096, 0xa5), 0, 4096, 5 * 4096);
    expect(errorOf(() => ReplicaStore.open(path)).code).toBe('StoreCorrupt');
    truncateSync(path, 3 * 4096);
    expect(errorOf(() => ReplicaStore.open(path)).code).toBe('StoreCorrupt');
    rmSync(path);
    store = ReplicaStore.open(path);
  });
});
