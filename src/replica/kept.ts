import { decode, type Position, type Reader, Writer } from '../bft/index.js';

/** A delivery with what proves it. */
export interface KeptDelivery extends Position {
  readonly content: Uint8Array;
  readonly certificate: Uint8Array;
}

const MAX_BYTES = 64 * 1024 * 1024;
const MAX_ITEMS = 1_000_000;

/** Deliveries of a retired unit, as the archive keeps them for peers that may lack them. */
export const encodeKept = (deliveries: readonly KeptDelivery[]): Buffer =>
  new Writer()
    .list(deliveries, (w, { stream, number, content, certificate }) =>
      w.string(stream).u53(number).bytes(content).bytes(certificate),
    )
    .finish();

/** @throws CodecError */
export const decodeKept = (bytes: Uint8Array): KeptDelivery[] => decode(bytes, (reader) => reader.list(MAX_ITEMS, readKept));

const readKept = (reader: Reader): KeptDelivery => ({
  stream: reader.string(MAX_BYTES),
  number: reader.u53(),
  content: reader.bytes(MAX_BYTES),
  certificate: reader.bytes(MAX_BYTES),
});
