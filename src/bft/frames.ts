import { CodecError, decode, type Reader, Writer } from './codec.js';
import type { BroadcastLimits } from './limits.js';
import { HASH_BYTES } from './merkle.js';
import type { LogEntry } from './ports.js';
import type { Attestation, Certificate, Digest, Position, Statement } from './types.js';
import {
  readAttestation,
  readCertificate,
  readStatement,
  type SignedBatch,
  writeAttestation,
  writeCertificate,
  writeStatement,
} from './votes.js';

/** What replicas say to each other. Links are authenticated (src/peers), so only what must convince third parties is signed. */
export type Frame =
  /** Votes; a READY comes with the echo certificate that justifies it. */
  | { readonly type: 'votes'; readonly batch: SignedBatch; readonly certificates: readonly Certificate[] }
  /** A writer's signed message, for a peer that has not voted for it. */
  | { readonly type: 'pass-on'; readonly proof: Uint8Array }
  /** "I have followed your delivery log up to `position`; go on." */
  | { readonly type: 'follow'; readonly epoch: string; readonly position: number }
  /** Entries of the sender's delivery log from position `from`. */
  | { readonly type: 'log'; readonly epoch: string; readonly from: number; readonly entries: readonly LogEntry[] }
  | { readonly type: 'fetch'; readonly positions: readonly Position[] }
  /** Requests asked for, each with the best certificate the sender has. */
  | { readonly type: 'found'; readonly items: readonly FoundItem[] }
  /** A vote that contradicts what was delivered: whoever holds the replica's other vote has the proof. */
  | { readonly type: 'suspect'; readonly statement: Statement; readonly attestation: Attestation };

export interface FoundItem {
  readonly content: Uint8Array;
  readonly certificate: Certificate | undefined;
}

const CODE = { votes: 1, 'pass-on': 2, follow: 3, log: 4, fetch: 5, found: 6, suspect: 7 } as const;
const MAX_EPOCH = 128;

export function encodeFrame(frame: Frame): Buffer {
  const writer = new Writer().u8(CODE[frame.type]);
  switch (frame.type) {
    case 'votes':
      writer.list(frame.batch.statements, writeStatement).bytes(frame.batch.signature).list(frame.certificates, writeCertificate);
      break;
    case 'pass-on':
      writer.bytes(frame.proof);
      break;
    case 'follow':
      writer.string(frame.epoch).u53(frame.position);
      break;
    case 'log':
      writer.string(frame.epoch).u53(frame.from).list(frame.entries, writeEntry);
      break;
    case 'fetch':
      writer.list(frame.positions, (w, position) => w.string(position.stream).u53(position.number));
      break;
    case 'found':
      writer.list(frame.items, (w, item) => w.bytes(item.content).optional(item.certificate, writeCertificate));
      break;
    case 'suspect':
      writeStatement(writer, frame.statement);
      writeAttestation(writer, frame.attestation);
      break;
  }
  return writer.finish();
}

const writeEntry = (writer: Writer, entry: LogEntry): void => {
  writer.string(entry.stream).u53(entry.number).raw(Buffer.from(entry.digest, 'hex'));
};

const readEntry = (reader: Reader, limits: BroadcastLimits): LogEntry => ({
  ...readPosition(reader, limits),
  digest: reader.raw(HASH_BYTES).toString('hex') as Digest,
});

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
            signature: reader.bytes(128),
          },
          certificates: reader.list(limits.batchStatements, (r) => readCertificate(r, limits, n)),
        };
      case CODE['pass-on']:
        return { type: 'pass-on', proof: reader.bytes(limits.maxProofBytes) };
      case CODE.follow:
        return { type: 'follow', epoch: reader.string(MAX_EPOCH), position: reader.u53() };
      case CODE.log:
        return {
          type: 'log',
          epoch: reader.string(MAX_EPOCH),
          from: reader.u53(),
          entries: reader.list(limits.logChunk, (r) => readEntry(r, limits)),
        };
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
      case CODE.suspect:
        return { type: 'suspect', statement: readStatement(reader, limits), attestation: readAttestation(reader) };
      default:
        throw new CodecError(`unknown frame ${code}`);
    }
  });
}
