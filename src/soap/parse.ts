import { DOMParser } from '@xmldom/xmldom';
import { ConcordatError } from '../errors.js';
import { MAX_HEADERS, PARSE_LIMITS } from './limits.js';
import type { ParseLimits } from './limits.js';
import { NS } from './namespaces.js';
import { scan } from './scan.js';

export { parseCanonical } from './canonical.js';
export { PARSE_LIMITS } from './limits.js';
export type { ParseLimits } from './limits.js';

export type SoapVersion = '1.1' | '1.2';

/** An envelope whose shape is right. Nothing in it is authenticated yet: use it to find parts, not to read them. */
export interface ParsedEnvelope {
  readonly soapVersion: SoapVersion;
  /** As received. */
  readonly raw: string;
  readonly header: Element | undefined;
  /** The children of Header, the Security header included. */
  readonly blocks: readonly Element[];
  readonly security: Element | undefined;
  readonly body: Element;
  /** Elements by the value of any attribute called id, in whatever case and namespace. */
  readonly ids: ReadonlyMap<string, Element>;
}

const ELEMENT_NODE = 1;
const TEXT_NODES: ReadonlySet<number> = new Set([3, 4]);
const ONCE_IN_AN_ENVELOPE: readonly (readonly [namespaces: readonly string[], name: string])[] = [
  [[NS.soap11, NS.soap12], 'Envelope'],
  [[NS.soap11, NS.soap12], 'Header'],
  [[NS.soap11, NS.soap12], 'Body'],
  [[NS.wsse], 'Security'],
];

export const SOAP_NS: Readonly<Record<SoapVersion, string>> = { '1.1': NS.soap11, '1.2': NS.soap12 };

/**
 * The one hardened parse. Throws TooLarge, MalformedXml, Doctype, ProcessingInstruction, TooDeep, NotAnEnvelope,
 * EnvelopeStructure or DuplicateId.
 */
export function parseEnvelope(raw: string, limits: Partial<ParseLimits> = {}): ParsedEnvelope {
  scan(raw, { ...PARSE_LIMITS, ...limits });
  const root = parseDom(forDom(raw));
  const soapVersion = versionOf(root);
  const ids = new Map<string, Element>();
  const seen = new Set<string>();
  walk(root, ids, seen);
  return { soapVersion, raw, ids, ...structure(root, SOAP_NS[soapVersion]) };
}

/**
 * The DOM library folds U+0085 and U+2028 into a line feed, as XML 1.1 does; in XML 1.0 they are plain characters. Written as
 * references they survive.
 */
const forDom = (raw: string): string => raw.replace(/[\u0085\u2028]/g, (c) => `&#${c.charCodeAt(0)};`);

function parseDom(source: string): Element {
  const refuse = (message: unknown): never => {
    throw new ConcordatError('MalformedXml', String(message).split('\n')[0]);
  };
  try {
    const parser = new DOMParser({ errorHandler: { warning: refuse, error: refuse, fatalError: refuse } });
    return parser.parseFromString(source, 'text/xml').documentElement;
  } catch (error) {
    if (error instanceof ConcordatError) throw error;
    throw new ConcordatError('MalformedXml', undefined, { cause: error });
  }
}

function versionOf(root: Element): SoapVersion {
  if (root.localName === 'Envelope' && root.namespaceURI === NS.soap11) return '1.1';
  if (root.localName === 'Envelope' && root.namespaceURI === NS.soap12) return '1.2';
  throw new ConcordatError('NotAnEnvelope', `{${root.namespaceURI ?? ''}}${root.localName}`);
}

export function childElements(parent: Element): Element[] {
  const found: Element[] = [];
  for (let node = parent.firstChild; node !== null; node = node.nextSibling) if (isDomElement(node)) found.push(node);
  return found;
}

const isDomElement = (node: Node): node is Element => node.nodeType === ELEMENT_NODE;

/** Checks every element: bound prefixes, no attribute twice by expanded name, unique ids, and SOAP's own elements only once. */
function walk(element: Element, ids: Map<string, Element>, once: Set<string>): void {
  if (element.prefix && !element.namespaceURI)
    throw new ConcordatError('MalformedXml', `the prefix ${element.prefix} is not declared`);
  checkOnce(element, once);
  const names = new Set<string>();
  for (const attribute of Array.from(element.attributes)) {
    checkAttribute(attribute);
    const name = `{${attribute.namespaceURI ?? ''}}${attribute.localName}`;
    if (names.has(name)) throw new ConcordatError('MalformedXml', `attribute ${name} is given twice`);
    names.add(name);
    if (attribute.namespaceURI === XMLNS || attribute.localName.toLowerCase() !== 'id') continue;
    if (ids.has(attribute.value)) throw new ConcordatError('DuplicateId', attribute.value);
    ids.set(attribute.value, element);
  }
  for (const childElement of childElements(element)) walk(childElement, ids, once);
}

const XMLNS = 'http://www.w3.org/2000/xmlns/';

/** Namespace names are written into canonical XML as they are, so they must hold nothing that needs escaping there. */
function checkAttribute(attribute: Attr): void {
  if (attribute.namespaceURI !== XMLNS) {
    if (attribute.prefix && !attribute.namespaceURI)
      throw new ConcordatError('MalformedXml', `the prefix ${attribute.prefix} is not declared`);
    return;
  }
  const undeclares = attribute.prefix === 'xmlns' && attribute.value === '';
  const reserved =
    attribute.prefix === 'xmlns' &&
    (attribute.localName === 'xmlns' || (attribute.localName === 'xml') !== (attribute.value === NS.xml));
  if (undeclares || reserved || attribute.value === XMLNS || /[\s"'<>&]/.test(attribute.value)) {
    throw new ConcordatError('MalformedXml', `the namespace declaration ${attribute.name}`);
  }
}

function checkOnce(element: Element, once: Set<string>): void {
  for (const [namespaces, name] of ONCE_IN_AN_ENVELOPE) {
    if (element.localName !== name || !namespaces.includes(element.namespaceURI ?? '')) continue;
    if (once.has(name)) throw new ConcordatError('EnvelopeStructure', `more than one ${name}`);
    once.add(name);
  }
}

type Structure = Pick<ParsedEnvelope, 'header' | 'blocks' | 'security' | 'body'>;

function structure(root: Element, soap: string): Structure {
  const parts = childElements(root);
  const header = parts[0]?.localName === 'Header' && parts[0].namespaceURI === soap ? parts[0] : undefined;
  const [body, ...rest] = header === undefined ? parts : parts.slice(1);
  if (body?.localName !== 'Body' || body.namespaceURI !== soap) throw new ConcordatError('EnvelopeStructure', 'there is no Body');
  if (rest.length > 0) throw new ConcordatError('EnvelopeStructure', `${rest[0]?.nodeName ?? ''} after the Body`);
  const count = childElements(body).length;
  if (count !== 1) throw new ConcordatError('EnvelopeStructure', `the Body has ${count} children`);
  for (const part of [root, header, body]) if (part !== undefined) refuseText(part);
  const blocks = header === undefined ? [] : childElements(header);
  if (blocks.length > MAX_HEADERS) throw new ConcordatError('TooDeep', `more than ${MAX_HEADERS} header blocks`);
  return {
    header,
    blocks,
    body,
    security: blocks.find((block) => block.localName === 'Security' && block.namespaceURI === NS.wsse),
  };
}

function refuseText(parent: Element): void {
  for (const node of Array.from(parent.childNodes)) {
    if (TEXT_NODES.has(node.nodeType) && (node.nodeValue ?? '').trim() !== '') {
      throw new ConcordatError('EnvelopeStructure', `text directly inside ${parent.nodeName}`);
    }
  }
}
