import { join, resolve } from 'node:path';
import type { Command } from 'commander';
import { exportPart, type Owner } from '../config/index.js';
import { ConcordatError } from '../errors.js';
import { wholeNumber } from './options.js';

interface ExportFlags {
  readonly replica?: number;
  readonly client?: string;
  readonly to: string;
}

export function registerExport(program: Command): void {
  program
    .command('export')
    .description(
      'copy what one machine needs: cluster.json, all certificates, and the private keys of one replica or client only',
    )
    .argument('<dir>', 'directory made by concordat init')
    .option('--replica <n>', 'the replica whose machine it is', wholeNumber(1, 31))
    .option('--client <name>', 'the client whose machine it is')
    .requiredOption('--to <out>', 'directory to make; nothing is overwritten')
    .action((dir: string, flags: ExportFlags) => {
      const written = exportPart(dir, ownerOf(flags), flags.to);
      for (const path of written) console.log(join(resolve(flags.to), path));
    });
}

function ownerOf({ replica, client }: ExportFlags): Owner {
  if (replica !== undefined && client === undefined) return { kind: 'replica', id: replica };
  if (client !== undefined && replica === undefined) return { kind: 'client', name: client };
  throw new ConcordatError('Usage', 'say either --replica N or --client NAME');
}
