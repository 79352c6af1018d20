import type { Activity, ParticipantRecord } from './activity.js';
import type { ActivityId, Decision } from './types.js';

/**
 * An activity inside another takes part in the outer one as a participant that the replicas themselves play
 * (docs/decisions/008-inner-activities.md). Two writers meet there, the initiators of both, and no stream orders them. So what
 * each side holds of the other is a function of both control streams, and not the history of messages that crossed.
 */

/** How an inner activity stands, as its outer one sees it. */
export interface InnerReport {
  readonly activity: ActivityId;
  /** What its own initiator (or END) settled. A close only says that its work is complete: the outer activity decides. */
  readonly settled?: 'close' | 'cancel';
  /** Every participant of it has Ended. */
  readonly over: boolean;
}

/** What the outer activity decided about an inner one. */
export type OuterDecision = 'close' | 'cancel';

/** Where an inner activity's outer one is. */
export interface OuterLink {
  readonly activity: ActivityId;
  /** The inner activity's id as a participant there. */
  readonly participant: string;
  readonly decision?: OuterDecision;
}

const allEnded = (a: Activity): boolean => [...a.participants.values()].every((p) => p.state === 'Ended');

export function reportOf(a: Activity): InnerReport {
  const settled = a.settlement === undefined ? {} : ({ settled: a.settlement.kind === 'close' ? 'close' : 'cancel' } as const);
  return { activity: a.id, ...settled, over: allEnded(a) };
}

export const sameReport = (r: InnerReport, s: InnerReport): boolean => r.settled === s.settled && r.over === s.over;

export const toOuterDecision = (decision: Decision): OuterDecision => (decision === 'close' ? 'close' : 'cancel');

/**
 * A cancel from outside is in another stream than the inner initiator's Complete, and may overtake it. A participant that is canceled like
 * that is where one is that was told to complete before, as soon as the Complete is delivered; until then its Completed waits for that.
 */
export const mayStillComplete = (a: Activity, p: ParticipantRecord): boolean =>
  a.outer?.decision === 'cancel' &&
  a.settlement === undefined &&
  p.protocol === 'CoordinatorCompletion' &&
  p.state === 'Canceling-Active';

export const CANCELED_WHILE_COMPLETING = 'Canceling-Completing';

type Standing = Pick<ParticipantRecord, 'state' | 'completed' | 'endedBy'>;

/**
 * The record of an inner activity in its outer one. One that its own initiator canceled has left for good, whatever its
 * participants still have to do; one that is canceled from outside counts as canceled, completed or not.
 */
export function standing({ settled, over }: InnerReport, decision: Decision | undefined): Standing {
  switch (decision) {
    case undefined:
      if (settled === 'cancel') return { state: 'Ended', completed: false, endedBy: 'CannotComplete' };
      return settled === 'close' ? { state: 'Completed', completed: true } : { state: 'Active', completed: false };
    case 'close':
      return over ? { state: 'Ended', completed: true, endedBy: 'Closed' } : { state: 'Closing', completed: true };
    case 'compensate':
      return over ? { state: 'Ended', completed: true, endedBy: 'Compensated' } : { state: 'Compensating', completed: true };
    case 'cancel':
      return over ? { state: 'Ended', completed: false, endedBy: 'Canceled' } : { state: 'Canceling', completed: false };
  }
}

/** The record with its standing renewed. */
export function restand(p: ParticipantRecord, inner: InnerReport, decision: Decision | undefined): ParticipantRecord {
  const { id, protocol, invitation, writer, service, stream } = p;
  const own = p.decision === undefined ? {} : { decision: p.decision };
  return { id, protocol, invitation, writer, service, stream, ...own, inner, ...standing(inner, decision) };
}
