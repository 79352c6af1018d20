/** `npm run sim`: whole clusters of the shipped code through more disasters than anybody will meet. See docs/simulation.md. */

import { mutantNamed, MUTANTS } from './mutants/index.js';
import type { Mutant } from './mutants/index.js';
import { type Options, readOptions, USAGE } from './options.js';
import { replayOne, runAll } from './pool.js';
import { describe, describeViolated, resultLine } from './report.js';

const EXIT = { fine: 0, found: 1, unknown: 2 } as const;

async function main(args: readonly string[]): Promise<number> {
  const options = parse(args);
  if (options === undefined) return EXIT.unknown;
  if (options === 'help') {
    console.log(USAGE);
    return EXIT.fine;
  }
  const mutant = options.mutant === undefined ? undefined : mutantNamed(options.mutant);
  if (options.mutant !== undefined && mutant === undefined) {
    console.error(`sim: there is no mutant '${options.mutant}'; there are: ${MUTANTS.map(({ name }) => name).join(', ')}`);
    return EXIT.unknown;
  }
  if (options.replay !== undefined) return replay(options.replay, mutant);
  if (options.mutants) return huntAll(options);
  return mutant === undefined ? check(options) : (await hunt(options, mutant)) ? EXIT.fine : EXIT.found;
}

function parse(args: readonly string[]): Options | 'help' | undefined {
  try {
    return readOptions(args);
  } catch (error) {
    console.error(`sim: ${error instanceof Error ? error.message : String(error)}\n${USAGE}`);
    return undefined;
  }
}

async function check({ schedules, seed, workers }: Options): Promise<number> {
  const summary = await runAll({ schedules, seed, workers, progress: teller(schedules) });
  for (const line of describe(summary)) console.log(line);
  return summary.violated.length === 0 ? EXIT.fine : EXIT.found;
}

/** Tells on the error stream how far it is. */
function teller(schedules: number): (done: number) => void {
  let told = 0;
  return (done) => {
    if (done - told < schedules / 10 || done === schedules) return;
    told = done;
    console.error(`${done} of ${schedules} schedules`);
  };
}

/** One line: at which seed, and after how many schedules, the mutant is caught. */
async function hunt({ schedules, seed, workers }: Options, mutant: Mutant): Promise<boolean> {
  const { violated } = await runAll({ schedules, seed, workers, mutant });
  const [first] = violated;
  if (first === undefined) {
    console.log(`${mutant.name}: survives ${schedules} schedules`);
    return false;
  }
  const [why = ''] = describeViolated(first);
  console.log(`${mutant.name}: caught at seed ${first.seed}, schedule ${first.seed - seed + 1}; ${why.slice(0, 200)}`);
  return true;
}

async function huntAll(options: Options): Promise<number> {
  const missed: string[] = [];
  for (const mutant of MUTANTS) if (!(await hunt(options, mutant))) missed.push(mutant.name);
  console.log(
    `${MUTANTS.length} mutants, ${MUTANTS.length - missed.length} caught${missed.length === 0 ? '' : `; not ${missed.join(', ')}`}`,
  );
  return missed.length === 0 ? EXIT.fine : EXIT.found;
}

async function replay(seed: number, mutant: Mutant | undefined): Promise<number> {
  const { results, lines } = await replayOne(seed, mutant);
  for (const line of lines) console.log(line);
  const [result] = results;
  if (result === undefined) return EXIT.unknown;
  for (const line of describeViolated(result)) console.log(line);
  console.log(`seed ${seed}: ${result.deliveries} deliveries, ${result.faultTotal} faults, run ${result.hash}`);
  console.log(resultLine({ schedules: 1, violated: result.violations.length === 0 ? [] : [result] }));
  return result.violations.length === 0 ? EXIT.fine : EXIT.found;
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  console.error('sim:', error);
  // Other processes may still be at work: they end with this one.
  process.exit(EXIT.unknown);
}
