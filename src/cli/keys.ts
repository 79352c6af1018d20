import { join } from 'node:path';
import { type Command, Option } from 'commander';
import {
  clientPaths,
  finishRotation,
  issueClient,
  KEY_ALGORITHMS,
  type KeyAlgorithm,
  MAX_CERTIFICATE_DAYS,
  MAX_LIST_DAYS,
  revokeCertificates,
  type RevokeResult,
  rotateClient,
  rotateReplica,
  type RotateResult,
} from '../config/index.js';
import { ConcordatError } from '../errors.js';
import { wholeNumber } from './options.js';
import { type Pkcs12Flags, pkcs12Options, pkcs12Password } from './password.js';

interface NewKeyFlags extends Pkcs12Flags {
  readonly algorithm?: KeyAlgorithm;
  readonly days?: number;
  readonly json?: boolean;
}

interface IssueFlags extends NewKeyFlags {
  readonly name: string;
  readonly role: readonly string[];
  readonly host?: readonly string[];
}

interface RotateFlags extends NewKeyFlags {
  readonly replica?: number;
  readonly client?: string;
  readonly finish?: boolean;
}

interface RevokeFlags {
  readonly certificate: readonly string[];
  readonly client: readonly string[];
  readonly days?: number;
  readonly json?: boolean;
}

const DIRECTORY = 'directory made by concordat init, with the authority’s key';

export function registerKeys(program: Command): void {
  const keys = program
    .command('keys')
    .description('issue, rotate and revoke keys, in the directory that has the authority’s key');
  for (const register of [registerIssue, registerRotate, registerRevoke]) register(keys);
  for (const command of keys.commands) command.exitOverride();
}

function registerIssue(keys: Command): void {
  newKeyOptions(keys.command('issue').description('make a key and a certificate for a client'))
    .requiredOption('--name <name>', 'its name, which also names its files')
    .requiredOption('--role <role>', 'initiator, participant or operator; repeatable', repeated)
    .option('--host <host>', 'a name or address under which it serves HTTPS; repeatable', repeated)
    .action(async (dir: string, flags: IssueFlags) => {
      const { name, role: roles, host: hosts } = flags;
      const result = await issueClient(dir, { name, roles, ...(hosts === undefined ? {} : { hosts }), ...keyOptions(flags) });
      if (flags.json === true) console.log(JSON.stringify(result));
      else console.log(`${name}  ${result.certificate}  ${result.privateKey}`);
    });
}

function registerRotate(keys: Command): void {
  newKeyOptions(keys.command('rotate').description('give a replica (SOAP and TLS) or a client a new key of the same name'))
    .option('--replica <n>', 'the replica of cluster.json', wholeNumber(1, 31))
    .option('--client <name>', 'the client')
    .option('--finish', 'with --replica: from now on only its newest certificate is accepted')
    .addHelpText(
      'after',
      '\nNothing is overwritten: old files are kept beside the new ones. docs/operations.md has the procedure.',
    )
    .action(async (dir: string, flags: RotateFlags) => {
      for (const line of await rotate(dir, flags)) console.log(line);
    });
}

async function rotate(dir: string, flags: RotateFlags): Promise<readonly string[]> {
  const { replica, client, finish = false, json = false } = flags;
  if (replica !== undefined && client === undefined) {
    if (finish) return describeFinished(replica, finishRotation(dir, replica), json);
    return describeRotation(await rotateReplica(dir, replica, keyOptions(flags)), json, [
      'Next: give every replica and client the new cluster.json and the new certificates, then this replica its new private key.',
      `When it uses it: concordat keys rotate ${dir} --replica ${replica} --finish, and give out cluster.json again.`,
    ]);
  }
  if (client === undefined || replica !== undefined || finish)
    throw new ConcordatError('Usage', 'say either --client NAME, or --replica N, perhaps with --finish');
  const next = 'Next: give the client both files, and start it again. To refuse the old certificate: concordat keys revoke.';
  return describeRotation(await rotateClient(dir, client, keyOptions(flags)), json, [next]);
}

function describeRotation(result: RotateResult, json: boolean, next: readonly string[]): string[] {
  if (json) return [JSON.stringify(result)];
  const { certificate, privateKey, kept } = result;
  return [`new   ${certificate}  ${privateKey}`, ...kept.map((path) => `kept  ${path}`), '', ...next];
}

const describeFinished = (replica: number, ended: readonly string[], json: boolean): string[] =>
  json ? [JSON.stringify({ replica, ended })] : ended.map((path) => `not accepted any more: ${path}`);

function registerRevoke(keys: Command): void {
  keys
    .command('revoke')
    .description('revoke certificates: write a revocation list; without a certificate, only make the list anew')
    .argument('<dir>', DIRECTORY)
    .option('--certificate <file>', 'a certificate; repeatable', repeated, [])
    .option('--client <name>', 'the current certificate of a client; repeatable', repeated, [])
    .option('--days <n>', 'how long the list counts (default: 30)', wholeNumber(1, MAX_LIST_DAYS))
    .option('--json', 'print one JSON object')
    .action(async (dir: string, { certificate, client, days, json }: RevokeFlags) => {
      const certificates = [...certificate, ...client.map((name) => join(dir, clientPaths(name).certificate))];
      const result = await revokeCertificates(dir, { certificates, ...(days === undefined ? {} : { days }) });
      if (json === true) console.log(JSON.stringify(result));
      else for (const line of describeRevocation(result)) console.log(line);
    });
}

function describeRevocation({ list, revoked, nextUpdate, isNew }: RevokeResult): string[] {
  return [
    `list  ${list}  ${revoked} revoked, to be made anew before ${new Date(nextUpdate).toISOString()}`,
    '',
    isNew
      ? 'Next: give every replica the list, and then the new cluster.json, which names it.'
      : 'Next: give every replica the list. They read it by themselves.',
  ];
}

function newKeyOptions(command: Command): Command {
  command
    .argument('<dir>', DIRECTORY)
    .addOption(new Option('--algorithm <name>', 'kind of key (default: rsa-2048)').choices(KEY_ALGORITHMS))
    .option('--days <n>', 'how long the certificate is valid (default: three years)', wholeNumber(1, MAX_CERTIFICATE_DAYS))
    .option('--json', 'print one JSON object');
  for (const option of pkcs12Options()) command.addOption(option);
  return command;
}

const keyOptions = (flags: NewKeyFlags) => ({
  ...(flags.algorithm === undefined ? {} : { algorithm: flags.algorithm }),
  ...(flags.days === undefined ? {} : { days: flags.days }),
  ...pkcs12Password(flags),
});

const repeated = (value: string, before: readonly string[] | undefined): string[] => [...(before ?? []), value];
