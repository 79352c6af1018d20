import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import Database from 'better-sqlite3';
import type { ClusterConfig, RekeyResult } from '../../src/config/index.js';
import { ReplicaStore } from '../../src/store/index.js';
import { concordat } from '../support/command.js';

let root: string;
let dir: string;

beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'concordat-cli-'));
  dir = join(root, 'cluster');
  expect((await concordat('init', dir)).code).toBe(0);
}, 30_000);

afterAll(() => rmSync(root, { recursive: true, force: true }));

function otherRelease(path: string): void {
  ReplicaStore.open(path).close();
  const database = new Database(path);
  database.pragma('user_version = 99');
  database.close();
}

const lines = (text: string): string[] => text.trim().split('\n');

describe('concordat', () => {
  test('init prints the paths of what it made, and private keys are for their owner only', async () => {
    const other = join(root, 'other');
    const { code, stdout } = await concordat('init', other, '--json', '--client', 'agency=initiator');
    expect(code).toBe(0);
    const made = JSON.parse(stdout) as {
      configPath: string;
      clients: { name: string; privateKey: string }[];
      replicas: { privateKey: string }[];
    };
    expect(existsSync(made.configPath)).toBe(true);
    expect(made.clients.map((client) => client.name)).toEqual(['initiator', 'participant', 'operator', 'agency']);
    for (const { privateKey } of [...made.clients, ...made.replicas]) expect(statSync(privateKey).mode & 0o077).toBe(0);
  });

  test('init does not touch a directory that has a cluster', async () => {
    const { code, stderr } = await concordat('init', dir);
    expect(code).toBe(2);
    expect(stderr).toMatch(/^concordat: ConfigInvalid: .*already there\n$/);
  });

  test.each([[[]], [['init']], [['export']], [['rekey']], [['health']], [['cluster']], [['replica']], [['status']]])(
    '--help of %j says what it does',
    async (command) => {
      const { code, stdout } = await concordat(...command, '--help');
      expect(code).toBe(0);
      expect(stdout).toContain('Usage: concordat');
    },
  );

  test.each([
    ['an unknown command', ['frobnicate']],
    ['an unknown flag', ['status', '.', '--frobnicate']],
    ['a missing argument', ['replica', '.']],
    ['an id that is no number', ['replica', '.', '--id', 'three']],
  ])('%s: one message and exit code 2', async (_what, args) => {
    const { code, stderr } = await concordat(...args);
    expect(code).toBe(2);
    expect(stderr).toContain('error:');
  });

  test.each(['cluster', 'status'])('%s without a cluster.json: one clear line and exit code 2', async (command) => {
    const { code, stderr } = await concordat(command, join(root, 'nowhere'));
    expect(code).toBe(2);
    expect(lines(stderr)).toEqual([expect.stringMatching(/^concordat: ConfigMissing: .*cluster\.json/)]);
  });

  test('a broken cluster.json: which value must be what', async () => {
    const broken = join(root, 'broken');
    await concordat('init', broken);
    const path = join(broken, 'cluster.json');
    const config = JSON.parse(readFileSync(path, 'utf8')) as { f: number };
    writeFileSync(path, JSON.stringify({ ...config, f: 2 }));
    const { code, stderr } = await concordat('cluster', broken);
    expect(code).toBe(2);
    expect(lines(stderr)).toEqual([expect.stringMatching(/^concordat: ConfigInvalid: .*f = 2 needs at least 7 replicas/)]);
  });

  test('a key that does not fit', async () => {
    const swapped = join(root, 'swapped');
    await concordat('init', swapped);
    writeFileSync(join(swapped, 'replica-2/replica.key'), readFileSync(join(swapped, 'replica-3/replica.key')));
    for (const args of [
      ['cluster', swapped],
      ['replica', swapped, '--id', '2'],
    ]) {
      const { code, stderr } = await concordat(...args);
      expect(code).toBe(2);
      expect(lines(stderr)).toEqual([expect.stringMatching(/^concordat: KeyMismatch: .*replica-2/)]);
    }
  });

  test('rekey prints what it made and what it kept; without the authority’s key it changes nothing', async () => {
    const other = join(root, 'rekeyed');
    await concordat('init', other);
    const before = readFileSync(join(other, 'cluster.json'), 'utf8');
    const { code, stdout } = await concordat('rekey', other, '--id', '2', '--json');
    expect(code).toBe(0);
    const made = JSON.parse(stdout) as RekeyResult;
    expect(made).toMatchObject({ id: 2, voteKey: join(other, 'replica-2/vote.key') });
    expect(made.kept.map((path) => readFileSync(path, 'utf8'))).toContain(before);
    const again = readFileSync(join(other, 'cluster.json'), 'utf8');
    expect(again).not.toBe(before);
    rmSync(join(other, 'ca.key'));
    const refused = await concordat('rekey', other, '--id', '2');
    expect(refused.code).toBe(2);
    expect(lines(refused.stderr)).toEqual([expect.stringMatching(/^concordat: ConfigMissing: .*ca\.key/)]);
    expect(readFileSync(join(other, 'cluster.json'), 'utf8')).toBe(again);
  }, 20_000);

  test.each([
    ['is of another release', 'StoreVersion', otherRelease],
    ['cannot be opened', 'StoreDenied', (path: string) => mkdirSync(path)],
  ])('a database that %s stops the start: one clear line and exit code 2', async (_what, error, make) => {
    const data = mkdtempSync(join(root, 'data-'));
    make(join(data, 'replica.db'));
    const { code, stderr } = await concordat('replica', dir, '--id', '1', '--data', data);
    expect(code).toBe(2);
    expect(lines(stderr)).toEqual([expect.stringMatching(new RegExp(`^concordat: ${error}: .*replica\\.db`))]);
    expect(readdirSync(data).filter((name) => name.includes('set-aside'))).toEqual([]);
  });

  test('a port in use', async () => {
    const config = JSON.parse(readFileSync(join(dir, 'cluster.json'), 'utf8')) as ClusterConfig;
    const port = Number(new URL(config.replicas[0]?.url ?? '').port);
    const server = createServer().listen(port, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    try {
      const { code, stderr } = await concordat('cluster', dir);
      expect(code).toBe(2);
      // The other replicas may have had time to log that they miss this one.
      const said = lines(stderr).filter((line) => !line.startsWith('{'));
      expect(said).toEqual([expect.stringMatching(new RegExp(`^concordat: PortInUse: .*${port}`))]);
    } finally {
      server.close();
    }
  }, 20_000);

  test('status of a cluster that is not running: all down, exit code 1', async () => {
    const { code, stdout } = await concordat('status', dir, '--json');
    expect(code).toBe(1);
    const status = JSON.parse(stdout) as { agree: boolean; replicas: { up: boolean }[] };
    expect(status.replicas.map((replica) => replica.up)).toEqual([false, false, false, false]);
  });
});
