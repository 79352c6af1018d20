import { ConcordatError } from '../errors.js';
import { compareCodePoints, detached, Scope } from './document/index.js';
import type { Declaration, SourceAttribute, SourceElement } from './document/index.js';
import { MAX_CANONICAL_LENGTH } from './limits.js';
import { NS } from './namespaces.js';
import { isQNameTyped, resolveQName } from './qnames.js';
import { escapeAttribute, escapeText } from './xml.js';
import type { XmlAttribute, XmlElement, XmlNode } from './xml.js';

/** How a list of inclusive prefixes names the default namespace (Exclusive XML Canonicalization 1.0 §4). */
const DEFAULT_NAMESPACE = '#default';

/** The canonical bytes of an element, and what they say. */
export interface CanonicalForm {
  /** To be digested as UTF-8. */
  readonly text: string;
  /** Made in the same walk: nothing is in it that is not in the text. */
  readonly tree: XmlElement;
}

/**
 * Exclusive XML Canonicalization 1.0, without comments, of an element and all that is in it. The text of a QName-typed element becomes
 * `{ns}local` in the tree if the canonical text declares its prefix; the declaration is then signed too.
 * @param inclusive prefixes whose declarations, own or inherited, are written though nothing uses them visibly
 * @throws TooLarge
 */
export function canonicalForm(element: SourceElement, inclusive: readonly string[] = []): CanonicalForm {
  const writer = new CanonicalWriter(new Set(inclusive.map((prefix) => (prefix === DEFAULT_NAMESPACE ? '' : prefix))));
  const tree = writer.apex(element);
  return { text: writer.text, tree };
}

/** The exclusive canonical XML alone. */
export const canonicalize = (element: SourceElement, inclusive: readonly string[]): string =>
  canonicalForm(element, inclusive).text;

class CanonicalWriter {
  text = '';
  /** What the text written so far declares for the element that is being written. */
  private readonly rendered = new Scope(NS.xml);
  private readonly resolve = (prefix: string): string | undefined => this.rendered.get(prefix);

  constructor(private readonly inclusive: ReadonlySet<string>) {}

  /** The outermost element: of the inclusive prefixes it inherits what its ancestors, which are not written, declare. */
  apex(element: SourceElement): XmlElement {
    const inherited: Declaration[] = [];
    for (const prefix of this.inclusive) {
      const ns = inScope(element, prefix);
      if (ns !== undefined) inherited.push({ prefix, ns });
    }
    return this.element(element, inherited);
  }

  private element(element: SourceElement, candidates: readonly Declaration[]): XmlElement {
    const mark = this.rendered.size;
    const attributes = inOrder(element.attributes, compareAttributes);
    this.startTag(element, attributes, candidates);
    const children = isQNameTyped(element.ns, element.local) ? [this.qualifiedName(element)] : this.content(element);
    this.text += `</${element.qname}>`;
    if (this.text.length > MAX_CANONICAL_LENGTH) throw new ConcordatError('TooLarge', `the canonical form of ${element.qname}`);
    this.rendered.release(mark);
    return { ns: element.ns, name: detached(element.local), attributes: attributes.map(plain), children };
  }

  private startTag(element: SourceElement, attributes: readonly SourceAttribute[], candidates: readonly Declaration[]): void {
    let text = `<${element.qname}`;
    for (const { prefix, ns } of this.namespaces(element, attributes, candidates)) {
      text += prefix === '' ? ` xmlns="${ns}"` : ` xmlns:${prefix}="${ns}"`;
    }
    for (const { prefix, local, value } of attributes) {
      text += prefix === '' ? ` ${local}="${escapeAttribute(value)}"` : ` ${prefix}:${local}="${escapeAttribute(value)}"`;
    }
    this.text += `${text}>`;
  }

  /** What is declared here: namespaces that the element or its attributes use, or that are inclusive, and that are not yet declared so. */
  private namespaces(
    element: SourceElement,
    attributes: readonly SourceAttribute[],
    candidates: readonly Declaration[],
  ): readonly Declaration[] {
    const declarations: Declaration[] = [];
    this.declare(element, declarations);
    for (const attribute of attributes) if (attribute.prefix !== '') this.declare(attribute, declarations);
    for (const candidate of candidates) if (this.inclusive.has(candidate.prefix)) this.declare(candidate, declarations);
    return inOrder(declarations, compareDeclarations);
  }

  /** No default namespace needs a declaration only where an outer one is in force. */
  private declare({ prefix, ns }: Declaration, declarations: Declaration[]): void {
    if ((this.rendered.get(prefix) ?? '') === ns) return;
    this.rendered.bind(prefix, ns);
    declarations.push({ prefix, ns });
  }

  private content(element: SourceElement): XmlNode[] {
    return element.children.map((node) => {
      if (typeof node !== 'string') return this.element(node, node.declarations);
      this.text += escapeText(node);
      return detached(node);
    });
  }

  private qualifiedName(element: SourceElement): string {
    const texts = this.content(element).filter((node) => typeof node === 'string');
    return resolveQName(texts.join(''), this.resolve);
  }
}

/** The namespace that a prefix has at an element; undefined if it has none. */
function inScope(element: SourceElement, prefix: string): string | undefined {
  for (let at: SourceElement | undefined = element; at !== undefined; at = at.parent) {
    const found = at.declarations.find((declaration) => declaration.prefix === prefix);
    if (found !== undefined) return found.ns;
  }
  return undefined;
}

const inOrder = <T>(values: readonly T[], compare: (a: T, b: T) => number): readonly T[] =>
  values.length < 2 ? values : [...values].sort(compare);

/** Canonical XML 1.0 §2.2: by namespace name, then local name. */
const compareAttributes = (a: SourceAttribute, b: SourceAttribute): number =>
  compareCodePoints(a.ns, b.ns) || compareCodePoints(a.local, b.local);

const compareDeclarations = (a: Declaration, b: Declaration): number => compareCodePoints(a.prefix, b.prefix);

const plain = ({ ns, local, value }: SourceAttribute): XmlAttribute => ({
  ns,
  name: detached(local),
  value: detached(value),
});
