import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { initCluster, loadCluster, loadReplicaKeys, loadTlsKeys, parseCluster } from '../../src/config/index.js';
import { copyOf, editCluster, errorOf, removeDirectory, temporaryDirectory } from './fixture.js';

let good: string;
const copies: string[] = [];
beforeAll(async () => {
  good = temporaryDirectory();
  await initCluster(good, { https: true });
});
afterAll(() => [good, ...copies].forEach(removeDirectory));

/** A copy whose cluster.json has that in `security`. */
function withSecurity(security: unknown): string {
  const dir = copyOf(good);
  copies.push(dir);
  editCluster(dir, (config) => (config['security'] = security));
  return dir;
}

describe('security in cluster.json', () => {
  test('is taken as it stands', () => {
    const security = {
      development: false,
      roles: [{ role: 'initiator', subject: { OU: 'sales', O: 'Example*' } }],
      algorithms: { signatures: ['rsa-sha256'], digests: ['sha256', 'sha512'] },
      revocation: { lists: ['ca.crl', 'other.crl'], whenUnknown: 'accept' },
      destinations: { allow: ['*.example', '10.0.0.0/8:8080'], systemRoots: false },
    };
    expect(loadCluster(withSecurity(security)).config.security).toEqual(security);
    expect(loadCluster(withSecurity({})).config.security).toEqual({});
  });

  test.each([
    [[], 'security must be an object'],
    [{ developement: true }, 'security has an unknown field "developement"'],
    [{ development: 'yes' }, 'security.development must be true or false'],
    [{ roles: [] }, 'security.roles must be an array of 1..256 items'],
    [
      { roles: [{ role: 'king', subject: { OU: 'x' } }] },
      'security.roles[0].role must be one of initiator, participant, replica, operator',
    ],
    [{ roles: [{ role: 'replica', subject: {} }] }, 'security.roles[0].subject must name an attribute, like {"OU": "sales"}'],
    [{ roles: [{ role: 'replica', subject: { OU: 7 } }] }, 'security.roles[0].subject.OU must be a text of 1 to 256 characters'],
    [
      { roles: [{ role: 'replica', subject: { 'O U': 'x' } }] },
      'security.roles[0].subject has "O U" where a type of attribute is expected, like OU',
    ],
    [{ algorithms: { signatures: 'rsa' } }, 'security.algorithms.signatures must be an array of 1..256 items'],
    [{ algorithms: { digests: [''] } }, 'security.algorithms.digests[0] must be a non-empty string'],
    [{ revocation: {} }, 'security.revocation.lists must be an array of 1..256 items'],
    [{ revocation: { lists: ['a'], whenUnknown: 'ignore' } }, 'security.revocation.whenUnknown must be one of refuse, accept'],
    [{ destinations: { allow: [1] } }, 'security.destinations.allow[0] must be a non-empty string'],
    [{ destinations: { deny: [] } }, 'security.destinations has an unknown field "deny"'],
  ])('is refused: %j', (security, detail) => {
    expect(errorOf(() => loadCluster(withSecurity(security)))).toMatchObject({
      code: 'ConfigInvalid',
      detail: `cluster.json: ${detail}`,
    });
  });
});

describe('init', () => {
  const made = async (options: Parameters<typeof initCluster>[1]) => {
    const dir = temporaryDirectory();
    copies.push(dir);
    return (await initCluster(dir, options)).config;
  };

  test('makes a development cluster on a loopback address, and no other', async () => {
    expect((await made({})).security).toEqual({ development: true });
    expect((await made({ host: 'localhost', basePort: 40_000 })).security).toEqual({ development: true });
    const hosts = ['a', 'b', 'c', 'd'];
    expect((await made({ hosts })).security).toBeUndefined();
    expect((await made({ hosts, destinations: ['*.example'] })).security).toEqual({ destinations: { allow: ['*.example'] } });
  });
});

describe('HTTPS', () => {
  test('is served with a replica’s own certificate, or another', () => {
    const cluster = loadCluster(good);
    expect(cluster.config.replicas.map(({ url }) => url.split(':')[0])).toEqual(Array(4).fill('https'));
    const own = loadReplicaKeys(cluster, 1);
    expect(loadTlsKeys(cluster, 1, own)).toBe(own);
    const dir = copyOf(good);
    copies.push(dir);
    const files = { certificate: 'web.pem', privateKey: 'web.key' };
    editCluster(dir, ({ replicas }) => replicas.forEach((replica) => (replica['tls'] = files)));
    for (const [from, to] of [
      ['replica.pem', 'web.pem'],
      ['replica.key', 'web.key'],
    ] as const)
      writeFileSync(join(dir, to), readFileSync(join(dir, 'replica-3', from)));
    const other = loadTlsKeys(loadCluster(dir), 1, own);
    expect(other?.certificatePem).toBe(readFileSync(join(dir, 'replica-3/replica.pem'), 'utf8'));
    writeFileSync(join(dir, 'web.key'), own.privateKeyPem);
    expect(errorOf(() => loadTlsKeys(loadCluster(dir), 1, own)).code).toBe('KeyMismatch');
  });

  test.each([
    ['replicas[0].tls goes with an https url', { url: 'http://127.0.0.1:5', tls: 'own' }],
    ['replicas[0].tls must be "own", or an object with certificate and privateKey', { tls: 'mine' }],
    ['replicas[0].tls must be an object', { tls: true }],
    ['replicas[0].tls.privateKey must be the path of a PEM file', { tls: { certificate: 'x' } }],
    ['replicas[0].otherCertificates must be an array of 1..4 items', { otherCertificates: [] }],
  ])('and certificates: %s', (detail, change) => {
    const config = JSON.parse(readFileSync(join(good, 'cluster.json'), 'utf8')) as { replicas: object[] };
    Object.assign(config.replicas[0] ?? {}, change);
    expect(errorOf(() => parseCluster(JSON.stringify(config)))).toMatchObject({
      code: 'ConfigInvalid',
      detail: `cluster.json: ${detail}`,
    });
  });

  test('one certificate at two replicas is refused', () => {
    const dir = copyOf(good);
    copies.push(dir);
    editCluster(dir, ({ replicas }) => Object.assign(replicas[0] ?? {}, { otherCertificates: ['replica-2/replica.pem'] }));
    expect(errorOf(() => loadCluster(dir)).detail).toContain('share a certificate');
  });

  test('a file of authorities may hold several', () => {
    const dir = copyOf(good);
    copies.push(dir);
    const ca = readFileSync(join(dir, 'ca.pem'), 'utf8');
    writeFileSync(join(dir, 'ca.pem'), `${ca}\n${ca}`);
    expect(loadCluster(dir).authorityPems).toHaveLength(2);
  });
});
