import { ConcordatError } from '../errors.js';
import type { ClientStore } from '../store/index.js';

/** How an initiator decided, as it asked for it; whether the replicas agreed says the journal. */
export interface DecisionRecord {
  readonly kind: 'close' | 'cancel' | 'compensate';
  /** Ids; absent where the whole activity is meant. */
  readonly participants?: readonly string[];
}

/** What an initiator keeps of an activity, beside its requests. */
export interface ActivityRecord {
  readonly name: string;
  readonly outcome: 'atomic' | 'mixed';
  readonly expiresMs?: number;
  /** Id of the activity it lies in. */
  readonly inside?: string;
  /** Stream of the create that made it. */
  readonly stream: string;
  readonly decisions: readonly DecisionRecord[];
}

const KIND = 'activity';

export const putActivity = (store: ClientStore, record: ActivityRecord): void =>
  store.put(KIND, record.name, JSON.stringify(record));

export function getActivity(store: ClientStore, name: string): ActivityRecord | undefined {
  const text = store.get(KIND, name);
  return text === undefined ? undefined : read(name, text);
}

export const listActivities = (store: ClientStore): ActivityRecord[] =>
  store.list(KIND).map(({ key, value }) => read(key, value));

function read(name: string, text: string): ActivityRecord {
  const value: unknown = JSON.parse(text);
  if (!isActivity(value)) throw new ConcordatError('StoreCorrupt', `activity ${name}`);
  return value;
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> => typeof value === 'object' && value !== null;

function isActivity(value: unknown): value is ActivityRecord {
  return (
    isObject(value) &&
    typeof value['name'] === 'string' &&
    (value['outcome'] === 'atomic' || value['outcome'] === 'mixed') &&
    (value['expiresMs'] === undefined || typeof value['expiresMs'] === 'number') &&
    (value['inside'] === undefined || typeof value['inside'] === 'string') &&
    typeof value['stream'] === 'string' &&
    Array.isArray(value['decisions']) &&
    value['decisions'].every(isDecisionRecord)
  );
}

function isDecisionRecord(value: unknown): value is DecisionRecord {
  if (!isObject(value) || !['close', 'cancel', 'compensate'].some((kind) => kind === value['kind'])) return false;
  const ids = value['participants'];
  return ids === undefined || (Array.isArray(ids) && ids.every((id) => typeof id === 'string'));
}
