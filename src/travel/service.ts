import { Command } from 'commander';
import { pino } from 'pino';
import { exitCodeOf, oneLine } from '../cli/exit.js';
import { wholeNumber } from '../cli/options.js';
import type { LoadedCluster } from '../config/index.js';
import { loadClientKeys, loadCluster } from '../config/index.js';
import type { Logger } from '../log.js';
import { createLogger } from '../log.js';
import { Agency, partnersIn } from './agency.js';
import type { ProviderRole } from './catalog.js';
import { PROVIDER_ROLES, PROVIDERS } from './catalog.js';
import { Provider } from './provider.js';

/** The line on standard output that says that a service works now. */
export interface ServiceReady {
  readonly ready: true;
  readonly role: string;
  /** Where its people work. */
  readonly desk: string;
  /** A provider's business endpoint. */
  readonly url?: string;
}

interface Running {
  readonly ready: Omit<ServiceReady, 'ready' | 'role'>;
  stop(): Promise<void>;
}

const port = wholeNumber(0, 65_535);

/** Runs one of the three services as this process, by the command line, until SIGTERM or Ctrl-C. */
export async function runService(
  adapt: (cluster: LoadedCluster) => Promise<LoadedCluster> = (cluster) => Promise.resolve(cluster),
): Promise<void> {
  const program = new Command('travel').description('a service of the travel-reservation demo');
  program
    .command('agency')
    .argument('<dir>', 'directory with cluster.json and the agency’s keys')
    .requiredOption('--data <dir>', 'directory of its databases')
    .requiredOption('--airline <url>', 'business endpoint of the airline')
    .requiredOption('--hotel <url>', 'business endpoint of the hotel')
    .option('--host <host>', 'address to bind', '127.0.0.1')
    .option('--desk-port <port>', 'port of its desk', port, 0)
    .action(async (dir: string, flags: AgencyFlags) => serve('agency', (log) => startAgency(dir, flags, log, adapt)));
  for (const role of PROVIDER_ROLES) {
    program
      .command(role)
      .argument('<dir>', `directory with cluster.json and the keys of the ${role}`)
      .requiredOption('--data <dir>', 'directory of its databases')
      .option('--host <host>', 'address to bind', '127.0.0.1')
      .option('--business-port <port>', 'port of its business endpoint', port, 0)
      .option('--participant-port <port>', 'port where replicas reach it', port, 0)
      .option('--desk-port <port>', 'port of its desk', port, 0)
      .action(async (dir: string, flags: ProviderFlags) => serve(role, (log) => startProvider(role, dir, flags, log)));
  }
  try {
    await program.parseAsync();
  } catch (error) {
    console.error(oneLine(error));
    process.exit(exitCodeOf(error));
  }
}

interface AgencyFlags {
  readonly data: string;
  readonly airline: string;
  readonly hotel: string;
  readonly host: string;
  readonly deskPort: number;
}

async function startAgency(
  dir: string,
  flags: AgencyFlags,
  log: Logger,
  adapt: (cluster: LoadedCluster) => Promise<LoadedCluster>,
): Promise<Running> {
  const agency = await Agency.start({
    cluster: await adapt(loadCluster(dir)),
    credentials: loadClientKeys(dir, 'agency'),
    partners: partnersIn(dir, { airline: flags.airline, hotel: flags.hotel }),
    dataDir: flags.data,
    desk: { host: flags.host, port: flags.deskPort },
    log,
  });
  return { ready: { desk: agency.url }, stop: () => agency.stop() };
}

interface ProviderFlags {
  readonly data: string;
  readonly host: string;
  readonly businessPort: number;
  readonly participantPort: number;
  readonly deskPort: number;
}

async function startProvider(role: ProviderRole, dir: string, flags: ProviderFlags, log: Logger): Promise<Running> {
  const { host } = flags;
  const provider = await Provider.start({
    config: PROVIDERS[role],
    cluster: loadCluster(dir),
    credentials: loadClientKeys(dir, role),
    dataDir: flags.data,
    business: { host, port: flags.businessPort },
    participant: { host, port: flags.participantPort },
    desk: { host, port: flags.deskPort },
    log,
  });
  return { ready: { desk: provider.deskUrl, url: provider.url }, stop: () => provider.stop() };
}

async function serve(role: string, start: (log: Logger) => Promise<Running>): Promise<void> {
  const log = createLogger(role, 'info', pino.destination({ dest: 2, sync: true }));
  const running = await start(log);
  let stopping = false;
  const stop = (): void => {
    if (stopping) return;
    stopping = true;
    void running.stop().then(
      () => process.exit(0),
      (error: unknown) => {
        log.error({ err: error }, 'the service did not stop in order');
        process.exit(1);
      },
    );
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
  const ready: ServiceReady = { ready: true, role, ...running.ready };
  console.log(JSON.stringify(ready));
}
