/** WS-BusinessActivity as data and pure functions: no I/O, no clock, no random. */

export * from './types.js';
export { INITIAL_STATE, TABLES, TERMINAL_STATE, onReceive, onSend, stateAfterReceive, stateAfterSend } from './tables.js';
export type { ProtocolTables, ReceiveCell, SendCell, StateTable } from './tables.js';
export {
  applied,
  createActivity,
  delivered,
  heldCount,
  isEnded,
  outstandingCommand,
  participantOf,
  participants,
  resultState,
} from './activity.js';
export type { Activity, ActivityOptions, Invitation, ParticipantRecord, Settlement, StreamPosition } from './activity.js';
export type { InnerReport, OuterDecision, OuterLink } from './inner.js';
export { deliverLinked, familyOf, openLinked } from './nesting.js';
export type { Find, InnerRegistration, LinkedStep } from './nesting.js';
export { createMachine, machine } from './machine.js';
export type { Machine } from './machine.js';
export { ALL_RULES } from './rules/index.js';
export type { Rules } from './rules/index.js';
export type { HoldRule } from './rules/hold.js';
export type { SettlementRule } from './rules/late-registration.js';
export type { Judgement, NamingRequest, SelectionRule } from './rules/selection.js';
export { admitInvitation } from './admission.js';
export { decisionFor } from './steer.js';
export { waiting } from './waiting.js';
export type { Waiting } from './waiting.js';
export { activityDigest, decodeActivity, encodeActivity } from './codec.js';
export { activityId, commandId, participantId } from './ids.js';
export { MAX_HELD_PER_STREAM } from './limits.js';
