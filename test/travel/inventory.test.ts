import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ConcordatError } from '../../src/errors.js';
import { readBooks } from '../../src/travel/database.js';
import { Inventory, readItems, readReservations } from '../../src/travel/inventory.js';
import { handlersOf } from '../../src/travel/provider.js';

const ROOM = 'room';
const ITEMS = [{ item: ROOM, stock: 2 }];
const wanted = (key: string) => ({ key, item: ROOM, customer: 'Ada', activity: 'urn:uuid:1' });

const codeOf = (work: () => unknown): string => {
  try {
    work();
  } catch (error) {
    if (error instanceof ConcordatError) return error.code;
  }
  return 'no error';
};

let dir: string;
let path: string;
let inventory: Inventory;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'inventory-'));
  path = join(dir, 'inventory.db');
  inventory = Inventory.open(path, ITEMS);
});

afterEach(() => {
  inventory.close();
  rmSync(dir, { recursive: true, force: true });
});

const stock = (): number => inventory.items()[0]?.stock ?? -1;

describe('an inventory', () => {
  test('takes one out of the stock when a reservation is held, and once only', () => {
    inventory.request(wanted('a'));
    expect(stock()).toBe(2);
    expect([inventory.hold('a'), inventory.hold('a')]).toEqual([true, true]);
    expect(stock()).toBe(1);
  });

  test('sells what is held, and never takes it back', () => {
    inventory.request(wanted('a'));
    inventory.hold('a');
    inventory.confirm('a');
    inventory.confirm('a');
    expect(inventory.find('a')?.state).toBe('confirmed');
    expect(codeOf(() => inventory.release('a'))).toBe('InvalidState');
    expect(stock()).toBe(1);
  });

  test('gives back what is released, and once only', () => {
    inventory.request(wanted('a'));
    inventory.hold('a');
    inventory.release('a');
    inventory.release('a');
    expect(inventory.find('a')?.state).toBe('released');
    expect(stock()).toBe(2);
  });

  test('does not hold what was released before', () => {
    inventory.request(wanted('a'));
    inventory.release('a');
    expect(inventory.hold('a')).toBe(false);
    expect(codeOf(() => inventory.confirm('a'))).toBe('InvalidState');
    expect(stock()).toBe(2);
  });

  test('refuses when nothing is left, for good, and a release of that gives nothing back', () => {
    for (const key of ['a', 'b', 'c']) inventory.request(wanted(key));
    expect(['a', 'b', 'c'].map((key) => inventory.hold(key))).toEqual([true, true, false]);
    inventory.release('a');
    expect(inventory.hold('c')).toBe(false);
    inventory.release('c');
    expect(inventory.find('c')?.state).toBe('refused');
    expect(stock()).toBe(1);
  });

  test('takes the same request again, and not another one under the same key', () => {
    inventory.request(wanted('a'));
    inventory.hold('a');
    expect(inventory.request(wanted('a')).state).toBe('held');
    expect(codeOf(() => inventory.request({ ...wanted('a'), customer: 'Eve' }))).toBe('InvalidParameters');
    expect(codeOf(() => inventory.request({ ...wanted('a'), activity: 'urn:uuid:2' }))).toBe('InvalidParameters');
  });

  test('names what is not sold here, and keys it does not know', () => {
    expect(codeOf(() => inventory.request({ ...wanted('a'), item: 'yacht' }))).toBe('InvalidParameters');
    expect(codeOf(() => inventory.hold('nobody'))).toBe('InvalidParameters');
    expect(codeOf(() => inventory.setStock('yacht', 1))).toBe('InvalidParameters');
    expect([-1, 1.5, Number.NaN].map((count) => codeOf(() => inventory.setStock(ROOM, count)))).toEqual(
      Array(3).fill('InvalidParameters'),
    );
  });

  test('keeps what is taken when the operator changes the stock, so that the books add up', () => {
    for (const key of ['a', 'b']) {
      inventory.request(wanted(key));
      inventory.hold(key);
    }
    inventory.confirm('b');
    inventory.setStock(ROOM, 0);
    expect(inventory.items()).toEqual([{ item: ROOM, capacity: 2, stock: 0 }]);
    inventory.release('a');
    expect(inventory.items()).toEqual([{ item: ROOM, capacity: 2, stock: 1 }]);
  });

  test('keeps everything over a restart and can be read by others while it is open', () => {
    inventory.request(wanted('a'));
    inventory.hold('a');
    inventory.close();
    inventory = Inventory.open(path, [{ item: ROOM, stock: 99 }]);
    const reader = readBooks(path);
    expect(readItems(reader)).toEqual([{ item: ROOM, capacity: 2, stock: 1 }]);
    inventory.confirm('a');
    expect(readReservations(reader)).toEqual([{ ...wanted('a'), state: 'confirmed' }]);
    expect(() => reader.exec('DELETE FROM item')).toThrow(/readonly/);
    reader.close();
  });

  test('says so when its file is not a database', () => {
    expect(codeOf(() => Inventory.open(join(dir, 'no', 'such', '\0'), ITEMS))).toBe('StoreCorrupt');
    expect(codeOf(() => readBooks(join(dir, 'missing.db')))).toBe('StoreCorrupt');
  });
});

describe('the commands of a coordinator', () => {
  const enrolled = (key: string) => {
    const told: string[] = [];
    return { key, told, cannotComplete: () => Promise.resolve(void told.push('CannotComplete')) };
  };

  test('complete, close: the room is sold', async () => {
    const enrollment = enrolled('a');
    const handlers = handlersOf(inventory);
    inventory.request(wanted('a'));
    await handlers.complete(enrollment);
    await handlers.close(enrollment);
    expect([inventory.find('a')?.state, stock(), enrollment.told]).toEqual(['confirmed', 1, []]);
  });

  test('complete, compensate: the room is free again, however often it is said', async () => {
    const enrollment = enrolled('a');
    const handlers = handlersOf(inventory);
    inventory.request(wanted('a'));
    for (const command of [handlers.complete, handlers.complete, handlers.compensate, handlers.compensate])
      await command(enrollment);
    expect([inventory.find('a')?.state, stock()]).toEqual(['released', 2]);
  });

  test('cancel before any work: nothing was taken', async () => {
    inventory.request(wanted('a'));
    await handlersOf(inventory).cancel(enrolled('a'));
    expect([inventory.find('a')?.state, stock()]).toEqual(['released', 2]);
  });

  test('complete in a full house: CannotComplete, again after a crash', async () => {
    inventory.setStock(ROOM, 0);
    const enrollment = enrolled('a');
    inventory.request(wanted('a'));
    await handlersOf(inventory).complete(enrollment);
    await handlersOf(inventory).complete(enrollment);
    expect([enrollment.told, stock()]).toEqual([['CannotComplete', 'CannotComplete'], 0]);
  });

  test('close without anything held fails, so that the coordinator is not told Closed', async () => {
    inventory.request(wanted('a'));
    await expect(handlersOf(inventory).close(enrolled('a'))).rejects.toMatchObject({ code: 'InvalidState' });
  });
});
