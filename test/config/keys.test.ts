import { createPrivateKey, X509Certificate } from 'node:crypto';
import { existsSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import {
  acceptedFingerprints,
  exportPart,
  finishRotation,
  initCluster,
  issueClient,
  KEY_ALGORITHMS,
  loadClientKeys,
  loadCluster,
  loadReplicaKeys,
  revokeCertificates,
  rotateClient,
  rotateReplica,
} from '../../src/config/index.js';
import { identityOf, TrustStore } from '../../src/soap/index.js';
import { parseRevocationList } from '../../src/x509/crl.js';
import { namesOf } from '../../src/x509/names.js';
import { copyOf, errorOf, rejectionOf, removeDirectory, temporaryDirectory } from './fixture.js';

const DAY = 86_400_000;
let origin: string;
let dir: string;
const copies: string[] = [];
beforeAll(async () => {
  origin = temporaryDirectory();
  await initCluster(origin);
});
beforeEach(() => {
  dir = copyOf(origin);
  copies.push(dir);
});
afterAll(() => [origin, ...copies].forEach(removeDirectory));

const certificateIn = (path: string): X509Certificate => new X509Certificate(readFileSync(join(dir, path)));
const writerOf = (certificate: X509Certificate): string => identityOf(certificate).writer;

describe('issuing keys for a client', () => {
  test.each([...KEY_ALGORITHMS])('makes a certificate of that name and role under the authority: %s', async (algorithm) => {
    const result = await issueClient(dir, { name: 'bank', roles: ['initiator', 'participant'], algorithm, days: 10 });
    expect(result).toEqual({ name: 'bank', certificate: join(dir, 'keys/bank.pem'), privateKey: join(dir, 'keys/bank.key') });
    const certificate = certificateIn('keys/bank.pem');
    const { identity } = new TrustStore(loadCluster(dir).authorityPems).identify(certificate.raw, Date.now());
    expect(identity.name).toBe('bank');
    expect([...identity.roles]).toEqual(['initiator', 'participant']);
    expect(Math.abs(Date.parse(certificate.validTo) - Date.now() - 10 * DAY)).toBeLessThan(DAY);
    const { asymmetricKeyType, asymmetricKeyDetails } = certificate.publicKey;
    const kind =
      asymmetricKeyType === 'rsa' ? `rsa-${asymmetricKeyDetails?.modulusLength ?? 0}` : asymmetricKeyDetails?.namedCurve;
    expect(kind).toBe({ 'p-256': 'prime256v1', 'p-384': 'secp384r1' }[algorithm as string] ?? algorithm);
    expect(statSync(result.privateKey).mode & 0o777).toBe(0o600);
    expect(loadClientKeys(dir, 'bank').privateKeyPem).toContain('BEGIN PRIVATE KEY');
  });

  test('writes PKCS#12 where that is wanted, which is read and exported like PEM', async () => {
    const options = { name: 'bank', roles: ['participant'], algorithm: 'p-256', pkcs12Password: 'secret' } as const;
    const { privateKey } = await issueClient(dir, { ...options, hosts: ['bank.example', '10.0.0.7'] });
    expect(privateKey).toBe(join(dir, 'keys/bank.p12'));
    expect(existsSync(join(dir, 'keys/bank.key'))).toBe(false);
    expect(certificateIn('keys/bank.pem').subjectAltName).toBe('DNS:bank.example, IP Address:10.0.0.7');
    expect(errorOf(() => loadClientKeys(dir, 'bank')).code).toBe('ConfigMissing');
    writeFileSync(join(dir, 'keys/bank.p12.password'), 'secret\n');
    const { certificatePem, privateKeyPem } = loadClientKeys(dir, 'bank');
    expect(new X509Certificate(certificatePem).checkPrivateKey(createPrivateKey(privateKeyPem))).toBe(true);
    const out = join(dir, 'out');
    expect(exportPart(dir, { kind: 'client', name: 'bank' }, out)).toEqual(
      expect.arrayContaining(['keys/bank.p12', 'keys/bank.p12.password']),
    );
    expect(loadClientKeys(out, 'bank').privateKeyPem).toBe(privateKeyPem);
  });

  test('refuses what is there already, and what it cannot make', async () => {
    const code = async (options: Parameters<typeof issueClient>[1]): Promise<string> =>
      (await rejectionOf(issueClient(dir, options))).code;
    expect(await code({ name: 'initiator', roles: ['initiator'] })).toBe('ConfigInvalid');
    expect(await code({ name: '../bank', roles: ['initiator'] })).toBe('Usage');
    expect(await code({ name: 'bank', roles: [] })).toBe('Usage');
    expect(await code({ name: 'bank', roles: ['replica'] })).toBe('Usage');
    expect(await code({ name: 'bank', roles: ['initiator'], days: 0 })).toBe('Usage');
    expect(await code({ name: 'bank', roles: ['initiator'], hosts: ['a b'] })).toBe('Usage');
    renameSync(join(dir, 'ca.key'), join(dir, 'elsewhere.key'));
    expect(await code({ name: 'bank', roles: ['initiator'] })).toBe('ConfigMissing');
  });
});

describe('rotating the key of a replica', () => {
  test('accepts both certificates until it is finished, and then the new one', async () => {
    const before = loadCluster(dir).replicas[1];
    const result = await rotateReplica(dir, 2, { algorithm: 'p-256' });
    const during = loadCluster(dir).replicas[1];
    if (before === undefined || during === undefined) throw new RangeError('no replica');
    expect(during.fingerprint).not.toBe(before.fingerprint);
    expect(acceptedFingerprints(during)).toEqual([during.fingerprint, before.fingerprint]);
    expect(during.voteKey).toBe(before.voteKey);
    expect(during.formerVoteKeys).toBeUndefined();
    expect(writerOf(certificateIn('replica-2/replica.pem'))).toBe(writerOf(new X509Certificate(before.certificatePem)));
    expect(result.kept).toHaveLength(3);
    expect(loadReplicaKeys(loadCluster(dir), 2).certificatePem).toBe(during.certificatePem);
    expect(finishRotation(dir, 2)).toEqual(during.otherCertificates);
    const after = loadCluster(dir).replicas[1];
    expect(after && acceptedFingerprints(after)).toEqual([during.fingerprint]);
    expect(errorOf(() => finishRotation(dir, 2)).code).toBe('Usage');
  });

  test('lets it use the old key for as long as it has no other', async () => {
    const old = readFileSync(join(dir, 'replica-2/replica.key'));
    const before = loadReplicaKeys(loadCluster(dir), 2);
    await rotateReplica(dir, 2);
    writeFileSync(join(dir, 'replica-2/replica.key'), old);
    expect(loadReplicaKeys(loadCluster(dir), 2).certificatePem).toBe(before.certificatePem);
    finishRotation(dir, 2);
    expect(errorOf(() => loadReplicaKeys(loadCluster(dir), 2)).code).toBe('KeyMismatch');
  });

  test('may be to PKCS#12, and back', async () => {
    await rotateReplica(dir, 2, { pkcs12Password: 'secret' });
    writeFileSync(join(dir, 'replica-2/replica.p12.password'), 'secret');
    const cluster = loadCluster(dir);
    expect(loadReplicaKeys(cluster, 2).certificatePem).toBe(cluster.replicas[1]?.certificatePem);
    const out = join(dir, 'out');
    const written = exportPart(dir, { kind: 'replica', id: 2 }, out);
    expect(written).toEqual(expect.arrayContaining([...(cluster.replicas[1]?.otherCertificates ?? []), 'replica-2/replica.p12']));
    expect(loadReplicaKeys(loadCluster(out), 2).privateKeyPem).toContain('BEGIN PRIVATE KEY');
    await rotateReplica(dir, 2, {}, Date.now() + 1000);
    expect(existsSync(join(dir, 'replica-2/replica.p12'))).toBe(false);
    expect(loadCluster(dir).replicas[1]?.otherCertificates).toHaveLength(2);
  });

  test('is refused where it cannot work', async () => {
    expect((await rejectionOf(rotateReplica(dir, 9))).code).toBe('Usage');
    for (let turn = 0; turn < 4; turn += 1) await rotateReplica(dir, 3, { algorithm: 'p-256' }, Date.now() + turn * 1000);
    const before = readFileSync(join(dir, 'cluster.json'), 'utf8');
    const error = await rejectionOf(rotateReplica(dir, 3, { algorithm: 'p-256' }, Date.now() + 9000));
    expect(error).toMatchObject({ code: 'ConfigInvalid', detail: expect.stringContaining('finish its rotations first') });
    expect(readFileSync(join(dir, 'cluster.json'), 'utf8')).toBe(before);
    loadReplicaKeys(loadCluster(dir), 3);
  });
});

describe('rotating the key of a client', () => {
  test('keeps its name, roles and hosts, so it stays the same writer', async () => {
    await issueClient(dir, { name: 'bank', roles: ['participant', 'initiator'], hosts: ['localhost', '127.0.0.1'] });
    const before = certificateIn('keys/bank.pem');
    const { kept } = await rotateClient(dir, 'bank', { algorithm: 'p-384' });
    const after = certificateIn('keys/bank.pem');
    expect(after.fingerprint256).not.toBe(before.fingerprint256);
    expect(writerOf(after)).toBe(writerOf(before));
    expect(after.subjectAltName).toBe(before.subjectAltName);
    expect([...identityOf(after).roles]).toEqual([...identityOf(before).roles]);
    expect(loadClientKeys(dir, 'bank').certificatePem).toBe(readFileSync(join(dir, 'keys/bank.pem'), 'utf8'));
    expect(kept).toHaveLength(2);
  });

  test('is refused for one that another authority made', async () => {
    const other = temporaryDirectory();
    copies.push(other);
    await initCluster(other);
    writeFileSync(join(dir, 'keys/initiator.pem'), readFileSync(join(other, 'keys/initiator.pem')));
    expect((await rejectionOf(rotateClient(dir, 'initiator'))).code).toBe('ConfigInvalid');
    expect((await rejectionOf(rotateClient(dir, 'nobody'))).code).toBe('ConfigMissing');
  });
});

describe('revoking certificates', () => {
  const list = () => parseRevocationList(readFileSync(join(dir, 'ca.crl')));
  const serial = (path: string): string => namesOf(certificateIn(path).raw).serial;

  test('writes a list of the authority’s, names it in cluster.json, and adds to it later', async () => {
    const now = Date.now();
    const first = await revokeCertificates(dir, { certificates: [join(dir, 'keys/participant.pem')], days: 7 }, now);
    expect(first).toEqual({ dir, list: join(dir, 'ca.crl'), revoked: 1, nextUpdate: now + 7 * DAY, isNew: true });
    expect(loadCluster(dir).config.security?.revocation).toEqual({ lists: ['ca.crl'] });
    expect(loadCluster(dir).config.security?.development).toBe(true);
    expect(list().signedBy(certificateIn('ca.pem').publicKey)).toBe(true);
    const second = await revokeCertificates(dir, { certificates: [join(dir, 'keys/operator.pem')] });
    expect(second).toMatchObject({ revoked: 2, isNew: false });
    expect([...list().revoked.keys()].sort()).toEqual([serial('keys/participant.pem'), serial('keys/operator.pem')].sort());
    expect(list().number).toBe(2n);
    const third = await revokeCertificates(dir, { certificates: [] });
    expect(third.revoked).toBe(2);
    expect(list().number).toBe(3n);
    const out = join(dir, 'out');
    expect(exportPart(dir, { kind: 'replica', id: 1 }, out)).toContain('ca.crl');
  });

  test('is refused for a certificate that a replica uses, and for one of another authority', async () => {
    const certificates = [join(dir, 'replica-2/replica.pem')];
    expect((await rejectionOf(revokeCertificates(dir, { certificates }))).detail).toContain('give it a new one first');
    expect(existsSync(join(dir, 'ca.crl'))).toBe(false);
    const { kept } = await rotateReplica(dir, 2);
    const old = kept.filter((path) => path.includes('.pem.'));
    expect((await revokeCertificates(dir, { certificates: old })).revoked).toBe(1);
    const other = temporaryDirectory();
    copies.push(other);
    await initCluster(other);
    const foreign = { certificates: [join(other, 'keys/initiator.pem')] };
    expect((await rejectionOf(revokeCertificates(dir, foreign))).detail).toContain('another authority');
    expect((await rejectionOf(revokeCertificates(dir, { certificates: ['/nowhere.pem'] }))).code).toBe('ConfigMissing');
    writeFileSync(join(dir, 'ca.crl'), 'nonsense');
    expect((await rejectionOf(revokeCertificates(dir, { certificates: [] }))).code).toBe('ConfigInvalid');
  });
});
