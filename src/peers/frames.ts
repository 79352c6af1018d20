/**
 * What travels on a peer link: frames of a four-byte big-endian length, a kind of one byte, and a payload. The length counts
 * kind and payload. It is checked before anything is kept for the frame.
 */

/** A frame's kind is its place in this list, from 1. */
const KINDS = [
  /** Dialer: who it is, as JSON. First frame of a link, and the only one until it is welcomed. */
  'hello',
  /** Acceptor: the link is up. */
  'welcome',
  /** Dialer: a frame of the layer above. */
  'data',
  /** Dialer: are you there? */
  'ping',
  /** Acceptor: yes. */
  'pong',
  /** Operator: the one request of its connection, as JSON. */
  'request',
  /** Replica: the one answer to it, as JSON. */
  'answer',
] as const;

export type FrameKind = (typeof KINDS)[number];

export interface Frame {
  readonly kind: FrameKind;
  readonly payload: Buffer;
}

/** Bytes before a frame's payload. */
export const FRAME_HEADER_BYTES = 5;
const LENGTH_BYTES = 4;
const KIND_BYTES = 1;

/** A peer sent what is no frame, or a frame that does not belong there. The message is fit for a log line. */
export class MalformedFrame extends Error {}

/** Header and payload in one buffer of its own, so that the caller may go on using the payload's. */
export function encodeFrame(kind: FrameKind, payload: Uint8Array = new Uint8Array()): Buffer {
  const frame = Buffer.allocUnsafe(FRAME_HEADER_BYTES + payload.length);
  frame.writeUInt32BE(KIND_BYTES + payload.length, 0);
  frame.writeUInt8(KINDS.indexOf(kind) + 1, LENGTH_BYTES);
  frame.set(payload, FRAME_HEADER_BYTES);
  return frame;
}

const NOTHING = Buffer.alloc(0);

/** Cuts what arrives into frames; keeps at most twice what has arrived of one frame, however it is chopped. */
export class FrameReader {
  /** What has arrived of the frame that is not complete: the first #length bytes of #buffer. */
  #buffer: Buffer = NOTHING;
  #length = 0;

  /** @param maxPayload bytes; may be raised once the other side has said who it is */
  constructor(public maxPayload: number) {}

  /** Takes what arrived and yields the frames that are complete; their payloads are views. @throws MalformedFrame */
  *push(chunk: Buffer): Generator<Frame> {
    let rest = this.#append(chunk);
    while (rest.length >= FRAME_HEADER_BYTES) {
      const length = rest.readUInt32BE(0);
      const kind = KINDS[rest.readUInt8(LENGTH_BYTES) - 1];
      if (kind === undefined) throw new MalformedFrame('a frame of an unknown kind');
      if (length < KIND_BYTES || length - KIND_BYTES > this.maxPayload) {
        throw new MalformedFrame(`a frame of ${length} bytes where ${this.maxPayload} are accepted`);
      }
      const end = LENGTH_BYTES + length;
      if (rest.length < end) return;
      const payload = rest.subarray(FRAME_HEADER_BYTES, end);
      rest = rest.subarray(end);
      this.#buffer = rest;
      this.#length = rest.length;
      yield { kind, payload };
    }
  }

  /** What is here with `chunk` after it. Never writes where a view was handed out: such a buffer is always full. */
  #append(chunk: Buffer): Buffer {
    const length = this.#length + chunk.length;
    if (this.#length === 0) {
      this.#buffer = chunk;
    } else {
      if (length > this.#buffer.length) {
        const grown = Buffer.allocUnsafe(Math.max(length, 2 * this.#length));
        this.#buffer.copy(grown, 0, 0, this.#length);
        this.#buffer = grown;
      }
      chunk.copy(this.#buffer, this.#length);
    }
    this.#length = length;
    return this.#buffer.subarray(0, length);
  }
}
