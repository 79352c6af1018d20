export { REAL_PORTS, type ReplicaPorts } from './ports.js';
export { Replica, type ReplicaOptions } from './replica.js';
export type { SendToParticipant } from './commands.js';
export { CoordinationService, type ServiceEffect } from './service.js';
export type { ActivityReport, ActivitySummary, ParticipantReport, TimelineLine } from './report.js';
export type { RecoveryReport, Standing } from './standing.js';
export type { EvidenceReport, ReplicaStatus, SignedStatement } from './status.js';
export type { WaitingReport } from './waiting.js';
