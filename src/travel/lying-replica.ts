#!/usr/bin/env node
/**
 * A replica that lies, for the demo: takes the arguments of `concordat replica` and runs the shipped replica with its own
 * keys, behind ports that lie (./lies.ts).
 */
import { Command } from 'commander';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { pino } from 'pino';
import { exitCodeOf, oneLine } from '../cli/exit.js';
import { wholeNumber } from '../cli/options.js';
import { loadCluster, loadReplicaKeys } from '../config/index.js';
import { createLogger } from '../log.js';
import { Replica } from '../replica/index.js';
import { lyingPorts } from './lies.js';

interface Flags {
  readonly id: number;
  readonly data?: string;
}

async function run(dir: string, { id, data }: Flags): Promise<void> {
  const cluster = loadCluster(dir);
  const keys = loadReplicaKeys(cluster, id);
  const dataDir = data ?? join(dir, `replica-${id}`, 'data');
  mkdirSync(dataDir, { recursive: true });
  const log = createLogger(`lying replica ${id}`, 'info', pino.destination({ dest: 2, sync: true }));
  const told = (lie: string, about: string): void => log.info({ lie, about }, 'lied');
  const replica = await Replica.start({
    cluster,
    id,
    keys,
    dataDir,
    log,
    ports: lyingPorts({ id, cluster, voteKey: keys.voteKey, told }),
  });
  const stop = (): void => void replica.stop().then(() => process.exit(0));
  process.once('SIGTERM', stop);
  process.once('SIGINT', stop);
  console.log(JSON.stringify({ ready: true, id, url: cluster.replicas[id - 1]?.url ?? '' }));
}

const program = new Command('lying-replica').description('a replica that lies');
program
  .command('replica')
  .argument('<dir>', 'directory with cluster.json and this replica’s keys')
  .requiredOption('--id <n>', 'which replica of cluster.json to be', wholeNumber(1, 31))
  .option('--data <dir>', 'directory of its database')
  .option('--log-level <level>', 'as for concordat replica; a liar says all it does')
  .action(run);
try {
  await program.parseAsync();
} catch (error) {
  console.error(oneLine(error));
  process.exitCode = exitCodeOf(error);
}
