import { type Command, Option } from 'commander';
import { fileURLToPath } from 'node:url';
import { loadCluster, loadReplicaKeys } from '../config/index.js';
import { SERVED, urlOf } from '../contract/index.js';
import { ConcordatError } from '../errors.js';
import type { LogLevel } from '../log.js';
import { getStatus } from './http-get.js';
import { LOG_LEVELS } from './options.js';
import { awaitReady, type ReplicaProcess, spawnReplica, stopAll } from './processes.js';

const MAIN = fileURLToPath(new URL('./main.js', import.meta.url));
const START_TIMEOUT_MS = 60_000;

export function registerCluster(program: Command): void {
  program
    .command('cluster')
    .description('run all replicas of a cluster on this machine, each as a process of its own, until Ctrl-C')
    .argument('<dir>', 'directory made by concordat init')
    .addOption(
      new Option('--log-level <level>', 'what the replicas log, as JSON lines on standard error')
        .choices(LOG_LEVELS)
        .default('warn'),
    )
    .action(runCluster);
}

async function runCluster(dir: string, flags: { readonly logLevel: LogLevel }): Promise<void> {
  const cluster = loadCluster(dir);
  for (const { id } of cluster.replicas) loadReplicaKeys(cluster, id);
  const processes = cluster.replicas.map(({ id }) => spawnReplica(MAIN, dir, id, ['--log-level', flags.logLevel]));
  let stopping = false;
  const stop = (): void => {
    stopping = true;
    void stopAll(processes);
  };
  process.once('SIGTERM', stop);
  process.once('SIGINT', stop);
  try {
    await Promise.all(processes.map((replica) => awaitReady(replica, START_TIMEOUT_MS)));
    await Promise.all(cluster.replicas.map(({ url }) => answers(urlOf(url, 'activation'), cluster.authorityPems)));
  } catch (error) {
    await stopAll(processes);
    if (stopping) return;
    throw error;
  }
  const replicas = cluster.replicas.map(({ id, url }) => ({
    id,
    url,
    wsdl: Object.fromEntries(SERVED.map((endpoint) => [endpoint, `${urlOf(url, endpoint)}?wsdl`])),
  }));
  console.log(JSON.stringify({ ready: true, replicas }));
  for (const replica of processes) {
    void replica.exited.then((how) => {
      if (!stopping) console.error(`concordat: replica ${replica.id} has stopped (${how}); the others go on`);
    });
  }
  await allExited(processes);
}

const allExited = async (processes: readonly ReplicaProcess[]): Promise<void> => {
  await Promise.all(processes.map((replica) => replica.exited));
};

async function answers(url: string, authorities: readonly string[]): Promise<void> {
  const status = await getStatus(new URL(`${url}?wsdl`), { authorities, timeoutMs: START_TIMEOUT_MS });
  if (status !== 200) throw new ConcordatError('Internal', `${url}?wsdl answered HTTP ${status}`);
}
