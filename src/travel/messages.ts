import { ConcordatError } from '../errors.js';
import type { XmlElement } from '../soap/index.js';
import { child, el, elements, is, text } from '../soap/index.js';
import { TRAVEL_LIMITS } from './limits.js';

/** The business messages of the demo; the WS-BusinessActivity messages beside them are not its own. */
export const TRAVEL_NS = 'urn:concordat:2026:travel';
export const RESERVE_ACTION = `${TRAVEL_NS}/Reserve`;
export const RESERVED_ACTION = `${TRAVEL_NS}/ReserveResponse`;
/** Path of a provider's business endpoint. */
export const RESERVE_PATH = '/reserve';

/** "Reserve this, within the activity of the wscoor:CoordinationContext header that comes with it." */
export interface Reserve {
  readonly bookingId: string;
  readonly item: string;
  readonly customer: string;
}

const FIELDS = [
  ['BookingId', 'bookingId'],
  ['Item', 'item'],
  ['Customer', 'customer'],
] as const;

export const encodeReserve = (reserve: Reserve): XmlElement =>
  el(TRAVEL_NS, 'Reserve', {}, ...FIELDS.map(([name, property]) => el(TRAVEL_NS, name, {}, reserve[property])));

/** @throws ConcordatError ActionNotSupported for another message, InvalidParameters naming the part that is missing or unfit */
export function decodeReserve(body: XmlElement): Reserve {
  if (!is(body, TRAVEL_NS, 'Reserve')) throw new ConcordatError('ActionNotSupported', `the Body holds {${body.ns}}${body.name}`);
  if (elements(body).length !== FIELDS.length)
    throw new ConcordatError('InvalidParameters', `Reserve has ${FIELDS.length} parts`);
  return { bookingId: part(body, 'BookingId'), item: part(body, 'Item'), customer: part(body, 'Customer') };
}

function part(body: XmlElement, name: string): string {
  const element = child(body, TRAVEL_NS, name);
  if (element === undefined || elements(element).length > 0)
    throw new ConcordatError('InvalidParameters', `Reserve has no text ${name}`);
  return checkText(name, text(element));
}

/** Names, ids and items: one short line. @throws ConcordatError InvalidParameters */
export function checkText(what: string, value: unknown): string {
  if (
    typeof value === 'string' &&
    value.trim() === value &&
    /^[^\p{Cc}\p{Cs}]{1,}$/u.test(value) &&
    value.length <= TRAVEL_LIMITS.text
  ) {
    return value;
  }
  throw new ConcordatError('InvalidParameters', `${what} must be one line of 1 to ${TRAVEL_LIMITS.text} characters`);
}

/** "It is written down, and we take part in the activity." Whether there is one left shows when the work is to be completed. */
export const encodeReserved = (bookingId: string): XmlElement =>
  el(TRAVEL_NS, 'ReserveResponse', {}, el(TRAVEL_NS, 'BookingId', {}, bookingId));

/** @throws ConcordatError InvalidParameters if it answers another booking */
export function checkReserved(body: XmlElement, bookingId: string): void {
  const answered = child(body, TRAVEL_NS, 'BookingId');
  if (!is(body, TRAVEL_NS, 'ReserveResponse') || answered === undefined || text(answered) !== bookingId) {
    throw new ConcordatError('InvalidParameters', `the provider did not answer the reservation of ${bookingId}`);
  }
}
