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
const escapeText = (value: string): string => value.replace(/[&<>\r]/g, (c) => TEXT_ESCAPES[c] ?? c);
const escapeAttribute = (value: string): string => value.replace(/[&<"\t\n\r]/g, (c) => ATTRIBUTE_ESCAPES[c] ?? c);

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/**
 * Writes an element in normal form: prefixes from the fixed table (others n1, n2 … in order of first use), each declared
 * where it is first needed, attributes sorted, nothing else. Two elements of equal meaning have equal normal forms whatever
 * prefixes they came with, so this is also what request digests and reply comparison are made of. The result is exclusive
 * canonical XML.
 */
export function serialize(element: XmlElement): string {
  const generated = new Map<string, string>();
  const prefixOf = (ns: string): string => {
    const fixed = PREFIX.get(ns) ?? generated.get(ns);
    if (fixed !== undefined) return fixed;
    const made = `n${generated.size + 1}`;
    generated.set(ns, made);
    return made;
  };
  return write(element, new Set([NS.xml]), prefixOf);
}

function write(element: XmlElement, declared: ReadonlySet<string>, prefixOf: (ns: string) => string): string {
  const inScope = new Set(declared);
  const declarations: [prefix: string, ns: string][] = [];
  const qualify = (ns: string, name: string): string => {
    if (ns === '') return name;
    const prefix = prefixOf(ns);
    if (!inScope.has(ns)) {
      inScope.add(ns);
      declarations.push([prefix, ns]);
    }
    return `${prefix}:${name}`;
  };
  const name = qualify(element.ns, element.name);
  const attributes = [...element.attributes]
    .sort((a, b) => compare(a.ns, b.ns) || compare(a.name, b.name))
    .map((a) => ` ${qualify(a.ns, a.name)}="${escapeAttribute(a.value)}"`)
    .join('');
  const namespaces = declarations
    .sort((a, b) => compare(a[0], b[0]))
    .map(([prefix, ns]) => ` xmlns:${prefix}="${escapeAttribute(ns)}"`)
    .join('');
  const content = element.children.map((node) => (isElement(node) ? write(node, inScope, prefixOf) : escapeText(node))).join('');
  return `<${name}${namespaces}${attributes}>${content}</${name}>`;
}
