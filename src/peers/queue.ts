/** What a waiting frame costs beside its bytes; so a flood of tiny frames is bounded, too. */
export const FRAME_OVERHEAD_BYTES = 128;
/** The array is compacted when this many entries at its front are gone. */
const COMPACT_AFTER = 1024;

/** Frames waiting to be sent, first in first out, bounded by the bytes of all of them. */
export class FrameQueue {
  #frames: (Buffer | undefined)[] = [];
  #head = 0;
  #bytes = 0;

  constructor(private readonly maxBytes: number) {}

  /** Bytes waiting, overhead included. */
  get bytes(): number {
    return this.#bytes;
  }

  /** @param besides bytes that wait elsewhere and count, too. @returns false if the frame does not fit and was not taken */
  push(frame: Buffer, besides: number): boolean {
    const cost = frame.length + FRAME_OVERHEAD_BYTES;
    if (this.#bytes + besides + cost > this.maxBytes) return false;
    this.#frames.push(frame);
    this.#bytes += cost;
    return true;
  }

  shift(): Buffer | undefined {
    const frame = this.#frames[this.#head];
    if (frame === undefined) return undefined;
    this.#frames[this.#head] = undefined;
    this.#head += 1;
    this.#bytes -= frame.length + FRAME_OVERHEAD_BYTES;
    if (this.#head >= COMPACT_AFTER) {
      this.#frames = this.#frames.slice(this.#head);
      this.#head = 0;
    }
    return frame;
  }

  clear(): void {
    this.#frames = [];
    this.#head = 0;
    this.#bytes = 0;
  }
}
