import { type ClusterAddresses, endpointReference, parseStream, participantOfStream } from '../contract/index.js';
import type { Request } from '../bft/index.js';
import { ConcordatError } from '../errors.js';
import {
  type CoordinationContext,
  decodeInitiatorRequest,
  encodeActivity,
  encodeCreateCoordinationContextResponse,
  encodeInvitation,
  encodeParticipantList,
  encodeRegisterResponse,
  eprToXml,
  type InitiatorRequest,
  type ListOperation,
  type ParticipantEntry,
  type WaitingRequest,
} from '../soap/messages/index.js';
import { NS } from '../soap/namespaces.js';
import type { XmlElement } from '../soap/xml.js';
import { type Activity, type ParticipantRecord, participants, resultState, type State, waiting } from '../wsba/index.js';
import { coordinatorEndpoint } from './coordinator-endpoint.js';
import { decodeOperation } from './operation.js';

/** Makes the Bodies that a replica answers with. All but lists of states are the same at every replica. */
export class Answers {
  constructor(
    private readonly addresses: ClusterAddresses,
    /** The base64 certificate of a participant's Register, from the store. */
    private readonly certificateOf: (stream: string) => string | undefined,
    /** What of an activity cannot take effect here yet. */
    private readonly waitingIn: (activity: Activity) => readonly WaitingRequest[],
    /** The state that this replica shows of a participant. */
    private readonly stateOf: (activity: string, participant: ParticipantRecord) => State,
  ) {}

  /** The Body that answers a delivered request; undefined for a one-way message. */
  to(request: Request, activity: Activity): XmlElement | undefined {
    const stream = parseStream(request.stream);
    switch (stream?.kind) {
      case 'create':
        return this.context(activity);
      case 'control':
        return this.#toControl(decodeInitiatorRequest(decodeOperation(request.payload).body), activity);
      case 'participant':
        return request.number === 1 ? this.#toRegister(request.stream, activity) : undefined;
      case undefined:
        throw new ConcordatError('Internal');
    }
  }

  #toControl(request: InitiatorRequest, activity: Activity): XmlElement {
    if (request.operation === 'getCoordinationContextWithMatchcode') return this.context(activity, request.matchcode);
    const decision = DECISION[request.operation];
    return this.list(request.operation, activity, decision);
  }

  /** CreateCoordinationContextResponse: of the activity itself, or of one invitation into it. */
  context(activity: Activity, matchcode?: string): XmlElement {
    const invitation = matchcode === undefined ? [] : [encodeInvitation(matchcode)];
    const context: CoordinationContext = {
      identifier: activity.id,
      ...(activity.expires === undefined ? {} : { expires: activity.expires }),
      coordinationType: `${NS.wsba}/${activity.outcome}`,
      registrationService: endpointReference(this.addresses, 'registration', [encodeActivity(activity.id), ...invitation]),
      extensions: [],
    };
    const extensions = matchcode === undefined ? [this.#completionService(activity, NS.concordat, 'InitiatorService')] : [];
    return encodeCreateCoordinationContextResponse({ context, extensions });
  }

  /** RegisterResponse for the initiator protocol: where the creator sends its decisions. */
  initiatorEndpoint(activity: Activity): XmlElement {
    const coordinatorProtocolService = endpointReference(this.addresses, 'completion', [encodeActivity(activity.id)]);
    return encodeRegisterResponse({ coordinatorProtocolService, extensions: [] });
  }

  #completionService(activity: Activity, ns: string, name: string): XmlElement {
    return eprToXml(ns, name, endpointReference(this.addresses, 'completion', [encodeActivity(activity.id)]));
  }

  #toRegister(stream: string, activity: Activity): XmlElement {
    const participant = activity.participants.get(participantOfStream(stream));
    if (participant === undefined) throw new ConcordatError('Internal');
    const { id, invitation } = participant;
    const coordinatorProtocolService = coordinatorEndpoint(this.addresses, {
      activity: activity.id,
      participant: id,
      invitation,
    });
    return encodeRegisterResponse({ coordinatorProtocolService, extensions: [] });
  }

  list(operation: ListOperation, activity: Activity, decision?: string): XmlElement {
    const held = new Map(waiting(activity).map((head) => [head.stream, head.waitsFor]));
    const entries = participants(activity).map((participant) =>
      this.#entry(activity.id, participant, held.get(participant.stream) ?? []),
    );
    const waits = operation === 'listParticipants' ? { waiting: this.waitingIn(activity) } : {};
    return encodeParticipantList({ operation, participants: entries, ...(decision === undefined ? {} : { decision }), ...waits });
  }

  #entry(activity: string, participant: ParticipantRecord, waitsFor: readonly string[]): ParticipantEntry {
    const certificate = this.certificateOf(participant.stream);
    return {
      matchcode: participant.invitation,
      participantId: participant.id,
      status: this.stateOf(activity, participant),
      resultState: resultState(participant),
      ...(participant.endedBy === undefined ? {} : { endedBy: participant.endedBy }),
      ...(participant.exception === undefined ? {} : { exception: participant.exception }),
      protocol: `${NS.wsba}/${participant.protocol}`,
      writer: participant.writer,
      ...(certificate === undefined ? {} : { certificate }),
      ...(waitsFor.length === 0 ? {} : { waitsFor }),
    };
  }
}

/** c:Decision: what the request decided, the part of a list answer that voters compare. */
const DECISION: { readonly [O in ListOperation]?: string } = {
  closeAllParticipants: 'close',
  closeParticipants: 'close',
  cancelOrCompensateAllParticipants: 'cancel',
  cancelParticipants: 'cancel',
  compensateParticipants: 'compensate',
};
