#!/usr/bin/env node
import { Command, CommanderError, Option } from 'commander';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { exitCodeOf, oneLine } from '../cli/exit.js';
import { PROVIDER_ROLES, PROVIDERS } from './catalog.js';
import { DemoFailure } from './failure.js';
import type { Scenario } from './scenarios.js';
import { SCENARIOS } from './scenarios.js';
import { Stage } from './stage.js';
import { Witness } from './witness.js';

interface Flags {
  readonly once?: boolean;
  readonly scenario?: string;
  readonly dir?: string;
}

/** One line of the result of `--once`. */
export interface ScenarioResult {
  readonly name: string;
  readonly outcome: string;
  readonly ok: boolean;
  readonly ms: number;
}

const INTERRUPTED = 130;
const say = (line: string): void => console.log(line);

const program = new Command('demo')
  .description('the travel-reservation demo: four replicas, an agency, an airline and a hotel on this machine')
  .option('--once', 'run the scenarios, say how they ended, and stop')
  .addOption(new Option('--scenario <name>', 'run this one only').choices(SCENARIOS.map(({ name }) => name)))
  .option('--dir <dir>', 'where keys, data and logs go and stay (default: a temporary directory, removed at the end)')
  .addHelpText('after', '\nWithout --once everything runs until Ctrl-C.')
  .allowExcessArguments(false)
  .exitOverride()
  .action(run);

async function run(flags: Flags): Promise<void> {
  const interrupted = new Promise<'interrupted'>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => resolve('interrupted'));
  });
  const dir = flags.dir ?? mkdtempSync(join(tmpdir(), 'concordat-travel-'));
  const stage = await Stage.open(dir);
  const chosen = SCENARIOS.filter(({ name }) => flags.scenario === undefined || name === flags.scenario);
  const once = flags.once === true || flags.scenario !== undefined;
  const work = once ? runOnce(stage, chosen) : runOn(stage);
  let keep = flags.dir !== undefined;
  try {
    const end = await Promise.race([work, interrupted]);
    // Without --once an interruption is the orderly end.
    if (end === 'interrupted' && once) process.exitCode = INTERRUPTED;
    if (end === 'failed') {
      process.exitCode = 1;
      keep = true;
    }
  } catch (error) {
    keep = true;
    console.error(oneLine(error));
    console.error(`The logs are in ${stage.logs}`);
    if (once) say(JSON.stringify({ ok: false, scenarios: [], error: oneLine(error) }));
    process.exitCode = exitCodeOf(error);
  } finally {
    await stage.stop();
    if (!keep) rmSync(dir, { recursive: true, force: true });
  }
  // What an interruption left behind in this process must not keep it alive.
  process.exit();
}

/** Starts everything, and leaves it running: only an interruption ends it. */
async function runOn(stage: Stage): Promise<never> {
  await start(stage);
  say(`
Open the agency's web page:  ${stage.page}

Its desk takes bookings, too:
  curl -H 'content-type: application/json' -d '{"customer":"Ada"}' ${stage.agencyDesk}/bookings
  curl ${stage.agencyDesk}/bookings
Keys, data and logs: ${stage.dir}
Ctrl-C stops everything.`);
  for (const { name, exited } of stage.parts) void exited.then((how) => say(`${name} has stopped (${how})`));
  return new Promise(() => undefined);
}

async function start(stage: Stage): Promise<void> {
  await stage.start();
  for (const { name, address, pid } of stage.parts) say(`${name.padEnd(10)} ${address}  (process ${pid})`);
}

async function runOnce(stage: Stage, scenarios: readonly Scenario[]): Promise<'passed' | 'failed'> {
  await start(stage);
  await restock(stage);
  const { bookingsFile: bookings, agencyWriter } = stage;
  const inventories = { airline: stage.inventoryFile('airline'), hotel: stage.inventoryFile('hotel') };
  const witness = new Witness({ bookings, inventories, agencyWriter });
  const results: ScenarioResult[] = [];
  try {
    for (const scenario of scenarios) {
      const result = await play(scenario, stage, witness);
      results.push(result);
      // What follows would stand on broken ground.
      if (!result.ok) break;
    }
  } finally {
    witness.close();
  }
  await stage.stop();
  const ok = results.every((result) => result.ok);
  say(JSON.stringify({ ok, scenarios: results }));
  return ok ? 'passed' : 'failed';
}

/** Earlier runs in the same directory may have sold everything. */
async function restock(stage: Stage): Promise<void> {
  for (const role of PROVIDER_ROLES) {
    for (const { item, stock } of PROVIDERS[role].items) await stage.setStock(role, item, stock);
  }
}

async function play(scenario: Scenario, stage: Stage, witness: Witness): Promise<ScenarioResult> {
  const { name } = scenario;
  const started = performance.now();
  const since = (): number => Math.round(performance.now() - started);
  try {
    const outcome = await scenario.run({ stage, witness, say: (line) => say(`${name}: ${line}`) });
    return { name, outcome, ok: true, ms: since() };
  } catch (error) {
    const why = error instanceof DemoFailure ? error.message : oneLine(error);
    say(`${name}: FAILED: ${why}`);
    say(`${name}: the logs are in ${stage.logs}`);
    return { name, outcome: why, ok: false, ms: since() };
  }
}

try {
  await program.parseAsync();
} catch (error) {
  if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? 0 : 2;
  else {
    console.error(oneLine(error));
    process.exitCode = exitCodeOf(error);
  }
}
