/** `npm run bench`: what the signed edge can do, beside what others can. See docs/bench.md. */

import { writeFileSync } from 'node:fs';
import { runEdgeBench } from './edge/bench.js';
import { describe, verdictOf } from './edge/report.js';
import { readOptions, USAGE } from './options.js';
import type { Options } from './options.js';

const EXIT = { reached: 0, missed: 1, failed: 2 } as const;

async function main(args: readonly string[]): Promise<number> {
  const options = parse(args);
  if (options === undefined) return EXIT.failed;
  if (options === 'help') {
    console.log(USAGE);
    return EXIT.reached;
  }
  const results = await runEdgeBench(options);
  for (const line of describe(results)) console.log(line);
  const verdict = verdictOf(results);
  if (options.json !== undefined) writeFileSync(options.json, `${JSON.stringify({ ...results, verdict }, null, 2)}\n`);
  console.log(verdict.line);
  return verdict.isReached || options.size === 'small' ? EXIT.reached : EXIT.missed;
}

function parse(args: readonly string[]): Options | 'help' | undefined {
  try {
    return readOptions(args);
  } catch (error) {
    console.error(`bench: ${error instanceof Error ? error.message : String(error)}\n${USAGE}`);
    return undefined;
  }
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  console.error(error);
  process.exitCode = EXIT.failed;
}
