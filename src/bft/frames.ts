import { CodecError, decode, type Reader, Writer } from './codec.js';
import type { BroadcastLimits } from './limits.js';
import { HASH_BYTES } from './merkle.js';
import type { LogEntry } from './ports.js';
import type { Attestation, Certificate, Digest, Position, Statement } from './types.js';
import {
  readAttestation,
  readCertificate,
  readStatement,
  readMark,
  type SignedBatch,
  type VoteMark,
  writeAttestation,
  writeCertificate,
  writeMark,
  writeStatement,
} from './votes.js';

/** What replicas say to each other. Links are authenticated (src/peers), so only what must convince third parties is signed. */
export type Frame =
  /** Votes; a READY comes with the echo certificate that justifies it. */
  | { readonly type: 'votes'; readonly batch: SignedBatch; readonly certificates: readonly Certificate[] }
  /** A writer's signed message, for a peer that has not voted for it. */
  | { readonly type: 'pass-on'; readonly proof: Uint8Array }
  /**
   * "I have followed your delivery log up to `position`; go on." With `asked`, the asker's own clock, it wants to be told also
   * that there is nothing more.
   */
  | { readonly type: 'follow'; readonly epoch: string; readonly position: number; readonly asked?: number }
  /** Entries of the sender's delivery log from position `from`, or none. With the question's `asked`: the log ended there. */
  | {
      readonly type: 'log';
      readonly epoch: string;
      readonly from: number;
      readonly entries: readonly LogEntry[];
      readonly asked?: number;
    }
  | { readonly type: 'fetch'; readonly positions: readonly Position[] }
  /** Requests asked for, each with the best certificate the sender has. */
  | { readonly type: 'found'; readonly items: readonly FoundItem[] }
  /** Units that the receiver may have retired: their hashes, or the records themselves, are wanted. */
  | { readonly type: 'want'; readonly records: boolean; readonly units: readonly string[] }
  | { readonly type: 'vouch'; readonly items: readonly VouchedItem[] }
  /** "I have just started: how many votes of mine do you know of?" */
  | { readonly type: 'probe' }
  /** The highest mark the sender holds of the receiver's votes, if any. */
  | { readonly type: 'heard'; readonly mark?: VoteMark }
  /** A vote that contradicts what was delivered: whoever holds the replica's other vote has the proof. */
  | { readonly type: 'suspect'; readonly statement: Statement; readonly attestation: Attestation };

export interface FoundItem {
  readonly content: Uint8Array;
  readonly certificate: Certificate | undefined;
}

/** What the sender's record of a retired unit is. */
export interface VouchedItem {
  readonly unit: string;
  readonly hash: Digest;
  readonly record: Uint8Array | undefined;
}

const CODE = {
  votes: 1,
  'pass-on': 2,
  follow: 3,
  log: 4,
  fetch: 5,
  found: 6,
  suspect: 7,
  probe: 8,
  heard: 9,
  want: 10,
  vouch: 11,
} as const;
const ENTRY = { delivery: 1, retired: 2 } as const;
const MAX_EPOCH = 128;

export function encodeFrame(frame: Frame): Buffer {
  const writer = new Writer().u8(CODE[frame.type]);
  switch (frame.type) {
    case 'votes':
      writer
        .list(frame.batch.statements, writeStatement)
        .u53(frame.batch.made)
        .bytes(frame.batch.signature)
        .list(frame.certificates, writeCertificate);
      break;
    case 'pass-on':
      writer.bytes(frame.proof);
      break;
    case 'follow':
      writer.string(frame.epoch).u53(frame.position).optional(frame.asked, writeTime);
      break;
    case 'log':
      writer.string(frame.epoch).u53(frame.from).list(frame.entries, writeEntry).optional(frame.asked, writeTime);
      break;
    case 'fetch':
      writer.list(frame.positions, (w, position) => w.string(position.stream).u53(position.number));
      break;
    case 'found':
      writer.list(frame.items, (w, item) => w.bytes(item.content).optional(item.certificate, writeCertificate));
      break;
    case 'want':
      writer.u8(frame.records ? 1 : 0).list(frame.units, (w, unit) => w.string(unit));
      break;
    case 'vouch':
      writer.list(frame.items, (w, { unit, hash, record }) => {
        w.string(unit)
          .hex(hash)
          .optional(record, (r, bytes) => r.bytes(bytes));
      });
      break;
    case 'probe':
      break;
    case 'heard':
      writer.optional(frame.mark, writeMark);
      break;
    case 'suspect':
      writeStatement(writer, frame.statement);
      writeAttestation(writer, frame.attestation);
      break;
  }
  return writer.finish();
}

const writeTime = (writer: Writer, time: number): void => void writer.u53(time);

const readAsked = (reader: Reader): { asked?: number } => {
  const asked = reader.optional((r) => r.u53());
  return asked === undefined ? {} : { asked };
};

const writeEntry = (writer: Writer, entry: LogEntry): void => {
  writer.u8(ENTRY[entry.kind]).u53(entry.position);
  if (entry.kind === 'delivery') writer.string(entry.stream).u53(entry.number).hex(entry.digest);
  else writer.string(entry.unit).hex(entry.hash);
};

function readEntry(reader: Reader, limits: BroadcastLimits): LogEntry {
  const kind = reader.u8();
  const position = reader.u53();
  switch (kind) {
    case ENTRY.delivery:
      return { kind: 'delivery', position, ...readPosition(reader, limits), digest: readDigest(reader) };
    case ENTRY.retired:
      return { kind: 'retired', position, unit: reader.string(limits.maxStreamBytes), hash: readDigest(reader) };
    default:
      throw new CodecError(`unknown log entry ${kind}`);
  }
}

/** Positions rise from `from` on, with gaps. */
function readEntries(reader: Reader, limits: BroadcastLimits, from: number): LogEntry[] {
  const entries = reader.list(limits.logChunk, (r) => readEntry(r, limits));
  let next = from;
  for (const { position } of entries) {
    if (position < next) throw new CodecError('log entries out of order');
    next = position + 1;
  }
  return entries;
}

const readDigest = (reader: Reader): Digest => reader.hex(HASH_BYTES) as Digest;

function readFlag(reader: Reader): boolean {
  const flag = reader.u8();
  if (flag > 1) throw new CodecError('not a flag');
  return flag === 1;
}

const readPosition = (reader: Reader, limits: BroadcastLimits): Position => ({
  stream: reader.string(limits.maxStreamBytes),
  number: reader.u53(),
});

/** @throws CodecError on anything that is not exactly one frame within the limits */
export function decodeFrame(bytes: Uint8Array, limits: BroadcastLimits, n: number): Frame {
  return decode(bytes, (reader): Frame => {
    const code = reader.u8();
    switch (code) {
      case CODE.votes:
        return {
          type: 'votes',
          batch: {
            statements: reader.list(limits.batchStatements, (r) => readStatement(r, limits)),
            made: reader.u53(),
            signature: reader.bytes(128),
          },
          certificates: reader.list(limits.batchStatements, (r) => readCertificate(r, limits, n)),
        };
      case CODE['pass-on']:
        return { type: 'pass-on', proof: reader.bytes(limits.maxProofBytes) };
      case CODE.follow:
        return { type: 'follow', epoch: reader.string(MAX_EPOCH), position: reader.u53(), ...readAsked(reader) };
      case CODE.log: {
        const epoch = reader.string(MAX_EPOCH);
        const from = reader.u53();
        return { type: 'log', epoch, from, entries: readEntries(reader, limits, from), ...readAsked(reader) };
      }
      case CODE.fetch:
        return { type: 'fetch', positions: reader.list(limits.fetchChunk, (r) => readPosition(r, limits)) };
      case CODE.found:
        return {
          type: 'found',
          items: reader.list(limits.fetchChunk, (r) => ({
            content: reader.bytes(limits.maxContentBytes),
            certificate: r.optional((c) => readCertificate(c, limits, n)),
          })),
        };
      case CODE.want:
        return {
          type: 'want',
          records: readFlag(reader),
          units: reader.list(limits.recordChunk, (r) => r.string(limits.maxStreamBytes)),
        };
      case CODE.vouch:
        return {
          type: 'vouch',
          items: reader.list(limits.recordChunk, (r) => ({
            unit: r.string(limits.maxStreamBytes),
            hash: readDigest(r),
            record: r.optional((bytes) => bytes.bytes(limits.maxRecordBytes)),
          })),
        };
      case CODE.probe:
        return { type: 'probe' };
      case CODE.heard: {
        const mark = reader.optional(readMark);
        return mark === undefined ? { type: 'heard' } : { type: 'heard', mark };
      }
      case CODE.suspect:
        return { type: 'suspect', statement: readStatement(reader, limits), attestation: readAttestation(reader) };
      default:
        throw new CodecError(`unknown frame ${code}`);
    }
  });
}
