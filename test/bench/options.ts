import { parseArgs } from 'node:util';

export interface Options {
  /** For how long it measures, roughly, in seconds. */
  readonly seconds: number;
  readonly size: 'small' | 'full';
  /** Where the results go as JSON, too. */
  readonly json: string | undefined;
}

const DEFAULT_SECONDS = 60;
const MOST_SECONDS = 3_600;

export const USAGE = [
  'usage: npm run bench -- edge [--seconds N | --size small] [--json FILE]',
  '',
  `  --seconds N    for how long to measure, roughly (default: ${DEFAULT_SECONDS})`,
  '  --size small   a few seconds, to see that it runs; its numbers mean little',
  '  --json FILE    writes the results to a file, too',
  '',
  'exit codes: 0 the targets are reached (small: it ran), 1 one is missed, 2 wrong use or a failure',
].join('\n');

const SMALL_SECONDS = 2;

/** @throws TypeError that says what is wrong with the arguments */
export function readOptions(args: readonly string[]): Options | 'help' {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      help: { type: 'boolean', short: 'h', default: false },
      seconds: { type: 'string' },
      size: { type: 'string', default: 'full' },
      json: { type: 'string' },
    },
  });
  if (values.help) return 'help';
  if (positionals.length !== 1 || positionals[0] !== 'edge') throw new TypeError('there is one bench, edge');
  const { size } = values;
  if (size !== 'small' && size !== 'full') throw new TypeError('--size must be small or full');
  const seconds = Number(values.seconds ?? (size === 'small' ? SMALL_SECONDS : DEFAULT_SECONDS));
  if (!Number.isFinite(seconds) || seconds < 1 || seconds > MOST_SECONDS)
    throw new TypeError(`--seconds must be from 1 to ${MOST_SECONDS}`);
  return { seconds, size, json: values.json };
}
