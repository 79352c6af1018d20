import { Command } from 'commander';
import { pino } from 'pino';
import { exitCodeOf, oneLine } from '../cli/exit.js';
import { wholeNumber } from '../cli/options.js';
import type { LoadedCluster } from '../config/index.js';
import { loadClientKeys, loadCluster, waitForKeys } from '../config/index.js';
import { ConcordatError } from '../errors.js';
import type { Logger } from '../log.js';
import { createLogger } from '../log.js';
import { Agency, partnersIn } from './agency.js';
import type { ProviderRole } from './catalog.js';
import { PROVIDER_ROLES, PROVIDERS } from './catalog.js';
import type { Page, PageOptions } from './page/index.js';
import { openPage } from './page/index.js';
import { Provider } from './provider.js';

/** The line on standard output that says that a service works now. */
export interface ServiceReady {
  readonly ready: true;
  readonly role: string;
  /** Where its people work. */
  readonly desk: string;
  /** A provider's business endpoint. */
  readonly url?: string;
  /** The agency's web page. */
  readonly page?: string;
}

interface Running {
  readonly ready: Omit<ServiceReady, 'ready' | 'role'>;
  stop(): Promise<void>;
}

type Adapt = (cluster: LoadedCluster) => Promise<LoadedCluster>;

const port = wholeNumber(0, 65_535);
const MAX_WAIT_S = 3_600;
const collect = (name: string, names: readonly string[]): readonly string[] => [...names, name.toLowerCase()];

/** Runs one of the three services as this process, by the command line, until SIGTERM or Ctrl-C. */
export async function runService(adapt: Adapt = (cluster) => Promise.resolve(cluster)): Promise<void> {
  const program = new Command('travel').description('a service of the travel-reservation demo');
  common(program.command('agency'), 'agency')
    .requiredOption('--airline <url>', 'business endpoint of the airline')
    .requiredOption('--hotel <url>', 'business endpoint of the hotel')
    .option('--airline-desk <url>', 'desk of the airline, for the page')
    .option('--hotel-desk <url>', 'desk of the hotel, for the page')
    .option('--page-host <host>', 'address to bind for the page', '127.0.0.1')
    .option('--page-port <port>', 'port of the page; without it there is none', port)
    .option('--page-name <name>', 'a Host name, beside the bound one, under which the page is opened; repeatable', collect, [])
    .action(async (dir: string, flags: AgencyFlags) => serve('agency', (log) => startAgency(dir, flags, log, adapt)));
  for (const role of PROVIDER_ROLES) {
    common(program.command(role), role)
      .option('--business-port <port>', 'port of its business endpoint', port, 0)
      .option('--participant-port <port>', 'port where replicas reach it', port, 0)
      .option('--public-url <url>', 'base URL under which replicas reach it (default: the bound address)')
      .action(async (dir: string, flags: ProviderFlags) => serve(role, (log) => startProvider(role, dir, flags, log)));
  }
  try {
    await program.parseAsync();
  } catch (error) {
    console.error(oneLine(error));
    process.exit(exitCodeOf(error));
  }
}

interface CommonFlags {
  readonly data: string;
  readonly host: string;
  readonly deskPort: number;
  readonly deskName: readonly string[];
  readonly wait: number;
}

const common = (command: Command, role: string): Command =>
  command
    .argument('<dir>', `directory with cluster.json and the keys of the ${role}`)
    .requiredOption('--data <dir>', 'directory of its databases')
    .option('--host <host>', 'address to bind', '127.0.0.1')
    .option('--desk-port <port>', 'port of its desk', port, 0)
    .option('--desk-name <name>', 'a Host name, beside the bound one, under which its desk is reached; repeatable', collect, [])
    .option('--wait <seconds>', 'how long to wait for cluster.json and keys to appear', wholeNumber(0, MAX_WAIT_S), 0);

interface AgencyFlags extends CommonFlags {
  readonly airline: string;
  readonly hotel: string;
  readonly airlineDesk?: string;
  readonly hotelDesk?: string;
  readonly pageHost: string;
  readonly pagePort?: number;
  readonly pageName: readonly string[];
}

async function startAgency(dir: string, flags: AgencyFlags, log: Logger, adapt: Adapt): Promise<Running> {
  await keysOf('agency', dir, flags, log);
  const cluster = loadCluster(dir);
  const credentials = loadClientKeys(dir, 'agency');
  const partners = partnersIn(dir, { airline: flags.airline, hotel: flags.hotel });
  const agency = await Agency.start({
    cluster: await adapt(cluster),
    credentials,
    partners,
    dataDir: flags.data,
    desk: { host: flags.host, port: flags.deskPort, names: flags.deskName },
    log,
  });
  try {
    const page = await startPage(flags, { cluster, credentials, partners, agency, log });
    if (page === undefined) return { ready: { desk: agency.url }, stop: () => agency.stop() };
    const stop = async (): Promise<void> => {
      await page.close();
      await agency.stop();
    };
    return { ready: { desk: agency.url, page: page.url }, stop };
  } catch (error) {
    await agency.stop();
    throw error;
  }
}

type PageParts = Pick<PageOptions, 'cluster' | 'credentials' | 'partners' | 'agency' | 'log'>;

async function startPage(flags: AgencyFlags, parts: PageParts): Promise<Page | undefined> {
  const { pageHost: host, pagePort, pageName: names, airlineDesk: airline, hotelDesk: hotel } = flags;
  if (pagePort === undefined) return undefined;
  if (airline === undefined || hotel === undefined)
    throw new ConcordatError('Usage', '--page-port needs --airline-desk and --hotel-desk');
  return openPage({ ...parts, host, port: pagePort, names, desks: { airline, hotel } });
}

interface ProviderFlags extends CommonFlags {
  readonly businessPort: number;
  readonly participantPort: number;
  readonly publicUrl?: string;
}

async function startProvider(role: ProviderRole, dir: string, flags: ProviderFlags, log: Logger): Promise<Running> {
  const { host, publicUrl } = flags;
  if (publicUrl !== undefined && !URL.canParse(publicUrl))
    throw new ConcordatError('Usage', `--public-url ${publicUrl} is no URL`);
  await keysOf(role, dir, flags, log);
  const cluster = loadCluster(dir);
  const credentials = loadClientKeys(dir, role);
  const provider = await Provider.start({
    config: PROVIDERS[role],
    cluster,
    credentials,
    dataDir: flags.data,
    business: { host, port: flags.businessPort },
    participant: { host, port: flags.participantPort },
    ...(publicUrl === undefined ? {} : { publicUrl }),
    desk: { host, port: flags.deskPort, names: flags.deskName },
    log,
  });
  return { ready: { desk: provider.deskUrl, url: provider.url }, stop: () => provider.stop() };
}

/** In containers another service makes the keys; they may come later than this one starts. */
async function keysOf(name: string, dir: string, flags: CommonFlags, log: Logger): Promise<void> {
  await waitForKeys(dir, { kind: 'client', name }, flags.wait * 1000, () =>
    log.info({ dir, seconds: flags.wait }, 'waiting for cluster.json and the keys'),
  );
}

async function serve(role: string, start: (log: Logger) => Promise<Running>): Promise<void> {
  const log = createLogger(role, 'info', pino.destination({ dest: 2, sync: true }));
  // Until the service works, being asked to stop means just that. The first process of a container must say so itself.
  let stop = (): void => process.exit(0);
  process.on('SIGTERM', () => stop());
  process.on('SIGINT', () => stop());
  const running = await start(log);
  stop = () => {
    stop = () => undefined;
    void running.stop().then(
      () => process.exit(0),
      (error: unknown) => {
        log.error({ err: error }, 'the service did not stop in order');
        process.exit(1);
      },
    );
  };
  const ready: ServiceReady = { ready: true, role, ...running.ready };
  console.log(JSON.stringify(ready));
}
