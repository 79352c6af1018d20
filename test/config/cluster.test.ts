import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DEFAULT_LIMITS, initCluster, loadCluster } from '../../src/config/index.js';
import { copyOf, editCluster, errorOf, removeDirectory, temporaryDirectory } from './fixture.js';

let good: string;
let foreign: string;
const copies: string[] = [];

beforeAll(async () => {
  good = temporaryDirectory();
  foreign = temporaryDirectory();
  await Promise.all([initCluster(good), initCluster(foreign)]);
});

afterAll(() => [good, foreign, ...copies].forEach(removeDirectory));

function broken(edit: Parameters<typeof editCluster>[1]): string {
  const dir = copyOf(good);
  copies.push(dir);
  editCluster(dir, edit);
  return dir;
}

type Edit = Parameters<typeof editCluster>[1];
const at = (config: Parameters<Edit>[0], index: number) => {
  const replica = config.replicas[index];
  if (replica === undefined) throw new Error(`no replica at ${index}`);
  return replica;
};

/** Each edit breaks one thing; the message names it by its path and says what it must be. */
const BROKEN: readonly (readonly [string, Edit])[] = [
  ['cluster.json: version must be 1', (c) => (c.version = 2)],
  ['cluster.json has an unknown field "replica"', (c) => (c.replica = [])],
  ['cluster.json: cluster must be 1 to 64 letters, digits, dots, hyphens or underscores', (c) => (c.cluster = 'a b')],
  ['cluster.json: f must be an integer 1..31', (c) => (c.f = 0)],
  ['cluster.json: f = 2 needs at least 7 replicas, there are 4', (c) => (c.f = 2)],
  [
    'cluster.json: address must be an http or https URL in lower case without a trailing slash, query, fragment or default port',
    (c) => (c.address = 'http://127.0.0.1:41001/'),
  ],
  ['cluster.json: authorities must be an array of 1..16 items', (c) => (c.authorities = [])],
  ['cluster.json: authorities[0] must be the path of a PEM file', (c) => (c.authorities = [7])],
  ['cluster.json: authorities[0]: nowhere.pem cannot be read (ENOENT)', (c) => (c.authorities = ['nowhere.pem'])],
  ['cluster.json: authorities[0]: cluster.json is not a PEM certificate', (c) => (c.authorities = ['cluster.json'])],
  ['cluster.json: replicas must be an array of 1..31 items', (c) => Object.assign(c, { replicas: {} })],
  ['cluster.json: replicas[1] must be an object', (c) => Object.assign(c.replicas, { 1: null })],
  ['cluster.json: replicas[1] has an unknown field "port"', (c) => (at(c, 1).port = 1)],
  ['cluster.json: replicas[3].id must be an integer 1..4', (c) => (at(c, 3).id = 5)],
  ['cluster.json: replicas[3].id must be an integer 1..31', (c) => (at(c, 3).id = '4')],
  ['cluster.json: replicas[3].id is the same as that of replicas[0]', (c) => (at(c, 3).id = 1)],
  ['cluster.json: replicas[0].url must be an http or https URL', (c) => (at(c, 0).url = 'ftp://127.0.0.1')],
  ['cluster.json: replicas[2].url is the same as that of replicas[0]', (c) => (at(c, 2).url = at(c, 0).url)],
  ['cluster.json: replicas[0].listen must be an object', (c) => (at(c, 0).listen = 8080)],
  [
    'cluster.json: replicas[0].listen.host must be a host name or an IP address',
    (c) => (at(c, 0).listen = { host: '', port: 1 }),
  ],
  ['cluster.json: replicas[2].peer.port must be an integer 1..65535', (c) => (at(c, 2).peer.port = 65_536)],
  ['cluster.json: replicas[2].peer is the same as that of replicas[1]', (c) => (at(c, 2).peer = at(c, 1).peer)],
  ['cluster.json: replicas[0].certificate must be the path of a PEM file', (c) => (at(c, 0).certificate = '')],
  [
    'cluster.json: replicas[0].certificate: replica-9/replica.pem cannot be read (ENOENT)',
    (c) => (at(c, 0).certificate = 'replica-9/replica.pem'),
  ],
  [
    'cluster.json: replicas[1].certificate is the same as that of replicas[0]',
    (c) => (at(c, 1).certificate = at(c, 0).certificate),
  ],
  [
    'cluster.json: replicas[0].voteKey must be base64 of 32 bytes, a raw Ed25519 public key',
    (c) => (at(c, 0).voteKey = Buffer.alloc(31).toString('base64')),
  ],
  ['cluster.json: replicas[1].voteKey is the same as that of replicas[0]', (c) => (at(c, 1).voteKey = at(c, 0).voteKey)],
  ['cluster.json: limits must be an object', (c) => (c.limits = null)],
  ['cluster.json: limits.maxMessageByte is not the name of a limit', (c) => (c.limits = { maxMessageByte: 1 })],
  ['cluster.json: limits.maxMessageBytes must be an integer 1..2147483647', (c) => (c.limits = { maxMessageBytes: '1 MiB' })],
  [
    'cluster.json: limits.peerReconnectMinMs (5000) must not exceed peerReconnectMaxMs (2000)',
    (c) => (c.limits = { peerReconnectMinMs: 5000 }),
  ],
];

describe('loadCluster', () => {
  test('reads what init wrote, with certificates, fingerprints, binds and the default limits', () => {
    const cluster = loadCluster(good);
    expect(cluster).toMatchObject({ n: 4, f: 1, limits: DEFAULT_LIMITS, dir: good });
    expect(cluster.replicas.map(({ id }) => id)).toEqual([1, 2, 3, 4]);
    expect(cluster.config.address).toBe(cluster.replicas[0]?.url);
    for (const replica of cluster.replicas) {
      expect(replica.fingerprint).toMatch(/^[0-9a-f]{64}$/);
      expect(replica.url).toBe(`http://${replica.listen.host}:${replica.listen.port}`);
      expect(replica.peerListen).toEqual(replica.peer);
      expect(replica.voteKeys.map((key) => key.asymmetricKeyType)).toEqual(['ed25519']);
    }
  });

  test('puts replicas in the order of their ids and takes separate binds and limits from the file', () => {
    const dir = broken((config) => {
      config.replicas.reverse();
      Object.assign(at(config, 0), { listen: { host: '0.0.0.0', port: 80 }, peerListen: { host: '::', port: 81 } });
      config.limits = { evidenceMax: 7 };
    });
    const cluster = loadCluster(dir);
    expect(cluster.replicas.map(({ id }) => id)).toEqual([1, 2, 3, 4]);
    expect(cluster.replicas[3]).toMatchObject({ listen: { host: '0.0.0.0', port: 80 }, peerListen: { host: '::', port: 81 } });
    expect(cluster.limits).toEqual({ ...DEFAULT_LIMITS, evidenceMax: 7 });
  });

  test.each(BROKEN)('says: %s', (message, edit) => {
    const error = errorOf(() => loadCluster(broken(edit)));
    expect(error.code).toBe('ConfigInvalid');
    expect(error.detail).toContain(message);
  });

  test('says ConfigMissing when there is no cluster.json, and ConfigInvalid when it is not JSON', () => {
    const dir = broken(() => undefined);
    writeFileSync(join(dir, 'cluster.json'), '{"version": 1,');
    expect(errorOf(() => loadCluster(dir))).toMatchObject({ code: 'ConfigInvalid' });
    expect(errorOf(() => loadCluster(dir)).detail).toMatch(/^cluster\.json is not JSON: /);
    rmSync(join(dir, 'cluster.json'));
    expect(errorOf(() => loadCluster(dir))).toMatchObject({ code: 'ConfigMissing' });
  });

  test('refuses a file that is larger than any configuration', () => {
    const dir = broken(() => undefined);
    writeFileSync(join(dir, 'cluster.json'), ' '.repeat(1024 * 1024 + 1));
    expect(errorOf(() => loadCluster(dir)).detail).toContain('is larger than 1048576 bytes');
  });

  test('refuses a certificate that none of the authorities signed', () => {
    const dir = broken((config) => (at(config, 0).certificate = join(foreign, 'replica-1/replica.pem')));
    expect(errorOf(() => loadCluster(dir)).detail).toBe(
      'cluster.json: replicas[0].certificate must be signed by one of the authorities',
    );
  });
});
