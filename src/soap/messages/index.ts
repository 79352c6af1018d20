/** Typed messages and their XML: WS-Coordination, WS-BusinessActivity, WS-BA-I and our own elements. */
export * from './actions.js';
export * from './concordat.js';
export * from './epr.js';
export { clark, fromClark, type QName } from './fields.js';
export * from './limits.js';
export type { ParticipantEntry } from './participant-entry.js';
export type { ParticipantRef } from './participant-reference.js';
export * from './protocols.js';
export type { WaitingRequest } from './waiting-request.js';
export * from './wsba.js';
export * from './wsbai.js';
export * from './wscoor.js';
