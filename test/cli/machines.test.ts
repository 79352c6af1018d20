import { mkdtempSync, readFileSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { awaitReady, spawnReplica, stopAll } from '../../src/cli/processes.js';
import type { ClusterConfig } from '../../src/config/index.js';
import { CONCORDAT, concordat } from '../support/command.js';

let root: string;
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'concordat-machines-'));
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

const keysIn = (dir: string): string[] =>
  readdirSync(dir, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.key'))
    .sort();

describe('a machine for each replica', () => {
  test('init --hosts writes the addresses, and says what to do next', async () => {
    const dir = join(root, 'hosts');
    const where = ['--hosts', 'a.example,b.example,c.example,d.example', '--port', '80', '--peer-port', '9443'];
    const { code, stdout } = await concordat('init', dir, ...where, '--bind', '::', '--address', 'http://all.example');
    expect(code).toBe(0);
    expect(stdout).toContain(`concordat export ${dir} --replica N --to OUT`);
    const config = JSON.parse(readFileSync(join(dir, 'cluster.json'), 'utf8')) as ClusterConfig;
    expect(config.address).toBe('http://all.example');
    expect(config.replicas[3]).toMatchObject({
      url: 'http://d.example',
      listen: { host: '::', port: 80 },
      peer: { host: 'd.example', port: 9443 },
    });
  });

  test.each([
    [['--hosts', 'a,b,c'], 'the number of replicas must be 4..31'],
    [['--hosts', 'a,b,c,'], '"" is not a host name'],
    [['--hosts', 'a,b,c,d', '--f', '2'], '4 replicas tolerate 1..1 faulty ones, not 2'],
    [['--hosts', 'a,b,c,d', '--base-port', '4000'], 'host and base port do not go with hosts'],
    [['--bind', '0.0.0.0'], 'go with hosts'],
  ])('init %j: one clear line and exit code 2', async (flags, complaint) => {
    const { code, stderr } = await concordat('init', join(root, 'refused'), ...flags);
    expect(code).toBe(2);
    expect(stderr).toMatch(/^concordat: Usage: .*\n$/);
    expect(stderr).toContain(complaint);
  });

  test('export copies one replica’s or client’s keys, lists what it wrote, and does not do it twice', async () => {
    const dir = join(root, 'origin');
    await concordat('init', dir);
    const [replica, client] = [join(root, 'part-3'), join(root, 'part-operator')];
    const { code, stdout } = await concordat('export', dir, '--replica', '3', '--to', replica);
    expect(code).toBe(0);
    expect(stdout.trim().split('\n').at(-1)).toBe(join(replica, 'cluster.json'));
    expect(keysIn(replica)).toEqual(['replica-3/replica.key', 'replica-3/vote.key']);
    expect((await concordat('export', dir, '--client', 'operator', '--to', client)).code).toBe(0);
    expect(keysIn(client)).toEqual(['keys/operator.key']);
    const again = await concordat('export', dir, '--replica', '1', '--to', replica);
    expect(again).toMatchObject({ code: 2, stderr: expect.stringMatching(/^concordat: ConfigInvalid: .*not empty\n$/) });
    expect(keysIn(replica)).toEqual(['replica-3/replica.key', 'replica-3/vote.key']);
    for (const owner of [[], ['--replica', '1', '--client', 'operator']]) {
      const { code, stderr } = await concordat('export', dir, ...owner, '--to', join(root, 'nobody'));
      expect({ code, stderr }).toEqual({
        code: 2,
        stderr: 'concordat: Usage: Wrong use of the command: say either --replica N or --client NAME\n',
      });
    }
  }, 60_000);
});

describe('concordat replica --wait', () => {
  test('starts when its keys arrive, and health then says so', async () => {
    const [origin, part, data] = [join(root, 'late-origin'), join(root, 'late'), join(root, 'late-data')];
    const waiting = spawnReplica(CONCORDAT, part, 2, ['--data', data, '--wait', '60'], (line) => logged.push(line));
    const logged: string[] = [];
    try {
      await concordat('init', origin);
      await concordat('export', origin, '--replica', '2', '--to', part);
      await awaitReady(waiting, 30_000);
      const waits = logged.filter((line) => line.includes('waiting for cluster.json and the keys'));
      expect(waits).toHaveLength(1);
      const { replicas } = JSON.parse(readFileSync(join(part, 'cluster.json'), 'utf8')) as ClusterConfig;
      const url = replicas[1]?.url ?? '';
      expect(await concordat('health', url)).toEqual({ code: 0, stdout: 'ok\n', stderr: '' });
      await stopAll([waiting]);
      const gone = await concordat('health', url);
      expect(gone).toMatchObject({
        code: 1,
        stderr: expect.stringMatching(/^concordat: ReplicaUnreachable: .*ECONNREFUSED\)\n$/),
      });
    } finally {
      await stopAll([waiting]);
    }
  }, 60_000);

  test('gives up after that time with the reason, and without it at once', async () => {
    for (const wait of [['--wait', '1'], []]) {
      const { code, stderr } = await concordat('replica', join(root, 'never'), '--id', '1', '--log-level', 'silent', ...wait);
      expect(code).toBe(2);
      expect(stderr).toMatch(/^concordat: ConfigMissing: .*cluster\.json cannot be read \(ENOENT\)\n$/);
    }
  });

  test('says what is wrong with keys that are there, without waiting', async () => {
    const dir = join(root, 'wrong');
    await concordat('init', dir);
    renameSync(join(dir, 'replica-2/replica.key'), join(dir, 'replica-1/replica.key'));
    const { code, stderr } = await concordat('replica', dir, '--id', '1', '--wait', '3600', '--log-level', 'silent');
    expect(code).toBe(2);
    expect(stderr).toMatch(/^concordat: KeyMismatch: /);
  });

  test('stops while it waits, when it is asked to', async () => {
    const waiting = spawnReplica(CONCORDAT, join(root, 'never'), 1, ['--wait', '3600'], () => told());
    let told = (): void => undefined;
    await new Promise<void>((resolve) => (told = resolve));
    waiting.child.kill('SIGTERM');
    expect(await waiting.exited).toBe('exit code 0');
  });
});

describe('concordat health', () => {
  const asked: string[] = [];
  let server: Server;
  let base: string;
  beforeAll(async () => {
    server = createServer((request, response) => {
      asked.push(request.url ?? '');
      if (request.url === '/silence') return;
      response
        .writeHead(request.url === '/moved' ? 302 : request.url === '/sick' ? 503 : 200, { location: '/' })
        .end('x'.repeat(100_000));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });

  test('asks /healthz, or the path it is given', async () => {
    for (const url of [base, `${base}/`, `${base}/inventory`]) expect((await concordat('health', url)).code).toBe(0);
    expect(asked).toEqual(['/healthz', '/healthz', '/inventory']);
  });

  test.each([
    ['/sick', 'answered HTTP 503'],
    ['/moved', 'answered HTTP 302'],
    ['/silence', 'did not answer (3000 ms)'],
  ])('%s: exit code 1', async (path, complaint) => {
    const { code, stderr } = await concordat('health', `${base}${path}`);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^concordat: ReplicaUnreachable: .*\n$/);
    expect(stderr).toContain(complaint);
  });

  test.each(['replica1', 'ftp://replica1/'])('%s is no http URL: exit code 2', async (text) => {
    expect(await concordat('health', text)).toMatchObject({ code: 2, stderr: expect.stringContaining('is not an http URL') });
  });
});
