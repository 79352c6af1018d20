import { ConcordatError, isErrorCode } from '../../src/errors.js';
import type { ErrorCode } from '../../src/errors.js';
import type { MessageVerifier, VerifiedMessage } from '../../src/soap/index.js';
import { meaningOf } from '../attacks/meaning.js';
import { medianCpuMs } from '../attacks/measure.js';

/** Processor time that one message may take, in milliseconds: a part for any message, and one for each kibibyte of it. */
export const MAX_CPU_MS = { message: 50, kibibyte: 1 } as const;

export type Verdict =
  | { readonly kind: 'accepted' }
  | { readonly kind: 'refused'; readonly code: ErrorCode }
  | { readonly kind: 'violation'; readonly why: string };

/** Whether a message may be accepted with what it was taken to mean; undefined if so, else why not. */
export type Allowed = (message: VerifiedMessage) => string | undefined;

/** It must mean what one of the signed messages means. */
export const meansOneOf =
  (meanings: ReadonlySet<string>): Allowed =>
  (message) =>
    meanings.has(meaningOf(message)) ? undefined : `accepted as ${meaningOf(message)}, which nobody signed`;

/** Signed again by somebody with a key: it may mean what he likes, but it is his. */
export const isOf =
  (fingerprint: string): Allowed =>
  (message) =>
    message.identity.fingerprint === fingerprint ? undefined : `accepted as signed by ${message.identity.writer}`;

export function judge(verifier: MessageVerifier, raw: string, now: number, allowed: Allowed): Verdict {
  const before = process.cpuUsage();
  const verdict = decide(verifier, raw, now, allowed);
  const { user, system } = process.cpuUsage(before);
  if (verdict.kind === 'violation') return verdict;
  const bound = MAX_CPU_MS.message + (MAX_CPU_MS.kibibyte * raw.length) / 1024;
  if ((user + system) / 1000 <= bound) return verdict;
  // Once may have been a collection of garbage.
  const median = medianCpuMs(() => decide(verifier, raw, now, allowed), 5);
  return median <= bound ? verdict : { kind: 'violation', why: `took ${median} ms, more than ${bound} ms` };
}

function decide(verifier: MessageVerifier, raw: string, now: number, allowed: Allowed): Verdict {
  try {
    const why = allowed(verifier.verify(raw, now));
    return why === undefined ? { kind: 'accepted' } : { kind: 'violation', why };
  } catch (error) {
    // Internal is the code of what nobody thought of.
    if (error instanceof ConcordatError && isErrorCode(error.code) && error.code !== 'Internal')
      return { kind: 'refused', code: error.code };
    return { kind: 'violation', why: `threw ${error instanceof Error ? (error.stack ?? error.message) : String(error)}` };
  }
}
