import { beforeAll, describe, expect, test } from '@jest/globals';
import { spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { until } from '../support/cluster.js';
import { Random } from '../support/random.js';
import { planFaults } from './plan.js';

const root = fileURLToPath(new URL('../..', import.meta.url));

interface Run {
  readonly output: () => string;
  readonly ended: Promise<number | null>;
  readonly end: (signal: NodeJS.Signals) => void;
}

function start(command: string, args: readonly string[]): Run {
  const child = spawn(command, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  return { output: () => output, ended, end: (signal) => void child.kill(signal) };
}

const soak = (...args: readonly string[]): Run => start(process.execPath, ['build/test/soak/main.js', ...args]);

/** Where a run keeps its files. */
const folderOf = (output: string): string => / in (\/\S+)/.exec(output)?.[1] ?? '';

/** Processes whose command line names the folder. */
function processesOf(folder: string): readonly string[] {
  if (folder === '') throw new Error('the soak has not said where its files are');
  return readdirSync('/proc').filter((pid) => /^\d+$/.test(pid) && commandLine(pid).includes(folder));
}

function commandLine(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    return '';
  }
}

/** One whose first fault freezes a replica. */
function seedThatFreezes(): number {
  for (let seed = 0; ; seed += 1) {
    if (planFaults(new Random(seed), [1, 2, 3, 4]).next().value.kind === 'frozen') return seed;
  }
}

describe('npm run soak', () => {
  beforeAll(async () => {
    const { ended, output } = start('npm', ['run', '--silent', 'soak', '--', '--help']);
    const code = await ended;
    expect(output()).toContain('--seconds');
    expect(code).toBe(0);
  }, 240_000);

  test('books trips during faults, loses and splits none, and leaves nothing behind', async () => {
    const { ended, output } = soak('--seconds', '20', '--seed', '5');
    const code = await ended;
    const [, bookings] = /\n(\d+) bookings, 0 lost, 0 split\n$/.exec(output()) ?? [];
    expect({ code, violations: output().match(/^VIOLATION.*$/gm) }).toEqual({ code: 0, violations: null });
    expect(Number(bookings)).toBeGreaterThan(0);
    expect(output()).toMatch(/^faults: .*[1-9]/m);
    const folder = folderOf(output());
    expect(processesOf(folder)).toEqual([]);
    expect(existsSync(folder)).toBe(false);
  }, 400_000);

  test.each(['SIGINT', 'SIGKILL'] as const)(
    'leaves no process behind when it is ended with %s, not even a frozen one',
    async (signal) => {
      const { ended, output, end } = soak('--seconds', '60', '--seed', String(seedThatFreezes()));
      await until(() => /replica \d: frozen/.test(output()), 'a replica is frozen', 180_000);
      const folder = folderOf(output());
      expect(processesOf(folder).length).toBeGreaterThan(5);
      end(signal);
      expect(await ended).toBe(signal === 'SIGINT' ? 130 : null);
      await until(() => processesOf(folder).length === 0, 'every process is gone', 30_000);
      rmSync(folder, { recursive: true, force: true });
    },
    240_000,
  );

  test('tells how it is used when it is called otherwise', async () => {
    const { ended, output } = soak('--seconds', 'many');
    expect(await ended).toBe(2);
    expect(output()).toContain("'many' is no whole number");
  });
});
