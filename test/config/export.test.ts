import { appendFileSync, existsSync, mkdirSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import {
  exportPart,
  initCluster,
  isExported,
  loadClientKeys,
  loadCluster,
  loadReplicaKeys,
  waitForKeys,
} from '../../src/config/index.js';
import type { Owner } from '../../src/config/index.js';
import { copyOf, editCluster, errorOf, removeDirectory, temporaryDirectory } from './fixture.js';

const REPLICA_2: Owner = { kind: 'replica', id: 2 };
const AIRLINE: Owner = { kind: 'client', name: 'airline' };
const PUBLIC = [
  'ca.pem',
  'cluster.json',
  ...['airline', 'initiator', 'operator', 'participant'].map((name) => `keys/${name}.pem`),
  ...[1, 2, 3, 4].map((id) => `replica-${id}/replica.pem`),
];

let dir: string;
const made: string[] = [];
const place = (): string => {
  const root = temporaryDirectory();
  made.push(root);
  return join(root, 'part');
};
const copy = (): string => {
  const root = copyOf(dir);
  made.push(root);
  return root;
};

beforeAll(async () => {
  dir = temporaryDirectory();
  made.push(dir);
  await initCluster(dir, { clients: [{ name: 'airline', roles: ['participant'] }] });
});
afterAll(() => made.forEach(removeDirectory));

const filesIn = (root: string): string[] =>
  readdirSync(root, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1))
    .sort();

describe('what a machine gets', () => {
  test.each([
    [REPLICA_2, ['replica-2/replica.key', 'replica-2/vote.key']],
    [AIRLINE, ['keys/airline.key']],
  ])('%j: everything public, and its own private keys only', (owner, own) => {
    const to = place();
    const listed = exportPart(dir, owner, to);
    expect(filesIn(to)).toEqual([...PUBLIC, ...own].sort());
    expect([...listed].sort()).toEqual(filesIn(to));
    expect(listed.at(-1)).toBe('cluster.json');
    for (const path of filesIn(to)) {
      expect(readFileSync(join(to, path), 'utf8')).toBe(readFileSync(join(dir, path), 'utf8'));
      expect(statSync(join(to, path)).mode & 0o777).toBe(own.includes(path) ? 0o600 : 0o644);
    }
  });

  test('is enough to load it', () => {
    const [replica, client] = [place(), place()];
    exportPart(dir, REPLICA_2, replica);
    exportPart(dir, AIRLINE, client);
    expect(loadReplicaKeys(loadCluster(replica), 2).voteKey.type).toBe('private');
    expect(loadClientKeys(client, 'airline').privateKeyPem).toContain('PRIVATE KEY');
    expect(errorOf(() => loadReplicaKeys(loadCluster(replica), 1))).toMatchObject({ code: 'ConfigInvalid' });
    expect(errorOf(() => loadClientKeys(replica, 'airline'))).toMatchObject({ code: 'ConfigMissing' });
  });

  test('is known again when it is complete, and unharmed', () => {
    const to = place();
    expect(isExported(dir, REPLICA_2, to)).toBe(false);
    exportPart(dir, REPLICA_2, to);
    expect(isExported(dir, REPLICA_2, to)).toBe(true);
    expect(isExported(dir, AIRLINE, to)).toBe(false);
    appendFileSync(join(to, 'replica-2/vote.key'), 'x');
    expect(isExported(dir, REPLICA_2, to)).toBe(false);
  });
});

describe('an export is refused', () => {
  test('into a directory that has something in it, which stays as it is', () => {
    const to = place();
    mkdirSync(to);
    writeFileSync(join(to, 'precious'), '1');
    const error = errorOf(() => exportPart(dir, REPLICA_2, to));
    expect(error).toMatchObject({ code: 'ConfigInvalid', detail: `${to} is already there and not empty` });
    expect(filesIn(to)).toEqual(['precious']);
    const file = join(to, 'precious');
    expect(errorOf(() => exportPart(dir, REPLICA_2, file)).detail).toBe(`${file} cannot be read as a directory (ENOTDIR)`);
  });

  test.each<[Owner, string]>([
    [{ kind: 'replica', id: 5 }, 'Usage'],
    [{ kind: 'client', name: '../replica-1/replica' }, 'Usage'],
    [{ kind: 'client', name: 'hotel' }, 'ConfigMissing'],
  ])('for %j, who has no keys here', (owner, code) => {
    const to = place();
    expect(errorOf(() => exportPart(dir, owner, to)).code).toBe(code);
    expect(existsSync(to)).toBe(false);
  });

  test('when a certificate’s file holds a private key, too', () => {
    const careless = copy();
    appendFileSync(join(careless, 'keys/operator.pem'), readFileSync(join(careless, 'keys/operator.key')));
    const to = place();
    expect(errorOf(() => exportPart(careless, AIRLINE, to)).detail).toBe(
      'keys/operator.pem holds a private key: it is not exported',
    );
    expect(existsSync(to)).toBe(false);
  });

  test.each(['../ca.pem', '/etc/ca.pem', 'x/../../ca.pem'])('when cluster.json names %s, outside its directory', (path) => {
    const elsewhere = copy();
    const outside = join(elsewhere, 'inner');
    exportPart(elsewhere, REPLICA_2, outside);
    writeFileSync(join(elsewhere, 'ca.pem'), readFileSync(join(dir, 'ca.pem')));
    const absolute = path.startsWith('/') ? join(elsewhere, 'ca.pem') : path;
    editCluster(outside, (config) => (config['authorities'] = [absolute]));
    expect(errorOf(() => exportPart(outside, REPLICA_2, place()))).toMatchObject({
      code: 'ConfigInvalid',
      detail: `cluster.json: ${absolute} must lie in the cluster's directory`,
    });
  });
});

describe('waiting for keys', () => {
  const told: string[] = [];
  const wait = (where: string, ms: number) => waitForKeys(where, REPLICA_2, ms, () => told.push(where));

  test('ends at once where they are, without a word', async () => {
    expect(await wait(dir, 60_000)).toBe(true);
    expect(told).toEqual([]);
  });

  test('ends when the last of them appears, and says once that it waits', async () => {
    const to = place();
    const waiting = wait(to, 60_000);
    exportPart(dir, REPLICA_2, to);
    rmSync(join(to, 'replica-2/vote.key'));
    const early = await Promise.race([waiting, new Promise((resolve) => setTimeout(resolve, 500, 'not yet'))]);
    expect(early).toBe('not yet');
    writeFileSync(join(to, 'replica-2/vote.key'), '');
    expect(await waiting).toBe(true);
    expect(told).toEqual([to]);
  });

  test('gives up after the time it was given', async () => {
    const begun = performance.now();
    expect(await wait(place(), 250)).toBe(false);
    expect(performance.now() - begun).toBeGreaterThan(240);
    expect(await waitForKeys(place(), REPLICA_2, 0, () => told.push('zero'))).toBe(false);
    expect(told).not.toContain('zero');
  });
});
