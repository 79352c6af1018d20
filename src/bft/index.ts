export * from './broadcast.js';
export type { BroadcastOptions } from './state.js';
export { CodecError, decode, Reader, Writer } from './codec.js';
export * from './limits.js';
export type * from './ports.js';
export { decodeRecord, encodeRecord, type UnitRecord } from './record.js';
export { decodeRequest, digestOf, encodeRequest, requestDigest } from './request.js';
export { signersOf } from './signers.js';
export * from './types.js';
export {
  decodeCertificate,
  encodeCertificate,
  readAttestation,
  readMark,
  readStatement,
  type VoteMark,
  Votes,
  writeAttestation,
  writeMark,
  writeStatement,
} from './votes.js';
