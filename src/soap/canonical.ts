import { ConcordatError } from '../errors.js';
import { detached, parseDocument, Scope, textOf } from './document/index.js';
import type { SourceElement } from './document/index.js';
import { PARSE_LIMITS } from './limits.js';
import type { ParseLimits } from './limits.js';
import { NS } from './namespaces.js';
import { isQNameTyped, resolveQName } from './qnames.js';
import type { XmlElement } from './xml.js';

export { isQNameTyped } from './qnames.js';

/**
 * Of what was accepted as part of a message the normal form is read again. It may be longer than the message was and declare more on
 * one element, but is no deeper; its size is for whoever keeps it to bound.
 */
const NORMAL_FORM_LIMITS: ParseLimits = {
  maxBytes: Number.MAX_SAFE_INTEGER,
  maxDepth: PARSE_LIMITS.maxDepth + 1,
  maxNodes: Number.MAX_SAFE_INTEGER,
  maxAttributes: 2 * PARSE_LIMITS.maxAttributes + 1,
  maxNamespaces: Number.MAX_SAFE_INTEGER,
  maxNameLength: 2 * PARSE_LIMITS.maxNameLength,
  maxNamespaceLength: PARSE_LIMITS.maxNamespaceLength,
};

/**
 * Canonical XML, such as `serialize` writes, → tree. The text of a QName-typed element becomes `{ns}local` if the text declares its
 * prefix. Throws MalformedXml.
 */
export function parseCanonical(xml: string): XmlElement {
  return build(parse(xml), new Scope(NS.xml));
}

function parse(xml: string): SourceElement {
  try {
    return parseDocument(xml, NORMAL_FORM_LIMITS).root;
  } catch (error) {
    const detail = error instanceof ConcordatError ? (error.detail ?? error.message) : 'unreadable';
    throw new ConcordatError('MalformedXml', `signed part: ${detail}`, { cause: error });
  }
}

function build(element: SourceElement, scope: Scope): XmlElement {
  const mark = scope.size;
  for (const { prefix, ns } of element.declarations) scope.bind(prefix, ns);
  const children = isQNameTyped(element.ns, element.local)
    ? [resolveQName(textOf(element), (prefix) => scope.get(prefix))]
    : element.children.map((node) => (typeof node === 'string' ? detached(node) : build(node, scope)));
  scope.release(mark);
  return {
    ns: element.ns,
    name: detached(element.local),
    attributes: element.attributes.map(({ ns, local, value }) => ({ ns, name: detached(local), value: detached(value) })),
    children,
  };
}
