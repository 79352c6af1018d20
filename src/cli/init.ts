import { type Command, InvalidArgumentError } from 'commander';
import { initCluster } from '../config/index.js';
import { wholeNumber } from './options.js';

interface InitFlags {
  readonly host: string;
  readonly basePort?: number;
  readonly f: number;
  readonly client: readonly { name: string; roles: string[] }[];
  readonly json?: boolean;
}

export function registerInit(program: Command): void {
  program
    .command('init')
    .description('make the keys and the configuration of a cluster in an empty directory')
    .argument('<dir>', 'directory to make')
    .option('--host <host>', 'host name or address that the replicas bind and publish', '127.0.0.1')
    .option('--base-port <port>', 'first of the ports to use (default: free ones)', wholeNumber(1, 65_000))
    .option('--f <n>', 'how many faulty replicas to mask; makes 3f + 1 replicas', wholeNumber(1, 10), 1)
    .option(
      '--client <name=roles>',
      'another client’s keys, e.g. agency=initiator or bank=initiator+participant; repeatable',
      addClient,
      [],
    )
    .option('--json', 'print one JSON object')
    .action(async (dir: string, flags: InitFlags) => {
      const result = await initCluster(dir, {
        n: 3 * flags.f + 1,
        f: flags.f,
        host: flags.host,
        ...(flags.basePort === undefined ? {} : { basePort: flags.basePort }),
        ...(flags.client.length === 0 ? {} : { clients: flags.client }),
      });
      if (flags.json === true) return void console.log(JSON.stringify(result));
      console.log(`cluster    ${result.configPath}`);
      console.log(`authority  ${result.authority.certificate} (keep ${result.authority.privateKey} offline)`);
      for (const replica of result.replicas)
        console.log(`replica ${replica.id}  ${replica.certificate}  ${replica.privateKey}  ${replica.voteKey}`);
      for (const client of result.clients) console.log(`${client.name.padEnd(10)} ${client.certificate}  ${client.privateKey}`);
      console.log(`\nNext: concordat cluster ${dir}`);
    });
}

function addClient(text: string, before: readonly { name: string; roles: string[] }[]): { name: string; roles: string[] }[] {
  const [name, roles, ...rest] = text.split('=');
  if (name === undefined || name === '' || roles === undefined || roles === '' || rest.length > 0) {
    throw new InvalidArgumentError('It must look like name=role or name=role+role.');
  }
  return [...before, { name, roles: roles.split('+') }];
}
