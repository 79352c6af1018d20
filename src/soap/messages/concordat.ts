/** Codecs of our own namespace: the stream header, reference parameters and the list of replicas. */
import { ConcordatError } from '../../errors.js';
import { NS } from '../namespaces.js';
import { attribute, el, is, type XmlElement } from '../xml.js';
import { expectName, Fields, integerElement, readInteger, readText, TEXT, textElement } from './fields.js';
import { MAX_SEQUENCE_NUMBER, MESSAGE_LIMITS } from './limits.js';

/** The SOAP header c:Sequence: the position of a request in its writer's stream. */
export interface Sequence {
  /** 1, 2, 3 … without gaps. */
  readonly number: number;
  /** Milliseconds since 1970, UTC; only a CreateCoordinationContext has it. */
  readonly created?: number;
}

const SEQUENCE_ERROR = 'InvalidSequenceHeader';
const EARLIEST = 0;
const LATEST = Date.UTC(9999, 11, 31, 23, 59, 59, 999);

export function encodeSequence(sequence: Sequence): XmlElement {
  const { created } = sequence;
  if (created !== undefined && !(Number.isInteger(created) && created >= EARLIEST && created <= LATEST)) {
    throw new ConcordatError(SEQUENCE_ERROR, 'c:Created is not a time in whole milliseconds between 1970 and 9999');
  }
  return el(
    NS.concordat,
    'Sequence',
    {},
    integerElement(NS.concordat, 'Number', sequence.number, 1, MAX_SEQUENCE_NUMBER, SEQUENCE_ERROR),
    created === undefined ? undefined : el(NS.concordat, 'Created', {}, new Date(created).toISOString()),
  );
}

/** Throws InvalidSequenceHeader for anything but c:Number, then perhaps c:Created. */
export function decodeSequence(element: XmlElement): Sequence {
  expectName(element, NS.concordat, 'Sequence', SEQUENCE_ERROR);
  const fields = new Fields(element, SEQUENCE_ERROR);
  const number = readInteger(fields.required(NS.concordat, 'Number'), 1, MAX_SEQUENCE_NUMBER, SEQUENCE_ERROR);
  const created = fields.optional(NS.concordat, 'Created');
  fields.end();
  return created === undefined ? { number } : { number, created: readTime(created) };
}

/** The stream header among the signed headers of a message, if there is one; two are refused. */
export function readSequence(headers: readonly XmlElement[]): Sequence | undefined {
  const [header, ...more] = headers.filter((candidate) => is(candidate, NS.concordat, 'Sequence'));
  if (more.length > 0) throw new ConcordatError(SEQUENCE_ERROR, 'there is more than one c:Sequence header');
  return header === undefined ? undefined : decodeSequence(header);
}

/** xs:dateTime in UTC; digits beyond milliseconds are cut off, which is the same everywhere. */
function readTime(element: XmlElement): number {
  const written = readText(element, { max: 40 }, SEQUENCE_ERROR);
  const match = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(?:Z|\+00:00)$/.exec(written);
  const normal = match?.[1] === undefined ? undefined : `${match[1]}.${(match[2] ?? '').padEnd(3, '0').slice(0, 3)}Z`;
  const time = normal === undefined ? NaN : Date.parse(normal);
  // Reading back what was parsed catches the 30th of February and its like.
  if (Number.isNaN(time) || time < EARLIEST || new Date(time).toISOString() !== normal) {
    throw new ConcordatError(SEQUENCE_ERROR, 'c:Created must be a UTC time such as 2026-01-31T12:00:00.000Z');
  }
  return time;
}

/** Reference parameters of the endpoint references that replicas hand out; they come back as headers. */
export const encodeActivity = (id: string): XmlElement => textElement(NS.concordat, 'Activity', id, TEXT.id);
export const encodeInvitation = (id: string): XmlElement => textElement(NS.concordat, 'Invitation', id, TEXT.id);
export const encodeParticipant = (id: string): XmlElement => textElement(NS.concordat, 'Participant', id, TEXT.id);

export interface References {
  readonly activity?: string;
  readonly invitation?: string;
  readonly participant?: string;
}

/** Our reference parameters among the signed headers of a message. InvalidParameters if one comes twice or is not an id. */
export function readReferences(headers: readonly XmlElement[]): References {
  const activity = readReference(headers, 'Activity');
  const invitation = readReference(headers, 'Invitation');
  const participant = readReference(headers, 'Participant');
  return {
    ...(activity !== undefined && { activity }),
    ...(invitation !== undefined && { invitation }),
    ...(participant !== undefined && { participant }),
  };
}

function readReference(headers: readonly XmlElement[], name: string): string | undefined {
  const [header, ...more] = headers.filter((candidate) => is(candidate, NS.concordat, name));
  if (more.length > 0) throw new ConcordatError('InvalidParameters', `there is more than one c:${name} header`);
  return header === undefined ? undefined : readText(header, TEXT.id);
}

/**
 * Extension of an endpoint reference: the URLs of the replicas behind its logical address, in order of their numbers 1 … n.
 * The attribute is not called id: signatures refer to elements by such attributes, and one message may hold several lists.
 */
export interface Replicas {
  readonly urls: readonly string[];
}

const isReplicaUrl = (url: string): boolean => /^https?:\/\//i.test(url) && URL.canParse(url);

export function encodeReplicas(replicas: Replicas): XmlElement {
  checkReplicas(replicas.urls);
  const list = replicas.urls.map((url, index) => el(NS.concordat, 'Replica', { number: String(index + 1) }, url));
  return el(NS.concordat, 'Replicas', {}, ...list);
}

export function decodeReplicas(element: XmlElement): Replicas {
  expectName(element, NS.concordat, 'Replicas');
  const fields = new Fields(element);
  const list = fields.many(NS.concordat, 'Replica', MESSAGE_LIMITS.replicas);
  fields.end();
  if (list.some((replica, index) => attribute(replica, '', 'number') !== String(index + 1))) {
    fields.fail('must number its c:Replica elements 1, 2, 3 … with the attribute number');
  }
  const urls = list.map((replica) => readText(replica, TEXT.uri));
  checkReplicas(urls);
  return { urls };
}

/** The replicas named in the extensions of an endpoint reference, if it names any. */
export function replicasOf(extensions: readonly XmlElement[]): Replicas | undefined {
  const element = extensions.find((extension) => is(extension, NS.concordat, 'Replicas'));
  return element === undefined ? undefined : decodeReplicas(element);
}

function checkReplicas(urls: readonly string[]): void {
  if (urls.length === 0 || urls.length > MESSAGE_LIMITS.replicas || !urls.every(isReplicaUrl)) {
    throw new ConcordatError('InvalidParameters', `c:Replicas holds 1 to ${MESSAGE_LIMITS.replicas} http(s) URLs`);
  }
}
