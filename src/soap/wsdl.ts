/** The WSDLs and schemas of the package's wsdl/ folder, as served for `?wsdl` and `?xsd=NAME`. */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ENDPOINTS, type Endpoint } from './messages/actions.js';

/** Only these names are ever read from disk; a query is compared with them and never becomes a path. */
const SCHEMAS = ['wsaddr.xsd', 'wscoor.xsd', 'wsba.xsd', 'wsbai.xsd', 'concordat.xsd'] as const;
const FILES: readonly string[] = [...ENDPOINTS.map((endpoint) => `${endpoint}.wsdl`), ...SCHEMAS];

export interface Description {
  readonly contentType: string;
  readonly body: string;
}

const CONTENT_TYPE = 'text/xml; charset=utf-8';

/** The wsdl/ folder of this package, found upwards from this module: both src/ and dist/ lie inside the package. */
export const bundled: string = findBundled(dirname(fileURLToPath(import.meta.url)));

function findBundled(start: string): string {
  let folder = start;
  while (!existsSync(join(folder, 'wsdl', 'activation.wsdl')) && dirname(folder) !== folder) folder = dirname(folder);
  return join(folder, 'wsdl');
}

/**
 * Answers a GET with the query `wsdl` or `xsd=NAME`; undefined if it asks for anything else. The address of the endpoint
 * replaces the placeholder in every port, and schemas are imported from `address?xsd=NAME`, never from another host.
 * @param folder `bundled`, or a folder with the same files; each file is read once
 * @param address the URL of this endpoint, without a query
 */
export function serveDescription(folder: string, endpoint: Endpoint, query: string, address: string): Description | undefined {
  const file = fileFor(endpoint, query);
  if (file === undefined) return undefined;
  const body = readOnce(folder, file)
    .replace(/(<soap(?:12)?:address location=)"[^"]*"/g, (_match, start: string) => `${start}"${escapeAttribute(address)}"`)
    .replace(
      /schemaLocation="([^"]*)"/g,
      (_match, name: string) => `schemaLocation="${escapeAttribute(`${address}?xsd=${name}`)}"`,
    );
  return { contentType: CONTENT_TYPE, body };
}

function fileFor(endpoint: Endpoint, query: string): string | undefined {
  if (/^wsdl=?$/i.test(query)) return `${endpoint}.wsdl`;
  return SCHEMAS.find((name) => query === `xsd=${name}`);
}

const cache = new Map<string, ReadonlyMap<string, string>>();
const MAX_FOLDERS = 8;

function readOnce(folder: string, file: string): string {
  const files = cache.get(folder) ?? readFolder(folder);
  if (!cache.has(folder) && cache.size < MAX_FOLDERS) cache.set(folder, files);
  return files.get(file) ?? '';
}

const readFolder = (folder: string): ReadonlyMap<string, string> =>
  new Map(FILES.map((name) => [name, readFileSync(join(folder, name), 'utf8')]));

const ESCAPES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };
const escapeAttribute = (value: string): string => value.replace(/[&<>"]/g, (character) => ESCAPES[character] ?? character);
