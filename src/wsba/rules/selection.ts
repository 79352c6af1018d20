import type { Activity } from '../activity.js';
import type { ControlRequest, ParticipantId, RefusalCode } from '../types.js';

/** A control request that names participants. */
export type NamingRequest = Extract<ControlRequest, { readonly kind: 'complete' | 'close' | 'cancel' | 'compensate' }>;

/** What becomes of a control request at the head of its stream. */
export type Judgement =
  /** Not enabled here yet: it waits for these participants. */
  | { readonly kind: 'wait'; readonly waitsFor: readonly ParticipantId[] }
  | { readonly kind: 'refuse'; readonly code: RefusalCode; readonly detail: string }
  /** It takes effect, on these participants (sorted, each once). */
  | { readonly kind: 'apply'; readonly named: readonly ParticipantId[] };

/** Which participants a naming request takes effect on, here and now. */
export type SelectionRule = (a: Activity, request: NamingRequest) => Judgement;

/** The participants a request names, as a set in canonical order. */
export function namedBy(request: NamingRequest): readonly ParticipantId[] {
  return [...new Set(request.participants ?? [])].sort();
}
