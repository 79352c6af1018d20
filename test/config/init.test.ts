import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { X509Certificate } from 'node:crypto';
import { copyFileSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { initCluster, loadClientKeys, loadCluster, loadReplicaKeys } from '../../src/config/index.js';
import type { InitResult } from '../../src/config/index.js';
import { copyOf, errorOf, rejectionOf, removeDirectory, temporaryDirectory } from './fixture.js';

let dir: string;
let made: InitResult;
const copies: string[] = [];

beforeAll(async () => {
  dir = temporaryDirectory();
  made = await initCluster(dir, { clients: [{ name: 'airline', roles: ['participant'] }] });
});

afterAll(() => [dir, ...copies].forEach(removeDirectory));

function copy(): string {
  const made = copyOf(dir);
  copies.push(made);
  return made;
}

const certificateAt = (path: string): X509Certificate => new X509Certificate(readFileSync(path));

describe('initCluster', () => {
  test('writes private keys for their owner only, and lists every file it wrote', () => {
    const keys = [
      made.authority.privateKey,
      ...made.replicas.flatMap((replica) => [replica.privateKey, replica.voteKey]),
      ...made.clients.map((client) => client.privateKey),
    ];
    for (const key of keys) expect(statSync(key).mode & 0o777).toBe(0o600);
    const listed = [
      made.configPath,
      made.authority.certificate,
      ...made.replicas.map((replica) => replica.certificate),
      ...made.clients.map((client) => client.certificate),
      ...keys,
    ];
    const written = readdirSync(dir, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name));
    expect(written.sort()).toEqual(listed.sort());
  });

  test('makes certificates that say who may do what', () => {
    const authority = certificateAt(made.authority.certificate);
    expect(authority.ca).toBe(true);
    const replica = certificateAt(made.replicas[1]?.certificate ?? '');
    expect(replica.subject).toBe(`O=Concordat ${made.config.cluster}\nOU=replica\nCN=replica-2`);
    expect(replica.ca).toBe(false);
    expect(replica.verify(authority.publicKey)).toBe(true);
    expect(replica.checkIssued(authority)).toBe(true);
    expect(replica.checkHost('localhost')).toBe('localhost');
    expect(replica.checkIP('127.0.0.1')).toBe('127.0.0.1');
    expect(replica.keyUsage).toEqual(['1.3.6.1.5.5.7.3.2', '1.3.6.1.5.5.7.3.1']);
    const airline = certificateAt(join(dir, 'keys/airline.pem'));
    expect(airline.subject).toBe(`O=Concordat ${made.config.cluster}\nOU=participant\nCN=airline`);
    expect(airline.keyUsage).toEqual(['1.3.6.1.5.5.7.3.2']);
    expect(Date.now() - Date.parse(airline.validFrom)).toBeGreaterThan(23 * 3600 * 1000);
  });

  test('always makes an initiator, a participant and an operator', () => {
    expect(made.clients.map(({ name }) => name)).toEqual(['initiator', 'participant', 'operator', 'airline']);
  });

  test('takes 2n different free ports, or n for SOAP and n for peers from the base port', async () => {
    const free = made.replicas.flatMap(({ url, peer }) => [Number(new URL(url).port), peer.port]);
    expect(new Set(free).size).toBe(8);
    const other = temporaryDirectory();
    copies.push(other);
    const { config } = await initCluster(other, { basePort: 41_001 });
    expect(config.replicas.map(({ url, peer }) => [url, peer.port])).toEqual([
      ['http://127.0.0.1:41001', 41_005],
      ['http://127.0.0.1:41002', 41_006],
      ['http://127.0.0.1:41003', 41_007],
      ['http://127.0.0.1:41004', 41_008],
    ]);
  });

  test('overwrites nothing: not a cluster, nor a key that is left of one', async () => {
    const before = readFileSync(made.configPath, 'utf8');
    const error = await rejectionOf(initCluster(dir));
    expect(error).toMatchObject({ code: 'ConfigInvalid', detail: `${made.configPath} is already there` });
    expect(readFileSync(made.configPath, 'utf8')).toBe(before);
    const left = temporaryDirectory();
    copies.push(left);
    writeFileSync(join(left, 'ca.key'), 'precious');
    expect(await rejectionOf(initCluster(left))).toMatchObject({ detail: `${join(left, 'ca.key')} is already there` });
    expect(readdirSync(left)).toEqual(['ca.key']);
  });

  test.each([
    [{ n: 3 }, 'the number of replicas must be 4..31'],
    [{ n: 6, f: 2 }, '6 replicas tolerate 1..1 faulty ones, not 2'],
    [{ basePort: 65_530 }, 'the base port must leave room for 8 ports in 1..65535'],
    [{ clients: [{ name: '../x', roles: ['participant'] }] }, '"../x" is not fit for the name of a client'],
    [{ clients: [{ name: 'x', roles: ['replica'] }] }, 'the roles of client x must be of initiator, participant, operator'],
    [{ clients: [{ name: 'x', roles: [] }] }, 'the roles of client x must be of initiator, participant, operator'],
  ])('refuses %j', async (options, detail) => {
    const target = temporaryDirectory();
    copies.push(target);
    expect(await rejectionOf(initCluster(target, options))).toMatchObject({ code: 'Usage', detail });
    expect(readdirSync(target)).toEqual([]);
  });
});

describe('keys', () => {
  test('load when they fit', () => {
    const cluster = loadCluster(dir);
    for (const { id, certificatePem } of cluster.replicas) {
      const keys = loadReplicaKeys(cluster, id);
      expect(keys.certificatePem).toBe(certificatePem);
      expect(keys.voteKey.type).toBe('private');
    }
    expect(loadClientKeys(dir, 'operator').privateKeyPem).toContain('BEGIN PRIVATE KEY');
  });

  test('of a replica that cluster.json does not list are refused', () => {
    expect(errorOf(() => loadReplicaKeys(loadCluster(dir), 5))).toMatchObject({
      code: 'Usage',
      detail: 'cluster.json has no replica 5, only 1..4',
    });
  });

  test.each([
    ['replica-2/replica.key', 'replica-1/replica.key', 'KeyMismatch', 'replica-1/replica.key does not fit replica-1/replica.pem'],
    [
      'replica-2/vote.key',
      'replica-1/vote.key',
      'KeyMismatch',
      'replica-1/vote.key does not fit the voteKey of replica 1 in cluster.json',
    ],
    ['replica-1/replica.key', 'replica-1/vote.key', 'ConfigInvalid', 'replica-1/vote.key is not an Ed25519 key'],
    ['ca.pem', 'replica-1/vote.key', 'ConfigInvalid', 'replica-1/vote.key is not a PEM private key without passphrase'],
  ])('of a replica are refused when %s takes the place of %s', (from, to, code, detail) => {
    const broken = copy();
    copyFileSync(join(broken, from), join(broken, to));
    expect(errorOf(() => loadReplicaKeys(loadCluster(broken), 1))).toMatchObject({ code, detail });
  });

  test('of a replica that are not there are named', () => {
    const broken = copy();
    rmSync(join(broken, 'replica-1/vote.key'));
    expect(errorOf(() => loadReplicaKeys(loadCluster(broken), 1))).toMatchObject({
      code: 'ConfigInvalid',
      detail: 'replica-1/vote.key cannot be read (ENOENT)',
    });
  });

  test('of a client are refused when they do not fit, are not there, or when the name leads elsewhere', () => {
    const broken = copy();
    copyFileSync(join(broken, 'keys/operator.key'), join(broken, 'keys/initiator.key'));
    expect(errorOf(() => loadClientKeys(broken, 'initiator'))).toMatchObject({
      code: 'KeyMismatch',
      detail: 'keys/initiator.key does not fit keys/initiator.pem',
    });
    expect(errorOf(() => loadClientKeys(dir, 'hotel'))).toMatchObject({ code: 'ConfigMissing' });
    expect(errorOf(() => loadClientKeys(dir, '../replica-1/replica'))).toMatchObject({ code: 'Usage' });
  });
});
