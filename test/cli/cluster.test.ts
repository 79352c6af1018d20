import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import soap from 'soap';
import { type ClusterStatus } from '../../src/cli/cluster-status.js';
import { awaitReady, type ReplicaProcess, spawnReplica, stopAll } from '../../src/cli/processes.js';
import { loadClientKeys, loadCluster } from '../../src/config/index.js';
import { NS } from '../../src/soap/index.js';
import { encodeCreateCoordinationContext } from '../../src/soap/messages/index.js';
import { until } from '../support/cluster.js';
import { CONCORDAT, concordat, RunningCommand } from '../support/command.js';
import { PlainClient } from '../support/soap-client.js';

const root = mkdtempSync(join(tmpdir(), 'concordat-processes-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const statusOf = async (dir: string): Promise<ClusterStatus> =>
  JSON.parse((await concordat('status', dir, '--json')).stdout) as ClusterStatus;

const states = (status: ClusterStatus): (string | undefined)[] =>
  status.replicas.map((replica) => (replica.up ? replica.status.state : undefined));

const create = () => ({
  endpoint: 'activation' as const,
  body: encodeCreateCoordinationContext({ coordinationType: `${NS.wsba}/AtomicOutcome`, extensions: [] }),
  sequence: { number: 1, created: Date.now() },
});

describe('concordat cluster', () => {
  const dir = join(root, 'embedded');
  let command: RunningCommand;
  let ready: { ready: boolean; replicas: { id: number; url: string; wsdl: Record<string, string> }[] };

  beforeAll(async () => {
    await concordat('init', dir);
    command = new RunningCommand('cluster', dir);
    ready = JSON.parse(await command.line()) as typeof ready;
  }, 60_000);
  afterAll(() => command.stop());

  test('prints one JSON line once all four answer', () => {
    expect(ready.ready).toBe(true);
    expect(ready.replicas.map((replica) => replica.id)).toEqual([1, 2, 3, 4]);
  });

  test('serves each WSDL with its own address, and soap loads it', async () => {
    for (const { url, wsdl } of ready.replicas) {
      expect(Object.keys(wsdl)).toEqual(['activation', 'registration', 'coordinator', 'completion']);
      for (const [endpoint, address] of Object.entries(wsdl)) {
        const client = await soap.createClientAsync(address);
        const services = Object.values(client.wsdl.definitions.services) as { ports: Record<string, { location: string }> }[];
        const locations = services.flatMap((service) => Object.values(service.ports).map((port) => port.location));
        expect(new Set(locations)).toEqual(new Set([`${url}/${endpoint}`]));
      }
    }
  }, 30_000);

  test('status: all agree', async () => {
    const status = await statusOf(dir);
    expect(status).toMatchObject({
      agree: true,
      replicas: [
        { id: 1, up: true },
        { id: 2, up: true },
        { id: 3, up: true },
        { id: 4, up: true },
      ],
    });
    const { code, stdout } = await concordat('status', dir);
    expect(code).toBe(0);
    expect(stdout).toContain('Replicas that are equally far hold equal states.');
  });

  test('leaves no process behind, not even when it is killed', async () => {
    await command.stop('SIGKILL');
    await until(async () => (await statusOf(dir)).replicas.every((replica) => !replica.up), 'all replicas gone', 20_000);
    command = new RunningCommand('cluster', dir);
    expect(JSON.parse(await command.line())).toMatchObject({ ready: true });
  }, 60_000);

  test('leaves no process behind when it is stopped', async () => {
    await command.stop();
    const status = await statusOf(dir);
    expect(status.replicas.map((replica) => replica.up)).toEqual([false, false, false, false]);
  });
});

describe('four replica processes', () => {
  const dir = join(root, 'killed');
  const replicas = new Map<number, ReplicaProcess>();
  let client: PlainClient;

  const start = async (id: number): Promise<void> => {
    const replica = spawnReplica(CONCORDAT, dir, id, ['--log-level', 'silent']);
    replicas.set(id, replica);
    await awaitReady(replica, 30_000);
  };
  const kill = async (id: number): Promise<void> => {
    const replica = replicas.get(id);
    replica?.child.kill('SIGKILL');
    await replica?.exited;
  };

  beforeAll(async () => {
    await concordat('init', dir);
    await Promise.all([1, 2, 3, 4].map(start));
    client = new PlainClient(loadCluster(dir), loadClientKeys(dir, 'initiator'));
  }, 60_000);
  afterAll(async () => {
    client.close();
    await stopAll([...replicas.values()]);
  });

  const created = async (ids: readonly number[]): Promise<number> => {
    const message = client.message(create());
    const results = await Promise.all(
      ids.map((id) => client.caller.call(client.url(id, 'activation'), message).catch(() => undefined)),
    );
    return results.filter((result) => result?.kind === 'reply').length;
  };

  test('go on with one killed, and it catches up when it is back', async () => {
    expect(await created([1, 2, 3, 4])).toBe(4);
    await kill(3);
    expect(await created([1, 2, 4])).toBe(3);
    expect((await statusOf(dir)).replicas[2]?.up).toBe(false);
    await start(3);
    await until(async () => new Set(states(await statusOf(dir))).size === 1, 'equal states of all four');
    expect((await statusOf(dir)).replicas[2]).toMatchObject({ status: { activities: { total: 2 } } });
  }, 60_000);

  test('killed all at once, in the middle of requests, they come back with everything that was acknowledged', async () => {
    let acknowledged = 2;
    const burst = Array.from({ length: 12 }, async () => {
      if ((await created([1, 2, 3, 4])) >= 2) acknowledged += 1;
    });
    await until(async () => states(await statusOf(dir)).length === 4, 'the burst has begun');
    await Promise.all([1, 2, 3, 4].map(kill));
    await Promise.all(burst);
    await Promise.all([1, 2, 3, 4].map(start));
    await until(async () => {
      const status = await statusOf(dir);
      return (
        new Set(states(status)).size === 1 &&
        status.replicas.every((replica) => replica.up && replica.status.activities.total >= acknowledged)
      );
    }, `equal states with at least ${acknowledged} activities`);
    expect(acknowledged).toBeGreaterThanOrEqual(2);
    expect(await created([1, 2, 3, 4])).toBe(4);
  }, 60_000);
});
