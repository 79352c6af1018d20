/**
 * A small deterministic binary encoding: big-endian integers and length-prefixed bytes, no options. What is hashed or signed
 * is written with it, and so are the frames between replicas, so one value has exactly one encoding.
 */

export class CodecError extends Error {
  override readonly name = 'CodecError';
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

export class Writer {
  readonly #parts: Uint8Array[] = [];

  u8(value: number): this {
    this.#parts.push(Uint8Array.of(value));
    return this;
  }

  u32(value: number): this {
    const part = Buffer.allocUnsafe(4);
    part.writeUInt32BE(value);
    this.#parts.push(part);
    return this;
  }

  /** A non-negative safe integer, in eight bytes. */
  u53(value: number): this {
    if (!Number.isSafeInteger(value) || value < 0) throw new CodecError(`not a safe non-negative integer: ${value}`);
    const part = Buffer.allocUnsafe(8);
    part.writeBigUInt64BE(BigInt(value));
    this.#parts.push(part);
    return this;
  }

  bytes(value: Uint8Array): this {
    this.u32(value.length);
    this.#parts.push(value);
    return this;
  }

  /** Bytes without a length, for values of a fixed size. */
  raw(value: Uint8Array): this {
    this.#parts.push(value);
    return this;
  }

  string(value: string): this {
    return this.bytes(Buffer.from(value, 'utf8'));
  }

  list<T>(values: readonly T[], write: (writer: Writer, value: T) => void): this {
    this.u32(values.length);
    for (const value of values) write(this, value);
    return this;
  }

  optional<T>(value: T | undefined, write: (writer: Writer, value: T) => void): this {
    if (value === undefined) return this.u8(0);
    this.u8(1);
    write(this, value);
    return this;
  }

  finish(): Buffer {
    return Buffer.concat(this.#parts);
  }
}

/** Reads what Writer wrote; anything else, trailing bytes included, throws CodecError. Never reads past the end. */
export class Reader {
  readonly #buffer: Buffer;
  #offset = 0;

  constructor(bytes: Uint8Array) {
    this.#buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  #take(length: number): Buffer {
    const end = this.#offset + length;
    if (end > this.#buffer.length) throw new CodecError('truncated');
    const part = this.#buffer.subarray(this.#offset, end);
    this.#offset = end;
    return part;
  }

  u8(): number {
    return this.#take(1).readUInt8();
  }

  u32(): number {
    return this.#take(4).readUInt32BE();
  }

  u53(): number {
    const value = this.#take(8).readBigUInt64BE();
    if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw new CodecError('integer too large');
    return Number(value);
  }

  /** @param max the largest length accepted, in bytes */
  bytes(max: number): Buffer {
    const length = this.u32();
    if (length > max) throw new CodecError(`${length} bytes where at most ${max} are allowed`);
    return this.#take(length);
  }

  raw(length: number): Buffer {
    return this.#take(length);
  }

  string(max: number): string {
    try {
      return utf8.decode(this.bytes(max));
    } catch (error) {
      if (error instanceof CodecError) throw error;
      throw new CodecError('not UTF-8');
    }
  }

  list<T>(max: number, read: (reader: Reader) => T): T[] {
    const length = this.u32();
    if (length > max) throw new CodecError(`a list of ${length} where at most ${max} are allowed`);
    const values: T[] = [];
    for (let i = 0; i < length; i++) values.push(read(this));
    return values;
  }

  optional<T>(read: (reader: Reader) => T): T | undefined {
    const present = this.u8();
    if (present > 1) throw new CodecError('not an option');
    return present === 1 ? read(this) : undefined;
  }

  end(): void {
    if (this.#offset !== this.#buffer.length) throw new CodecError('trailing bytes');
  }
}

/** Decodes a whole value: what `read` leaves over is an error. */
export function decode<T>(bytes: Uint8Array, read: (reader: Reader) => T): T {
  const reader = new Reader(bytes);
  const value = read(reader);
  reader.end();
  return value;
}
