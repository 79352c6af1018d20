import { hash } from 'node:crypto';
import type { Activity, Invitation, ParticipantRecord, Settlement, StreamPosition } from './activity.js';
import { byCodeUnit, participants } from './activity.js';
import { decodeInput } from './codec-input.js';
import { array, fields, integer, optional, outOf, text, texts } from './codec-read.js';
import type { InnerReport, OuterLink } from './inner.js';
import { isDecision, isOutcome, isParticipantMessage, isProtocol, isState } from './types.js';
import type { Input } from './types.js';

/** Version of the encoding; a store that holds another one is not read. */
const FORMAT = 1;

/**
 * The activity as canonical JSON: sorted keys, sorted collections, nothing absent. Two states are equal if and only if their
 * encodings are, whatever interleaving led there.
 */
export function encodeActivity(a: Activity): string {
  const { invitations, streams, held, ...rest } = a;
  return JSON.stringify(
    canonical({
      ...rest,
      format: FORMAT,
      invitations: entries(invitations),
      participants: participants(a),
      streams: entries(streams),
      held: entries(held),
    }),
  );
}

/** SHA-256 of the encoding, in hex. */
export function activityDigest(a: Activity): string {
  return hash('sha256', encodeActivity(a), 'hex');
}

/** @throws TypeError, naming the field, if the text is not an encoded activity. */
export function decodeActivity(encoded: string): Activity {
  const o = fields(parse(encoded), 'activity');
  if (integer(o['format'], 'format') !== FORMAT) throw new TypeError(`format: ${FORMAT} expected`);
  return {
    id: text(o['id'], 'id'),
    outcome: outOf(isOutcome, o['outcome'], 'outcome'),
    creator: text(o['creator'], 'creator'),
    created: integer(o['created'], 'created'),
    ...optional('expires', o['expires'], integer),
    ...optional('settlement', o['settlement'], decodeSettlement),
    ...optional('outer', o['outer'], decodeOuter),
    invitations: map(o['invitations'], 'invitations', decodeInvitation),
    participants: new Map(array(o['participants'], 'participants', decodeParticipant).map((p) => [p.id, p])),
    streams: map(o['streams'], 'streams', decodePosition),
    held: map(o['held'], 'held', decodeQueue),
  };
}

function parse(encoded: string): unknown {
  try {
    return JSON.parse(encoded);
  } catch (cause) {
    throw new TypeError('activity: not JSON', { cause });
  }
}

/** The members of every object in one order, so that JSON.stringify gives one text. Their names are ours, never a user's. */
function canonical(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(canonical);
  if (typeof value !== 'object' || value === null) return value;
  const members = Object.entries(value).map(([key, member]): [string, unknown] => [key, canonical(member)]);
  return Object.fromEntries(members.sort(([a], [b]) => byCodeUnit(a, b)));
}

/** A map as a sorted list of pairs: keys are chosen by others, so they must not become names of an object's members. */
const entries = <V>(map: ReadonlyMap<string, V>): readonly [string, V][] => [...map].sort(([a], [b]) => byCodeUnit(a, b));

function map<V>(value: unknown, at: string, decode: (value: unknown, at: string) => V): ReadonlyMap<string, V> {
  return new Map(
    array(value, at, (pair, where): [string, V] => {
      const [key, content] = array(pair, where, (member) => member);
      return [text(key, where), decode(content, where)];
    }),
  );
}

function decodeSettlement(value: unknown, at: string): Settlement {
  const o = fields(value, at);
  const kind = text(o['kind'], `${at}.kind`);
  switch (kind) {
    case 'close':
      return { kind, named: texts(o['named'], `${at}.named`) };
    case 'cancel':
    case 'end':
      return { kind };
    default:
      throw new TypeError(`${at}.kind: '${kind}' is unknown`);
  }
}

function decodeInvitation(value: unknown, at: string): Invitation {
  return optional('identity', fields(value, at)['identity'], text);
}

const isOuterDecision = (value: string): value is 'close' | 'cancel' => value === 'close' || value === 'cancel';

function decodeOuter(value: unknown, at: string): OuterLink {
  const o = fields(value, at);
  return {
    activity: text(o['activity'], `${at}.activity`),
    participant: text(o['participant'], `${at}.participant`),
    ...optional('decision', o['decision'], (v, where) => outOf(isOuterDecision, v, where)),
  };
}

function decodeInner(value: unknown, at: string): InnerReport {
  const o = fields(value, at);
  if (typeof o['over'] !== 'boolean') throw new TypeError(`${at}.over: a boolean expected`);
  return {
    activity: text(o['activity'], `${at}.activity`),
    ...optional('settled', o['settled'], (v, where) => outOf(isOuterDecision, v, where)),
    over: o['over'],
  };
}

function decodePosition(value: unknown, at: string): StreamPosition {
  const o = fields(value, at);
  return { applied: integer(o['applied'], `${at}.applied`), ...optional('participant', o['participant'], text) };
}

const decodeQueue = (value: unknown, at: string): readonly Input[] => array(value, at, decodeInput);

function decodeParticipant(value: unknown, at: string): ParticipantRecord {
  const o = fields(value, at);
  if (typeof o['completed'] !== 'boolean') throw new TypeError(`${at}.completed: a boolean expected`);
  return {
    id: text(o['id'], `${at}.id`),
    protocol: outOf(isProtocol, o['protocol'], `${at}.protocol`),
    invitation: text(o['invitation'], `${at}.invitation`),
    writer: text(o['writer'], `${at}.writer`),
    service: text(o['service'], `${at}.service`),
    stream: text(o['stream'], `${at}.stream`),
    state: outOf(isState, o['state'], `${at}.state`),
    completed: o['completed'],
    ...optional('endedBy', o['endedBy'], (v, where) => outOf(isParticipantMessage, v, where)),
    ...optional('exception', o['exception'], text),
    ...optional('decision', o['decision'], (v, where) => outOf(isDecision, v, where)),
    ...optional('inner', o['inner'], decodeInner),
  };
}
