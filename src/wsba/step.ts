import type { Activity, ParticipantRecord } from './activity.js';
import type { Effect, Input, InputRef, RefusalCode } from './types.js';

/** An activity after some inputs, and what became of them so far. */
export interface Step {
  readonly activity: Activity;
  readonly effects: readonly Effect[];
}

/** A copy of `map` with one entry set. */
export function put<K, V>(map: ReadonlyMap<K, V>, key: K, value: V): ReadonlyMap<K, V> {
  return new Map(map).set(key, value);
}

export function withParticipant(a: Activity, record: ParticipantRecord): Activity {
  return { ...a, participants: put(a.participants, record.id, record) };
}

/** Where an input stands. */
export const refOf = ({ stream, number }: Input): InputRef => ({ stream, number });

export const accepted = (to: InputRef): Effect => ({ kind: 'reply', to, result: { ok: true } });

export const refused = (to: InputRef, code: RefusalCode, detail: string): Effect => ({
  kind: 'reply',
  to,
  result: { ok: false, code, detail },
});
