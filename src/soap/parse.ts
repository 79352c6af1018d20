import { ConcordatError } from '../errors.js';
import { childElements, isNamed, NOT_SPACE, parseDocument } from './document/index.js';
import type { SourceElement } from './document/index.js';
import { MAX_HEADERS, PARSE_LIMITS } from './limits.js';
import type { ParseLimits } from './limits.js';
import { NS } from './namespaces.js';

export { parseCanonical } from './canonical.js';
export { PARSE_LIMITS } from './limits.js';
export type { ParseLimits } from './limits.js';

export type SoapVersion = '1.1' | '1.2';

/** An envelope whose shape is right. Nothing in it is authenticated yet: use it to find parts, not to read them. */
export interface ParsedEnvelope {
  readonly soapVersion: SoapVersion;
  /** As received. */
  readonly raw: string;
  readonly header: SourceElement | undefined;
  /** The children of Header, the Security header included. */
  readonly blocks: readonly SourceElement[];
  readonly security: SourceElement | undefined;
  readonly body: SourceElement;
  /** Elements by the value of any attribute called id, in whatever case and namespace. */
  readonly ids: ReadonlyMap<string, SourceElement>;
}

const ONCE_IN_AN_ENVELOPE: ReadonlyMap<string, readonly string[]> = new Map([
  ['Envelope', [NS.soap11, NS.soap12]],
  ['Header', [NS.soap11, NS.soap12]],
  ['Body', [NS.soap11, NS.soap12]],
  ['Security', [NS.wsse]],
]);

export const SOAP_NS: Readonly<Record<SoapVersion, string>> = { '1.1': NS.soap11, '1.2': NS.soap12 };

/**
 * The hardened parse of an envelope. Throws TooLarge, MalformedXml, Doctype, ProcessingInstruction, TooDeep, NotAnEnvelope,
 * EnvelopeStructure or DuplicateId.
 */
export function parseEnvelope(raw: string, limits: Partial<ParseLimits> = {}): ParsedEnvelope {
  const { root, elements } = parseDocument(raw, { ...PARSE_LIMITS, ...limits });
  const soapVersion = versionOf(root);
  checkOnce(elements);
  const ids = idsOf(elements);
  return { soapVersion, raw, ids, ...structure(root, SOAP_NS[soapVersion]) };
}

function versionOf(root: SourceElement): SoapVersion {
  if (isNamed(root, NS.soap11, 'Envelope')) return '1.1';
  if (isNamed(root, NS.soap12, 'Envelope')) return '1.2';
  throw new ConcordatError('NotAnEnvelope', `{${root.ns}}${root.local}`);
}

/** SOAP's own elements, and the Security header, are there once at most, wherever it be. */
function checkOnce(elements: readonly SourceElement[]): void {
  const seen = new Set<string>();
  for (const { ns, local } of elements) {
    if (ONCE_IN_AN_ENVELOPE.get(local)?.includes(ns) !== true) continue;
    if (seen.has(local)) throw new ConcordatError('EnvelopeStructure', `more than one ${local}`);
    seen.add(local);
  }
}

function idsOf(elements: readonly SourceElement[]): Map<string, SourceElement> {
  const ids = new Map<string, SourceElement>();
  for (const element of elements) {
    for (const { local, value } of element.attributes) {
      if (local.length !== 2 || local.toLowerCase() !== 'id') continue;
      if (ids.has(value)) throw new ConcordatError('DuplicateId', value);
      ids.set(value, element);
    }
  }
  return ids;
}

type Structure = Pick<ParsedEnvelope, 'header' | 'blocks' | 'security' | 'body'>;

function structure(root: SourceElement, soap: string): Structure {
  const parts = childElements(root);
  const header = parts[0] !== undefined && isNamed(parts[0], soap, 'Header') ? parts[0] : undefined;
  const [body, ...rest] = header === undefined ? parts : parts.slice(1);
  if (body === undefined || !isNamed(body, soap, 'Body')) throw new ConcordatError('EnvelopeStructure', 'there is no Body');
  if (rest.length > 0) throw new ConcordatError('EnvelopeStructure', `${rest[0]?.qname ?? ''} after the Body`);
  const count = childElements(body).length;
  if (count !== 1) throw new ConcordatError('EnvelopeStructure', `the Body has ${count} children`);
  for (const part of [root, header, body]) if (part !== undefined) refuseText(part);
  const blocks = header === undefined ? [] : childElements(header);
  if (blocks.length > MAX_HEADERS) throw new ConcordatError('TooDeep', `more than ${MAX_HEADERS} header blocks`);
  return { header, blocks, body, security: blocks.find((block) => isNamed(block, NS.wsse, 'Security')) };
}

function refuseText({ children, qname }: SourceElement): void {
  const isText = children.some((node) => typeof node === 'string' && NOT_SPACE.test(node));
  if (isText) throw new ConcordatError('EnvelopeStructure', `text directly inside ${qname}`);
}
