import { childrenOf, contextTag, MalformedDer, readInteger, readOid, readOne, TAG } from '../x509/der.js';
import { certificateFields } from '../x509/names.js';

/** Bits of the KeyUsage extension (RFC 5280 §4.2.1.3) that matter here, as masks on its first octet. */
export const KEY_USAGE = { digitalSignature: 0x80, keyCertSign: 0x04, cRLSign: 0x02 } as const;

const OID = { keyUsage: '2.5.29.15', basicConstraints: '2.5.29.19' } as const;
const EXTENSIONS = contextTag(3);

/**
 * The first octet of a certificate's KeyUsage, or undefined if it has no such extension. `node:crypto` shows only the extended
 * key usage. Anything odd reads as "no bit set".
 */
export function keyUsage(certificateDer: Buffer): number | undefined {
  const value = extensionOf(certificateDer, OID.keyUsage);
  if (value === undefined) return undefined;
  return tolerant(() => readOne(value, TAG.bitString).content[1]) ?? 0;
}

/**
 * How many authorities may stand below this one, not counting the last certificate (RFC 5280 §4.2.1.9); undefined for any
 * number. Anything odd reads as none.
 */
export function pathLength(certificateDer: Buffer): number | undefined {
  const value = extensionOf(certificateDer, OID.basicConstraints);
  if (value === undefined) return undefined;
  const parts = tolerant(() => childrenOf(readOne(value, TAG.sequence)));
  const length = parts?.find((part) => part.tag === TAG.integer);
  if (parts !== undefined && length === undefined) return undefined;
  return tolerant(() => readInteger(length)) ?? 0;
}

/** What is inside the OCTET STRING of an extension. */
function extensionOf(certificateDer: Buffer, id: string): Buffer | undefined {
  const wrapper = tolerant(() => certificateFields(certificateDer))?.find((part) => part.tag === EXTENSIONS);
  for (const extension of tolerant(() => childrenOf(childrenOf(wrapper)[0])) ?? []) {
    const parts = tolerant(() => childrenOf(extension)) ?? [];
    if (tolerant(() => readOid(parts[0])) === id) return parts.find((part) => part.tag === TAG.octetString)?.content;
  }
  return undefined;
}

/** The DER is of a certificate that OpenSSL has parsed; what we cannot read of it counts as not there. */
function tolerant<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof MalformedDer) return undefined;
    throw error;
  }
}
