import { NS } from './namespaces.js';

/** Elements whose text is a QName. */
const QNAME_TYPED: ReadonlySet<string> = new Set([
  `{${NS.wsba}}ExceptionIdentifier`,
  `{${NS.wsba}}State`,
  `{${NS.soap12}}Value`,
  '{}faultcode',
]);
const LOCAL_NAMES: ReadonlySet<string> = new Set([...QNAME_TYPED].map((name) => name.slice(name.indexOf('}') + 1)));

export const isQNameTyped = (ns: string, name: string): boolean => LOCAL_NAMES.has(name) && QNAME_TYPED.has(`{${ns}}${name}`);

/**
 * A QName in text as `{ns}local`; as written, without white space around it, if its prefix has no namespace.
 * @param resolve the namespace of a prefix, '' being the default namespace
 */
export function resolveQName(text: string, resolve: (prefix: string) => string | undefined): string {
  const lexical = text.trim();
  const [, prefix = '', local] = /^(?:([^:\s{}]+):)?([^:\s{}]+)$/.exec(lexical) ?? [];
  const ns = resolve(prefix);
  return ns === undefined || ns === '' || local === undefined ? lexical : `{${ns}}${local}`;
}
