export * from './broadcast.js';
export type { BroadcastOptions } from './state.js';
export { CodecError, decode, Reader, Writer } from './codec.js';
export * from './limits.js';
export type * from './ports.js';
export { decodeRequest, digestOf, encodeRequest, requestDigest } from './request.js';
export * from './types.js';
export {
  decodeCertificate,
  encodeCertificate,
  readAttestation,
  readStatement,
  Votes,
  writeAttestation,
  writeStatement,
} from './votes.js';
