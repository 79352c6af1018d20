/** `npm run endurance`: does a replica stay small and quick however many activities have ended? */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Driver } from './driver.js';
import { ReplicaProcesses } from './processes.js';
import type { Measure } from './wire.js';

const REPLICAS = [1, 2, 3, 4];
const MEASURED = 1;
const MAX_RATIO = 1.3;
const MAX_RESTART_MS = 5_000;
/** Memory is compared with that after so many activities, or after half of them if they are fewer. */
const BASELINE = 10_000;
const PROGRESS_EVERY = 5_000;
/** Time for what has ended to leave memory. */
const QUIET_MS = 30_000;
const MIB = 1024 * 1024;

const USAGE = [
  'usage: npm run endurance -- [--activities N] [--concurrency N]',
  '',
  '  --activities N    run so many activities from their creation to their end (default: 100000)',
  '  --concurrency N   so many at a time (default: 192)',
  '',
  `exit codes: 0 fine, 1 resident memory grew beyond ${MAX_RATIO} times or a restart took ${MAX_RESTART_MS / 1000} s, 2 it broke`,
].join('\n');

interface Options {
  readonly activities: number;
  readonly concurrency: number;
}

function readOptions(args: readonly string[]): Options | 'help' {
  const { values } = parseArgs({
    args: [...args],
    options: {
      help: { type: 'boolean', short: 'h', default: false },
      activities: { type: 'string', default: '100000' },
      concurrency: { type: 'string', default: '192' },
    },
  });
  if (values.help) return 'help';
  return { activities: count(values.activities, '--activities'), concurrency: count(values.concurrency, '--concurrency') };
}

function count(text: string, option: string): number {
  if (!/^[1-9]\d{0,7}$/.test(text)) throw new TypeError(`${option}: '${text}' is no number of activities`);
  return Number(text);
}

const mib = (bytes: number): string => `${Math.round(bytes / MIB)} MiB`;
const seconds = (ms: number): string => (ms / 1000).toFixed(1);

async function run({ activities, concurrency }: Options, folder: string): Promise<boolean> {
  const begun = performance.now();
  let broken: (error: Error) => void = () => undefined;
  const failure = new Promise<never>((_resolve, reject) => (broken = reject));
  const replicas = new ReplicaProcesses(
    folder,
    (from, events) => driver.onEvents(from, events),
    (error) => broken(error),
  );
  const driver = new Driver({ replicas: REPLICAS.length, concurrency, submit: (requests) => replicas.submit(requests) });
  const say = (text: string): void => console.log(`${seconds(performance.now() - begun).padStart(6)} s  ${text}`);
  const measure = async (): Promise<Measure> => {
    const measured = await replicas.measure(MEASURED);
    const { activities: held, total } = measured;
    say(
      `${driver.done} activities; replica ${MEASURED}: ${mib(measured.rss)} resident, ${held} of ${total} in memory, ${seconds(measured.cpu)} s of processor`,
    );
    return measured;
  };
  const advance = async (until: number): Promise<void> => {
    while (driver.done < until) {
      await driver.run(Math.min(PROGRESS_EVERY, until - driver.done));
      await measure();
    }
  };
  /** When everything that has ended has left the memory of all replicas. */
  const quiet = async (): Promise<Measure[]> => {
    for (const since = performance.now(); ;) {
      const measures = await Promise.all(REPLICAS.map((id) => replicas.measure(id)));
      if (measures.every((one) => one.activities === 0)) return measures;
      if (performance.now() - since > QUIET_MS)
        throw new Error(`in memory still: ${measures.map((one) => one.activities).join(', ')}`);
      await new Promise((resolve) => setTimeout(resolve, 250));
    }
  };
  const work = async (): Promise<boolean> => {
    await Promise.all(REPLICAS.map((id) => replicas.start(id)));
    await advance(Math.min(BASELINE, Math.ceil(activities / 2)));
    await quiet();
    const baseline = await measure();
    await advance(activities);
    const measures = await quiet();
    const final = await measure();
    for (const one of measures)
      if (one.state !== final.state || one.total !== activities) throw new Error('the replicas hold different states');
    await replicas.kill(MEASURED);
    const restart = await replicas.start(MEASURED);
    await driver.run(concurrency);
    const ratio = final.rss / baseline.rss;
    say(`${mib(baseline.rss)} resident after the first activities, ${mib(final.rss)} in the end`);
    console.log(`${activities} activities, RSS ratio ${ratio.toFixed(2)}, restart ${seconds(restart)} s`);
    return ratio <= MAX_RATIO && restart < MAX_RESTART_MS;
  };
  try {
    return await Promise.race([work(), failure]);
  } finally {
    await replicas.close();
  }
}

try {
  const options = readOptions(process.argv.slice(2));
  if (options === 'help') console.log(USAGE);
  else {
    const folder = mkdtempSync(join(tmpdir(), 'concordat-endurance-'));
    try {
      process.exitCode = (await run(options, folder)) ? 0 : 1;
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }
} catch (error) {
  console.error('endurance:', error);
  process.exitCode = 2;
}
