import type { Command } from 'commander';
import { rekeyReplica, type RekeyResult } from '../config/index.js';
import { wholeNumber } from './options.js';

interface RekeyFlags {
  readonly id: number;
  readonly json?: boolean;
}

export function registerRekey(program: Command): void {
  program
    .command('rekey')
    .description('give a destroyed replica new keys, in the directory that has the authority’s key')
    .argument('<dir>', 'directory made by concordat init')
    .requiredOption('--id <n>', 'the replica of cluster.json', wholeNumber(1, 31))
    .option('--json', 'print one JSON object')
    .addHelpText(
      'after',
      '\nNothing is overwritten: old files are kept beside the new ones. What to do next is in docs/deploy.md.',
    )
    .action(async (dir: string, { id, json }: RekeyFlags) => {
      const result = await rekeyReplica(dir, id);
      if (json === true) console.log(JSON.stringify(result));
      else for (const line of describe(result)) console.log(line);
    });
}

function describe({ dir, id, configPath, certificate, privateKey, voteKey, kept }: RekeyResult): string[] {
  return [
    `cluster    ${configPath}`,
    `replica ${id}  ${certificate}  ${privateKey}  ${voteKey}`,
    ...kept.map((path) => `kept       ${path}`),
    '',
    'Next: give every replica and client the new cluster.json and the new certificate, and restart the other replicas one by one.',
    `Then: concordat export ${dir} --replica ${id} --to OUT, copy OUT there, and start it once with --recover`,
  ];
}
