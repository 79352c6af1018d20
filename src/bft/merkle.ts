import { hash } from 'node:crypto';

/** Hashing leaves and inner nodes with different first bytes keeps one from passing for the other (RFC 6962, section 2.1). */
const LEAF = Uint8Array.of(0);
const NODE = Uint8Array.of(1);

export const HASH_BYTES = 32;
/** Trees of up to 2^16 leaves. */
export const MAX_PATH = 16;

/** Where short inputs are put together. */
const together = Buffer.allocUnsafeSlow(4096);

function sha256(...parts: readonly Uint8Array[]): Buffer {
  let length = 0;
  for (const part of parts) length += part.length;
  const target = length <= together.length ? together : Buffer.allocUnsafe(length);
  let at = 0;
  for (const part of parts) {
    target.set(part, at);
    at += part.length;
  }
  return hash('sha256', target.subarray(0, length), 'buffer');
}

export const leafHash = (data: Uint8Array): Buffer => sha256(LEAF, data);
const nodeHash = (left: Uint8Array, right: Uint8Array): Buffer => sha256(NODE, left, right);

/** A Merkle tree over leaf hashes; an odd node at the end of a level moves up as it is. */
export class MerkleTree {
  readonly #levels: Buffer[][];

  constructor(leaves: readonly Buffer[]) {
    if (leaves.length === 0) throw new RangeError('a Merkle tree has at least one leaf');
    let level = [...leaves];
    this.#levels = [level];
    while (level.length > 1) {
      const next: Buffer[] = [];
      for (let i = 0; i < level.length; i += 2) {
        const left = level[i] as Buffer;
        const right = level[i + 1];
        next.push(right === undefined ? left : nodeHash(left, right));
      }
      this.#levels.push(next);
      level = next;
    }
  }

  get root(): Buffer {
    return this.#levels.at(-1)?.[0] as Buffer;
  }

  /** The sibling hashes from leaf to root. A level where the node has no sibling gives an empty buffer. */
  path(index: number): Buffer[] {
    return this.#levels.slice(0, -1).map((level, depth) => level[(index >> depth) ^ 1] ?? Buffer.alloc(0));
  }
}

/** The root that a leaf at `index` with this path belongs to. */
export function rootFromPath(leaf: Buffer, index: number, path: readonly Buffer[]): Buffer {
  return path.reduce((hash, sibling, depth) => {
    if (sibling.length === 0) return hash;
    return ((index >> depth) & 1) === 0 ? nodeHash(hash, sibling) : nodeHash(sibling, hash);
  }, leaf);
}
