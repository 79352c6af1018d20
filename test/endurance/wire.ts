import { decode, type Reader, type Request, Writer } from '../../src/bft/index.js';
import type { CoordinatorMessage } from '../../src/wsba/index.js';
import { isCoordinatorMessage } from '../../src/wsba/index.js';

/** What the driver and the replicas of an endurance run say to each other. */
export type ToReplica =
  | { readonly type: 'submit'; readonly requests: readonly Request[] }
  /** Collect garbage, if the process can, and tell. */
  | { readonly type: 'measure' };

export type FromReplica =
  | { readonly type: 'events'; readonly events: readonly ReplicaEvent[] }
  | { readonly type: 'measured'; readonly measure: Measure };

export type ReplicaEvent =
  | { readonly kind: 'answered'; readonly stream: string; readonly number: number }
  | {
      readonly kind: 'command';
      readonly activity: string;
      readonly participant: string;
      readonly command: CoordinatorMessage;
    }
  /** It has heard from enough of its peers to vote. */
  | { readonly kind: 'voting' };

/** What a replica holds. */
export interface Measure {
  /** Bytes; resident memory of its process. */
  readonly rss: number;
  readonly heap: number;
  /** Milliseconds of processor time so far. */
  readonly cpu: number;
  /** Activities in memory, and in all. */
  readonly activities: number;
  readonly total: number;
  /** Digests of all it has delivered, and of what that led to. */
  readonly positions: string;
  readonly state: string;
}

const MAX_TEXT = 1024 * 1024;
const MAX_ITEMS = 1_000_000;

export function encodeToReplica(message: ToReplica): Buffer {
  if (message.type === 'measure') return Buffer.from([0]);
  return new Writer()
    .u8(1)
    .list(message.requests, (w, { writer, stream, number, payload }) =>
      w.string(writer).string(stream).u53(number).bytes(payload),
    )
    .finish();
}

export const decodeToReplica = (bytes: Uint8Array): ToReplica =>
  decode(bytes, (reader) =>
    reader.u8() === 0 ? { type: 'measure' } : { type: 'submit', requests: reader.list(MAX_ITEMS, readRequest) },
  );

const readRequest = (reader: Reader): Request => ({
  writer: reader.string(MAX_TEXT),
  stream: reader.string(MAX_TEXT),
  number: reader.u53(),
  payload: reader.bytes(MAX_TEXT),
});

export function encodeFromReplica(message: FromReplica): Buffer {
  if (message.type === 'measured') return new Writer().u8(0).string(JSON.stringify(message.measure)).finish();
  return new Writer().u8(1).list(message.events, writeEvent).finish();
}

export const decodeFromReplica = (bytes: Uint8Array): FromReplica =>
  decode(bytes, (reader) =>
    reader.u8() === 0
      ? { type: 'measured', measure: JSON.parse(reader.string(MAX_TEXT)) as Measure }
      : { type: 'events', events: reader.list(MAX_ITEMS, readEvent) },
  );

function writeEvent(writer: Writer, event: ReplicaEvent): void {
  switch (event.kind) {
    case 'voting':
      writer.u8(0);
      break;
    case 'answered':
      writer.u8(1).string(event.stream).u53(event.number);
      break;
    case 'command':
      writer.u8(2).string(event.activity).string(event.participant).string(event.command);
      break;
  }
}

function readEvent(reader: Reader): ReplicaEvent {
  const kind = reader.u8();
  if (kind === 0) return { kind: 'voting' };
  if (kind === 1) return { kind: 'answered', stream: reader.string(MAX_TEXT), number: reader.u53() };
  const [activity, participant, command] = [reader.string(MAX_TEXT), reader.string(MAX_TEXT), reader.string(MAX_TEXT)];
  if (!isCoordinatorMessage(command)) throw new TypeError(`no command: ${command}`);
  return { kind: 'command', activity, participant, command };
}
