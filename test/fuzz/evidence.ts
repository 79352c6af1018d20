import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ConcordatError } from '../../src/errors.js';
import type { Violation } from './fuzz.js';
import { judge, meansOneOf } from './judge.js';
import type { Verdict } from './judge.js';
import { receiver } from './pool.js';
import type { Pool } from './pool.js';

/** What a message needs to be judged again: keys and times differ from run to run. */
interface Circumstances {
  readonly seed: number;
  readonly why: string;
  readonly now: number;
  readonly authorityPem: string;
  readonly meanings: readonly string[];
}

const beside = (path: string): string => path.replace(/\.xml$/, '.json');

/** Writes the message, and beside it what it takes to judge it again. Gives the path of the message. */
export function keep(dir: string, { scene, meanings }: Pool, { seed, why, raw }: Violation): string {
  mkdirSync(dir, { recursive: true });
  const path = join(dir, `message-${seed}.xml`);
  const circumstances: Circumstances = { seed, why, now: scene.now, authorityPem: scene.ca.pem, meanings: [...meanings] };
  writeFileSync(path, raw);
  writeFileSync(beside(path), JSON.stringify(circumstances, null, 1));
  return path;
}

/** @throws ConcordatError ConfigMissing if there is no such message, ConfigInvalid if what is beside it is something else */
export function judgeAgain(path: string): Verdict {
  const { now, authorityPem, meanings } = readCircumstances(path);
  return judge(receiver(authorityPem), read(path), now, meansOneOf(new Set(meanings)));
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new ConcordatError('ConfigMissing', path, { cause: error });
  }
}

function readCircumstances(path: string): Circumstances {
  const value: unknown = JSON.parse(read(beside(path)));
  if (isCircumstances(value)) return value;
  throw new ConcordatError('ConfigInvalid', beside(path));
}

const isCircumstances = (value: unknown): value is Circumstances =>
  typeof value === 'object' &&
  value !== null &&
  'now' in value &&
  typeof value.now === 'number' &&
  'authorityPem' in value &&
  typeof value.authorityPem === 'string' &&
  'meanings' in value &&
  Array.isArray(value.meanings) &&
  value.meanings.every((meaning) => typeof meaning === 'string');
