import { decode, type Reader } from './codec.js';
import { HASH_BYTES } from './merkle.js';
import type { ReplicaId } from './types.js';

/** The replicas whose votes make a certificate, in the order of their numbers, without reading the votes. @throws CodecError */
export const signersOf = (certificate: Uint8Array, n: number): ReplicaId[] =>
  decode(certificate, (reader) => {
    skipStatement(reader);
    return reader.list(n, readSigner).sort((a, b) => a - b);
  });

function skipStatement(reader: Reader): void {
  reader.skip(1);
  reader.skipBytes();
  reader.skip(8 + HASH_BYTES);
}

function readSigner(reader: Reader): ReplicaId {
  const replica = reader.u32();
  reader.skip(4);
  for (let left = reader.u32(); left > 0; left--) reader.skipBytes();
  reader.skipBytes();
  return replica;
}
