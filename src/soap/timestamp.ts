import { ConcordatError } from '../errors.js';
import { NS } from './namespaces.js';
import { securityParts } from './covered.js';
import type { Covered } from './covered.js';
import type { ParsedEnvelope } from './parse.js';
import type { VerifyPolicy } from './verifier.js';
import { child, text } from './xml.js';
import type { XmlElement } from './xml.js';

/** xs:dateTime in UTC, as WS-Security §10 recommends and every stack writes. */
const UTC = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?Z$/;

/**
 * Reads the signed wsu:Timestamp and holds it against our clock.
 * @throws SignedPartMissing if it, Created or Expires is missing or not signed; MessageExpired outside the window
 */
export function checkTimestamp(
  envelope: ParsedEnvelope,
  covered: Covered,
  now: number,
  policy: VerifyPolicy,
): { created: number; expires: number } {
  const [element, ...more] = securityParts(envelope, NS.wsu, 'Timestamp');
  const signed = element === undefined ? undefined : covered.get(element);
  if (signed === undefined || more.length > 0) throw new ConcordatError('SignedPartMissing', 'Timestamp');
  const created = time(signed, 'Created');
  const expires = time(signed, 'Expires');
  const late = expires <= now - (policy.skewMs ?? 0) || expires < created;
  if (late || Math.abs(now - created) > policy.clockWindowMs) {
    const [from, to, clock] = [created, expires, now].map((ms) => new Date(ms).toISOString());
    throw new ConcordatError('MessageExpired', `created ${from}, expires ${to}, our clock ${clock}`);
  }
  return { created, expires };
}

function time(timestamp: XmlElement, name: string): number {
  const element = child(timestamp, NS.wsu, name);
  const lexical = element === undefined ? '' : text(element);
  const ms = UTC.test(lexical) ? Date.parse(lexical) : NaN;
  if (Number.isNaN(ms)) throw new ConcordatError('SignedPartMissing', `Timestamp/${name} as a UTC time`);
  return ms;
}
