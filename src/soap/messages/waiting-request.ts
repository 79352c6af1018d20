import { ConcordatError } from '../../errors.js';
import { NS } from '../namespaces.js';
import { attribute, el, type XmlElement } from '../xml.js';
import { Fields, readText, textElement, type TextRule } from './fields.js';
import { MAX_SEQUENCE_NUMBER, MESSAGE_LIMITS } from './limits.js';

/** Whose stream: that of an activity's creation, of its creator's later requests, or of one participant. */
export const STREAM_KINDS = ['create', 'control', 'participant'] as const;
export type StreamKind = (typeof STREAM_KINDS)[number];

/** c:Waiting: a request of an activity that cannot take effect at the answering replica yet. */
export interface WaitingRequest {
  readonly stream: StreamKind;
  /** The participant whose stream it is. */
  readonly participant?: string;
  readonly number: number;
  /** Local name of the Body's child. */
  readonly operation: string;
  /** A code of the table of errors that says why: NotEnabled, PredecessorMissing, InvitationMissing. */
  readonly code: string;
  /** What has to happen first: ids of participants, messages, matchcodes, or positions as stream#number. */
  readonly waitsFor: readonly string[];
}

const WAITS_FOR: TextRule = { max: MESSAGE_LIMITS.waitsForLength };
const NAME = /^[A-Za-z_][\w.-]{0,127}$/;

/** Throws InvalidParameters if a part breaks its limit. */
export function encodeWaiting(waiting: WaitingRequest): XmlElement {
  const { stream, participant, number, operation, code, waitsFor } = waiting;
  if (waitsFor.length > MESSAGE_LIMITS.waitsFor) {
    throw new ConcordatError('InvalidParameters', `a request waits for more than ${MESSAGE_LIMITS.waitsFor} others`);
  }
  return el(
    NS.concordat,
    'Waiting',
    { stream, participant, number: String(number), operation, code },
    ...waitsFor.map((text) => textElement(NS.concordat, 'WaitsFor', text, WAITS_FOR)),
  );
}

export function decodeWaiting(element: XmlElement): WaitingRequest {
  const fields: Fields = new Fields(element);
  const waitsFor = fields.many(NS.concordat, 'WaitsFor', MESSAGE_LIMITS.waitsFor);
  fields.end();
  const [stream, participant, number, operation, code] = ATTRIBUTES.map((name) => attribute(element, '', name));
  if (!isStreamKind(stream)) fields.fail('belongs to no kind of stream');
  const position = Number(number);
  if (!/^[1-9]\d{0,15}$/.test(number ?? '') || position > MAX_SEQUENCE_NUMBER) fields.fail('has no number from 1');
  if (!isName(operation) || !isName(code)) fields.fail('needs the attributes operation and code');
  if (participant !== undefined && participant.length > MESSAGE_LIMITS.id)
    fields.fail('names its participant at too great length');
  return {
    stream,
    ...(participant !== undefined && { participant }),
    number: position,
    operation,
    code,
    waitsFor: waitsFor.map((each) => readText(each, WAITS_FOR)),
  };
}

const ATTRIBUTES = ['stream', 'participant', 'number', 'operation', 'code'] as const;

const isStreamKind = (text: string | undefined): text is StreamKind => STREAM_KINDS.some((kind) => kind === text);
const isName = (text: string | undefined): text is string => text !== undefined && NAME.test(text);
