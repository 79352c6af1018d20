/** `npm run soak`: real processes, real faults, and everybody's books in the end. See docs/soak.md. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Options } from './options.js';
import { readOptions, USAGE } from './options.js';
import { linesOf } from './report.js';
import { Soak } from './soak.js';
import { Town } from './town.js';

const EXIT = { fine: 0, violated: 1, unknown: 2, interrupted: 130 } as const;

async function main(args: readonly string[]): Promise<number> {
  const options = parse(args);
  if (options === undefined) return EXIT.unknown;
  if (options === 'help') {
    console.log(USAGE);
    return EXIT.fine;
  }
  const interrupted = new Promise<'interrupted'>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => resolve('interrupted'));
  });
  const dir = mkdtempSync(join(tmpdir(), 'concordat-soak-'));
  let keep = true;
  try {
    const code = await run(options, dir, interrupted);
    keep = code === EXIT.violated;
    return code;
  } finally {
    if (keep) console.log(`databases and logs are in ${dir}`);
    else rmSync(dir, { recursive: true, force: true });
  }
}

async function run(options: Options, dir: string, interrupted: Promise<'interrupted'>): Promise<number> {
  const begun = performance.now();
  const say = (line: string): void => console.log(`${((performance.now() - begun) / 1000).toFixed(1).padStart(7)} s  ${line}`);
  say(`seed ${options.seed}: ${options.seconds} s of faults, in ${dir}`);
  const town = await Town.build(dir);
  const soak = new Soak(town, options, say);
  try {
    const result = await Promise.race([soak.run(), interrupted]);
    if (result === 'interrupted') return EXIT.interrupted;
    for (const line of linesOf(result, options.seed)) console.log(line);
    return result.findings.length === 0 ? EXIT.fine : EXIT.violated;
  } finally {
    await Promise.all([town.stop(), soak.close()]);
  }
}

function parse(args: readonly string[]): Options | 'help' | undefined {
  try {
    return readOptions(args);
  } catch (error) {
    console.error(`soak: ${error instanceof Error ? error.message : String(error)}\n${USAGE}`);
    return undefined;
  }
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  console.error('soak:', error);
  process.exitCode = EXIT.unknown;
}
// What an interruption left behind in this process must not keep it alive.
process.exit();
