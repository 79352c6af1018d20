import type { Addressing } from './addressing.js';
import { isQNameTyped } from './canonical.js';
import { NS, PREFIX } from './namespaces.js';
import { SOAP_NS } from './parse.js';
import type { SoapVersion } from './parse.js';
import { isElement, text } from './xml.js';
import type { XmlElement } from './xml.js';

export { referenceParameterHeaders } from './addressing.js';

/** A message to be signed. */
export interface OutgoingMessage {
  readonly soapVersion: SoapVersion;
  readonly addressing: Addressing;
  /** Everything but WS-Addressing and WS-Security: reference parameters (see `referenceParameterHeaders`), c:Sequence, a context. */
  readonly headers: readonly XmlElement[];
  /** The one child of the Body. */
  readonly body: XmlElement;
  /** Further prefixes that only texts or attribute values use, with their namespaces: to be declared on the Envelope. */
  readonly declarations?: ReadonlyMap<string, string>;
}

export const soapPrefix = (version: SoapVersion): string => PREFIX.get(SOAP_NS[version]) ?? 'soap';

/**
 * Namespace declarations for the Envelope tag: SOAP's, and those of prefixes that occur only inside text (the code of a fault),
 * which no element below would declare.
 */
export function envelopeDeclarations(message: OutgoingMessage): string {
  const namespaces = new Set<string>([SOAP_NS[message.soapVersion], ...textNamespaces(message.body)]);
  const declared = [...namespaces].map((ns) => [PREFIX.get(ns) ?? '', ns] as const);
  return [...new Map([...declared, ...(message.declarations ?? [])])].map(([prefix, ns]) => ` xmlns:${prefix}="${ns}"`).join('');
}

const NAMESPACE_OF: ReadonlyMap<string, string> = new Map([...PREFIX].map(([ns, prefix]) => [prefix, ns]));

function textNamespaces(element: XmlElement): string[] {
  const below = element.children.filter(isElement).flatMap(textNamespaces);
  if (!isQNameTyped(element.ns, element.name)) return below;
  const ns = NAMESPACE_OF.get(text(element).split(':')[0] ?? '');
  return ns === undefined || ns === NS.xml ? below : [...below, ns];
}
