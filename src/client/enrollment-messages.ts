import type { EndpointReference, XmlElement } from '../soap/index.js';
import { el, NS } from '../soap/index.js';
import { encodeActivity, encodeFail, encodeInvitation, encodeNotification, encodeParticipant } from '../soap/messages/index.js';
import type { ParticipantMessage } from '../wsba/index.js';
import type { EnrollmentRecord } from './enrollment-record.js';
import type { ClusterRequest } from './request.js';

/** The endpoint reference that is registered for an enrollment. */
export const endpointOf = ({ address, id }: Pick<EnrollmentRecord, 'address' | 'id'>): EndpointReference => ({
  address,
  referenceParameters: [el(NS.concordat, 'Enrollment', {}, id)],
  extensions: [],
});

/** A message of an enrollment to the coordinator. @param uuid names it; used for nothing else */
export function messageOf(record: EnrollmentRecord, body: XmlElement, uuid: string): ClusterRequest {
  const { activity, matchcode, participant } = record;
  return {
    endpoint: 'coordinator',
    references: [
      encodeActivity(activity),
      ...(matchcode === '' ? [] : [encodeInvitation(matchcode)]),
      encodeParticipant(participant),
    ],
    body,
    messageId: `urn:uuid:${uuid}`,
    from: endpointOf(record),
  };
}

/** @param exception the ExceptionIdentifier of a Fail */
export const reportOf = (message: ParticipantMessage, exception = 'Fail'): XmlElement =>
  message === 'Fail' ? encodeFail(exception) : encodeNotification(message);
