import { cpSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { loadClientKeys, loadCluster, loadReplicaKeys } from '../../src/config/index.js';
import { provision } from '../../src/travel/provision.js';
import { rejectionOf } from '../config/fixture.js';

const REPLICAS = ['replica1', 'replica2', 'replica3', 'replica4'];
const CLIENTS = ['agency', 'airline', 'hotel'];
const SERVICES = [...REPLICAS, ...CLIENTS];

const root = mkdtempSync(join(tmpdir(), 'concordat-provision-'));
const first = join(root, 'first');
let place: string;
let count = 0;

const run = (where = place) => provision(join(where, 'authority'), join(where, 'parts'));
const part = (service: string): string => join(place, 'parts', service);

beforeAll(async () => {
  for (const service of SERVICES) mkdirSync(join(first, 'parts', service), { recursive: true });
  mkdirSync(join(first, 'authority'));
  await run(first);
});
/** Each test has the state after the first start, to break. */
beforeEach(() => {
  place = join(root, String((count += 1)));
  cpSync(first, place, { recursive: true, preserveTimestamps: true });
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

const privateKeysIn = (dir: string): string[] =>
  readdirSync(dir, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.key'))
    .sort();

/** Every file with its content and its time. */
const snapshot = (dir: string): Map<string, string> =>
  new Map(
    readdirSync(dir, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
      .map((path) => [path, `${statSync(path).mtimeMs} ${readFileSync(path, 'utf8')}`]),
  );

describe('the first start', () => {
  test('gives each service its own keys and nobody else’s', () => {
    for (const [index, service] of REPLICAS.entries()) {
      const folder = `replica-${index + 1}`;
      expect(privateKeysIn(part(service))).toEqual([`${folder}/replica.key`, `${folder}/vote.key`]);
      loadReplicaKeys(loadCluster(part(service)), index + 1);
    }
    for (const service of CLIENTS) {
      expect(privateKeysIn(part(service))).toEqual([`keys/${service}.key`]);
      loadClientKeys(part(service), service);
    }
  });

  test('places the replicas where the containers are', () => {
    const { replicas } = loadCluster(part('hotel'));
    expect(replicas.map(({ url, peer }) => [url, peer.host, peer.port])).toEqual(
      REPLICAS.map((host) => [`http://${host}:8080`, host, 8443]),
    );
  });
});

describe('a later start', () => {
  test('changes nothing', async () => {
    const before = snapshot(place);
    const result = await run();
    expect(result).toMatchObject({ made: false, given: [] });
    expect(snapshot(place)).toEqual(before);
  });

  test('makes the keys from the beginning when the first was killed while it made them', async () => {
    for (const service of SERVICES) rmSync(part(service), { recursive: true });
    renameSync(join(place, 'authority', 'cluster'), join(place, 'authority', 'unfinished'));
    rmSync(join(place, 'authority', 'unfinished', 'cluster.json'));
    const { made, given } = await run();
    expect({ made, given: [...given].sort() }).toEqual({ made: true, given: [...SERVICES].sort() });
    expect(readdirSync(join(place, 'authority'))).toEqual(['cluster']);
    loadReplicaKeys(loadCluster(part('replica4')), 4);
  });

  test('gives what the first was killed before or while it gave', async () => {
    rmSync(join(part('replica3'), 'cluster.json'));
    rmSync(join(part('replica3'), 'replica-3', 'vote.key'));
    writeFileSync(join(part('replica3'), 'cluster.json.new'), '{');
    rmSync(part('hotel'), { recursive: true });
    expect((await run()).given).toEqual(['replica3', 'hotel']);
    expect(await run()).toMatchObject({ given: [] });
    expect(readdirSync(part('replica3'))).not.toContain('cluster.json.new');
    loadReplicaKeys(loadCluster(part('replica3')), 3);
    loadClientKeys(part('hotel'), 'hotel');
  });

  test('repairs a file that was lost or damaged', async () => {
    rmSync(join(part('replica1'), 'replica-2', 'replica.pem'));
    writeFileSync(join(part('agency'), 'keys', 'agency.key'), '');
    expect((await run()).given).toEqual(['replica1', 'agency']);
    loadReplicaKeys(loadCluster(part('replica1')), 1);
    loadClientKeys(part('agency'), 'agency');
  });

  test('does not make new keys when the authority is gone but services have theirs', async () => {
    rmSync(join(place, 'authority', 'cluster'), { recursive: true });
    const before = snapshot(place);
    expect(await rejectionOf(run())).toMatchObject({
      code: 'ConfigInvalid',
      detail: 'replica1 has keys, but the authority that made them is gone',
    });
    expect(snapshot(place)).toEqual(before);
  });

  test('does not replace the keys of another cluster', async () => {
    const file = join(part('airline'), 'cluster.json');
    const text = readFileSync(file, 'utf8');
    const { cluster } = loadCluster(part('airline')).config;
    writeFileSync(file, text.replace(cluster, 'another'));
    const before = snapshot(place);
    expect((await rejectionOf(run())).detail).toBe(`${part('airline')} belongs to cluster another, not to ${cluster}`);
    expect(snapshot(place)).toEqual(before);
  });
});
