import { compareCodePoints } from './document/order.js';
import { NS, PREFIX } from './namespaces.js';

/** An attribute; `ns` is '' for an attribute without a prefix. Namespace declarations are not attributes here. */
export interface XmlAttribute {
  readonly ns: string;
  readonly name: string;
  readonly value: string;
}

/** A namespace-resolved element. Prefixes are gone: equal meaning is equal structure. */
export interface XmlElement {
  readonly ns: string;
  readonly name: string;
  readonly attributes: readonly XmlAttribute[];
  readonly children: readonly XmlNode[];
}

export type XmlNode = XmlElement | string;

type AttributeInit = Readonly<Record<string, string | undefined>> | readonly XmlAttribute[];

/** Builds an element. Attributes given as a record have no namespace; undefined values and children are left out. */
export function el(ns: string, name: string, attributes: AttributeInit = {}, ...children: (XmlNode | undefined)[]): XmlElement {
  const list: readonly XmlAttribute[] = isAttributeList(attributes)
    ? attributes
    : Object.entries(attributes).flatMap(([key, value]) => (value === undefined ? [] : [{ ns: '', name: key, value }]));
  return { ns, name, attributes: list, children: children.filter((child) => child !== undefined && child !== '') as XmlNode[] };
}

function isAttributeList(value: AttributeInit): value is readonly XmlAttribute[] {
  return Array.isArray(value);
}

export const isElement = (node: XmlNode): node is XmlElement => typeof node !== 'string';

export const elements = (parent: XmlElement): XmlElement[] => parent.children.filter(isElement);

export const is = (element: XmlElement, ns: string, name: string): boolean => element.ns === ns && element.name === name;

/** The first child element of that name, if any. */
export const child = (parent: XmlElement, ns: string, name: string): XmlElement | undefined =>
  elements(parent).find((element) => is(element, ns, name));

export const childrenNamed = (parent: XmlElement, ns: string, name: string): XmlElement[] =>
  elements(parent).filter((element) => is(element, ns, name));

/** All character data directly inside the element, trimmed. */
export const text = (element: XmlElement): string =>
  element.children
    .filter((node): node is string => typeof node === 'string')
    .join('')
    .trim();

export const attribute = (element: XmlElement, ns: string, name: string): string | undefined =>
  element.attributes.find((candidate) => candidate.ns === ns && candidate.name === name)?.value;

const TEXT_ESCAPES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '\r': '&#xD;' };
const ATTRIBUTE_ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '"': '&quot;',
  '\t': '&#x9;',
  '\n': '&#xA;',
  '\r': '&#xD;',
};

/** Character data as canonical XML writes it (Canonical XML 1.0 §2.3). */
export const escapeText = (value: string): string =>
  /[&<>\r]/.test(value) ? value.replace(/[&<>\r]/g, (c) => TEXT_ESCAPES[c] ?? c) : value;

/** The value of an attribute as canonical XML writes it, between double quotes. */
export const escapeAttribute = (value: string): string =>
  /[&<"\t\n\r]/.test(value) ? value.replace(/[&<"\t\n\r]/g, (c) => ATTRIBUTE_ESCAPES[c] ?? c) : value;

/**
 * Writes an element in normal form: prefixes from the fixed table (others n1, n2 … in order of first use), each declared
 * where it is first needed, attributes sorted, nothing else. Two elements of equal meaning have equal normal forms whatever
 * prefixes they came with, so this is also what request digests and reply comparison are made of. The result is exclusive
 * canonical XML.
 */
export function serialize(element: XmlElement): string {
  return new NormalWriter().write(element);
}

class NormalWriter {
  /** Namespaces that are declared where we are, also in the order of their declaration. */
  private readonly inScope = new Set<string>([NS.xml]);
  private readonly declared: string[] = [];
  private readonly generated = new Map<string, string>();

  write(element: XmlElement): string {
    const mark = this.declared.length;
    const name = this.qualify(element.ns, element.name);
    let attributes = '';
    for (const { ns, name, value } of sorted(element.attributes))
      attributes += ` ${this.qualify(ns, name)}="${escapeAttribute(value)}"`;
    const start = `<${name}${this.declarations(mark)}${attributes}>`;
    let content = '';
    for (const node of element.children) content += isElement(node) ? this.write(node) : escapeText(node);
    if (this.declared.length > mark) this.release(mark);
    return `${start}${content}</${name}>`;
  }

  private qualify(ns: string, name: string): string {
    if (ns === '') return name;
    if (!this.inScope.has(ns)) {
      this.inScope.add(ns);
      this.declared.push(ns);
    }
    return `${this.prefixOf(ns)}:${name}`;
  }

  private release(mark: number): void {
    for (const ns of this.declared.splice(mark)) this.inScope.delete(ns);
  }

  private prefixOf(ns: string): string {
    const known = PREFIX.get(ns) ?? this.generated.get(ns);
    if (known !== undefined) return known;
    const made = `n${this.generated.size + 1}`;
    this.generated.set(ns, made);
    return made;
  }

  /** Those that were needed first since the mark. */
  private declarations(mark: number): string {
    if (this.declared.length === mark) return '';
    return this.declared
      .slice(mark)
      .map((ns) => [this.prefixOf(ns), ns] as const)
      .sort(([a], [b]) => compareCodePoints(a, b))
      .map(([prefix, ns]) => ` xmlns:${prefix}="${escapeAttribute(ns)}"`)
      .join('');
  }
}

const sorted = (attributes: readonly XmlAttribute[]): readonly XmlAttribute[] =>
  attributes.length < 2
    ? attributes
    : [...attributes].sort((a, b) => compareCodePoints(a.ns, b.ns) || compareCodePoints(a.name, b.name));
