import { XMLParser } from 'fast-xml-parser';
import { ConcordatError } from '../errors.js';
import { PARSE_LIMITS } from './limits.js';
import { NS } from './namespaces.js';
import type { XmlAttribute, XmlElement, XmlNode } from './xml.js';

/** Elements whose text is a QName. */
const QNAME_TYPED: ReadonlySet<string> = new Set([
  `{${NS.wsba}}ExceptionIdentifier`,
  `{${NS.wsba}}State`,
  `{${NS.soap12}}Value`,
  '{}faultcode',
]);

export const isQNameTyped = (ns: string, name: string): boolean => QNAME_TYPED.has(`{${ns}}${name}`);

const TEXT = '#text';
const ATTRIBUTES = ':@';

/** Not namespace-aware, and it resolves nothing: namespaces, references and QNames are ours, below. */
const reader = new XMLParser({
  preserveOrder: true,
  ignoreAttributes: false,
  attributeNamePrefix: '',
  textNodeName: TEXT,
  parseTagValue: false,
  parseAttributeValue: false,
  trimValues: false,
  processEntities: false,
  strictReservedNames: false,
  onDangerousProperty: (name) => name,
  maxNestedTags: PARSE_LIMITS.maxDepth + 1,
});

type Scope = ReadonlyMap<string, string>;

/**
 * Canonical bytes that a signature covered → tree. Only for those: the reader is lenient about anything else.
 * The text of a QName-typed element becomes `{ns}local` if the bytes declare its prefix; the declaration is then signed too.
 * Throws MalformedXml.
 */
export function parseCanonical(xml: string): XmlElement {
  const nodes = read(xml);
  const [root, ...rest] = nodes;
  if (root === undefined || rest.length > 0) throw malformed('not one element');
  const node = build(root, new Map([['xml', NS.xml]]));
  if (typeof node === 'string') throw malformed('not an element');
  return node;
}

const malformed = (detail: string): ConcordatError => new ConcordatError('MalformedXml', `signed part: ${detail}`);

function read(xml: string): unknown[] {
  try {
    const nodes: unknown = reader.parse(xml);
    return Array.isArray(nodes) ? nodes : [];
  } catch (error) {
    throw new ConcordatError('MalformedXml', 'signed part', { cause: error });
  }
}

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;

function build(node: unknown, outer: Scope): XmlNode {
  if (!isRecord(node)) throw malformed('an unexpected node');
  const tag = Object.keys(node).find((key) => key !== ATTRIBUTES);
  if (tag === undefined) throw malformed('an unexpected node');
  const content = node[tag];
  if (tag === TEXT) return decode(String(content));
  const pairs = attributePairs(node[ATTRIBUTES]);
  const scope = inScope(outer, pairs);
  const [ns, name] = resolve(tag, scope, scope.get('') ?? '');
  const children = (Array.isArray(content) ? content : []).map((childNode) => build(childNode, scope));
  return {
    ns,
    name,
    attributes: attributes(pairs, scope),
    children: isQNameTyped(ns, name) ? [clark(children, scope)] : children,
  };
}

function attributePairs(group: unknown): [name: string, value: string][] {
  if (!isRecord(group)) return [];
  return Object.entries(group).map(([name, value]) => [name, decode(String(value))]);
}

function inScope(outer: Scope, pairs: readonly (readonly [string, string])[]): Scope {
  const declared = pairs.filter(([name]) => name === 'xmlns' || name.startsWith('xmlns:'));
  if (declared.length === 0) return outer;
  return new Map([...outer, ...declared.map(([name, value]) => [name === 'xmlns' ? '' : name.slice(6), value] as const)]);
}

function attributes(pairs: readonly (readonly [string, string])[], scope: Scope): XmlAttribute[] {
  return pairs
    .filter(([name]) => name !== 'xmlns' && !name.startsWith('xmlns:'))
    .map(([qname, value]) => {
      const [ns, name] = resolve(qname, scope, '');
      return { ns, name, value };
    });
}

function resolve(qname: string, scope: Scope, unprefixed: string): [ns: string, name: string] {
  const colon = qname.indexOf(':');
  if (colon === -1) return [unprefixed, qname];
  const ns = scope.get(qname.slice(0, colon));
  if (ns === undefined) throw malformed(`the prefix of ${qname} is not declared`);
  return [ns, qname.slice(colon + 1)];
}

/** A QName as `{ns}local`; lexical if the prefix is not in scope of the signed bytes. */
function clark(children: readonly XmlNode[], scope: Scope): string {
  const lexical = children
    .filter((node) => typeof node === 'string')
    .join('')
    .trim();
  const [, prefix = '', local] = /^(?:([^:\s{}]+):)?([^:\s{}]+)$/.exec(lexical) ?? [];
  const ns = scope.get(prefix);
  return ns === undefined || ns === '' || local === undefined ? lexical : `{${ns}}${local}`;
}

const ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

/** One pass, so that `&amp;lt;` stays the text `&lt;`. */
function decode(value: string): string {
  if (!value.includes('&')) return value;
  return value.replace(
    /&(?:#x([0-9A-Fa-f]{1,6})|#([0-9]{1,7})|([a-z]+));/g,
    (whole, hex?: string, decimal?: string, name?: string) => {
      if (hex !== undefined) return String.fromCodePoint(parseInt(hex, 16));
      if (decimal !== undefined) return String.fromCodePoint(parseInt(decimal, 10));
      return ENTITIES[name ?? ''] ?? whole;
    },
  );
}
