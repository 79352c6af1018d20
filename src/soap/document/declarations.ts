import { NS, PREFIX } from '../namespaces.js';
import { detached } from './detached.js';
import { malformed } from './errors.js';
import type { Declaration } from './tree.js';

const XMLNS = 'http://www.w3.org/2000/xmlns/';

/** The namespaces of our own table, by name: an equal name from a message becomes the very string, which compares fastest. */
const OURS: ReadonlyMap<string, string> = new Map([...PREFIX.keys()].map((ns) => [ns, ns]));

/** A scheme (RFC 3986 §3.1), which every absolute URI begins with. */
const ABSOLUTE = /^[A-Za-z][A-Za-z0-9+.-]*:/;

/** What would need escaping in canonical XML. */
const UNSAFE = /[\s"'<>&]/;

/**
 * Checks a namespace declaration: the constraints of Namespaces in XML 1.0 §3, absolute URIs only (Canonical XML 1.0 §1.3 makes
 * relative ones an error), and nothing that would need escaping where the name is written again.
 * @param prefix '' for the default namespace
 * @throws MalformedXml
 */
export function readDeclaration(prefix: string, ns: string): Declaration {
  const known = OURS.get(ns);
  if (known !== undefined && known !== NS.xml && prefix !== 'xml' && prefix !== 'xmlns') return { prefix, ns: known };
  const isReserved = prefix === 'xmlns' || ns === XMLNS || (prefix === 'xml') !== (ns === NS.xml);
  const isUndeclaring = ns === '' && prefix !== '';
  const isUnfit = ns !== '' && (!ABSOLUTE.test(ns) || UNSAFE.test(ns));
  if (isReserved || isUndeclaring || isUnfit) throw malformed(`the namespace declaration of "${prefix}"`);
  return { prefix, ns: detached(ns) };
}
