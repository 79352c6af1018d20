/**
 * A small deterministic binary encoding: big-endian integers and length-prefixed bytes, no options. What is hashed or signed
 * is written with it, and so are the frames between replicas, so one value has exactly one encoding.
 */

export class CodecError extends Error {
  override readonly name = 'CodecError';
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
/** What a lenient decoder puts in the place of what is not UTF-8. */
const REPLACEMENT = '\uFFFD';

const WORD = 2 ** 32;
const FIRST_BYTES = 1024;
const LENGTH_BYTES = 4;
const MOST_BYTES_A_UNIT = 3;

/** The buffer of the last Writer that was finished, for the next one. */
let spare: Buffer | undefined;
/** No larger one is kept. */
const MOST_SPARE_BYTES = 64 * 1024;

export class Writer {
  #buffer: Buffer;
  #length = 0;

  constructor() {
    this.#buffer = spare ?? Buffer.allocUnsafeSlow(FIRST_BYTES);
    spare = undefined;
  }

  u8(value: number): this {
    const at = this.#take(1);
    this.#buffer.writeUInt8(value, at);
    return this;
  }

  u32(value: number): this {
    const at = this.#take(4);
    this.#buffer.writeUInt32BE(value, at);
    return this;
  }

  /** A non-negative safe integer, in eight bytes. */
  u53(value: number): this {
    if (!Number.isSafeInteger(value) || value < 0) throw new CodecError(`not a safe non-negative integer: ${value}`);
    return this.u32(Math.floor(value / WORD)).u32(value % WORD);
  }

  bytes(value: Uint8Array): this {
    return this.u32(value.length).raw(value);
  }

  /** Bytes without a length, for values of a fixed size. */
  raw(value: Uint8Array): this {
    const at = this.#take(value.length);
    this.#buffer.set(value, at);
    return this;
  }

  /** Bytes without a length that are given as hexadecimal digits. */
  hex(digits: string): this {
    const bytes = digits.length / 2;
    const at = this.#take(bytes);
    this.#buffer.write(digits, at, bytes, 'hex');
    return this;
  }

  string(value: string): this {
    // A UTF-16 unit takes at most three bytes: room for that is made, and what is not used is given back.
    const most = MOST_BYTES_A_UNIT * value.length;
    const at = this.#take(LENGTH_BYTES + most);
    const length = this.#buffer.write(value, at + LENGTH_BYTES, most, 'utf8');
    this.#buffer.writeUInt32BE(length, at);
    this.#length = at + LENGTH_BYTES + length;
    return this;
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

  /** What was written. Writing on does not change it. */
  finish(): Buffer {
    const written = Buffer.allocUnsafe(this.#length);
    this.#buffer.copy(written, 0, 0, this.#length);
    if (this.#buffer.length <= MOST_SPARE_BYTES) spare = this.#buffer;
    // Who writes on takes a new one, since this one is full.
    this.#buffer = written;
    return written;
  }

  /** Where the next so many bytes go. */
  #take(bytes: number): number {
    const at = this.#length;
    this.#length += bytes;
    if (this.#length > this.#buffer.length) this.#grow();
    return at;
  }

  #grow(): void {
    const grown = Buffer.allocUnsafeSlow(Math.max(FIRST_BYTES, 2 * this.#buffer.length, this.#length));
    grown.set(this.#buffer);
    this.#buffer = grown;
  }
}

/** Reads what Writer wrote; anything else, trailing bytes included, throws CodecError. Never reads past the end. */
export class Reader {
  readonly #buffer: Buffer;
  #offset = 0;

  constructor(bytes: Uint8Array) {
    this.#buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  #advance(length: number): number {
    const at = this.#offset;
    if (at + length > this.#buffer.length) throw new CodecError('truncated');
    this.#offset = at + length;
    return at;
  }

  #take(length: number): Buffer {
    const at = this.#advance(length);
    return this.#buffer.subarray(at, at + length);
  }

  u8(): number {
    return this.#buffer.readUInt8(this.#advance(1));
  }

  u32(): number {
    return this.#buffer.readUInt32BE(this.#advance(4));
  }

  u53(): number {
    const value = this.u32() * WORD + this.u32();
    if (!Number.isSafeInteger(value)) throw new CodecError('integer too large');
    return value;
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

  /** So many bytes as hexadecimal digits. */
  hex(bytes: number): string {
    const at = this.#advance(bytes);
    return this.#buffer.toString('hex', at, at + bytes);
  }

  string(max: number): string {
    const bytes = this.bytes(max);
    const text = bytes.toString('utf8');
    // A replacement may be the sender's own, or hide what is not UTF-8: the strict decoder, which is slower, knows.
    return text.includes(REPLACEMENT) ? strict(bytes) : text;
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

  /** Passes over bytes. */
  skip(length: number): void {
    this.#advance(length);
  }

  /** Passes over what `bytes` would read. */
  skipBytes(): void {
    this.#advance(this.u32());
  }

  end(): void {
    if (this.#offset !== this.#buffer.length) throw new CodecError('trailing bytes');
  }
}

function strict(bytes: Buffer): string {
  try {
    return utf8.decode(bytes);
  } catch {
    throw new CodecError('not UTF-8');
  }
}

/** Decodes a whole value: what `read` leaves over is an error. */
export function decode<T>(bytes: Uint8Array, read: (reader: Reader) => T): T {
  const reader = new Reader(bytes);
  const value = read(reader);
  reader.end();
  return value;
}
