import { ConcordatError } from '../../errors.js';
import { NS } from '../namespaces.js';
import { el, type XmlElement } from '../xml.js';
import { Fields, readText, TEXT, textElement, type TextRule } from './fields.js';
import { MESSAGE_LIMITS } from './limits.js';
import { decodeReference, encodeReference } from './participant-reference.js';
import { isState, type State } from '../../wsba/index.js';
import { readStatus } from './wsba.js';

/** One participant in the answer to an initiator's request: bai:BAParticipantType with our extensions. */
export interface ParticipantEntry {
  /** '' if it registered with the plain context of the activity. */
  readonly matchcode: string;
  readonly participantId: string;
  /** One of wsba:StateType. */
  readonly status: string;
  /** Whether it had completed its work, never just the state before the last. */
  readonly resultState: 'Active' | 'Completed';
  /** The message that ended it. */
  readonly endedBy?: string;
  /** The ExceptionIdentifier of its Fail. */
  readonly exception?: string;
  /** The protocol identifier it registered for, a URI. */
  readonly protocol: string;
  /** Who registered: the identity that its Register was signed with. */
  readonly writer: string;
  /** Base64; the proof of its Register, opaque here. */
  readonly certificate?: string;
  /** What a held message of its stream waits for. */
  readonly waitsFor?: readonly string[];
}

const optionalText = (name: string, value: string | undefined, rule: TextRule): XmlElement | undefined =>
  value === undefined ? undefined : textElement(NS.concordat, name, value, rule);

/** Throws InvalidParameters if a part breaks its limit or the status is not a state of WS-BusinessActivity. */
export function encodeEntry(entry: ParticipantEntry): XmlElement {
  const waitsFor = entry.waitsFor ?? [];
  if (waitsFor.length > MESSAGE_LIMITS.waitsFor) {
    throw new ConcordatError('InvalidParameters', `a participant waits for more than ${MESSAGE_LIMITS.waitsFor} others`);
  }
  const { matchcode, participantId } = entry;
  return el(
    NS.wsbai,
    'participant',
    {},
    encodeReference('participantMatchcode', matchcode === '' ? { participantId } : { matchcode, participantId }),
    statusElement(NS.wsba, 'Status', stateNamed(entry.status)),
    statusElement(NS.wsbai, 'resultState', entry.resultState),
    textElement(NS.wsbai, 'protocol', entry.protocol, TEXT.uri),
    textElement(NS.concordat, 'Writer', entry.writer, TEXT.writer),
    optionalText('EndedBy', entry.endedBy, TEXT.id),
    optionalText('ExceptionIdentifier', entry.exception, TEXT.exceptionIdentifier),
    optionalText('Certificate', entry.certificate, TEXT.certificate),
    ...waitsFor.map((id) => textElement(NS.concordat, 'WaitsFor', id, TEXT.id)),
  );
}

export function decodeEntry(element: XmlElement): ParticipantEntry {
  const fields: Fields = new Fields(element);
  const reference = decodeReference(fields.required(NS.wsbai, 'participantMatchcode'));
  const status = readStatus(fields.required(NS.wsba, 'Status')).state;
  const resultState = readStatus(fields.required(NS.wsbai, 'resultState')).state;
  const protocol = readText(fields.required(NS.wsbai, 'protocol'), TEXT.uri);
  const writer = readText(fields.required(NS.concordat, 'Writer'), TEXT.writer);
  const endedBy = fields.optional(NS.concordat, 'EndedBy');
  const exception = fields.optional(NS.concordat, 'ExceptionIdentifier');
  const certificate = fields.optional(NS.concordat, 'Certificate');
  const waitsFor = fields.many(NS.concordat, 'WaitsFor', MESSAGE_LIMITS.waitsFor);
  fields.end();
  if (reference.participantId === undefined) fields.fail('needs c:ParticipantId');
  if (resultState !== 'Active' && resultState !== 'Completed')
    fields.fail('has a resultState that is neither Active nor Completed');
  return {
    matchcode: reference.matchcode ?? '',
    participantId: reference.participantId,
    status,
    resultState,
    ...(endedBy && { endedBy: readText(endedBy, TEXT.id) }),
    ...(exception && { exception: readText(exception, TEXT.exceptionIdentifier) }),
    protocol,
    writer,
    ...(certificate && { certificate: readText(certificate, TEXT.certificate) }),
    ...(waitsFor.length > 0 && { waitsFor: waitsFor.map((id) => readText(id, TEXT.id)) }),
  };
}

const statusElement = (ns: string, name: string, state: State): XmlElement =>
  el(ns, name, {}, el(NS.wsba, 'State', {}, `wsba:${state}`));

function stateNamed(status: string): State {
  if (!isState(status)) throw new ConcordatError('InvalidParameters', 'the status of a participant is not one of wsba:StateType');
  return status;
}
