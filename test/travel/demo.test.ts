import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('../../dist/travel/main.js', import.meta.url));
const ONCE_MS = 120_000;
const START_MS = 60_000;
const GONE_MS = 15_000;

/** The demo as a process, and what it prints. */
class Demo {
  readonly lines: string[] = [];
  readonly child: ChildProcess;
  readonly exit: Promise<number | null>;
  readonly #watchers = new Set<() => void>();

  constructor(...args: string[]) {
    this.child = spawn(process.execPath, [MAIN, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
    this.exit = once(this.child, 'close').then(([code]) => (typeof code === 'number' ? code : null));
    const { stdout } = this.child;
    if (stdout === null) throw new Error('no standard output');
    createInterface({ input: stdout }).on('line', (line) => {
      this.lines.push(line);
      for (const look of this.#watchers) look();
    });
  }

  /** Resolves when it has printed a line that holds `words`; rejects if it ends before. */
  printed(words: string): Promise<void> {
    const seen = new Promise<void>((resolve) => {
      const look = (): void => void (this.lines.some((line) => line.includes(words)) && resolve());
      this.#watchers.add(look);
      look();
    });
    const ended = this.exit.then((code) => {
      throw new Error(`it ended with ${String(code)} before "${words}":\n${this.lines.join('\n')}`);
    });
    return Promise.race([seen, ended]);
  }

  /** The processes of its parts, as it prints them. */
  get pids(): number[] {
    return this.lines.flatMap((line) => /\(process (\d+)\)$/.exec(line)?.[1] ?? []).map(Number);
  }
}

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};

/** Waits until none of the processes is there any more. */
async function gone(pids: readonly number[]): Promise<number[]> {
  const end = performance.now() + GONE_MS;
  while (pids.some(isAlive) && performance.now() < end) await sleep(20);
  return pids.filter(isAlive);
}

let dir: string;
let demo: Demo | undefined;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'travel-demo-'));
});
afterEach(async () => {
  demo?.child.kill('SIGTERM');
  await demo?.exit;
  demo = undefined;
  rmSync(dir, { recursive: true, force: true });
});

describe('the travel demo', () => {
  test(
    'books right whoever is killed or lies, says so in its last line, and leaves no process behind',
    async () => {
      demo = new Demo('--once', '--dir', dir);
      expect(await demo.exit).toBe(0);
      const result: unknown = JSON.parse(demo.lines.at(-1) ?? '');
      const ended = (name: string, outcome: string) => ({ name, outcome, ok: true, ms: expect.any(Number) as unknown });
      expect(result).toEqual({
        ok: true,
        scenarios: [
          ended('both-available', 'closed'),
          ended('hotel-full', 'undone'),
          ended('replica-killed', 'closed'),
          ended('replica-lying', 'closed, liar named'),
          ended('agency-killed', 'closed'),
          ended('all-killed', 'closed'),
        ],
      });
      expect(demo.pids).toHaveLength(7);
      expect(await gone(demo.pids)).toEqual([]);
    },
    ONCE_MS,
  );

  test(
    'runs until Ctrl-C, takes bookings at the agency’s desk, and leaves no process behind',
    async () => {
      demo = new Demo('--dir', dir);
      await demo.printed('Ctrl-C');
      const desk = /(http\S+\/bookings)/.exec(demo.lines.join('\n'))?.[1] ?? '';
      const headers = { 'content-type': 'application/json' };
      const order = await fetch(desk, { method: 'POST', headers, body: JSON.stringify({ id: 'mine', customer: 'Ada' }) });
      expect(await order.json()).toMatchObject({ id: 'mine', customer: 'Ada' });
      const state = async (): Promise<unknown> => {
        const booking: unknown = await (await fetch(`${desk}/mine`)).json();
        return typeof booking === 'object' && booking !== null && 'state' in booking ? booking.state : undefined;
      };
      while ((await state()) !== 'booked') await sleep(50);
      demo.child.kill('SIGINT');
      expect(await demo.exit).toBe(0);
      expect(await gone(demo.pids)).toEqual([]);
    },
    START_MS,
  );

  test(
    'leaves no process behind when it is killed itself',
    async () => {
      demo = new Demo('--dir', dir);
      await demo.printed('Ctrl-C');
      const { pids } = demo;
      expect(pids.filter(isAlive)).toHaveLength(7);
      demo.child.kill('SIGKILL');
      await demo.exit;
      expect(await gone(pids)).toEqual([]);
    },
    START_MS,
  );

  test.each([[['--twice']], [['--scenario', 'nobody-home']], [['now']]])('does not know %j and exits with 2', async (args) => {
    demo = new Demo(...args);
    expect(await demo.exit).toBe(2);
  });
});
