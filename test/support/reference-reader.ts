import { XMLParser } from 'fast-xml-parser';
import { NS } from '../../src/soap/index.js';
import type { XmlAttribute, XmlElement, XmlNode } from '../../src/soap/index.js';
import { isQNameTyped } from '../../src/soap/qnames.js';

/** A reader of canonical XML to hold ours against: other code all the way. */

const MAX_DEPTH = 100;
const TEXT = '#text';
const ATTRIBUTES = ':@';

/** Not namespace-aware, and it resolves nothing: that is done below. */
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
  maxNestedTags: MAX_DEPTH,
});

type Scope = ReadonlyMap<string, string>;

/** Canonical XML → tree, as `parseCanonical` has it, by another parser. Lenient about anything else. */
export function readCanonical(xml: string): XmlElement {
  const nodes = read(xml);
  const [root, ...rest] = nodes;
  if (root === undefined || rest.length > 0) throw malformed('not one element');
  const node = build(root, new Map([['xml', NS.xml]]));
  if (typeof node === 'string') throw malformed('not an element');
  return node;
}

const malformed = (detail: string): Error => new Error(`not canonical XML: ${detail}`);

function read(xml: string): unknown[] {
  const nodes: unknown = reader.parse(xml);
  return Array.isArray(nodes) ? nodes : [];
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
