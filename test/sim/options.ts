import { parseArgs } from 'node:util';

export interface Options {
  readonly schedules: number;
  readonly seed: number;
  readonly workers: number;
  /** Shows one schedule, step by step. */
  readonly replay: number | undefined;
  readonly mutant: string | undefined;
  /** All of them, one after the other. */
  readonly mutants: boolean;
}

/** A mutant that is not caught in so many schedules is not caught. */
export const MUTANT_SCHEDULES = 20_000;
const MOST_WORKERS = 64;
const MOST = 10_000_000;

export const USAGE = [
  'usage: npm run sim -- [--schedules N] [--seed S] [--workers W] [--mutant NAME] [--replay SEED]',
  '       npm run sim -- --mutants [--schedules N] [--seed S] [--workers W]',
  '',
  '  --schedules N   how many schedules (default: 1000; 20000 with a mutant, which is as many as it may survive)',
  '  --seed S        the seed of the first; the others have those that follow (default: 1)',
  '  --workers W     processes (default: 2)',
  '  --replay SEED   runs one schedule and tells what happens in it, step by step',
  '  --mutant NAME   runs a variant that is broken on purpose, until it is caught',
  '  --mutants       all of these variants, a line each',
  '',
  'exit codes: 0 nothing was violated (with --mutant and --mutants: all were caught), 1 otherwise, 2 wrong use or a failure',
].join('\n');

/** @throws TypeError that says what is wrong with the arguments */
export function readOptions(args: readonly string[]): Options | 'help' {
  const { values } = parseArgs({
    args: [...args],
    options: {
      help: { type: 'boolean', short: 'h', default: false },
      schedules: { type: 'string' },
      seed: { type: 'string', default: '1' },
      workers: { type: 'string', default: '2' },
      replay: { type: 'string' },
      mutant: { type: 'string' },
      mutants: { type: 'boolean', default: false },
    },
  });
  if (values.help) return 'help';
  const broken = values.mutants || values.mutant !== undefined;
  return {
    schedules: number('--schedules', values.schedules ?? String(broken ? MUTANT_SCHEDULES : 1_000), 1, MOST),
    seed: number('--seed', values.seed, 0, 2 ** 31),
    workers: number('--workers', values.workers, 1, MOST_WORKERS),
    replay: values.replay === undefined ? undefined : number('--replay', values.replay, 0, 2 ** 31),
    mutant: values.mutant,
    mutants: values.mutants,
  };
}

function number(option: string, text: string, least: number, most: number): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < least || value > most)
    throw new TypeError(`${option}: '${text}' is no number from ${least} to ${most}`);
  return value;
}
