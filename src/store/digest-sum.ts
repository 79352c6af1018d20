/** Hexadecimal digits of a SHA-256 digest. */
const DIGITS = 64;
const MODULUS = 1n << 256n;

/** Adds up digests modulo 2^256: the order in which they are added, and which of them were taken away again, leaves no trace. */
export class DigestSum {
  #sum: bigint;

  /** @param hex a sum that was read with `hex`; nothing by default */
  constructor(hex = '0') {
    this.#sum = BigInt(`0x${hex}`);
  }

  /** @param digest in hexadecimal digits */
  add(digest: string): this {
    this.#sum = (this.#sum + BigInt(`0x${digest}`)) % MODULUS;
    return this;
  }

  subtract(digest: string): this {
    this.#sum = (this.#sum + MODULUS - BigInt(`0x${digest}`)) % MODULUS;
    return this;
  }

  get hex(): string {
    return this.#sum.toString(16).padStart(DIGITS, '0');
  }
}
