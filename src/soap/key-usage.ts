/** Bits of the KeyUsage extension (RFC 5280 §4.2.1.3) that matter here, as masks on its first octet. */
export const KEY_USAGE = { digitalSignature: 0x80, keyCertSign: 0x04 } as const;

interface Der {
  readonly tag: number;
  readonly content: Buffer;
}

const TAG = { bitString: 0x03, octetString: 0x04, oid: 0x06, extensions: 0xa3 } as const;
/** 2.5.29.15 */
const KEY_USAGE_OID = Buffer.from([0x55, 0x1d, 0x0f]);

/**
 * The first octet of a certificate's KeyUsage, or undefined if it has no such extension. `node:crypto` shows only the extended
 * key usage. The DER is of a certificate that node has already parsed; anything odd reads as "no bit set".
 */
export function keyUsage(certificateDer: Buffer): number | undefined {
  const tbs = childrenOf(childrenOf(certificateDer)[0]?.content)[0];
  const wrapper = childrenOf(tbs?.content).find((part) => part.tag === TAG.extensions);
  for (const extension of childrenOf(childrenOf(wrapper?.content)[0]?.content)) {
    const parts = childrenOf(extension.content);
    if (parts[0]?.tag !== TAG.oid || !parts[0].content.equals(KEY_USAGE_OID)) continue;
    const value = parts.find((part) => part.tag === TAG.octetString);
    const bits = childrenOf(value?.content)[0];
    return bits?.tag === TAG.bitString ? (bits.content[1] ?? 0) : 0;
  }
  return undefined;
}

/** The values one after another in `bytes`; stops at the first that does not fit. */
function childrenOf(bytes: Buffer | undefined): Der[] {
  const found: Der[] = [];
  for (let at = 0; bytes !== undefined && at + 2 <= bytes.length;) {
    const tag = bytes[at] ?? 0;
    const first = bytes[at + 1] ?? 0;
    const lengthOctets = first < 0x80 ? 0 : first & 0x7f;
    if (lengthOctets > 4 || at + 2 + lengthOctets > bytes.length) break;
    const length = lengthOctets === 0 ? first : bytes.readUIntBE(at + 2, lengthOctets);
    const start = at + 2 + lengthOctets;
    if (start + length > bytes.length) break;
    found.push({ tag, content: bytes.subarray(start, start + length) });
    at = start + length;
  }
  return found;
}
