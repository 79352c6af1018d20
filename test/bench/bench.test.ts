import { beforeAll, describe, expect, test } from '@jest/globals';
import { runEdgeBench } from './edge/bench.js';
import type { EdgeResults } from './edge/bench.js';
import { median, medianRatio } from './edge/rounds.js';
import { describe as describeResults, verdictOf } from './edge/report.js';
import { readOptions } from './options.js';

let results: EdgeResults;
beforeAll(async () => {
  results = await runEdgeBench({ seconds: 1, size: 'small' });
}, 120_000);

test('a small run measures every contestant at everything, and says what came of it', () => {
  expect(results.processing).toHaveLength(2 * 2 * 3);
  for (const { rates, bytes, references, toXmlCrypto, toFloor } of results.processing) {
    for (const rate of Object.values(rates)) expect(rate).toBeGreaterThan(1);
    expect([toXmlCrypto, toFloor].every((ratio) => ratio > 0 && Number.isFinite(ratio))).toBe(true);
    expect(bytes).toBeGreaterThan(references === 3 ? 3_400 : 5_000);
  }
  expect(results.serving.rates.echo).toBeGreaterThan(1);
  expect(results.serving.rates.ours).toBeGreaterThan(1);
  const lines = describeResults(results);
  expect(lines.filter((line) => line.startsWith('| RSA-2048'))).toHaveLength(6);
  expect(verdictOf(results).line).toMatch(/^(reached|missed): RSA-2048 [\d.]+ × xml-crypto/);
});

describe('the verdict', () => {
  test('is by the medians of verify+sign with three references, each against its target', () => {
    const { processing, serving } = results;
    const set = (ratios: { toXmlCrypto: number; toFloor: number }) => processing.map((line) => ({ ...line, ...ratios }));
    const fine = { processing: set({ toXmlCrypto: 6, toFloor: 0.6 }), serving: { ...serving, toGsoap: 1 } };
    expect(verdictOf(fine).isReached).toBe(true);
    expect(verdictOf({ ...fine, processing: set({ toXmlCrypto: 5.9, toFloor: 0.6 }) }).isReached).toBe(false);
    expect(verdictOf({ ...fine, processing: set({ toXmlCrypto: 6, toFloor: 0.59 }) }).isReached).toBe(false);
    expect(verdictOf({ ...fine, serving: { ...serving, toGsoap: 0.9 } })).toMatchObject({ isReached: false });
    expect(verdictOf({ ...fine, serving: { ...serving, toGsoap: 'not installed' } }).line).toContain('gSOAP: not installed');
  });

  test('compares within rounds: one slow round moves no ratio', () => {
    expect(median([3, 1, 2])).toBe(2);
    expect(median([4, 1, 2, 3])).toBe(2.5);
    expect(medianRatio([10, 1, 10], [5, 0.5, 5])).toBe(2);
  });
});

test('options that make no sense are refused', () => {
  expect(readOptions(['edge'])).toMatchObject({ size: 'full', json: undefined });
  expect(readOptions(['edge', '--size', 'small', '--json', 'f'])).toMatchObject({ size: 'small', json: 'f' });
  expect(readOptions(['--help'])).toBe('help');
  for (const args of [
    [],
    ['other'],
    ['edge', '--size', 'huge'],
    ['edge', '--seconds', '0'],
    ['edge', '--seconds', 'x'],
    ['edge', '--fast'],
  ])
    expect(() => readOptions(args)).toThrow(/bench|--size|--seconds|option/);
});
