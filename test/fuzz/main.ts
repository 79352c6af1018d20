/** `npm run fuzz`: signed messages changed at random; none may be accepted that means what nobody signed. See docs/attacks.md. */

import { judgeAgain, keep } from './evidence.js';
import { fuzz } from './fuzz.js';
import type { Tally } from './fuzz.js';
import { readOptions, USAGE } from './options.js';
import type { Options } from './options.js';
import { makePool } from './pool.js';

const EXIT = { fine: 0, found: 1, unknown: 2 } as const;

async function main(args: readonly string[]): Promise<number> {
  const options = parse(args);
  if (options === undefined) return EXIT.unknown;
  if (options === 'help') {
    console.log(USAGE);
    return EXIT.fine;
  }
  return options.replay === undefined ? run(options) : replay(options.replay);
}

function parse(args: readonly string[]): Options | 'help' | undefined {
  try {
    return readOptions(args);
  } catch (error) {
    console.error(`fuzz: ${error instanceof Error ? error.message : String(error)}\n${USAGE}`);
    return undefined;
  }
}

async function run({ seconds, seed, out }: Options): Promise<number> {
  const pool = await makePool();
  const end = performance.now() + seconds * 1000;
  const tally = fuzz(pool, { seed, goesOn: () => performance.now() < end });
  describe(tally);
  if (tally.violation === undefined) {
    console.log(`seed ${seed}: ${tally.messages} messages, ${tally.accepted} accepted as what was signed, 0 violations`);
    return tally.accepted > 0 ? EXIT.fine : EXIT.unknown;
  }
  console.log(`violation at seed ${tally.violation.seed}: ${tally.violation.why.slice(0, 2000)}`);
  console.log(`the message: ${keep(out, pool, tally.violation)}`);
  return EXIT.found;
}

function describe({ byCode }: Tally): void {
  for (const [code, count] of [...byCode].sort((a, b) => b[1] - a[1])) console.log(`${String(count).padStart(9)}  ${code}`);
}

function replay(path: string): number {
  const verdict = judgeAgain(path);
  switch (verdict.kind) {
    case 'violation':
      console.log(`violation: ${verdict.why.slice(0, 2000)}`);
      return EXIT.found;
    case 'refused':
      console.log(`refused: ${verdict.code}`);
      return EXIT.fine;
    case 'accepted':
      console.log('accepted, as what was signed');
      return EXIT.fine;
  }
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  console.error('fuzz:', error);
  process.exitCode = EXIT.unknown;
}
