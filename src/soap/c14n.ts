import { ExclusiveCanonicalization } from 'xml-crypto';

interface Named {
  readonly namespaceURI?: string | null;
  readonly localName?: string | null;
}

/** Order of Unicode code points; `<` on strings compares UTF-16 units, which differs above U+FFFF. */
export function compareCodePoints(a: string, b: string): -1 | 0 | 1 {
  const left = Array.from(a);
  const right = Array.from(b);
  for (let i = 0; i < left.length && i < right.length; i++) {
    const difference = (left[i]?.codePointAt(0) ?? 0) - (right[i]?.codePointAt(0) ?? 0);
    if (difference !== 0) return difference < 0 ? -1 : 1;
  }
  return left.length === right.length ? 0 : left.length < right.length ? -1 : 1;
}

/**
 * Exclusive C14N with the orders the standard asks for (Canonical XML 1.0 §2.2). The library sorts namespace prefixes by locale,
 * which puts `a` before `B`, and attributes by namespace and name run together.
 */
export class StandardExclusiveC14n extends ExclusiveCanonicalization {
  override nsCompare(a: { prefix: string }, b: { prefix: string }): -1 | 0 | 1 {
    return compareCodePoints(a.prefix, b.prefix);
  }

  override attrCompare(a: Named, b: Named): -1 | 0 | 1 {
    return (
      compareCodePoints(a.namespaceURI ?? '', b.namespaceURI ?? '') || compareCodePoints(a.localName ?? '', b.localName ?? '')
    );
  }
}

const c14n = new StandardExclusiveC14n();
const XMLNS = 'http://www.w3.org/2000/xmlns/';

/**
 * The exclusive canonical XML of an element and all that is in it.
 * @param inclusive prefixes whose declarations, own or inherited, are written on the element though nothing uses them visibly
 */
export function canonicalize(element: Element, inclusive: readonly string[]): string {
  if (inclusive.length === 0) return c14n.process(element, { defaultNsForPrefix: {} });
  // The library declares inherited prefixes on the element itself; on a copy, so that the tree stays as it was read.
  const copy = element.cloneNode(true);
  if (!isElementNode(copy)) return '';
  for (const prefix of inclusive) {
    const ns = inherited(element, prefix);
    if (ns !== undefined) copy.setAttributeNS(XMLNS, `xmlns:${prefix}`, ns);
  }
  return c14n.process(copy, { defaultNsForPrefix: {}, inclusiveNamespacesPrefixList: [...inclusive] });
}

const isElementNode = (node: Node): node is Element => node.nodeType === 1;

/** The namespace a prefix has from the ancestors; undefined if it has none or the element declares it itself. */
function inherited(element: Element, prefix: string): string | undefined {
  if (element.hasAttributeNS(XMLNS, prefix)) return undefined;
  for (let at = element.parentNode; at !== null && isElementNode(at); at = at.parentNode) {
    const ns = at.getAttributeNS(XMLNS, prefix);
    if (ns !== null && ns !== '') return ns;
  }
  return undefined;
}
