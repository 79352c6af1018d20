import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { sign, X509Certificate } from 'node:crypto';
import { existsSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  exportPart,
  initCluster,
  loadCluster,
  loadReplicaKeys,
  MAX_FORMER_VOTE_KEYS,
  rekeyReplica,
  voteVerifier,
} from '../../src/config/index.js';
import { copyOf, editCluster, errorOf, rejectionOf, removeDirectory, temporaryDirectory } from './fixture.js';

let good: string;
const made: string[] = [];

const fresh = (): string => {
  const dir = copyOf(good);
  made.push(dir);
  return dir;
};

beforeAll(async () => {
  good = temporaryDirectory();
  made.push(good);
  await initCluster(good);
}, 30_000);
afterAll(() => made.forEach(removeDirectory));

const PATHS = ['replica-3/replica.pem', 'replica-3/replica.key', 'replica-3/vote.key', 'cluster.json'];

describe('rekeyReplica', () => {
  test('makes new keys and a certificate with the same name, and keeps the old vote key in cluster.json and the files beside', async () => {
    const dir = fresh();
    const before = loadCluster(dir);
    const texts = PATHS.map((path) => readFileSync(join(dir, path), 'utf8'));
    const oldKeys = loadReplicaKeys(before, 3);
    const result = await rekeyReplica(dir, 3);
    const after = loadCluster(dir);
    const keys = loadReplicaKeys(after, 3);

    expect(after.config.replicas[2]).toEqual({
      ...before.config.replicas[2],
      voteKey: after.config.replicas[2]?.voteKey,
      formerVoteKeys: [before.config.replicas[2]?.voteKey],
    });
    expect(after.config.replicas.filter(({ id }) => id !== 3)).toEqual(before.config.replicas.filter(({ id }) => id !== 3));
    expect(after.replicas[2]?.fingerprint).not.toBe(before.replicas[2]?.fingerprint);
    const [old, renewed] = [oldKeys, keys].map(({ certificatePem }) => new X509Certificate(certificatePem));
    expect([renewed?.subject, renewed?.issuer, renewed?.subjectAltName]).toEqual([
      old?.subject,
      old?.issuer,
      old?.subjectAltName,
    ]);
    expect(result).toMatchObject({ id: 3, configPath: join(dir, 'cluster.json'), voteKey: join(dir, 'replica-3/vote.key') });
    expect(result.kept.map((path) => readFileSync(path, 'utf8'))).toEqual(texts);
    for (const path of [result.privateKey, result.voteKey, ...result.kept.slice(1, 3)]) {
      expect(statSync(path).mode & 0o077).toBe(0);
    }
    const data = Buffer.from('a vote');
    const verifier = voteVerifier(after);
    expect(verifier.verify(3, data, sign(null, data, keys.voteKey))).toBe(true);
    expect(verifier.verify(3, data, sign(null, data, oldKeys.voteKey))).toBe(true);
    expect(verifier.verify(2, data, sign(null, data, oldKeys.voteKey))).toBe(false);
    expect(voteVerifier(before).verify(3, data, sign(null, data, keys.voteKey))).toBe(false);
  }, 30_000);

  test('may be done again, and export gives out the new keys and none of the old', async () => {
    const dir = fresh();
    await rekeyReplica(dir, 3);
    // As if the first attempt had been cut short.
    writeFileSync(join(dir, 'replica-3/vote.key.new'), 'half a key');
    const { kept } = await rekeyReplica(dir, 3);
    const [entry] = loadCluster(dir).config.replicas.filter(({ id }) => id === 3);
    expect(entry?.formerVoteKeys).toHaveLength(2);
    expect(existsSync(join(dir, 'replica-3/vote.key.new'))).toBe(false);
    const out = join(temporaryDirectory(), 'out');
    made.push(join(out, '..'));
    const exported = exportPart(dir, { kind: 'replica', id: 3 }, out);
    expect(exported.filter((path) => path.includes('until'))).toEqual([]);
    expect(kept.length).toBe(4);
    expect(loadReplicaKeys(loadCluster(out), 3).voteKey.type).toBe('private');
  }, 30_000);

  test('is refused without the key of the authority, for an unknown replica, and after too many times', async () => {
    const dir = fresh();
    expect(await rejectionOf(rekeyReplica(dir, 9))).toMatchObject({ code: 'Usage' });
    const key = readFileSync(join(dir, 'ca.key'));
    rmSync(join(dir, 'ca.key'));
    expect(await rejectionOf(rekeyReplica(dir, 3))).toMatchObject({ code: 'ConfigMissing' });
    writeFileSync(join(dir, 'ca.key'), readFileSync(join(dir, 'replica-1/replica.key')));
    expect(await rejectionOf(rekeyReplica(dir, 3))).toMatchObject({ code: 'KeyMismatch' });
    writeFileSync(join(dir, 'ca.key'), key);
    editCluster(dir, (config) => {
      Object.assign(config.replicas[2] ?? {}, { formerVoteKeys: manyKeys(MAX_FORMER_VOTE_KEYS) });
    });
    expect(await rejectionOf(rekeyReplica(dir, 3))).toMatchObject({ code: 'ConfigInvalid' });
    expect(loadCluster(dir).config.replicas[2]?.formerVoteKeys).toHaveLength(MAX_FORMER_VOTE_KEYS);
  }, 30_000);
});

const manyKeys = (count: number): string[] =>
  Array.from({ length: count }, (_, index) => Buffer.alloc(32, index + 1).toString('base64'));

describe('formerVoteKeys', () => {
  test.each([
    ['a key of another replica', () => [loadCluster(good).config.replicas[0]?.voteKey], 'is there twice'],
    ['its own key', () => [loadCluster(good).config.replicas[2]?.voteKey], 'is there twice'],
    ['what is no key', () => ['x'], 'cluster.json: replicas[2].formerVoteKeys[0] must be base64 of 32 bytes'],
    ['too many', () => manyKeys(MAX_FORMER_VOTE_KEYS + 1), 'must be an array of 1..8 items'],
  ])('refuses %s', (_what, keys, message) => {
    const dir = fresh();
    editCluster(dir, (config) => Object.assign(config.replicas[2] ?? {}, { formerVoteKeys: keys() }));
    const error = errorOf(() => loadCluster(dir));
    expect(error.code).toBe('ConfigInvalid');
    expect(error.detail).toContain(message);
  });
});
