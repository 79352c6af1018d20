import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import type { Judgement, SignedPart } from './judges.js';
import type { SigningKey } from './messages.js';

/** Debian's own interpreter: the packages are its. */
const PYTHON = '/usr/bin/python3';

/** True if the packages python3-xmlsec and python3-lxml are there. */
export const hasReferee = (): boolean => spawnSync(PYTHON, ['-c', 'import xmlsec, lxml']).status === 0;

export interface Case {
  readonly raw: string;
  /** Without one the parts are canonicalized and nothing is verified. */
  readonly key?: SigningKey;
  readonly parts: readonly SignedPart[];
}

const MAX_OUTPUT = 512 * 1024 * 1024;

/** What xmlsec1's library says of each message, in their order. */
export function judgeByReferee(cases: readonly Case[]): Judgement[] {
  const input = cases.map(({ raw, key, parts }) => {
    const pem = key?.publicKey.export({ type: 'spki', format: 'pem' });
    return JSON.stringify({ xml: raw, key: pem, parts: parts.map(({ id, prefixes }) => ({ id, prefixes })) });
  });
  const done = spawnSync(PYTHON, [join(import.meta.dirname, 'referee.py')], {
    input: input.join('\n'),
    encoding: 'utf8',
    maxBuffer: MAX_OUTPUT,
  });
  if (done.status !== 0) throw new Error(`the referee failed: ${done.stderr.slice(-2_000)}`);
  return done.stdout.trimEnd().split('\n').map(readJudgement);
}

function readJudgement(line: string): Judgement {
  const { valid, parts } = JSON.parse(line) as { valid: boolean; parts: Record<string, string> };
  return { isValid: valid, parts: new Map(Object.entries(parts)) };
}
