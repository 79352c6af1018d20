import { NS } from '../namespaces.js';

/** What a CreateCoordinationContext may ask for. */
export const COORDINATION_TYPE = {
  atomicOutcome: `${NS.wsba}/AtomicOutcome`,
  mixedOutcome: `${NS.wsba}/MixedOutcome`,
} as const;

/** What a Register may name. */
export const PROTOCOL_IDENTIFIER = {
  participantCompletion: `${NS.wsba}/ParticipantCompletion`,
  coordinatorCompletion: `${NS.wsba}/CoordinatorCompletion`,
  initiator: `${NS.wsbai}initiator`,
} as const;

/** The initiator protocol's identifier as its authors published it, marked as not final there; accepted as well. */
export const PUBLISHED_INITIATOR_PROTOCOL = 'http://big.tuwien.ac.at/ws-ba--extensions/protocol/initiator';

export const isInitiatorProtocol = (identifier: string): boolean =>
  identifier === PROTOCOL_IDENTIFIER.initiator || identifier === PUBLISHED_INITIATOR_PROTOCOL;
