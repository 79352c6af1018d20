/** Reading and writing ASN.1 in DER (ITU-T X.690), as far as certificates, revocation lists and PKCS#12 files need it. */

export interface Der {
  readonly tag: number;
  readonly content: Buffer;
  /** Tag, length and content. */
  readonly raw: Buffer;
}

export const TAG = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  null: 0x05,
  oid: 0x06,
  utf8String: 0x0c,
  utcTime: 0x17,
  generalizedTime: 0x18,
  bmpString: 0x1e,
  sequence: 0x30,
  set: 0x31,
} as const;

/** Tag of a constructed context-specific value: `[0]` … */
export const contextTag = (number: number): number => 0xa0 + number;

/** The bytes are not the DER that was expected. */
export class MalformedDer extends Error {}

const MAX_LENGTH_OCTETS = 4;

/** The values one after another in `bytes`. @throws MalformedDer */
export function readDer(bytes: Buffer): Der[] {
  const found: Der[] = [];
  for (let at = 0; at < bytes.length;) {
    const value = valueAt(bytes, at);
    found.push(value);
    at += value.raw.length;
  }
  return found;
}

/** The one value that `bytes` are. @throws MalformedDer */
export function readOne(bytes: Buffer, tag: number): Der {
  const [value, ...more] = readDer(bytes);
  if (value === undefined || more.length > 0) throw new MalformedDer('not exactly one value');
  return expectTag(value, tag);
}

/** The values inside a constructed one. @throws MalformedDer */
export const childrenOf = (value: Der | undefined): Der[] => (value === undefined ? [] : readDer(value.content));

/** @throws MalformedDer if there is no value, or one of another kind */
export function expectTag(value: Der | undefined, tag: number): Der {
  if (value?.tag !== tag) throw new MalformedDer(`tag ${value?.tag ?? 'none'} where ${tag} was expected`);
  return value;
}

function valueAt(bytes: Buffer, at: number): Der {
  const tag = bytes[at] ?? 0;
  const first = bytes[at + 1];
  if (first === undefined || (tag & 0x1f) === 0x1f) throw new MalformedDer('a tag without a length, or of several octets');
  const octets = first < 0x80 ? 0 : first & 0x7f;
  // 0x80 is BER's indefinite length, which DER does not have.
  if (first === 0x80 || octets > MAX_LENGTH_OCTETS || at + 2 + octets > bytes.length) throw new MalformedDer('a length');
  const length = octets === 0 ? first : bytes.readUIntBE(at + 2, octets);
  const start = at + 2 + octets;
  if (start + length > bytes.length) throw new MalformedDer('a value longer than what holds it');
  return { tag, content: bytes.subarray(start, start + length), raw: bytes.subarray(at, start + length) };
}

/** An object identifier in its dotted form. @throws MalformedDer */
export function readOid(value: Der | undefined): string {
  const { content } = expectTag(value, TAG.oid);
  const arcs: number[] = [];
  let arc = 0;
  for (const octet of content) {
    arc = arc * 0x80 + (octet & 0x7f);
    if (!Number.isSafeInteger(arc)) throw new MalformedDer('an object identifier');
    if (octet >= 0x80) continue;
    arcs.push(arc);
    arc = 0;
  }
  const [head, ...rest] = arcs;
  if (head === undefined || (content.at(-1) ?? 0) >= 0x80) throw new MalformedDer('an object identifier');
  const root = Math.min(2, Math.floor(head / 40));
  return [root, head - root * 40, ...rest].join('.');
}

/** A small non-negative integer. @throws MalformedDer */
export function readInteger(value: Der | undefined): number {
  const { content } = expectTag(value, TAG.integer);
  if (content.length === 0 || content.length > 6 || (content[0] ?? 0) >= 0x80) throw new MalformedDer('an integer');
  return content.readUIntBE(0, content.length);
}

/** A UTCTime or GeneralizedTime as RFC 5280 §4.1.2.5 writes it, in milliseconds since the epoch. @throws MalformedDer */
export function readTime(value: Der | undefined): number {
  const text = value?.content.toString('latin1') ?? '';
  const short = value?.tag === TAG.utcTime;
  if (!short) expectTag(value, TAG.generalizedTime);
  const full = short ? `${Number(text.slice(0, 2)) >= 50 ? '19' : '20'}${text}` : text;
  const parts = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/.exec(full);
  const ms = parts === null ? NaN : Date.parse(full.replace(/^(....)(..)(..)(..)(..)(..)Z$/, '$1-$2-$3T$4:$5:$6Z'));
  if (Number.isNaN(ms)) throw new MalformedDer('a time');
  return ms;
}

/** The bytes of one value of these parts. */
export function writeDer(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(parts);
  return Buffer.concat([Buffer.from([tag]), lengthOctets(content.length), content]);
}

function lengthOctets(length: number): Buffer {
  if (length < 0x80) return Buffer.from([length]);
  const hex = length.toString(16);
  const octets = Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, 'hex');
  return Buffer.concat([Buffer.from([0x80 + octets.length]), octets]);
}

export const sequence = (...parts: readonly Uint8Array[]): Buffer => writeDer(TAG.sequence, ...parts);
export const octetString = (bytes: Uint8Array): Buffer => writeDer(TAG.octetString, bytes);
export const NULL = Buffer.from([TAG.null, 0]);

/** A time of whole seconds, as RFC 5280 §4.1.2.5 wants it: UTCTime until 2049, GeneralizedTime from then on. */
export function writeTime(ms: number): Buffer {
  const text = `${new Date(ms).toISOString().slice(0, 19).replaceAll(/[-:T]/g, '')}Z`;
  return Number(text.slice(0, 4)) < 2050
    ? writeDer(TAG.utcTime, Buffer.from(text.slice(2), 'latin1'))
    : writeDer(TAG.generalizedTime, Buffer.from(text, 'latin1'));
}

/** A non-negative integer. */
export function integer(value: number | bigint): Buffer {
  const hex = value.toString(16);
  const octets = Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, 'hex');
  return writeDer(TAG.integer, ...((octets[0] ?? 0) >= 0x80 ? [Buffer.from([0]), octets] : [octets]));
}

/** An object identifier from its dotted form. */
export function oid(dotted: string): Buffer {
  const [root = 0, second = 0, ...rest] = dotted.split('.').map(Number);
  return writeDer(TAG.oid, ...[root * 40 + second, ...rest].map(base128));
}

function base128(arc: number): Buffer {
  const octets = [arc % 0x80];
  for (let rest = Math.floor(arc / 0x80); rest > 0; rest = Math.floor(rest / 0x80)) octets.unshift(0x80 + (rest % 0x80));
  return Buffer.from(octets);
}
