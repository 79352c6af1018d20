#!/usr/bin/env node
import { Command, CommanderError } from 'commander';
import { registerCluster } from './cluster.js';
import { exitCodeOf, oneLine } from './exit.js';
import { registerExport } from './export.js';
import { registerHealth } from './health.js';
import { registerInit } from './init.js';
import { registerKeys } from './keys.js';
import { registerRekey } from './rekey.js';
import { registerReplica } from './replica.js';
import { registerStatus } from './status.js';

const program = new Command('concordat')
  .description('A WS-BusinessActivity coordinator that stays right when one of its machines lies')
  .version('0.1.0')
  .addHelpText('after', '\nExit codes: 0 success, 1 failure, 2 wrong use or configuration.')
  .exitOverride();
for (const register of [
  registerInit,
  registerExport,
  registerRekey,
  registerKeys,
  registerCluster,
  registerReplica,
  registerStatus,
  registerHealth,
])
  register(program);
for (const command of program.commands) command.exitOverride();

try {
  await program.parseAsync();
} catch (error) {
  if (error instanceof CommanderError) {
    // Commander has printed its own line; only asking for help or the version is not wrong use.
    process.exitCode = error.exitCode === 0 ? 0 : 2;
  } else {
    console.error(oneLine(error));
    process.exitCode = exitCodeOf(error);
  }
}
