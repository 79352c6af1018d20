import { ConcordatError } from '../errors.js';
import { clarkName } from './addressing.js';
import { parseCanonical } from './canonical.js';
import { childElements } from './parse.js';
import type { ParsedEnvelope } from './parse.js';
import type { XmlElement } from './xml.js';

/** The canonical bytes that the signature covers, by the element they are of. */
export type Covered = ReadonlyMap<Element, string>;

/** The element a reference is to. It must be the Body, a header block, or a direct child of Security: nothing else counts as signed. */
export function properPart(envelope: ParsedEnvelope, id: string): Element {
  const element = envelope.ids.get(id);
  const place = element?.parentNode ?? undefined;
  const proper = element === envelope.body || (place !== undefined && (place === envelope.header || place === envelope.security));
  if (element === undefined || !proper || element === envelope.security) {
    throw new ConcordatError('SignedPartMissing', `the reference #${id} is to no part in its proper place`);
  }
  return element;
}

/** The tree of the covered bytes; that they are of the very element found in place is an invariant, checked all the same. */
export function readSigned(element: Element, covered: Covered): XmlElement | undefined {
  const bytes = covered.get(element);
  if (bytes === undefined) return undefined;
  const tree = parseCanonical(bytes);
  if (tree.ns !== (element.namespaceURI ?? '') || tree.name !== element.localName)
    throw new ConcordatError('SignatureInvalid', clarkName(tree));
  return tree;
}

/** The direct children of the Security header of that name. */
export const securityParts = (envelope: ParsedEnvelope, ns: string, name: string): Element[] =>
  envelope.security === undefined
    ? []
    : childElements(envelope.security).filter((e) => e.namespaceURI === ns && e.localName === name);
