import { hash as digestOf } from 'node:crypto';
import { type Activity, CONTROL_STREAM, delivered } from '../wsba/index.js';
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
export const addend = (id: string, digest: string): string => hash([id, digest]);

function positionsOf(activity: Activity): string {
  const others = [...activity.streams.keys(), ...activity.held.keys()].filter((stream) => stream !== CONTROL_STREAM);
  const streams = [CONTROL_STREAM, ...new Set(others.sort())];
  return [activity.id, ...streams.map((stream) => `${stream}=${delivered(activity, stream)}`)].join('\n');
}

const hash = (parts: readonly string[]): string => digestOf('sha256', parts.map((part) => `${part.length}:${part}`).join(''));
