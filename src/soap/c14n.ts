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
