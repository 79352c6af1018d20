/** Codecs of WS-BA-I, the initiator protocol (docs/decisions/003-wsbai-names.md). Decoders throw InvalidParameters. */
import { ConcordatError } from '../../errors.js';
import { NS } from '../namespaces.js';
import { el, isElement, serialize, type XmlElement } from '../xml.js';
import { encodeParticipant } from './concordat.js';
import { Fields, readText, showName, TEXT, textElement, type QName } from './fields.js';
import { MESSAGE_LIMITS } from './limits.js';
import { decodeEntry, encodeEntry, type ParticipantEntry } from './participant-entry.js';
import { decodeReference, encodeReference, type ParticipantRef } from './participant-reference.js';
import { decodeWaiting, encodeWaiting, type WaitingRequest } from './waiting-request.js';

/** Requests that carry the explicit set of participants they concern. */
export const SET_OPERATIONS = [
  'completeParticipants',
  'cancelParticipants',
  'closeParticipants',
  'compensateParticipants',
  'closeAllParticipants',
] as const;
export type SetOperation = (typeof SET_OPERATIONS)[number];

/** Operations answered with a participant list: all but the one that returns a context. */
export const LIST_OPERATIONS = ['listParticipants', ...SET_OPERATIONS, 'cancelOrCompensateAllParticipants'] as const;
export type ListOperation = (typeof LIST_OPERATIONS)[number];

export const INITIATOR_OPERATIONS = ['getCoordinationContextWithMatchcode', ...LIST_OPERATIONS] as const;
export type InitiatorOperation = (typeof INITIATOR_OPERATIONS)[number];

export type InitiatorRequest =
  | {
      readonly operation: 'getCoordinationContextWithMatchcode';
      /** 1..256 characters, no control characters, no white space at its ends. */
      readonly matchcode: string;
      /** c:Identity: the writer that alone may use the invitation. */
      readonly identity?: string;
    }
  | { readonly operation: 'listParticipants' }
  | { readonly operation: SetOperation; readonly participants: readonly ParticipantRef[] }
  | { readonly operation: 'cancelOrCompensateAllParticipants' };

export interface ParticipantListResponse {
  readonly operation: ListOperation;
  /** c:Decision: the part that is the same at every correct replica. */
  readonly decision?: string;
  readonly participants: readonly ParticipantEntry[];
  /** c:Waiting: the activity's requests that cannot take effect yet at the replica that answers. */
  readonly waiting?: readonly WaitingRequest[];
}

/** Throws InvalidParameters if a set is empty where it must not be, too large, or names a participant of closeAll without id. */
export function encodeInitiatorRequest(request: InitiatorRequest): XmlElement {
  const body = (...children: (XmlElement | undefined)[]): XmlElement => el(NS.wsbai, request.operation, {}, ...children);
  switch (request.operation) {
    case 'getCoordinationContextWithMatchcode':
      return body(
        textElement(NS.wsbai, 'matchcode', request.matchcode, TEXT.matchcode),
        request.identity === undefined ? undefined : textElement(NS.concordat, 'Identity', request.identity, TEXT.writer),
      );
    case 'listParticipants':
    case 'cancelOrCompensateAllParticipants':
      return body();
    case 'closeAllParticipants':
      checkSet(request.operation, request.participants, 0);
      return body(...request.participants.map(encodeClosed));
    case 'completeParticipants':
    case 'cancelParticipants':
    case 'closeParticipants':
    case 'compensateParticipants':
      checkSet(request.operation, request.participants, 1);
      return body(...request.participants.map((ref) => encodeReference('participant', ref)));
  }
}

export function decodeInitiatorRequest(element: XmlElement): InitiatorRequest {
  const operation = operationOf(element, INITIATOR_OPERATIONS, '');
  const fields = new Fields(element);
  switch (operation) {
    case 'getCoordinationContextWithMatchcode':
      return decodeInvitation(fields);
    case 'listParticipants':
    case 'cancelOrCompensateAllParticipants':
      fields.end();
      return { operation };
    case 'closeAllParticipants':
      return { operation, participants: decodeClosed(fields) };
    case 'completeParticipants':
    case 'cancelParticipants':
    case 'closeParticipants':
    case 'compensateParticipants':
      return { operation, participants: decodeSet(operation, fields) };
  }
}

export function encodeParticipantList(response: ParticipantListResponse): XmlElement {
  const { operation, decision, participants, waiting = [] } = response;
  if (participants.length > MESSAGE_LIMITS.participants) tooMany(`${operation}Response`);
  if (waiting.length > MESSAGE_LIMITS.waiting) {
    throw new ConcordatError('InvalidParameters', `bai:${operation}Response has more than ${MESSAGE_LIMITS.waiting} c:Waiting`);
  }
  return el(
    NS.wsbai,
    `${operation}Response`,
    {},
    el(NS.wsbai, 'participantList', {}, ...participants.map(encodeEntry)),
    decision === undefined ? undefined : textElement(NS.concordat, 'Decision', decision, TEXT.decision),
    ...waiting.map(encodeWaiting),
  );
}

export function decodeParticipantList(element: XmlElement): ParticipantListResponse {
  const operation = operationOf(element, LIST_OPERATIONS, 'Response');
  const fields = new Fields(element);
  const list = new Fields(fields.required(NS.wsbai, 'participantList'));
  const participants = list.many(NS.wsbai, 'participant', MESSAGE_LIMITS.participants).map(decodeEntry);
  list.end();
  const decision = fields.optional(NS.concordat, 'Decision');
  const waiting = fields.many(NS.concordat, 'Waiting', MESSAGE_LIMITS.waiting).map(decodeWaiting);
  fields.end();
  return {
    operation,
    ...(decision && { decision: readText(decision, TEXT.decision) }),
    participants,
    ...(waiting.length > 0 && { waiting }),
  };
}

/** Lists of states, which differ between correct replicas that are not equally far. */
const STATE_LISTS: readonly QName[] = [
  { ns: NS.wsbai, name: 'participantList' },
  { ns: NS.concordat, name: 'Waiting' },
  { ns: NS.concordat, name: 'WaitsFor' },
];

/** What voters compare of a body: its normal form with lists of states left out. */
export const comparableBody = (body: XmlElement): string => serialize(withoutStateLists(body));

function withoutStateLists(element: XmlElement): XmlElement {
  const isStateList = (candidate: XmlElement): boolean =>
    STATE_LISTS.some(({ ns, name }) => candidate.ns === ns && candidate.name === name);
  const children = element.children
    .filter((node) => !isElement(node) || !isStateList(node))
    .map((node) => (isElement(node) ? withoutStateLists(node) : node));
  return { ...element, children };
}

function operationOf<T extends InitiatorOperation>(element: XmlElement, operations: readonly T[], suffix: string): T {
  const operation = operations.find((name) => element.ns === NS.wsbai && element.name === name + suffix);
  if (operation !== undefined) return operation;
  throw new ConcordatError('InvalidParameters', `${showName(element)} is not such a message of the initiator protocol`);
}

function decodeInvitation(fields: Fields): InitiatorRequest {
  const matchcode = readText(fields.required(NS.wsbai, 'matchcode'), TEXT.matchcode);
  const identity = fields.optional(NS.concordat, 'Identity');
  fields.end();
  return {
    operation: 'getCoordinationContextWithMatchcode',
    matchcode,
    ...(identity && { identity: readText(identity, TEXT.writer) }),
  };
}

function encodeClosed(ref: ParticipantRef): XmlElement {
  if (ref.participantId !== undefined) return encodeParticipant(ref.participantId);
  throw new ConcordatError('InvalidParameters', 'bai:closeAllParticipants names participants by their ids');
}

function decodeClosed(fields: Fields): readonly ParticipantRef[] {
  const list = fields.many(NS.concordat, 'Participant', MESSAGE_LIMITS.participants);
  fields.end();
  return list.map((element) => ({ participantId: readText(element, TEXT.id) }));
}

function decodeSet(operation: SetOperation, fields: Fields): readonly ParticipantRef[] {
  const list = fields.many(NS.wsbai, 'participant', MESSAGE_LIMITS.participants);
  fields.end();
  checkSet(operation, list, 1);
  return list.map(decodeReference);
}

function checkSet(operation: SetOperation, set: readonly unknown[], least: number): void {
  if (set.length < least) throw new ConcordatError('InvalidParameters', `bai:${operation} names no participant`);
  if (set.length > MESSAGE_LIMITS.participants) tooMany(operation);
}

function tooMany(name: string): never {
  throw new ConcordatError('InvalidParameters', `bai:${name} has more than ${MESSAGE_LIMITS.participants} participants`);
}
