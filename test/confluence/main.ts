/** `npm run confluence`: does the order between streams matter? See docs/confluence.md. */

import { createMachine } from '../../src/wsba/index.js';
import { USAGE, readOptions } from './options.js';
import type { Options } from './options.js';
import { checkAll } from './pool.js';
import { describeFinding } from './report.js';
import { rulesWithout } from './rules.js';
import { resultLine } from './tally.js';
import type { Tally } from './tally.js';

const EXIT = { fine: 0, found: 1, unknown: 2 } as const;

async function main(args: readonly string[]): Promise<number> {
  const options = parse(args);
  if (options === undefined) return EXIT.unknown;
  if (options === 'help') {
    console.log(USAGE);
    return EXIT.fine;
  }
  const tally = await checkAll(options);
  for (const finding of findings(options, tally)) console.log(`${finding}\n`);
  console.log(resultLine(tally));
  return tally.diverge.count + tally.split.count === 0 ? EXIT.fine : EXIT.found;
}

function parse(args: readonly string[]): Options | 'help' | undefined {
  try {
    return readOptions(args);
  } catch (error) {
    console.error(`confluence: ${error instanceof Error ? error.message : String(error)}\n${USAGE}`);
    return undefined;
  }
}

/** The smallest set that diverges; and one that is split, if that one is not. */
function findings({ without }: Options, { diverge, split }: Tally): readonly string[] {
  const machine = createMachine(rulesWithout(without));
  const of = (title: string, { smallest }: Tally['diverge']): readonly string[] =>
    smallest === undefined ? [] : [describeFinding(title, machine, smallest)];
  return [...of('The smallest set that diverges', diverge), ...of('The smallest set that is split', split)];
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  console.error('confluence:', error);
  // Other threads may still be at work.
  process.exit(EXIT.unknown);
}
