import { parseArgs } from 'node:util';
import { SIZES } from './alphabet.js';
import type { Size } from './alphabet.js';
import { RULE_NAMES } from './rules.js';
import type { RuleName } from './rules.js';

export interface Options {
  readonly without: readonly RuleName[];
  readonly size: Size;
  readonly workers: number;
}

const SIZE_NAMES: readonly string[] = Object.keys(SIZES);
const MOST_WORKERS = 64;

export const USAGE = [
  'usage: npm run confluence -- [--without RULE] [--size SIZE] [--workers N]',
  '',
  `  --without RULE   leave out one rule: ${RULE_NAMES.join(', ')}; may be given several times`,
  `  --size SIZE      ${SIZE_NAMES.join(', ')} (default: full)`,
  `  --workers N      threads, 1 to ${MOST_WORKERS} (default: 2)`,
  '',
  'exit codes: 0 nothing diverges and nothing is split, 1 something does or is, 2 it could not be found out',
].join('\n');

const isRuleName = (text: string): text is RuleName => RULE_NAMES.some((name) => name === text);
const isSize = (text: string): text is Size => SIZE_NAMES.includes(text);

/** @throws TypeError that says what is wrong with the arguments. */
export function readOptions(args: readonly string[]): Options | 'help' {
  const { values } = parseArgs({
    args: [...args],
    options: {
      help: { type: 'boolean', short: 'h', default: false },
      without: { type: 'string', multiple: true, default: [] },
      size: { type: 'string', default: 'full' },
      workers: { type: 'string', default: '2' },
    },
  });
  if (values.help) return 'help';
  return {
    without: values.without.map((name) => checked(name, isRuleName, '--without')),
    size: checked(values.size, isSize, '--size'),
    workers: numberOfWorkers(values.workers),
  };
}

function checked<T extends string>(text: string, guard: (text: string) => text is T, option: string): T {
  if (!guard(text)) throw new TypeError(`${option}: '${text}' is unknown`);
  return text;
}

function numberOfWorkers(text: string): number {
  const workers = Number(text);
  if (!/^\d+$/.test(text) || workers < 1 || workers > MOST_WORKERS)
    throw new TypeError(`--workers: '${text}' is no number of threads`);
  return workers;
}
