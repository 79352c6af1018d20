import { type Command, InvalidArgumentError } from 'commander';
import {
  DEFAULT_BIND,
  DEFAULT_PEER_PORT,
  DEFAULT_PORT,
  initCluster,
  type InitOptions,
  type InitResult,
} from '../config/index.js';
import { DestinationPolicy } from '../soap/policy.js';
import { wholeNumber } from './options.js';

interface InitFlags extends Pick<
  InitOptions,
  'host' | 'basePort' | 'hosts' | 'port' | 'peerPort' | 'bind' | 'https' | 'address' | 'destinations' | 'f'
> {
  readonly client: Clients;
  readonly json?: boolean;
}

const port = wholeNumber(1, 65_535);

export function registerInit(program: Command): void {
  program
    .command('init')
    .description('make the keys and the configuration of a cluster in an empty directory')
    .argument('<dir>', 'directory to make')
    .option('--host <host>', 'one host name or address that all replicas bind and publish (default: 127.0.0.1)')
    .option('--base-port <port>', 'first of the ports to use there (default: free ones)', wholeNumber(1, 65_000))
    .option('--hosts <a,b,c,d>', 'a machine for each replica instead, by host name or address', (text) => text.split(','))
    .option('--port <port>', `with --hosts: SOAP port on each machine (default: ${DEFAULT_PORT})`, port)
    .option('--peer-port <port>', `with --hosts: port for peers and operators (default: ${DEFAULT_PEER_PORT})`, port)
    .option('--bind <address>', `with --hosts: address to bind on each machine (default: ${DEFAULT_BIND})`)
    .option('--https', 'replicas serve HTTPS, with their own certificates')
    .option(
      '--destinations <a,b,…>',
      'hosts and networks that replicas may send to: where participants are, e.g. *.example.net,10.1.0.0/16:8443',
      (text) => text.split(','),
    )
    .option('--address <url>', 'base URL of the cluster as a whole (default: that of replica 1)')
    .option('--f <n>', 'how many faulty replicas to mask, of at least 3f + 1 (default: 1)', wholeNumber(1, 10))
    .option(
      '--client <name=roles>',
      'another client’s keys, e.g. agency=initiator or bank=initiator+participant; repeatable',
      addClient,
      [],
    )
    .option('--json', 'print one JSON object')
    .action(async (dir: string, { json, client: clients, ...flags }: InitFlags) => {
      // Says what is wrong with them before anything is made.
      if (flags.destinations !== undefined) new DestinationPolicy({ allow: flags.destinations });
      const result = await initCluster(dir, { ...flags, ...sizeOf(flags), clients });
      if (json === true) console.log(JSON.stringify(result));
      else for (const line of describe(result, flags.hosts === undefined)) console.log(line);
    });
}

/** As many replicas as there are hosts; without hosts, as many as f needs. */
const sizeOf = ({ hosts, f }: Pick<InitFlags, 'hosts' | 'f'>): Pick<InitOptions, 'n' | 'f'> =>
  hosts === undefined ? { n: 3 * (f ?? 1) + 1, f: f ?? 1 } : { n: hosts.length, ...(f === undefined ? {} : { f }) };

function describe(result: InitResult, onOneHost: boolean): string[] {
  const { dir, configPath, authority, replicas, clients } = result;
  return [
    `cluster    ${configPath}`,
    `authority  ${authority.certificate} (keep ${authority.privateKey} offline)`,
    ...replicas.map(({ id, certificate, privateKey, voteKey }) => `replica ${id}  ${certificate}  ${privateKey}  ${voteKey}`),
    ...clients.map(({ name, certificate, privateKey }) => `${name.padEnd(10)} ${certificate}  ${privateKey}`),
    '',
    onOneHost
      ? `Next: concordat cluster ${dir}`
      : `Next, for each machine: concordat export ${dir} --replica N --to OUT, and copy OUT there`,
  ];
}

type Clients = NonNullable<InitOptions['clients']>;

function addClient(text: string, before: Clients): Clients {
  const [name, roles, ...rest] = text.split('=');
  if (name === undefined || name === '' || roles === undefined || roles === '' || rest.length > 0) {
    throw new InvalidArgumentError('It must look like name=role or name=role+role.');
  }
  return [...before, { name, roles: roles.split('+') }];
}
