import { describe, expect, test } from '@jest/globals';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { MUTANTS } from './mutants/index.js';

interface Run {
  readonly code: number | null;
  readonly lines: readonly string[];
}

/** Runs `npm run sim`. */
async function sim(...args: readonly string[]): Promise<Run> {
  const run = spawn('npm', ['run', '--silent', 'sim', '--', ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  run.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
  const [code] = (await once(run, 'close')) as [number | null];
  return { code, lines: output.trimEnd().split('\n') };
}

const count = (lines: readonly string[], pattern: RegExp): number =>
  Number(lines.map((line) => pattern.exec(line)?.[1]).find((found) => found !== undefined) ?? 'NaN');

describe('npm run sim', () => {
  test('finds nothing in the product, in schedules that are eventful and of every kind', async () => {
    const { code, lines } = await sim('--schedules', '1500', '--seed', '100001');
    expect(lines.at(-1)).toBe('1500 schedules, 0 violations');
    expect(code).toBe(0);
    expect(count(lines, /^median deliveries a schedule: (\d+)/)).toBeGreaterThanOrEqual(100);
    expect(count(lines, /median faults a schedule: (\d+)$/)).toBeGreaterThanOrEqual(4);
    expect(count(lines, /with the real signer and real XML: (\d+)$/)).toBeGreaterThanOrEqual(5);
    const faults = lines.flatMap((line) => /^ {2}\S.*? +(\d+) in +(\d+) schedules$/.exec(line)?.[2] ?? []).map(Number);
    expect(Math.min(...faults)).toBeGreaterThanOrEqual(15);
  }, 900_000);

  test('catches every mutant', async () => {
    const { code, lines } = await sim('--mutants');
    const caught = lines.filter((line) => / caught at seed \d+, schedule \d+; /.test(line));
    expect(caught.map((line) => line.split(':')[0])).toEqual(MUTANTS.map(({ name }) => name));
    expect(lines.at(-1)).toBe(`${MUTANTS.length} mutants, ${MUTANTS.length} caught`);
    expect(code).toBe(0);
  }, 900_000);

  test('shows the run of a seed, step by step', async () => {
    const { code, lines } = await sim('--replay', '11');
    expect(lines.length).toBeGreaterThan(100);
    expect(lines.some((line) => /^ +\d+\.\d{3} {2}replica-\d +delivers/.test(line))).toBe(true);
    expect(lines.at(-1)).toBe('1 schedules, 0 violations');
    expect(code).toBe(0);
  }, 120_000);
});
