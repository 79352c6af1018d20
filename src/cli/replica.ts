import { join } from 'node:path';
import { type Command, Option } from 'commander';
import { MAX_WAIT_SECONDS, waitForKeys } from '../config/index.js';
import { createLogger, type Logger, type LogLevel } from '../log.js';
import { pino } from 'pino';
import { Replica } from '../replica/index.js';
import { Deployment } from './deployment.js';
import { LOG_LEVELS, wholeNumber } from './options.js';

interface ReplicaFlags {
  readonly id: number;
  readonly data?: string;
  readonly wait: number;
  readonly recover?: boolean;
  readonly logLevel: LogLevel;
}

export function registerReplica(program: Command): void {
  program
    .command('replica')
    .description('run one replica until SIGTERM or Ctrl-C')
    .argument('<dir>', 'directory with cluster.json and this replica’s keys')
    .requiredOption('--id <n>', 'which replica of cluster.json to be', wholeNumber(1, 31))
    .option('--data <dir>', 'directory of its database (default: <dir>/replica-<n>/data)')
    .option('--wait <seconds>', 'how long to wait for cluster.json and its keys to appear', wholeNumber(0, MAX_WAIT_SECONDS), 0)
    .option('--recover', 'votes of this replica are lost: abstain from everything older than this start (say it once)')
    .addOption(
      new Option('--log-level <level>', 'what to log, as JSON lines on standard error').choices(LOG_LEVELS).default('info'),
    )
    .action(runReplica);
}

const STOP_TIMEOUT_MS = 3_000;
/** How often a replica looks whether cluster.json or its key has changed. */
const LOOK_EVERY_MS = 2_000;

/** The line that says on standard output that a replica takes part now. */
export interface ReplicaReady {
  readonly ready: true;
  readonly id: number;
  readonly url: string;
}

async function runReplica(dir: string, flags: ReplicaFlags): Promise<void> {
  const log = createLogger(`replica ${flags.id}`, flags.logLevel, pino.destination({ dest: 2, sync: true }));
  // Until the replica is there, being asked to stop means just that. The first process of a container must say so itself.
  let stop = (): void => process.exit(0);
  process.once('SIGTERM', () => stop());
  process.once('SIGINT', () => stop());
  await waitForKeys(dir, { kind: 'replica', id: flags.id }, flags.wait * 1000, () =>
    log.info({ dir, seconds: flags.wait }, 'waiting for cluster.json and the keys'),
  );
  const deployment = new Deployment(dir, flags.id, log);
  const { cluster, keys, ports } = deployment;
  const dataDir = flags.data ?? join(dir, `replica-${flags.id}`, 'data');
  process.on('uncaughtException', (error) => {
    // What cannot be written down must not be acknowledged: stop, and come back from the store.
    log.error({ err: error }, 'the replica stops');
    process.exit(1);
  });
  const onFailure = (): void => process.exit(1);
  const recover = flags.recover === true;
  const replica = await Replica.start({ cluster, id: flags.id, keys, dataDir, log, ports, recover, onFailure });
  follow(deployment, log);
  stop = () => {
    // Everything acknowledged is on disk, so nothing is lost by not waiting for a slow peer to hang up.
    setTimeout(() => process.exit(0), STOP_TIMEOUT_MS).unref();
    void replica.stop().then(() => process.exit(0));
  };
  const ready: ReplicaReady = { ready: true, id: flags.id, url: cluster.replicas[flags.id - 1]?.url ?? '' };
  console.log(JSON.stringify(ready));
}

/** Takes over changed keys and certificates: when told to by SIGHUP, and by itself soon after they have changed. */
function follow(deployment: Deployment, log: Logger): void {
  const orStop = (reloaded: Promise<void>): void => {
    reloaded.catch((error: unknown) => {
      log.error({ err: error }, 'the replica stops');
      process.exit(1);
    });
  };
  process.on('SIGHUP', () => orStop(deployment.reload()));
  setInterval(() => orStop(deployment.refresh()), LOOK_EVERY_MS).unref();
}
