import type { ClusterAddresses } from '../contract/index.js';
import { ConcordatError } from '../errors.js';
import {
  type EndpointReference,
  eprFromXml,
  faultMessage,
  laterDestination,
  type OutgoingMessage,
  parseCanonical,
  type SoapVersion,
} from '../soap/index.js';
import { encodeNotification, encodeStatus, WSA_NONE } from '../soap/messages/index.js';
import { NS } from '../soap/namespaces.js';
import type { XmlElement } from '../soap/xml.js';
import { type Activity, commandId, type CoordinatorMessage, type ParticipantRecord, type State } from '../wsba/index.js';
import { coordinatorEndpoint, type Instance } from './coordinator-endpoint.js';
import type { Correspondent } from './correspondence.js';

export interface NoticeOptions {
  readonly addresses: ClusterAddresses;
  readonly activity: (id: string) => Activity | undefined;
  /** The state that this replica shows of a participant. */
  readonly stateOf: (activity: string, record: ParticipantRecord) => State;
  /** Sends a message a few times at the most; false if it cannot be taken. */
  readonly mail: (message: OutgoingMessage, to: EndpointReference) => boolean;
}

/** A notification that was passed over. */
export interface PassedOver {
  readonly activity: string;
  readonly participant: string;
  readonly messageId: string;
  readonly action: string;
  /** Unknown where this replica learnt of the notification from its peers alone. */
  readonly sender: Correspondent | undefined;
}

/** A question or message of a participant, and where it wants to hear of it. */
export interface Asked {
  readonly instance: Instance;
  readonly messageId: string;
  readonly sender: Correspondent;
}

/**
 * What a replica tells participants once, each by a one-way message of its own. All carry the participant's coordinator endpoint in
 * wsa:From: wherever it is sent, that says, signed, which participant it is about.
 */
export class Notices {
  constructor(private readonly o: NoticeOptions) {}

  /** InvalidState for a notification that nothing can make legal any more: to FaultTo, else ReplyTo, else From, else where it registered. */
  fault({ activity, participant, messageId, action, sender }: PassedOver): void {
    const record = this.o.activity(activity)?.participants.get(participant);
    if (record === undefined || sender?.faultTo?.address === WSA_NONE) return;
    const error = new ConcordatError('InvalidState', `${action} from participant ${participant}`);
    const fault = faultMessage(error, { soapVersion: sender?.soapVersion ?? '1.1', relatesTo: messageId });
    const instance = { activity, participant, invitation: record.invitation };
    const id = commandId(activity, participant, `InvalidState ${messageId}`);
    const to = laterDestination(sender?.faultTo, sender?.replyTo, sender?.from) ?? serviceOf(record);
    this.#mail({ ...fault, addressing: { ...fault.addressing, ...this.#origin(instance, id) } }, to);
  }

  /**
   * Answers GetStatus with this replica's own view: to ReplyTo, else From, else where the participant registered.
   * @throws ConcordatError Busy if the answer cannot be sent now
   */
  status({ instance, messageId, sender }: Asked, record: ParticipantRecord): void {
    const { activity, participant } = instance;
    const body = encodeStatus(this.o.stateOf(activity, record));
    const id = commandId(activity, participant, `Status ${messageId}`);
    const status = this.#message(instance, sender.soapVersion, 'Status', body, id);
    const to = laterDestination(sender.replyTo, sender.from) ?? serviceOf(record);
    const taken = this.#mail({ ...status, addressing: { ...status.addressing, relatesTo: messageId } }, to);
    if (!taken) throw new ConcordatError('Busy', 'too many answers wait to be sent');
  }

  /**
   * Acknowledges a notification of a participant that nobody here knows, so that it can end: to ReplyTo, else From.
   * @returns false if there is nowhere to send it, or no room
   */
  acknowledge({ instance, sender }: Omit<Asked, 'messageId'>, command: CoordinatorMessage): boolean {
    const to = laterDestination(sender.replyTo, sender.from);
    const id = commandId(instance.activity, instance.participant, command);
    return (
      to !== undefined && this.#mail(this.#message(instance, sender.soapVersion, command, encodeNotification(command), id), to)
    );
  }

  #mail(message: OutgoingMessage, to: EndpointReference): boolean {
    return this.o.mail(message, to);
  }

  #message(instance: Instance, soapVersion: SoapVersion, name: string, body: XmlElement, id: string): OutgoingMessage {
    const addressing = { action: `${NS.wsba}/${name}`, ...this.#origin(instance, id) };
    return { soapVersion, addressing, headers: [], body };
  }

  #origin(instance: Instance, messageId: string): { messageId: string; from: EndpointReference } {
    return { messageId, from: coordinatorEndpoint(this.o.addresses, instance) };
  }
}

/** Where a participant registered to be reached. */
export const serviceOf = (record: ParticipantRecord): EndpointReference => eprFromXml(parseCanonical(record.service));
