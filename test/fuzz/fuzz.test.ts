import { beforeAll, describe, expect, test } from '@jest/globals';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ConcordatError } from '../../src/errors.js';
import type { MessageVerifier, VerifiedMessage } from '../../src/soap/index.js';
import { judgeAgain, keep } from './evidence.js';
import { fuzz } from './fuzz.js';
import { judge, meansOneOf } from './judge.js';
import { readOptions } from './options.js';
import { makePool } from './pool.js';
import type { Pool } from './pool.js';

let pool: Pool;
beforeAll(async () => {
  pool = await makePool();
});

const upTo = (most: number) => (messages: number) => messages < most;

test('of 2000 changed messages none is accepted that means what nobody signed', () => {
  const { violation, accepted, byCode, messages } = fuzz(pool, { seed: 1, goesOn: upTo(2_000) });
  expect(violation?.why).toBeUndefined();
  expect(messages).toBe(2_000);
  // It gets behind every door, and through the last one, too.
  expect(accepted).toBeGreaterThan(100);
  for (const code of [
    'MalformedXml',
    'EnvelopeStructure',
    'DuplicateId',
    'Unsigned',
    'SignatureInvalid',
    'SignedPartMissing',
    'AlgorithmRefused',
    'CertificateUntrusted',
    'Doctype',
    'ProcessingInstruction',
    'NotAnEnvelope',
  ])
    expect(byCode.get(code) ?? 0).toBeGreaterThan(0);
});

/** Takes so much processor time, in milliseconds, however busy the machine is. */
function spin(ms: number): void {
  const before = process.cpuUsage();
  for (let used = 0; used < ms * 1000;) used = process.cpuUsage(before).user;
}

describe('the fuzzer finds', () => {
  const broken = (accept: (raw: string, good: MessageVerifier) => VerifiedMessage): MessageVerifier => ({
    verify: (raw) => accept(raw, { verify: (text) => pool.scene.verifier.verify(text, pool.scene.now) }),
  });
  const hunt = (verifier: MessageVerifier): string | undefined =>
    fuzz(pool, { seed: 1, goesOn: upTo(2_000), verifier }).violation?.why;

  test('a receiver that reads an unsigned header', () => {
    const gullible = broken((raw, good) => {
      const message = good.verify(raw, pool.scene.now);
      const extra = /<h:H[^>]*>/.exec(raw) === null ? [] : [{ ns: 'urn:h', name: 'H', attributes: [], children: [] }];
      return { ...message, headers: [...message.headers, ...extra] };
    });
    expect(hunt(gullible)).toMatch(/accepted as .*urn:h/);
  });

  test('a receiver that does not mind a wrong digest', () => {
    const known = pool.seeds.map(({ raw }) => pool.scene.verifier.verify(raw, pool.scene.now));
    const careless = broken((raw, good) => {
      try {
        return good.verify(raw, pool.scene.now);
      } catch (error) {
        const [first] = known;
        if (!(error instanceof ConcordatError) || error.code !== 'SignatureInvalid' || first === undefined) throw error;
        return { ...first, addressing: { ...first.addressing, action: 'urn:forged' } };
      }
    });
    expect(hunt(careless)).toMatch(/urn:forged/);
  });

  test('a receiver that falls over, by whatever it throws', () => {
    const fragile = broken((raw, good) => {
      if (raw.includes('\0')) throw new RangeError('out of something');
      return good.verify(raw, pool.scene.now);
    });
    expect(hunt(fragile)).toMatch(/threw RangeError: out of something/);
    const vague = broken((raw, good) => {
      if (raw.includes('\0')) throw new ConcordatError('Internal');
      return good.verify(raw, pool.scene.now);
    });
    expect(hunt(vague)).toMatch(/threw ConcordatError/);
  });

  test('a receiver that takes too long', () => {
    const slow: MessageVerifier = {
      verify: (raw, now) => {
        spin(100);
        return pool.scene.verifier.verify(raw, now);
      },
    };
    const [seed] = pool.seeds;
    expect(judge(slow, seed?.raw ?? '', pool.scene.now, meansOneOf(pool.meanings))).toMatchObject({
      kind: 'violation',
      why: expect.stringMatching(/took \d+/),
    });
  });
});

test('a message that was kept can be judged again', () => {
  const dir = mkdtempSync(join(tmpdir(), 'concordat-fuzz-'));
  try {
    const [seed] = pool.seeds;
    const good = keep(dir, pool, { seed: 1, why: 'none', raw: seed?.raw ?? '' });
    expect(judgeAgain(good)).toEqual({ kind: 'accepted' });
    const bad = keep(dir, { ...pool, meanings: new Set() }, { seed: 2, why: 'nobody signed it', raw: seed?.raw ?? '' });
    expect(judgeAgain(bad)).toMatchObject({ kind: 'violation' });
    const malformed = keep(dir, pool, { seed: 3, why: 'none', raw: 'x' });
    expect(judgeAgain(malformed)).toEqual({ kind: 'refused', code: 'MalformedXml' });
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
});

test('its options are checked', () => {
  expect(readOptions(['--seconds', '5', '--seed', '7'])).toMatchObject({ seconds: 5, seed: 7 });
  expect(readOptions(['--help'])).toBe('help');
  for (const args of [['--seconds', '0'], ['--seconds', 'x'], ['--seed', '-1'], ['--seed', '1.5'], ['--what']])
    expect(() => readOptions(args)).toThrow();
});
