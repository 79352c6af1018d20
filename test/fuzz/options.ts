import { parseArgs } from 'node:util';

export interface Options {
  readonly seconds: number;
  readonly seed: number;
  /** Where a message that breaks the property is written. */
  readonly out: string;
  /** A message that was written so, to be judged again. */
  readonly replay?: string;
}

export const DEFAULTS = { seconds: 60, out: 'reports/fuzz' } as const;
const MAX_SECONDS = 7 * 24 * 3600;
const MAX_SEED = 2 ** 32 - 1;

export const USAGE = `npm run fuzz -- [--seconds N] [--seed S] [--out DIR]
npm run fuzz -- --replay FILE
  --seconds  how long, 1 to ${MAX_SECONDS}; ${DEFAULTS.seconds} by default
  --seed     of the first message; by default another one each time. It is printed.
  --out      where a message that breaks the property is written; ${DEFAULTS.out} by default
  --replay   judges a message that was written so again`;

/** @throws Error for what is not in the usage */
export function readOptions(args: readonly string[]): Options | 'help' {
  const { values } = parseArgs({
    args: [...args],
    options: {
      seconds: { type: 'string' },
      seed: { type: 'string' },
      out: { type: 'string' },
      replay: { type: 'string' },
      help: { type: 'boolean', short: 'h' },
    },
  });
  if (values.help === true) return 'help';
  return {
    seconds: values.seconds === undefined ? DEFAULTS.seconds : integer('seconds', values.seconds, 1, MAX_SECONDS),
    seed: values.seed === undefined ? Math.floor(Math.random() * MAX_SEED) : integer('seed', values.seed, 0, MAX_SEED),
    out: values.out ?? DEFAULTS.out,
    ...(values.replay === undefined ? {} : { replay: values.replay }),
  };
}

function integer(name: string, text: string, least: number, most: number): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= least && value <= most) return value;
  throw new Error(`--${name} must be a whole number from ${least} to ${most}`);
}
