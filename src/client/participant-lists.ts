import { CodecError, DEFAULT_BROADCAST_LIMITS, decodeCertificate } from '../bft/index.js';
import type { Certificate, Votes } from '../bft/index.js';
import { parseStream, participantOfStream, participantStream, registersIn } from '../contract/index.js';
import { NS } from '../soap/index.js';
import type { ParticipantEntry } from '../soap/messages/index.js';
import { isProtocol, isState } from '../wsba/index.js';
import type { Protocol, State } from '../wsba/index.js';

/** A participant as the lists of several replicas show it. */
export interface ParticipantState {
  readonly id: string;
  /** '' if it registered with the plain context. */
  readonly matchcode: string;
  readonly writer: string;
  readonly protocol: Protocol;
  /** What f + 1 lists agree on, else the least advanced that any list shows. */
  readonly state: State;
  /** The state that f + 1 lists show, so that a correct replica is among them. */
  readonly agreedState?: State;
  /** f + 1 lists show Completed or Ended: what a close may rely on. */
  readonly ready: boolean;
  /** f + 1 lists agree that it had completed its work, or had not; undefined while they differ. */
  readonly resultState?: 'Active' | 'Completed';
  /** The message that ended it, as f + 1 lists agree. */
  readonly endedBy?: string;
  /** Fail's ExceptionIdentifier, as f + 1 lists agree. */
  readonly exception?: string;
  /** Commands that a held message of it waits for, as any list says. */
  readonly waitsFor: readonly string[];
}

export interface ListRules {
  readonly activity: string;
  readonly f: number;
  readonly n: number;
  readonly votes: Votes;
}

/** From least to most advanced. */
const PROGRESS: readonly State[] = [
  'Active',
  'Completing',
  'Canceling-Active',
  'Canceling-Completing',
  'Canceling',
  'Completed',
  'Closing',
  'Compensating',
  'Exiting',
  'NotCompleting',
  'Failing-Active',
  'Failing-Canceling',
  'Failing-Completing',
  'Failing-Compensating',
  'Ended',
];

/**
 * Unites the lists of n − f replicas: it has every participant that was at work before the lists were asked for, since its
 * Register was acknowledged by n − f; and none that a liar invented, since an entry counts only with the certificate of its Register.
 */
export function uniteLists(lists: readonly (readonly ParticipantEntry[])[], rules: ListRules): ParticipantState[] {
  const byId = new Map<string, ParticipantEntry[]>();
  for (const list of lists) {
    for (const entry of new Map(list.map((one) => [one.participantId, one])).values()) {
      if (!namesItself(entry, rules)) continue;
      byId.set(entry.participantId, [...(byId.get(entry.participantId) ?? []), entry]);
    }
  }
  return [...byId.values()]
    .filter((entries) => entries.some((entry) => isCertified(entry, rules)))
    .flatMap((entries) => unite(entries, rules.f) ?? [])
    .sort((a, b) => (a.id < b.id ? -1 : a.id > b.id ? 1 : 0));
}

/** An id derives from activity, matchcode and writer (and, of an inner activity, its create), so entries of one id are about one participant. */
function namesItself(entry: ParticipantEntry, rules: ListRules): boolean {
  const { participantId, matchcode, writer } = entry;
  const registered = streamOf(rules.activity, matchcode, writer);
  if (registered === undefined) return false;
  return participantOfStream(registered) === participantId || innerStreamOf(entry, rules) !== undefined;
}

function streamOf(activity: string, matchcode: string, writer: string): string | undefined {
  try {
    return participantStream(activity, matchcode, writer);
  } catch {
    return undefined;
  }
}

/** The create that made an inner activity take part: it names this activity and matchcode, and the participant is named after it. */
function innerStreamOf(
  { certificate, participantId, matchcode, writer }: ParticipantEntry,
  rules: ListRules,
): string | undefined {
  const stream = certificate === undefined ? undefined : readCertificate(certificate, rules.n)?.stream;
  const named = stream === undefined ? undefined : parseStream(stream);
  if (stream === undefined || named?.kind !== 'create' || named.writer !== writer) return undefined;
  return registersIn(stream, rules.activity, matchcode) && participantOfStream(stream) === participantId ? stream : undefined;
}

function isCertified(entry: ParticipantEntry, rules: ListRules): boolean {
  const { certificate, matchcode, writer } = entry;
  const read = certificate === undefined ? undefined : readCertificate(certificate, rules.n);
  return (
    read !== undefined &&
    read.round === 'echo' &&
    read.number === 1 &&
    (read.stream === streamOf(rules.activity, matchcode, writer) || read.stream === innerStreamOf(entry, rules)) &&
    participantOfStream(read.stream) === entry.participantId &&
    rules.votes.verifyCertificate(read)
  );
}

function readCertificate(text: string, n: number): Certificate | undefined {
  try {
    return decodeCertificate(Buffer.from(text, 'base64'), DEFAULT_BROADCAST_LIMITS, n);
  } catch (error) {
    if (error instanceof CodecError) return undefined;
    throw error;
  }
}

function unite(entries: readonly ParticipantEntry[], f: number): ParticipantState | undefined {
  const [first] = entries;
  const agree = <T>(read: (entry: ParticipantEntry) => T | undefined): T | undefined => agreed(entries.map(read), f + 1);
  const protocol = agree((entry) => protocolOf(entry)) ?? entries.map(protocolOf).find((known) => known !== undefined);
  const states = entries.map(({ status }) => status).filter(isState);
  const least = PROGRESS.find((state) => states.includes(state));
  if (first === undefined || protocol === undefined || least === undefined) return undefined;
  const agreedState = agreed(states, f + 1);
  const resultState = agree((entry) => entry.resultState);
  const endedBy = agree((entry) => entry.endedBy);
  const exception = agree((entry) => entry.exception);
  return {
    id: first.participantId,
    matchcode: first.matchcode,
    writer: first.writer,
    protocol,
    state: agreedState ?? least,
    ...(agreedState === undefined ? {} : { agreedState }),
    ready: states.filter((state) => state === 'Completed' || state === 'Ended').length > f,
    ...(resultState === undefined ? {} : { resultState }),
    ...(endedBy === undefined ? {} : { endedBy }),
    ...(exception === undefined ? {} : { exception }),
    waitsFor: [...new Set(entries.flatMap((entry) => entry.waitsFor ?? []))],
  };
}

function protocolOf({ protocol }: ParticipantEntry): Protocol | undefined {
  const name = protocol.startsWith(`${NS.wsba}/`) ? protocol.slice(NS.wsba.length + 1) : '';
  return isProtocol(name) ? name : undefined;
}

/** The most advanced value that `enough` lists show, if any: states only move forward, so two may each have enough. */
function agreed<T>(values: readonly (T | undefined)[], enough: number): T | undefined {
  const counts = new Map<T, number>();
  for (const value of values) if (value !== undefined) counts.set(value, (counts.get(value) ?? 0) + 1);
  const candidates = [...counts].filter(([, count]) => count >= enough);
  return candidates.sort(([a, m], [b, k]) => k - m || rank(b) - rank(a))[0]?.[0];
}

const rank = (value: unknown): number => PROGRESS.findIndex((state) => state === value);
