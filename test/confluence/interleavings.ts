import { encodeActivity } from '../../src/wsba/index.js';
import type { Activity, Effect, Input, Machine } from '../../src/wsba/index.js';
import { newActivity, runFrom } from '../wsba/support.js';
import { isSplit, logLine, toldBy } from './observe.js';
import type { StreamSet } from './streams.js';

/** Every order of all requests that keeps each stream's own order. */
export function* interleavings(streams: readonly (readonly Input[])[]): Generator<readonly Input[]> {
  if (streams.every((stream) => stream.length === 0)) yield [];
  for (const [s, [head, ...rest]] of streams.entries()) {
    if (head === undefined) continue;
    for (const others of interleavings(streams.with(s, rest))) yield [head, ...others];
  }
}

/** One way in which the interleavings of a set end. */
export interface Ending {
  /** The first interleaving that leads there. */
  readonly by: readonly Input[];
  readonly activity: Activity;
  /** Replies and faults, sorted. */
  readonly log: readonly string[];
}

/** What becomes of one set, found the long way: every interleaving from its beginning to its end, nothing shared or merged. */
export function endingsOf(machine: Machine, { outcome, streams }: StreamSet): { endings: readonly Ending[]; split: boolean } {
  const endings = new Map<string, Ending>();
  let told = 0;
  for (const by of interleavings(streams)) {
    const { activity, effects } = runFrom(newActivity(outcome), by, machine);
    told |= toldBy(effects);
    const log = logOf(effects);
    const key = JSON.stringify([encodeActivity(activity), log]);
    if (!endings.has(key)) endings.set(key, { by, activity, log });
  }
  return { endings: [...endings.values()], split: isSplit(told) };
}

const logOf = (effects: readonly Effect[]): readonly string[] => effects.flatMap(logLine).sort();
