import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { type Command, Option } from 'commander';
import { loadCluster, loadReplicaKeys } from '../config/index.js';
import { createLogger, type LogLevel } from '../log.js';
import { Replica } from '../replica/index.js';
import { pino } from 'pino';
import { LOG_LEVELS, wholeNumber } from './options.js';

interface ReplicaFlags {
  readonly id: number;
  readonly data?: string;
  readonly logLevel: LogLevel;
}

export function registerReplica(program: Command): void {
  program
    .command('replica')
    .description('run one replica until SIGTERM or Ctrl-C')
    .argument('<dir>', 'directory with cluster.json and this replica’s keys')
    .requiredOption('--id <n>', 'which replica of cluster.json to be', wholeNumber(1, 31))
    .option('--data <dir>', 'directory of its database (default: <dir>/replica-<n>/data)')
    .addOption(
      new Option('--log-level <level>', 'what to log, as JSON lines on standard error').choices(LOG_LEVELS).default('info'),
    )
    .action(runReplica);
}

/** The line that says on standard output that a replica takes part now. */
export interface ReplicaReady {
  readonly ready: true;
  readonly id: number;
  readonly url: string;
}

async function runReplica(dir: string, flags: ReplicaFlags): Promise<void> {
  const cluster = loadCluster(dir);
  const keys = loadReplicaKeys(cluster, flags.id);
  const dataDir = flags.data ?? join(dir, `replica-${flags.id}`, 'data');
  mkdirSync(dataDir, { recursive: true });
  const log = createLogger(`replica ${flags.id}`, flags.logLevel, pino.destination({ dest: 2, sync: true }));
  process.on('uncaughtException', (error) => {
    // What cannot be written down must not be acknowledged: stop, and come back from the store.
    log.error({ err: error }, 'the replica stops');
    process.exit(1);
  });
  const replica = await Replica.start({ cluster, id: flags.id, keys, dataDir, log });
  const stop = (): void => {
    void replica.stop().then(() => process.exit(0));
  };
  process.once('SIGTERM', stop);
  process.once('SIGINT', stop);
  const ready: ReplicaReady = { ready: true, id: flags.id, url: cluster.replicas[flags.id - 1]?.url ?? '' };
  console.log(JSON.stringify(ready));
}
