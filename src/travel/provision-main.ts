#!/usr/bin/env node
import { Command } from 'commander';
import { exitCodeOf, oneLine } from '../cli/exit.js';
import { provision } from './provision.js';

const program = new Command('provision')
  .description('make the keys of the container cluster, unless they are there, and give each service its own')
  .requiredOption('--authority <dir>', 'directory of the authority and of all keys')
  .requiredOption('--parts <dir>', 'directory with one directory for each service')
  .action(async ({ authority, parts }: { readonly authority: string; readonly parts: string }) => {
    console.log(JSON.stringify(await provision(authority, parts)));
  });

try {
  await program.parseAsync();
} catch (error) {
  console.error(oneLine(error));
  process.exitCode = exitCodeOf(error);
}
