import { type ClusterAddresses, endpointReference } from '../contract/index.js';
import { encodeActivity, encodeInvitation, encodeParticipant, type Epr } from '../soap/messages/index.js';

/** Which participant of which activity; `invitation` is the matchcode it registered with, '' for the plain context. */
export interface Instance {
  readonly activity: string;
  readonly participant: string;
  readonly invitation: string;
}

/** Where a participant sends its notifications: wscoor:CoordinatorProtocolService, and wsa:From of what it is sent. */
export const coordinatorEndpoint = (addresses: ClusterAddresses, { activity, participant, invitation }: Instance): Epr =>
  endpointReference(addresses, 'coordinator', [
    encodeActivity(activity),
    ...(invitation === '' ? [] : [encodeInvitation(invitation)]),
    encodeParticipant(participant),
  ]);
