import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';

export interface Options {
  /** How long faults are made, at least. */
  readonly seconds: number;
  readonly seed: number;
}

const MAX_SECONDS = 24 * 3_600;
const MAX_SEED = 2 ** 32 - 1;

export const USAGE = [
  'usage: npm run soak -- --seconds N [--seed S]',
  '',
  `  --seconds N   how long faults are made, 1 to ${MAX_SECONDS}; longer if a kind of fault has not had its turn`,
  `  --seed S      which faults and trips, in which order: 0 to ${MAX_SEED} (default: a random one, printed)`,
  '',
  'exit codes: 0 nothing was lost and nothing split, 1 something was, 2 it could not be found out, 130 interrupted',
].join('\n');

/** @throws TypeError that says what is wrong with the arguments */
export function readOptions(args: readonly string[]): Options | 'help' {
  const { values } = parseArgs({
    args: [...args],
    options: {
      help: { type: 'boolean', short: 'h', default: false },
      seconds: { type: 'string' },
      seed: { type: 'string', default: String(randomInt(MAX_SEED)) },
    },
  });
  if (values.help) return 'help';
  if (values.seconds === undefined) throw new TypeError('--seconds is missing');
  return {
    seconds: wholeNumber(values.seconds, '--seconds', 1, MAX_SECONDS),
    seed: wholeNumber(values.seed, '--seed', 0, MAX_SEED),
  };
}

function wholeNumber(text: string, option: string, least: number, most: number): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < least || value > most) {
    throw new TypeError(`${option}: '${text}' is no whole number from ${least} to ${most}`);
  }
  return value;
}
