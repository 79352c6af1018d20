import { ConcordatError } from '../errors.js';
import type { SoapVersion } from './parse.js';

export const CONTENT_TYPE: Readonly<Record<SoapVersion, string>> = {
  '1.1': 'text/xml; charset=utf-8',
  '1.2': 'application/soap+xml; charset=utf-8',
};

const MEDIA_TYPES: Readonly<Record<string, SoapVersion>> = { 'text/xml': '1.1', 'application/soap+xml': '1.2' };

export interface SoapContentType {
  readonly soapVersion: SoapVersion;
  /** The action parameter (SOAP 1.2 only). */
  readonly action?: string;
}

const PARAMETER = /;\s*([A-Za-z0-9!#$&^_.+-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s";]+))\s*/y;

/**
 * Reads a Content-Type header (RFC 9110 §8.3.1).
 * @throws UnsupportedContentType unless it is one of the two SOAP types, in UTF-8
 */
export function readContentType(header: string | undefined): SoapContentType {
  const refused = (detail: string): ConcordatError => new ConcordatError('UnsupportedContentType', detail);
  if (header === undefined) throw refused('there is no Content-Type');
  const end = header.indexOf(';') === -1 ? header.length : header.indexOf(';');
  const mediaType = header.slice(0, end).trim().toLowerCase();
  const soapVersion = Object.hasOwn(MEDIA_TYPES, mediaType) ? MEDIA_TYPES[mediaType] : undefined;
  if (soapVersion === undefined) throw refused(mediaType);
  const parameters = readParameters(header, end);
  if (parameters === undefined) throw refused(`the parameters of ${mediaType}`);
  const charset = parameters.get('charset') ?? 'utf-8';
  if (charset.toLowerCase() !== 'utf-8') throw refused(`charset ${charset}`);
  const action = parameters.get('action') ?? '';
  return soapVersion === '1.2' && action !== '' ? { soapVersion, action } : { soapVersion };
}

function readParameters(header: string, start: number): Map<string, string> | undefined {
  const parameters = new Map<string, string>();
  for (let at = start; at < header.length; at = PARAMETER.lastIndex) {
    PARAMETER.lastIndex = at;
    const match = PARAMETER.exec(header);
    const name = match?.[1]?.toLowerCase();
    if (match === null || name === undefined || parameters.has(name)) return undefined;
    parameters.set(name, match[2]?.replace(/\\(.)/g, '$1') ?? match[3] ?? '');
  }
  return parameters;
}

/** The media type of an outgoing message; SOAP 1.2 carries its action here. */
export function writeContentType(soapVersion: SoapVersion, action: string): string {
  return soapVersion === '1.1' ? CONTENT_TYPE['1.1'] : `${CONTENT_TYPE['1.2']}; action="${action.replace(/["\\]/g, '\\$&')}"`;
}

/** The SOAPAction header of SOAP 1.1 without its quotes; undefined if absent or empty, which says nothing (SOAP 1.1 §6.1.1). */
export function readSoapAction(header: string | undefined): string | undefined {
  const value = header?.trim().replace(/^"(.*)"$/, '$1');
  return value === undefined || value === '' ? undefined : value;
}
