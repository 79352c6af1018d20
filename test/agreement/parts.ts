import { attributeOf, parseDocument } from '../../src/soap/document/index.js';
import type { SourceElement } from '../../src/soap/document/index.js';
import { NS, PARSE_LIMITS } from '../../src/soap/index.js';

/** The element of a document that has a wsu:Id. */
export function sourcePart(xml: string): SourceElement {
  const part = parseDocument(xml, PARSE_LIMITS).elements.find((element) => attributeOf(element, NS.wsu, 'Id') !== undefined);
  if (part === undefined) throw new Error('there is no part');
  return part;
}
