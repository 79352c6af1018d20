import { ConcordatError } from '../errors.js';
import { childElements, isNamed } from './document/index.js';
import type { SourceElement } from './document/index.js';
import { NS } from './namespaces.js';
import type { ParsedEnvelope } from './parse.js';
import type { XmlElement } from './xml.js';

/** What the signature covers: the meaning of the digested bytes, by the element they were written of. */
export type Covered = ReadonlyMap<SourceElement, XmlElement>;

/** What of the Security header a signature may cover; a header block that was moved there would otherwise be signed and not be seen. */
const SECURITY_PARTS: readonly (readonly [ns: string, local: string])[] = [
  [NS.wsu, 'Timestamp'],
  [NS.wsse, 'BinarySecurityToken'],
];

const isPartOfSecurity = (element: SourceElement): boolean => SECURITY_PARTS.some(([ns, local]) => isNamed(element, ns, local));

/**
 * The element a reference is to. It must be the Body, a header block, or the Timestamp or token directly in Security: nothing else
 * counts as signed.
 */
export function properPart(envelope: ParsedEnvelope, id: string): SourceElement {
  const element = envelope.ids.get(id);
  const place = element?.parent;
  const proper =
    element !== undefined &&
    element !== envelope.security &&
    (element === envelope.body ||
      (place !== undefined && (isPartOfSecurity(element) ? place === envelope.security : place === envelope.header)));
  if (element === undefined || !proper) {
    throw new ConcordatError('SignedPartMissing', `the reference #${id} is to no part in its proper place`);
  }
  return element;
}

/** The direct children of the Security header of that name. */
export const securityParts = (envelope: ParsedEnvelope, ns: string, local: string): SourceElement[] =>
  envelope.security === undefined ? [] : childElements(envelope.security).filter((element) => isNamed(element, ns, local));
