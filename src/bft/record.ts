import { CodecError, decode, Writer } from './codec.js';
import type { BroadcastLimits } from './limits.js';
import { HASH_BYTES } from './merkle.js';
import type { RetiredStream } from './ports.js';
import { digestOf } from './request.js';
import type { Digest } from './types.js';

const DOMAIN = 'concordat record 1';

/** Streams of one unit, and deliveries on one of them: bounds for reading, beyond what `maxRecordBytes` lets through. */
const MAX_ITEMS = 1_000_000;

/** A unit of the service that is over: what was delivered in it, and what state that led to. Equal at all correct replicas. */
export interface UnitRecord {
  readonly unit: string;
  /** By name. */
  readonly streams: readonly RetiredStream[];
  /** The service's own. */
  readonly state: Uint8Array;
}

export interface EncodedRecord {
  readonly bytes: Buffer;
  readonly hash: Digest;
}

const byName = (a: RetiredStream, b: RetiredStream): number => (a.stream < b.stream ? -1 : a.stream > b.stream ? 1 : 0);

export function encodeRecord(cluster: string, { unit, streams, state }: UnitRecord): EncodedRecord {
  const bytes = new Writer()
    .string(DOMAIN)
    .string(cluster)
    .string(unit)
    .list([...streams].sort(byName), (w, { stream, digests }) => {
      w.string(stream).bytes(Buffer.from(digests.join(''), 'hex'));
    })
    .bytes(state)
    .finish();
  return { bytes, hash: digestOf(bytes) };
}

/** @throws CodecError on anything but a record of this cluster */
export function decodeRecord(cluster: string, bytes: Uint8Array, limits: BroadcastLimits): UnitRecord {
  return decode(bytes, (reader) => {
    if (reader.string(64) !== DOMAIN) throw new CodecError('not a record');
    if (reader.string(256) !== cluster) throw new CodecError('a record of another cluster');
    return {
      unit: reader.string(limits.maxStreamBytes),
      streams: reader.list(MAX_ITEMS, (r) => ({
        stream: r.string(limits.maxStreamBytes),
        digests: readDigests(r.bytes(limits.maxRecordBytes)),
      })),
      state: reader.bytes(limits.maxRecordBytes),
    };
  });
}

function readDigests(bytes: Buffer): Digest[] {
  if (bytes.length % HASH_BYTES !== 0) throw new CodecError('not a list of digests');
  const hex = bytes.toString('hex');
  return Array.from(
    { length: bytes.length / HASH_BYTES },
    (_, i) => hex.slice(2 * HASH_BYTES * i, 2 * HASH_BYTES * (i + 1)) as Digest,
  );
}
