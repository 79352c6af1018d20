import { expect, test } from '@jest/globals';
import { spawn } from 'node:child_process';
import { once } from 'node:events';

const RESULT = /^3000 activities, RSS ratio (\d+\.\d\d), restart \d+\.\d s$/;

test('three thousand activities in processes of their own: memory stays, and a restart is quick', async () => {
  const run = spawn('npm', ['run', '--silent', 'endurance', '--', '--activities', '3000'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  run.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  const [code] = (await once(run, 'close')) as [number | null];
  const last = output.trimEnd().split('\n').at(-1) ?? '';
  expect(last).toMatch(RESULT);
  expect(Number(RESULT.exec(last)?.[1])).toBeLessThanOrEqual(1.3);
  expect(code).toBe(0);
}, 900_000);
