import type { InnerReport, OuterLink } from './inner.js';
import { CONTROL_STREAM } from './types.js';
import type {
  ActivityId,
  CoordinatorMessage,
  Decision,
  Input,
  Outcome,
  ParticipantId,
  ParticipantMessage,
  Protocol,
  State,
} from './types.js';

export interface ParticipantRecord {
  readonly id: ParticipantId;
  readonly protocol: Protocol;
  /** The matchcode it registered with; empty for the plain context. */
  readonly invitation: string;
  readonly writer: string;
  /** Its endpoint reference, opaque XML. */
  readonly service: string;
  readonly stream: string;
  /** Coordinator view. Exiting, Failing-* and NotCompleting are answered at once, so they never show here. */
  readonly state: State;
  /** It had Completed at some time. */
  readonly completed: boolean;
  /** The message that ended it. */
  readonly endedBy?: ParticipantMessage;
  /** Fail's ExceptionIdentifier. */
  readonly exception?: string;
  /** Mixed outcome: what the initiator decided for it. Atomic activities decide as a whole: see `Settlement`. */
  readonly decision?: Decision;
  /** It is an activity inside this one, played by the replicas: no message goes to it. */
  readonly inner?: InnerReport;
}

/** What settles an activity as a whole, once and for good: the decision of an atomic one, or END. */
export type Settlement =
  { readonly kind: 'close'; readonly named: readonly ParticipantId[] } | { readonly kind: 'cancel' } | { readonly kind: 'end' };

export interface Invitation {
  /** The writer that alone may register with it; absent: anybody. */
  readonly identity?: string;
}

export interface StreamPosition {
  /** Number of the last input applied or passed over; held ones come after it. */
  readonly applied: number;
  /** Whose stream it is, once its Register was accepted. */
  readonly participant?: ParticipantId;
}

/** The whole state of an activity: immutable data, and a function of the delivered inputs of each stream alone. */
export interface Activity {
  readonly id: ActivityId;
  readonly outcome: Outcome;
  /** The writer of the control stream. */
  readonly creator: string;
  /** Creation time as its request gives it, ms since the epoch. */
  readonly created: number;
  /** Lifetime counted from `created`, ms. */
  readonly expires?: number;
  readonly settlement?: Settlement;
  /** The activity it lies in (wscoor:CurrentContext). */
  readonly outer?: OuterLink;
  readonly invitations: ReadonlyMap<string, Invitation>;
  readonly participants: ReadonlyMap<ParticipantId, ParticipantRecord>;
  readonly streams: ReadonlyMap<string, StreamPosition>;
  /** Delivered inputs that wait, by stream, in order; no entry is empty. */
  readonly held: ReadonlyMap<string, readonly Input[]>;
}

export interface ActivityOptions {
  id: string;
  outcome: Outcome;
  creator: string;
  /** ms since the epoch, as signed in the create request. */
  created: number;
  /** ms counted from `created`. */
  expires?: number;
  /** For an activity inside another. */
  outer?: OuterLink;
}

/** A new activity: nobody registered, nothing decided. */
export function createActivity({ id, outcome, creator, created, expires, outer }: ActivityOptions): Activity {
  return {
    id,
    outcome,
    creator,
    created,
    ...(expires === undefined ? {} : { expires }),
    ...(outer === undefined ? {} : { outer }),
    invitations: new Map(),
    participants: new Map(),
    streams: new Map(),
    held: new Map(),
  };
}

/** An order of strings that no locale changes. */
export const byCodeUnit = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** All participants, in the order of their ids. */
export function participants(a: Activity): readonly ParticipantRecord[] {
  return [...a.participants.values()].sort((p, q) => byCodeUnit(p.id, q.id));
}

/** The participant that owns a stream, once its Register was accepted. */
export function participantOf(a: Activity, stream: string): ParticipantRecord | undefined {
  const id = a.streams.get(stream)?.participant;
  return id === undefined ? undefined : a.participants.get(id);
}

/** Number of the last input of the stream that was applied or passed over; 0 if none. */
export function applied(a: Activity, stream: string = CONTROL_STREAM): number {
  return a.streams.get(stream)?.applied ?? 0;
}

/** How many delivered inputs of the stream wait. */
export function heldCount(a: Activity, stream: string = CONTROL_STREAM): number {
  return a.held.get(stream)?.length ?? 0;
}

/** Number of the last input of the stream that was delivered, held ones included; 0 if none. */
export function delivered(a: Activity, stream: string = CONTROL_STREAM): number {
  return applied(a, stream) + heldCount(a, stream);
}

const OUTSTANDING: { readonly [S in State]?: CoordinatorMessage } = {
  Canceling: 'Cancel',
  'Canceling-Active': 'Cancel',
  'Canceling-Completing': 'Cancel',
  Closing: 'Close',
  Compensating: 'Compensate',
  Completing: 'Complete',
};

/** The command that must be repeated until the participant answers it, if any. */
export function outstandingCommand(p: ParticipantRecord): CoordinatorMessage | undefined {
  return p.inner === undefined ? OUTSTANDING[p.state] : undefined;
}

/**
 * What WS-BA-I lists as resultState: whether the participant had completed. Never the state just before the end, which
 * depends on how messages crossed and so differs between replicas.
 */
export function resultState(p: ParticipantRecord): 'Completed' | 'Active' {
  return p.completed ? 'Completed' : 'Active';
}

/**
 * Settled, every participant Ended, and nothing waits. A later Register makes it unended until that one has ended. A close
 * settles an inner activity only together with the outer one's decision.
 */
export function isEnded(a: Activity): boolean {
  if (!isSettled(a) || a.held.size > 0) return false;
  for (const p of a.participants.values()) if (p.state !== 'Ended') return false;
  return true;
}

function isSettled({ settlement, outer }: Activity): boolean {
  if (outer?.decision !== undefined) return true;
  return settlement !== undefined && !(outer !== undefined && settlement.kind === 'close');
}
