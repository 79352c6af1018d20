import { X509Certificate } from 'node:crypto';
import type { MessageVerifier } from '../../src/soap/index.js';
import { resign, signWith } from '../attacks/forge.js';
import { Random } from '../support/random.js';
import { isOf, judge, meansOneOf } from './judge.js';
import type { Allowed, Verdict } from './judge.js';
import { mutate } from './mutations.js';
import type { Pool, Seed } from './pool.js';

export interface Violation {
  /** Of this one message: `--seed` with it makes the same choices first. */
  readonly seed: number;
  readonly why: string;
  readonly raw: string;
}

export interface Tally {
  readonly messages: number;
  /** Accepted though changed, with the meaning that was signed. */
  readonly accepted: number;
  readonly byCode: ReadonlyMap<string, number>;
  readonly violation?: Violation;
}

export interface FuzzOptions {
  /** Of the first message; the next has the next number. */
  readonly seed: number;
  /** Asked before each message how many there were. */
  readonly goesOn: (messages: number) => boolean;
  /** What is tested; by default the receiver of the pool. */
  readonly verifier?: MessageVerifier;
}

/** One message in so many is signed again after it was changed, so that what lies behind the signature meets odd input, too. */
const RESIGNED = 0.2;

/** Changes signed messages at random and judges each, until it is told to stop or the first violation. */
export function fuzz(pool: Pool, { seed, goesOn, verifier = pool.scene.verifier }: FuzzOptions): Tally {
  const byCode = new Map<string, number>();
  let accepted = 0;
  let messages = 0;
  while (goesOn(messages)) {
    const at = seed + messages;
    const { raw, original, allowed } = makeCase(pool, new Random(at));
    const verdict = judge(verifier, raw, pool.scene.now, allowed);
    messages += 1;
    if (verdict.kind === 'violation') return { messages, accepted, byCode, violation: { seed: at, why: verdict.why, raw } };
    if (verdict.kind === 'accepted' && raw !== original) accepted += 1;
    const key = keyOf(verdict);
    byCode.set(key, (byCode.get(key) ?? 0) + 1);
  }
  return { messages, accepted, byCode };
}

const keyOf = (verdict: Exclude<Verdict, { kind: 'violation' }>): string =>
  verdict.kind === 'refused' ? verdict.code : 'accepted';

interface Case {
  readonly raw: string;
  readonly original: string;
  readonly allowed: Allowed;
}

function makeCase(pool: Pool, random: Random): Case {
  const seed = random.pick(pool.seeds);
  const raw = mutate(seed.raw, { random, other: random.pick(pool.seeds).raw });
  const again = random.chance(RESIGNED) ? resigned(raw, seed) : undefined;
  if (again === undefined) return { raw, original: seed.raw, allowed: meansOneOf(pool.meanings) };
  const { fingerprint256 } = new X509Certificate(seed.sample.credentials.certificatePem);
  return { raw: again, original: seed.raw, allowed: isOf(fingerprint256.replaceAll(':', '').toLowerCase()) };
}

/** Undefined if the change has left no SignedInfo to sign, or none that can be told from the text. */
function resigned(raw: string, { sample }: Seed): string | undefined {
  try {
    return resign(raw, signWith(sample.credentials));
  } catch {
    return undefined;
  }
}
