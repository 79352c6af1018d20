import { ConcordatError } from '../../errors.js';
import type {
  ActivityReport,
  ActivitySummary,
  EvidenceReport,
  ParticipantReport,
  ReplicaStatus,
  SignedStatement,
  TimelineLine,
  WaitingReport,
} from '../../replica/index.js';
import { isCoordinatorMessage, isOutcome, isState } from '../../wsba/index.js';
import type { Reservation, StockItem } from '../inventory.js';
import { TRAVEL_LIMITS } from '../limits.js';

/**
 * Reads what replicas and desks answer. One replica may be lying: its answer may have any shape and any size, and must neither
 * crash the page nor reach a visitor's browser unchecked.
 */
type Read<T> = (value: unknown, where: string) => T;

const unfit = (where: string): never => {
  throw new ConcordatError('InvalidParameters', `${where} is not as it should be`);
};

const text: Read<string> = (value, where) =>
  typeof value === 'string' && value.length <= TRAVEL_LIMITS.answerText ? value : unfit(where);
const count: Read<number> = (value, where) =>
  typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : unfit(where);
const flag: Read<boolean> = (value, where) => (typeof value === 'boolean' ? value : unfit(where));

/** A signed statement may be a whole message; what the page shows of it is its beginning. */
const long: Read<string> = (value, where) => (typeof value === 'string' ? value : unfit(where));

const word =
  <T extends string>(is: (candidate: string) => candidate is T): Read<T> =>
  (value, where) =>
    typeof value === 'string' && is(value) ? value : unfit(where);

const oneOf = <const T extends string>(...words: readonly T[]): Read<T> =>
  word((candidate): candidate is T => words.some((known) => known === candidate));

const list =
  <T>(read: Read<T>): Read<T[]> =>
  (value, where) =>
    Array.isArray(value) && value.length <= TRAVEL_LIMITS.answerItems
      ? value.map((item, index) => read(item, `${where}[${index}]`))
      : unfit(where);

type Fields = (name: string) => unknown;

const members = (value: unknown, where: string): Fields => {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return unfit(where);
  const record: Readonly<Record<string, unknown>> = { ...value };
  return (name) => record[name];
};

/** The member of that name if it is there. */
function optional<K extends string, T>(o: Fields, name: K, read: Read<T>): Partial<Record<K, T>> {
  const value = o(name);
  const out: Partial<Record<K, T>> = {};
  if (value !== undefined) out[name] = read(value, name);
  return out;
}

const statement: Read<SignedStatement> = (value, where) => {
  const o = members(value, where);
  return { says: text(o('says'), 'says'), signed: long(o('signed'), 'signed') };
};

const evidence: Read<EvidenceReport> = (value, where) => {
  const o = members(value, where);
  const [first, second] = list(statement)(o('statements'), 'statements');
  return {
    kind: oneOf('replica', 'writer')(o('kind'), 'kind'),
    who: text(o('who'), 'who'),
    stream: text(o('stream'), 'stream'),
    number: count(o('number'), 'number'),
    statements: [first ?? unfit('statements'), second ?? unfit('statements')],
  };
};

const waiting: Read<WaitingReport> = (value, where) => {
  const o = members(value, where);
  return {
    activity: text(o('activity'), 'activity'),
    stream: oneOf('create', 'control', 'participant')(o('stream'), 'stream'),
    ...optional(o, 'participant', text),
    number: count(o('number'), 'number'),
    operation: text(o('operation'), 'operation'),
    code: text(o('code'), 'code'),
    waitsFor: list(text)(o('waitsFor'), 'waitsFor'),
    waitsForOmitted: count(o('waitsForOmitted'), 'waitsForOmitted'),
  };
};

/** @throws ConcordatError InvalidParameters naming the part that is not as it should be */
export const readStatus: Read<ReplicaStatus> = (value, where) => {
  const o = members(value, where);
  const activities = members(o('activities'), 'activities');
  return {
    replica: count(o('replica'), 'replica'),
    cluster: text(o('cluster'), 'cluster'),
    startedAt: count(o('startedAt'), 'startedAt'),
    voting: flag(o('voting'), 'voting'),
    deliveries: count(o('deliveries'), 'deliveries'),
    activities: { total: count(activities('total'), 'total'), open: count(activities('open'), 'open') },
    positions: text(o('positions'), 'positions'),
    state: text(o('state'), 'state'),
    perActivity: list((item, place) => {
      const print = members(item, place);
      return {
        id: text(print('id'), 'id'),
        positions: text(print('positions'), 'positions'),
        state: text(print('state'), 'state'),
      };
    })(o('perActivity'), 'perActivity'),
    perActivityOmitted: count(o('perActivityOmitted'), 'perActivityOmitted'),
    open: count(o('open'), 'open'),
    pending: count(o('pending'), 'pending'),
    commands: count(o('commands'), 'commands'),
    waiting: list(waiting)(o('waiting'), 'waiting'),
    waitingOmitted: count(o('waitingOmitted'), 'waitingOmitted'),
    peers: list((item, place) => {
      const peer = members(item, place);
      return {
        replica: count(peer('replica'), 'replica'),
        connected: flag(peer('connected'), 'connected'),
        behind: count(peer('behind'), 'behind'),
        malformed: count(peer('malformed'), 'malformed'),
      };
    })(o('peers'), 'peers'),
    evidence: list(evidence)(o('evidence'), 'evidence'),
    evidenceBeyondLimit: count(o('evidenceBeyondLimit'), 'evidenceBeyondLimit'),
  };
};

const participant: Read<ParticipantReport> = (value, where) => {
  const o = members(value, where);
  return {
    id: text(o('id'), 'id'),
    matchcode: text(o('matchcode'), 'matchcode'),
    writer: text(o('writer'), 'writer'),
    protocol: text(o('protocol'), 'protocol'),
    state: word(isState)(o('state'), 'state'),
    resultState: oneOf('Active', 'Completed')(o('resultState'), 'resultState'),
    ...optional(o, 'endedBy', text),
    ...optional(o, 'waitsFor', list(text)),
  };
};

const summary: Read<ActivitySummary> = (value, where) => {
  const o = members(value, where);
  return {
    id: text(o('id'), 'id'),
    outcome: word(isOutcome)(o('outcome'), 'outcome'),
    creator: text(o('creator'), 'creator'),
    created: count(o('created'), 'created'),
    ...optional(o, 'settlement', oneOf('close', 'cancel', 'end')),
    ended: flag(o('ended'), 'ended'),
    participants: list(participant)(o('participants'), 'participants'),
  };
};

/** @throws ConcordatError InvalidParameters naming the part that is not as it should be */
export const readActivities: Read<ActivitySummary[]> = (value, where) =>
  list(summary)(members(value, where)('activities'), 'activities');

const timelineLine: Read<TimelineLine> = (value, where) => {
  const o = members(value, where);
  if (o('kind') === 'command') {
    return {
      kind: 'command',
      command: word(isCoordinatorMessage)(o('command'), 'command'),
      participant: text(o('participant'), 'participant'),
      matchcode: text(o('matchcode'), 'matchcode'),
    };
  }
  return {
    kind: oneOf('request')(o('kind'), 'kind'),
    position: count(o('position'), 'position'),
    message: text(o('message'), 'message'),
    signer: text(o('signer'), 'signer'),
    stream: oneOf('create', 'control', 'participant')(o('stream'), 'stream'),
    number: count(o('number'), 'number'),
    ...optional(o, 'participant', text),
    ...optional(o, 'matchcode', text),
    certifiedBy: list(count)(o('certifiedBy'), 'certifiedBy'),
    control: flag(o('control'), 'control'),
    waiting: flag(o('waiting'), 'waiting'),
  };
};

/** @throws ConcordatError InvalidParameters naming the part that is not as it should be */
export const readReport: Read<ActivityReport> = (value, where) => {
  const o = members(value, where);
  return {
    ...summary(value, where),
    replica: count(o('replica'), 'replica'),
    timeline: list(timelineLine)(o('timeline'), 'timeline'),
  };
};

/** @throws ConcordatError InvalidParameters naming the part that is not as it should be */
export const readStock: Read<StockItem[]> = list((value, where) => {
  const o = members(value, where);
  return { item: text(o('item'), 'item'), capacity: count(o('capacity'), 'capacity'), stock: count(o('stock'), 'stock') };
});

/** @throws ConcordatError InvalidParameters naming the part that is not as it should be */
export const readReservations: Read<Reservation[]> = list((value, where) => {
  const o = members(value, where);
  return {
    key: text(o('key'), 'key'),
    item: text(o('item'), 'item'),
    customer: text(o('customer'), 'customer'),
    activity: text(o('activity'), 'activity'),
    state: oneOf('requested', 'held', 'confirmed', 'released', 'refused')(o('state'), 'state'),
  };
});
