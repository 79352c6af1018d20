import type { Machine } from '../../src/wsba/index.js';
import type { Alphabet, Part } from './alphabet.js';
import { lengthOf } from './streams.js';
import type { StreamSet } from './streams.js';
import { walk } from './walk.js';

/** Some of the sets that were looked at. */
export interface Found {
  readonly count: number;
  /** One with the fewest requests; of equal ones the first. */
  readonly smallest?: StreamSet;
}

export interface Tally {
  readonly sets: number;
  /** Sets with interleavings that end differently. */
  readonly diverge: Found;
  /** Sets where a participant is told both Close and Cancel or Compensate. */
  readonly split: Found;
}

export const NOTHING: Tally = { sets: 0, diverge: { count: 0 }, split: { count: 0 } };

export function tallyOf(machine: Machine, alphabet: Alphabet, part: Part): Tally {
  let { sets, diverge, split } = NOTHING;
  walk(machine, alphabet, part, (verdict, set) => {
    sets += 1;
    if (verdict.endings > 1) diverge = another(diverge, set());
    if (verdict.split) split = another(split, set());
  });
  return { sets, diverge, split };
}

function another({ count, smallest }: Found, set: StreamSet): Found {
  const first = smallest === undefined || lengthOf(set) < lengthOf(smallest);
  return { count: count + 1, smallest: first ? set : smallest };
}

export function add(a: Tally, b: Tally): Tally {
  return { sets: a.sets + b.sets, diverge: both(a.diverge, b.diverge), split: both(a.split, b.split) };
}

function both(a: Found, b: Found): Found {
  const count = a.count + b.count;
  if (a.smallest === undefined) return { ...b, count };
  if (b.smallest === undefined) return { ...a, count };
  return { count, smallest: lengthOf(b.smallest) < lengthOf(a.smallest) ? b.smallest : a.smallest };
}

export const resultLine = ({ sets, diverge, split }: Tally): string =>
  `${sets} stream sets, ${diverge.count} diverge, ${split.count} split`;
