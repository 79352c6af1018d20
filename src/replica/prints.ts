import { hash as digestOf } from 'node:crypto';
import { DigestSum } from '../store/index.js';
import { type Activity, CONTROL_STREAM, delivered, familyOf } from '../wsba/index.js';
import { textOf } from './unit-state.js';

/** How far each stream of an activity is, and its state: equal positions mean equal states. Both are digests, in hexadecimal digits. */
export interface Print {
  readonly id: string;
  readonly positions: string;
  readonly digest: string;
}

/** Activities inside one another influence each other, so the positions of a family count together. */
export const printOf = (activity: Activity, family: readonly Activity[]): Print => ({
  id: activity.id,
  positions: hash([family.map(positionsOf).join('\n\n')]),
  digest: digestOf('sha256', textOf(activity)),
});

/** What an activity adds to the sums of a replica, which are equal where all its prints are. */
const addend = (id: string, digest: string): string => hash([id, digest]);

/** What a family adds to the sums of a replica. */
export interface MemberSums {
  readonly members: number;
  /** See DigestSum. */
  readonly positions: string;
  readonly state: string;
}

export function sumOf(members: readonly Activity[]): MemberSums {
  const byId = new Map(members.map((activity) => [activity.id, activity]));
  const family = (activity: Activity): readonly Activity[] => familyOf(activity, (id) => byId.get(id));
  return plus(
    NONE,
    members.map((activity) => printOf(activity, family(activity))),
  );
}

const NONE: MemberSums = { members: 0, positions: new DigestSum().hex, state: new DigestSum().hex };

/** Sums with some more activities. The order does not count, nor which of the activities have left memory. */
export function plus(all: MemberSums, more: readonly Print[]): MemberSums {
  const positions = new DigestSum(all.positions);
  const state = new DigestSum(all.state);
  for (const { id, positions: at, digest } of more) {
    positions.add(addend(id, at));
    state.add(addend(id, digest));
  }
  return { members: all.members + more.length, positions: positions.hex, state: state.hex };
}

/** Sums without those of some that are counted elsewhere. */
export function without(all: MemberSums, some: Iterable<MemberSums>): MemberSums {
  const positions = new DigestSum(all.positions);
  const state = new DigestSum(all.state);
  let { members } = all;
  for (const one of some) {
    positions.subtract(one.positions);
    state.subtract(one.state);
    members -= one.members;
  }
  return { members, positions: positions.hex, state: state.hex };
}

function positionsOf(activity: Activity): string {
  const others = [...activity.streams.keys(), ...activity.held.keys()].filter((stream) => stream !== CONTROL_STREAM);
  const streams = [CONTROL_STREAM, ...new Set(others.sort())];
  return [activity.id, ...streams.map((stream) => `${stream}=${delivered(activity, stream)}`)].join('\n');
}

const hash = (parts: readonly string[]): string => digestOf('sha256', parts.map((part) => `${part.length}:${part}`).join(''));
