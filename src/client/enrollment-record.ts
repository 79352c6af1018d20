import type { ClusterAddresses } from '../contract/index.js';
import { ConcordatError } from '../errors.js';
import { isParticipantMessage, isProtocol, isState } from '../wsba/index.js';
import type { ParticipantMessage, Protocol, State } from '../wsba/index.js';
import type { ClientStore } from '../store/index.js';

/** What a participant keeps of one enrollment, beside its requests. */
export interface EnrollmentRecord {
  /** The caller's own key. */
  readonly key: string;
  /** Ours: the reference parameter of the endpoint reference that was registered; random, so that nobody guesses it. */
  readonly id: string;
  /** That endpoint's address, as registered. */
  readonly address: string;
  readonly activity: string;
  readonly matchcode: string;
  /** Named after the stream (docs/decisions/002-participant-ids.md). */
  readonly participant: string;
  readonly stream: string;
  readonly protocol: Protocol;
  /** Participant view. */
  readonly state: State;
  /** The last message that was sent by the tables; what ended it, once it is Ended. */
  readonly ledBy?: ParticipantMessage;
  /** Which replica sent which acknowledgement, by `command writer`: each sends it only until it is accepted once. */
  readonly heard?: Readonly<Record<string, string>>;
  /** The cluster, if it was learnt from a context and not from cluster.json. */
  readonly cluster?: ClusterAddresses;
}

const BY_ID = 'enrollment';
const BY_KEY = 'enrollment by key';
const BY_STREAM = 'enrollment by stream';

/** Enrollments on disk, found by our id, the caller's key and the stream. */
export class EnrollmentStore {
  constructor(private readonly store: ClientStore) {}

  /** Call it inside a transaction with what must be written together. */
  put(record: EnrollmentRecord): void {
    this.store.put(BY_ID, record.id, JSON.stringify(record));
    this.store.put(BY_KEY, record.key, record.id);
    this.store.put(BY_STREAM, record.stream, record.id);
  }

  byId(id: string): EnrollmentRecord | undefined {
    const text = this.store.get(BY_ID, id);
    return text === undefined ? undefined : read(id, text);
  }

  byKey(key: string): EnrollmentRecord | undefined {
    return this.#through(BY_KEY, key);
  }

  byStream(stream: string): EnrollmentRecord | undefined {
    return this.#through(BY_STREAM, stream);
  }

  all(): EnrollmentRecord[] {
    return this.store.list(BY_ID).map(({ key, value }) => read(key, value));
  }

  #through(kind: string, key: string): EnrollmentRecord | undefined {
    const id = this.store.get(kind, key);
    return id === undefined ? undefined : this.byId(id);
  }
}

function read(id: string, text: string): EnrollmentRecord {
  const value: unknown = JSON.parse(text);
  if (!isRecord(value)) throw new ConcordatError('StoreCorrupt', `enrollment ${id}`);
  return value;
}

const TEXTS = ['key', 'id', 'address', 'activity', 'matchcode', 'participant', 'stream', 'protocol', 'state'] as const;
const isObject = (value: unknown): value is Readonly<Record<string, unknown>> => typeof value === 'object' && value !== null;
const isText = (value: unknown): value is string => typeof value === 'string';
const textOf = (value: unknown): string => (isText(value) ? value : '');

function isRecord(value: unknown): value is EnrollmentRecord {
  return (
    isObject(value) &&
    TEXTS.every((name) => isText(value[name])) &&
    isProtocol(textOf(value['protocol'])) &&
    isState(textOf(value['state'])) &&
    (value['ledBy'] === undefined || isParticipantMessage(textOf(value['ledBy']))) &&
    (value['heard'] === undefined || (isObject(value['heard']) && Object.values(value['heard']).every(isText))) &&
    (value['cluster'] === undefined || isAddresses(value['cluster']))
  );
}

const isAddresses = (value: unknown): boolean =>
  isObject(value) && isText(value['logical']) && Array.isArray(value['replicas']) && value['replicas'].every(isText);
