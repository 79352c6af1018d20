import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, test } from '@jest/globals';

const root = fileURLToPath(new URL('../..', import.meta.url));
/** What the claim was first checked with, on a model. */
const AT_LEAST = 275_200;

interface Finished {
  readonly code: number | string | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

/** The command as people call it. */
function confluence(...args: readonly string[]): Promise<Finished> {
  return new Promise((resolve) => {
    execFile('npm', ['run', '--silent', 'confluence', '--', ...args], { cwd: root }, (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : (error.code ?? undefined), stdout, stderr }),
    );
  });
}

/** The three numbers of the last line. */
function result({ stdout }: Finished): { sets: number; diverge: number; split: number } {
  const last = stdout.trimEnd().split('\n').at(-1) ?? '';
  const [, sets, diverge, split] = /^(\d+) stream sets, (\d+) diverge, (\d+) split$/.exec(last) ?? [];
  return { sets: Number(sets), diverge: Number(diverge), split: Number(split) };
}

describe('npm run confluence', () => {
  beforeAll(async () => {
    const { code, stdout } = await confluence('--help');
    expect(stdout).toContain('--without');
    expect(code).toBe(0);
  }, 120_000);

  test('finds that the order between streams does not matter', async () => {
    const finished = await confluence();
    const { sets, diverge, split } = result(finished);
    expect([diverge, split]).toEqual([0, 0]);
    expect(sets).toBeGreaterThan(AT_LEAST);
    expect(finished.code).toBe(0);
  }, 600_000);

  test.each(['hold', 'set', 'late'])(
    '--without %s finds that it does, shows where, and exits 1',
    async (rule) => {
      const finished = await confluence('--without', rule, '--size', 'small');
      expect(result(finished).diverge).toBeGreaterThan(1_000);
      expect(finished.stdout).toMatch(/^The smallest set that diverges: \d requests, (Atomic|Mixed)Outcome\n/);
      expect(finished.stdout).toMatch(/\nIt ends in 2 ways:\n/);
      expect(finished.code).toBe(1);
    },
    120_000,
  );

  test('tells how it is used when it is called otherwise', async () => {
    const { code, stdout, stderr } = await confluence('--without', 'everything');
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toContain("'everything' is unknown");
    expect(stderr).toContain('usage: npm run confluence');
  }, 120_000);
});
