import type { OuterDecision } from './inner.js';

/** The words of WS-BusinessActivity 1.1 and the inputs and outputs of the activity machine. */

export const PROTOCOLS = ['ParticipantCompletion', 'CoordinatorCompletion'] as const;
export type Protocol = (typeof PROTOCOLS)[number];

export const VIEWS = ['coordinator', 'participant'] as const;
export type View = (typeof VIEWS)[number];

export const OUTCOMES = ['AtomicOutcome', 'MixedOutcome'] as const;
export type Outcome = (typeof OUTCOMES)[number];

/** Participant to coordinator. */
export const PARTICIPANT_MESSAGES = ['Completed', 'Fail', 'Compensated', 'Closed', 'Canceled', 'Exit', 'CannotComplete'] as const;
export type ParticipantMessage = (typeof PARTICIPANT_MESSAGES)[number];

/** Coordinator to participant; Complete exists in CoordinatorCompletion only. */
export const COORDINATOR_MESSAGES = ['Close', 'Cancel', 'Compensate', 'Complete', 'Failed', 'Exited', 'NotCompleted'] as const;
export type CoordinatorMessage = (typeof COORDINATOR_MESSAGES)[number];

export type Message = ParticipantMessage | CoordinatorMessage;

/** Every state of either view of either protocol (wsba:StateType). */
export const STATES = [
  'Active',
  'Canceling',
  'Canceling-Active',
  'Canceling-Completing',
  'Completing',
  'Completed',
  'Closing',
  'Compensating',
  'Failing-Active',
  'Failing-Canceling',
  'Failing-Completing',
  'Failing-Compensating',
  'Exiting',
  'NotCompleting',
  'Ended',
] as const;
export type State = (typeof STATES)[number];

const among =
  <T extends string>(words: readonly T[]) =>
  (text: string): text is T =>
    words.some((word) => word === text);

export const isProtocol = among(PROTOCOLS);
export const isOutcome = among(OUTCOMES);
export const isState = among(STATES);
export const isParticipantMessage = among(PARTICIPANT_MESSAGES);
export const isCoordinatorMessage = among(COORDINATOR_MESSAGES);

export type ParticipantId = string;
export type ActivityId = string;

/** The stream of the activity's creator; every other stream name belongs to one participant. */
export const CONTROL_STREAM = 'control';
/** Opaque name of a participant's stream; anything but `control`. */
export type ParticipantStreamKey = string;

/** What the initiator may be told to do with a participant: the names of the wire, as decisions. */
export const DECISIONS = ['close', 'cancel', 'compensate'] as const;
export type Decision = (typeof DECISIONS)[number];
export const isDecision = among(DECISIONS);

export type ControlRequest =
  /** Reserves a matchcode; `identity` is the writer that alone may register with it. */
  | { readonly kind: 'invite'; readonly matchcode: string; readonly identity?: string }
  | { readonly kind: 'complete'; readonly participants: readonly ParticipantId[] }
  | { readonly kind: 'close'; readonly participants: readonly ParticipantId[] }
  /** Atomic: names nobody. Mixed: names its participants. */
  | { readonly kind: 'cancel'; readonly participants?: readonly ParticipantId[] }
  /** Mixed only. */
  | { readonly kind: 'compensate'; readonly participants: readonly ParticipantId[] }
  /** Appended by the replicas when the deadline passed or an operator ended the activity. */
  | { readonly kind: 'end' };

export interface Registration {
  readonly kind: 'register';
  readonly participant: ParticipantId;
  readonly protocol: Protocol;
  /** The matchcode used; empty when the plain context was used. */
  readonly invitation: string;
  readonly writer: string;
  /** The participant's endpoint reference as XML; opaque here. */
  readonly service: string;
}

export interface Notification {
  readonly kind: 'notify';
  readonly message: ParticipantMessage;
  /** Fail's ExceptionIdentifier. */
  readonly exception?: string;
}

export type Request = ControlRequest | Registration | Notification;

/** One request at one position of one stream; numbers count from 1 without gaps. */
export type Input =
  | { readonly stream: typeof CONTROL_STREAM; readonly number: number; readonly request: ControlRequest }
  | { readonly stream: ParticipantStreamKey; readonly number: number; readonly request: Registration | Notification };

export interface InputRef {
  readonly stream: string;
  readonly number: number;
}

export type RefusalCode =
  'InvalidState' | 'InvalidParameters' | 'InvalidProtocol' | 'DuplicateMatchcode' | 'CannotRegisterParticipant';

export type Result = { readonly ok: true } | { readonly ok: false; readonly code: RefusalCode; readonly detail: string };

export type Effect =
  /**
   * Send, or send again, to the participant. `state` is the state it is sent in, Exiting for an Exited; like a fault's, it may
   * differ between replicas and takes part in no comparison.
   */
  | {
      readonly kind: 'command';
      readonly participant: ParticipantId;
      readonly command: CoordinatorMessage;
      readonly state: State;
    }
  /** An inner activity that takes part learns what was decided about it. */
  | {
      readonly kind: 'inner';
      readonly participant: ParticipantId;
      readonly activity: ActivityId;
      readonly decision: OuterDecision;
    }
  /** The answer to a control request or a Register, given when it is applied. */
  | { readonly kind: 'reply'; readonly to: InputRef; readonly result: Result }
  /**
   * InvalidState for a notification that was passed over. `state` is where the participant stood when this replica applied
   * it: the one field here that may differ between replicas, so it takes no part in any comparison or digest.
   */
  | {
      readonly kind: 'fault';
      readonly to: InputRef;
      readonly participant: ParticipantId;
      readonly message: ParticipantMessage;
      readonly state: State;
    }
  /** The activity is over: decided, and every participant Ended. Again after a late participant has ended, too. */
  | { readonly kind: 'ended' };

export type WaitCode = 'NotEnabled' | 'InvitationMissing' | 'UnknownParticipant' | 'PredecessorMissing';

/** May a replica vote for an input now? */
export type Admission =
  | { readonly verdict: 'admit' }
  | { readonly verdict: 'wait'; readonly code: WaitCode; readonly waitsFor: readonly string[] }
  | { readonly verdict: 'refuse'; readonly code: RefusalCode | 'NotInvited'; readonly detail: string };
