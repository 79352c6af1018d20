import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ReplicaStore } from '../../src/store/index.js';

const PROGRAM = join('test', 'store', 'writer.mjs');
const BUILT = join('dist', 'store', 'index.js');
const ROUNDS = 8;
const ACKNOWLEDGED_BEFORE_KILL_MAX = 120;

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'concordat-kill-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

/** Lets the writer acknowledge `count` batches, kills it where it stands, and returns the last number it acknowledged. */
async function writeAndKill(path: string, count: number): Promise<number> {
  const child = spawn(process.execPath, [PROGRAM, path, BUILT], { stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
    if (output.split('\n').length > count) child.kill('SIGKILL');
  });
  const [, signal] = (await once(child, 'close')) as [number | null, string | null];
  expect(signal).toBe('SIGKILL');
  return Number(output.slice(0, output.lastIndexOf('\n')).split('\n').at(-1));
}

test('whatever was acknowledged is there after SIGKILL at any moment, and nothing is half there', async () => {
  // `npm test` builds first.
  expect(existsSync(BUILT)).toBe(true);
  const path = join(dir, 'replica.db');
  let epoch: string | undefined;
  let before = 0;
  for (let round = 0; round < ROUNDS; round += 1) {
    const acknowledged = await writeAndKill(path, 1 + Math.floor(Math.random() * ACKNOWLEDGED_BEFORE_KILL_MAX));
    expect(acknowledged).toBeGreaterThan(before);
    const store = ReplicaStore.open(path);
    const { deliveredCount } = store;
    expect(deliveredCount).toBeGreaterThanOrEqual(acknowledged);
    const log = store.deliveries(1, deliveredCount + 1);
    expect(log.map(({ position }) => position)).toEqual(Array.from({ length: deliveredCount }, (_, index) => index + 1));
    expect(log.every(({ record, content }) => content.toString() === `request ${record.number}`)).toBe(true);
    for (const kind of ['echo', 'ready'] as const) {
      expect(store.vote('one', deliveredCount, kind)?.digest).toEqual(log.at(-1)?.record.digest);
      expect(store.vote('one', deliveredCount + 1, kind)).toBeUndefined();
    }
    expect(store.cursor(2)?.position).toBe(deliveredCount);
    epoch ??= store.epoch;
    expect(store.epoch).toBe(epoch);
    store.close();
    before = deliveredCount;
  }
}, 60_000);
