import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ClientStore, MemoryClientStore, SqliteClientStore } from '../../src/store/index.js';
import { errorOf } from '../config/fixture.js';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'concordat-client-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

/** Each opens one and the same store whenever it is called. */
const STORES: readonly (readonly [name: string, opener: () => () => ClientStore])[] = [
  ['SqliteClientStore', () => () => SqliteClientStore.open(join(dir, 'client.db'))],
  [
    'MemoryClientStore',
    () => {
      const store = new MemoryClientStore();
      return () => store;
    },
  ],
];

describe.each(STORES)('%s', (_name, opener) => {
  let open: () => ClientStore;
  let store: ClientStore;
  beforeEach(() => {
    open = opener();
    store = open();
  });
  afterEach(() => store.close());

  const reopen = (): void => {
    store.close();
    store = open();
  };

  test('keeps values after it was closed, by kind and key', () => {
    store.put('request', '2', 'two');
    store.put('request', '1', 'one');
    store.put('request', '1', 'uno');
    store.put('activity', '1', 'trip');
    store.put('activity', '2', 'gone');
    store.delete('activity', '2');
    store.delete('activity', 'never there');
    reopen();
    expect(store.get('request', '1')).toBe('uno');
    expect(store.get('activity', '2')).toBeUndefined();
    expect(store.list('request')).toEqual([
      { key: '1', value: 'uno' },
      { key: '2', value: 'two' },
    ]);
    expect(store.list('nothing')).toEqual([]);
  });

  test('lists in the order of code points', () => {
    // By UTF-16 units, as JavaScript compares, the last two would change places.
    const keys = ['', '10', '2', 'Z', 'a', 'ä', '\u{FF5E}', '\u{1F3E8}'];
    for (const key of [...keys].reverse()) store.put('keys', key, key);
    expect(store.list('keys').map(({ key }) => key)).toEqual(keys);
  });

  test('keeps any text as it is', () => {
    const text = 'line\nline\ttab "quoted" \u{1F6EB} \u{0}end';
    store.put('kind with spaces', 'key/with:signs', text);
    reopen();
    expect(store.get('kind with spaces', 'key/with:signs')).toBe(text);
  });

  test('writes a transaction whole or not at all', () => {
    store.put('a', 'kept', 'before');
    const seen = store.transaction(() => {
      store.put('a', '1', 'x');
      return store.list('a').length;
    });
    expect(seen).toBe(2);
    expect(() =>
      store.transaction(() => {
        store.put('a', '2', 'y');
        store.put('a', 'kept', 'after');
        store.delete('a', '1');
        throw new Error('changed my mind');
      }),
    ).toThrow('changed my mind');
    reopen();
    expect(store.list('a')).toEqual([
      { key: '1', value: 'x' },
      { key: 'kept', value: 'before' },
    ]);
  });

  test('makes a transaction inside another part of it, and undoes it alone if it throws', () => {
    store.transaction(() => {
      store.put('a', 'outer', '1');
      store.transaction(() => store.put('a', 'inner', '1'));
      expect(() =>
        store.transaction(() => {
          store.put('a', 'outer', '2');
          throw new Error('inner only');
        }),
      ).toThrow('inner only');
      expect(store.get('a', 'outer')).toBe('1');
    });
    expect(() =>
      store.transaction(() => {
        store.transaction(() => store.delete('a', 'inner'));
        throw new Error('both');
      }),
    ).toThrow('both');
    reopen();
    expect(store.list('a')).toEqual([
      { key: 'inner', value: '1' },
      { key: 'outer', value: '1' },
    ]);
  });

  test('serves one client at a time', () => {
    const first = ClientStore.open(store);
    expect(errorOf(() => ClientStore.open(store))).toMatchObject({ code: 'StoreInUse' });
    first.put('a', '1', 'x');
    first.close();
    const second = ClientStore.open(store);
    expect(second.list('a')).toEqual([{ key: '1', value: 'x' }]);
    second.transaction(() => second.put('a', '2', 'y'));
    second.delete('a', '1');
    second.close();
    expect([store.get('a', '1'), store.get('a', '2')]).toEqual([undefined, 'y']);
  });
});

describe('SqliteClientStore', () => {
  test('has a file for itself', () => {
    const path = join(dir, 'client.db');
    const store = ClientStore.open(path);
    expect(errorOf(() => ClientStore.open(path))).toMatchObject({ code: 'StoreInUse' });
    store.close();
    const again = ClientStore.open(path);
    expect(again.list('a')).toEqual([]);
    again.close();
  });
});
