import type { Request } from '../bft/index.js';
import {
  type ClusterAddresses,
  controlStream,
  createStream,
  type Invitation,
  invitationOf,
  isActivityId,
  isAddressedTo,
  participantOfStream,
  participantStream,
  SERVED,
  type ServedEndpoint,
} from '../contract/index.js';
import { ConcordatError } from '../errors.js';
import { type Identity, isReferenceParameter, type Role, type VerifiedMessage } from '../soap/index.js';
import {
  decodeCreateCoordinationContext,
  decodeRegister,
  isInitiatorProtocol,
  type MessageEntry,
  messageAt,
  readReferences,
  readSequence,
  type References,
  type Sequence,
} from '../soap/messages/index.js';
import type { XmlElement } from '../soap/xml.js';
import { encodeOperation } from './operation.js';

/** What a verified message asks of a replica. */
export type Interpretation =
  /** A numbered request of a stream. `response` is the action of its answer; without one it is one-way. */
  | { readonly kind: 'ordered'; readonly request: Request; readonly response: string | undefined }
  /** A question: answered from this replica's state alone, in no order. */
  | { readonly kind: 'read'; readonly question: Question; readonly response: string | undefined };

export type Question =
  | { readonly about: 'participants'; readonly activity: string; readonly asker: string }
  /** WS-BA-I: the creator registers for the initiator protocol. It changes nothing: the creator is the initiator. */
  | { readonly about: 'initiator-endpoint'; readonly activity: string; readonly asker: string }
  | { readonly about: 'status'; readonly activity: string; readonly participant: string; readonly messageId: string }
  /** A participant's own Status: it is entitled to say it, and it changes nothing. */
  | { readonly about: 'nothing' };

/**
 * Turns a verified message into a request or a question: the Body child's qualified name decides, and everything else must
 * agree with it. Pure; the same for a message that came to this replica and one that a peer passed on.
 * @param path where it arrived; undefined for one that was passed on
 * @throws ConcordatError with the code of what does not fit
 */
export function interpret(message: VerifiedMessage, addresses: ClusterAddresses, path?: string): Interpretation {
  const entry = entryOf(message, path);
  checkAddressing(message, addresses, entry.endpoint as ServedEndpoint);
  const references = readReferences(message.headers);
  const response = entry.kind === 'request' ? entry.response.action : undefined;
  const question = questionOf(message, entry, references);
  if (question !== undefined) return { kind: 'read', question, response };
  const sequence = readSequence(message.headers);
  if (sequence === undefined) throw new ConcordatError('SequenceHeaderRequired', entry.body.name);
  return { kind: 'ordered', request: requestOf(message, addresses, entry, references, sequence), response };
}

function entryOf(message: VerifiedMessage, path: string | undefined): MessageEntry {
  const endpoints = SERVED.filter((endpoint) => path === undefined || path === `/${endpoint}`);
  const { body, addressing } = message;
  const entry = endpoints.flatMap((endpoint) => messageAt(endpoint, body) ?? [])[0];
  if (entry === undefined) throw new ConcordatError('ActionNotSupported', `the Body holds {${body.ns}}${body.name}`);
  if (addressing.action !== entry.action) {
    throw new ConcordatError('ActionMismatch', `wsa:Action is ${addressing.action} where the Body asks for ${entry.action}`);
  }
  return entry;
}

function checkAddressing({ addressing }: VerifiedMessage, addresses: ClusterAddresses, endpoint: ServedEndpoint): void {
  if (addressing.messageId === undefined) throw new ConcordatError('AddressingHeaderRequired', 'wsa:MessageID');
  if (addressing.to === undefined) throw new ConcordatError('AddressingHeaderRequired', 'wsa:To');
  if (!isAddressedTo(addresses, addressing.to, endpoint)) throw new ConcordatError('DestinationUnreachable', addressing.to);
}

function questionOf(message: VerifiedMessage, entry: MessageEntry, references: References): Question | undefined {
  const asker = message.identity.writer;
  switch (entry.body.name) {
    case 'listParticipants':
      return { about: 'participants', activity: activityOf(references), asker };
    case 'Register': {
      if (!isInitiatorProtocol(decodeRegister(message.body).protocolIdentifier)) return undefined;
      return { about: 'initiator-endpoint', activity: activityOf(references), asker };
    }
    case 'GetStatus': {
      const { activity, participant } = ownParticipant(message.identity, references);
      return { about: 'status', activity, participant, messageId: message.addressing.messageId ?? '' };
    }
    case 'Status':
      ownParticipant(message.identity, references);
      return { about: 'nothing' };
    default:
      return undefined;
  }
}

function requestOf(
  message: VerifiedMessage,
  addresses: ClusterAddresses,
  entry: MessageEntry,
  references: References,
  sequence: Sequence,
): Request {
  const { writer } = message.identity;
  const stream = streamOf(message, addresses, entry, references, sequence);
  return { stream, number: sequence.number, writer, payload: payloadOf(message, sequence) };
}

/** A message may come from its sender and from each peer: it is written, and then read, once. */
const payloads = new WeakMap<VerifiedMessage, Buffer>();

function payloadOf(message: VerifiedMessage, { created }: Sequence): Buffer {
  const known = payloads.get(message);
  if (known !== undefined) return known;
  const payload = encodeOperation({
    action: message.addressing.action,
    messageId: message.addressing.messageId ?? '',
    references: message.headers.filter(isReferenceParameter),
    body: message.body,
    ...(created === undefined ? {} : { created }),
  });
  payloads.set(message, payload);
  return payload;
}

function streamOf(
  message: VerifiedMessage,
  addresses: ClusterAddresses,
  entry: MessageEntry,
  references: References,
  sequence: Sequence,
): string {
  const { identity } = message;
  const messageId = message.addressing.messageId ?? '';
  if (sequence.created !== undefined && entry.endpoint !== 'activation')
    misplaced('c:Created belongs on CreateCoordinationContext only');
  switch (entry.endpoint) {
    case 'activation':
      requireRole(identity, 'initiator');
      if (sequence.number !== 1) misplaced('CreateCoordinationContext is number 1 of its own stream');
      if (sequence.created === undefined) misplaced('CreateCoordinationContext needs c:Created, the UTC time of its creation');
      return createStream(identity.writer, messageId, outerOf(message.body, addresses));
    case 'completion':
      requireRole(identity, 'initiator');
      return controlStream(activityOf(references));
    case 'registration':
      requireRole(identity, 'participant');
      if (sequence.number !== 1) misplaced('Register is number 1 of the participant’s stream');
      return participantStream(activityOf(references), references.invitation ?? '', identity.writer);
    case 'coordinator':
      if (sequence.number < 2) misplaced('number 1 is the Register; notifications count from 2');
      return ownParticipant(identity, references).stream;
    case 'participant':
      throw new ConcordatError('ActionNotSupported', entry.action);
  }
}

/** Where an activity inside another registers: with the context that its create gives as CurrentContext. */
function outerOf(body: XmlElement, addresses: ClusterAddresses): Invitation | undefined {
  const { currentContext } = decodeCreateCoordinationContext(body);
  if (currentContext === undefined) return undefined;
  const { address } = currentContext.registrationService;
  if (!isAddressedTo(addresses, address, 'registration')) {
    throw new ConcordatError('CannotCreateContext', `wscoor:CurrentContext is of another coordinator: ${address}`);
  }
  return invitationOf(currentContext);
}

/** The participant that the reference parameters name, if it is the signer's own. */
function ownParticipant(identity: Identity, references: References): { activity: string; participant: string; stream: string } {
  const activity = activityOf(references);
  const stream = participantStream(activity, references.invitation ?? '', identity.writer);
  const participant = participantOfStream(stream);
  if (references.participant === undefined) missing('c:Participant');
  if (references.participant !== participant) {
    throw new ConcordatError('NotTheWriter', `${references.participant} registered with another certificate or invitation`);
  }
  return { activity, participant, stream };
}

function activityOf({ activity }: References): string {
  if (activity === undefined) missing('c:Activity');
  if (!isActivityId(activity)) throw new ConcordatError('InvalidParameters', 'c:Activity is not the name of an activity');
  return activity;
}

function requireRole(identity: Identity, role: Role): void {
  if (!identity.roles.has(role))
    throw new ConcordatError('NotAuthorized', `${identity.name} is not ${role} (OU=${role} in the subject)`);
}

function missing(name: string): never {
  throw new ConcordatError(
    'InvalidParameters',
    `the reference parameter ${name} is missing: send back all that the endpoint reference holds`,
  );
}

function misplaced(detail: string): never {
  throw new ConcordatError('InvalidSequenceHeader', detail);
}
