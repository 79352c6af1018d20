import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ClientStore } from '../../src/store/index.js';
import { errorOf } from '../config/fixture.js';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'concordat-client-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

describe('ClientStore', () => {
  test('keeps values over a restart, by kind and key', () => {
    const path = join(dir, 'client.db');
    const first = ClientStore.open(path);
    first.put('request', '2', 'two');
    first.put('request', '1', 'one');
    first.put('request', '1', 'uno');
    first.put('activity', '1', 'trip');
    first.put('activity', '2', 'gone');
    first.delete('activity', '2');
    first.close();
    const second = ClientStore.open(path);
    expect(second.get('request', '1')).toBe('uno');
    expect(second.get('activity', '2')).toBeUndefined();
    expect(second.list('request')).toEqual([
      { key: '1', value: 'uno' },
      { key: '2', value: 'two' },
    ]);
    expect(second.list('nothing')).toEqual([]);
    second.close();
  });

  test('writes a transaction whole or not at all', () => {
    const store = ClientStore.open(':memory:');
    expect(
      store.transaction(() => {
        store.put('a', '1', 'x');
        return store.list('a').length;
      }),
    ).toBe(1);
    expect(() =>
      store.transaction(() => {
        store.put('a', '2', 'y');
        throw new Error('changed my mind');
      }),
    ).toThrow('changed my mind');
    expect(store.list('a')).toEqual([{ key: '1', value: 'x' }]);
    store.close();
  });

  test('has a file for itself', () => {
    const path = join(dir, 'client.db');
    const store = ClientStore.open(path);
    expect(errorOf(() => ClientStore.open(path))).toMatchObject({ code: 'StoreInUse' });
    store.close();
    expect(ClientStore.open(path).list('a')).toEqual([]);
  });
});
