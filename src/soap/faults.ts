import { ConcordatError, ERRORS, isErrorCode } from '../errors.js';
import type { ErrorCode, ErrorEntry, FaultNamespace } from '../errors.js';
import { clarkName } from './addressing.js';
import { faultHeaders } from './fault-headers.js';
import type { OutgoingMessage } from './envelope.js';
import { soapPrefix } from './envelope.js';
import { MAX_FAULT_DETAIL, MAX_FAULT_WAITS_FOR } from './limits.js';
import { NS, PREFIX } from './namespaces.js';
import type { SoapVersion } from './parse.js';
import { FORBIDDEN_CHARACTER } from './document/index.js';
import { attribute, child, childrenNamed, el, elements, is, text } from './xml.js';
import type { XmlElement } from './xml.js';

export interface FaultContext {
  readonly soapVersion: SoapVersion;
  /** MessageID of the message the fault is about, if it was signed. */
  readonly relatesTo?: string;
  /** Further children of the detail, e.g. c:WaitsFor. */
  readonly extra?: readonly XmlElement[];
}

/** The wsa:Action of a fault by the namespace of its code (WS-Coordination 1.1 §4; WS-Addressing 1.0 SOAP Binding §6). */
const FAULT_ACTION: Readonly<Record<FaultNamespace, string>> = {
  wscoor: `${NS.wscoor}/fault`,
  wsa: `${NS.wsa}/fault`,
  wsse: `${NS.wsa}/soap/fault`,
  soap: `${NS.wsa}/soap/fault`,
  concordat: `${NS.concordat}/fault`,
  wsbai: `${NS.wsbai}fault`,
};

const CODE_NS: Readonly<Record<Exclude<FaultNamespace, 'soap'>, string>> = {
  wscoor: NS.wscoor,
  wsa: NS.wsa,
  wsse: NS.wsse,
  concordat: NS.concordat,
  wsbai: NS.wsbai,
};

/** SOAP 1.1 §4.4.1 has other names for two of SOAP 1.2's codes. */
const SOAP11_CODE: Readonly<Record<string, string>> = { Sender: 'Client', Receiver: 'Server' };

/**
 * An error as a fault message: the code and action of the table of errors, and a detail with c:Code (our stable code), c:Retryable
 * and c:Detail. An error that is not a ConcordatError becomes Internal and says nothing of itself.
 */
export function faultMessage(error: unknown, about: FaultContext): OutgoingMessage {
  const known = error instanceof ConcordatError ? error : new ConcordatError('Internal');
  const entry = ERRORS[known.code];
  const detail = [
    el(NS.concordat, 'Code', {}, known.code),
    el(NS.concordat, 'Retryable', {}, String(entry.retryable)),
    known.detail === undefined ? undefined : el(NS.concordat, 'Detail', {}, printable(known.detail)),
    ...known.waitsFor.slice(0, MAX_FAULT_WAITS_FOR).map((id) => el(NS.concordat, 'WaitsFor', {}, printable(id))),
    ...(about.extra ?? []),
  ].filter((part) => part !== undefined);
  const body = about.soapVersion === '1.1' ? fault11(entry, detail) : fault12(entry, detail);
  const relatesTo = about.relatesTo === undefined ? {} : { relatesTo: about.relatesTo };
  return {
    soapVersion: about.soapVersion,
    addressing: { action: FAULT_ACTION[entry.fault[0]], ...relatesTo },
    ...faultHeaders(known, about.soapVersion),
    body,
  };
}

/** Details quote what senders wrote; they must fit a fault and XML. */
function printable(detail: string): string {
  const clipped = detail.length <= MAX_FAULT_DETAIL ? detail : `${detail.slice(0, MAX_FAULT_DETAIL)}…`;
  return clipped.replace(new RegExp(FORBIDDEN_CHARACTER, 'gu'), '\u{FFFD}');
}

const prefixed = (ns: string, name: string): string => `${PREFIX.get(ns) ?? 'c'}:${name}`;

function fault11({ fault: [space, name], message }: ErrorEntry, detail: readonly XmlElement[]): XmlElement {
  const code = space === 'soap' ? `${soapPrefix('1.1')}:${SOAP11_CODE[name] ?? name}` : prefixed(CODE_NS[space], name);
  return el(
    NS.soap11,
    'Fault',
    {},
    el('', 'faultcode', {}, code),
    el('', 'faultstring', {}, message),
    el('', 'detail', {}, ...detail),
  );
}

function fault12({ fault: [space, name], blame, message }: ErrorEntry, detail: readonly XmlElement[]): XmlElement {
  const value = (code: string): XmlElement => el(NS.soap12, 'Value', {}, code);
  const top = space === 'soap' ? name : blame === 'sender' ? 'Sender' : 'Receiver';
  const subcode = space === 'soap' ? undefined : el(NS.soap12, 'Subcode', {}, value(prefixed(CODE_NS[space], name)));
  return el(
    NS.soap12,
    'Fault',
    {},
    el(NS.soap12, 'Code', {}, value(prefixed(NS.soap12, top)), subcode),
    el(NS.soap12, 'Reason', {}, el(NS.soap12, 'Text', [{ ns: NS.xml, name: 'lang', value: 'en' }], message)),
    el(NS.soap12, 'Detail', {}, ...detail),
  );
}

/** A fault as a client reads it, ours or a foreign stack's. */
export interface SoapFault {
  /** The most specific (sub)code as `{ns}local`; as written if its prefix is not declared in the signed bytes. */
  readonly code: string;
  /** Our stable code, if the sender gave one that we know. */
  readonly concordatCode?: ErrorCode;
  readonly retryable: boolean;
  readonly reason: string;
  readonly detail?: string;
  /** Texts of c:WaitsFor elements of the detail: participants that a request waits for. */
  readonly waitsFor: readonly string[];
}

/** Reads the Body's child as a fault of either SOAP version; undefined if it is none. */
export function readFault(body: XmlElement): SoapFault | undefined {
  if (is(body, NS.soap11, 'Fault')) {
    const lexical = childText(body, '', 'faultcode');
    return common(lexical, childText(body, '', 'faultstring'), child(body, '', 'detail'));
  }
  if (is(body, NS.soap12, 'Fault')) {
    const reason = child(body, NS.soap12, 'Reason');
    return common(specificCode(child(body, NS.soap12, 'Code')), reasonText(reason), child(body, NS.soap12, 'Detail'));
  }
  return undefined;
}

function common(lexicalCode: string, reason: string, detail: XmlElement | undefined): SoapFault {
  const stable = detail === undefined ? '' : childText(detail, NS.concordat, 'Code');
  const concordatCode = isErrorCode(stable) ? stable : undefined;
  const words = detail === undefined ? '' : childText(detail, NS.concordat, 'Detail');
  return {
    code: concordatCode === undefined ? lexicalCode : (codeOf(concordatCode) ?? lexicalCode),
    ...(concordatCode === undefined ? {} : { concordatCode }),
    retryable: detail !== undefined && childText(detail, NS.concordat, 'Retryable') === 'true',
    reason,
    ...(words === '' ? {} : { detail: words }),
    waitsFor: detail === undefined ? [] : childrenNamed(detail, NS.concordat, 'WaitsFor').map(text),
  };
}

/** The qualified fault code of one of our errors; undefined for those that are SOAP's own. */
function codeOf(code: ErrorCode): string | undefined {
  const [space, name] = ERRORS[code].fault;
  return space === 'soap' ? undefined : clarkName({ ns: CODE_NS[space], name });
}

function childText(parent: XmlElement, ns: string, name: string): string {
  const found = child(parent, ns, name);
  return found === undefined ? '' : text(found);
}

/** The Value of the innermost Subcode. */
function specificCode(code: XmlElement | undefined): string {
  if (code === undefined) return '';
  const inner = child(code, NS.soap12, 'Subcode');
  return inner === undefined ? childText(code, NS.soap12, 'Value') : specificCode(inner);
}

function reasonText(reason: XmlElement | undefined): string {
  if (reason === undefined) return '';
  const texts = elements(reason);
  const english = texts.find((candidate) => attribute(candidate, NS.xml, 'lang')?.startsWith('en'));
  const chosen = english ?? texts[0];
  return chosen === undefined ? '' : text(chosen);
}

/** The HTTP status of a fault: what the table says if the message never got as far as SOAP, else by SOAP version and blame. */
export function faultStatus(error: unknown, soapVersion: SoapVersion): number {
  const entry: ErrorEntry = error instanceof ConcordatError ? ERRORS[error.code] : ERRORS.Internal;
  if (PRE_SOAP_STATUS.has(entry.httpStatus)) return entry.httpStatus;
  return soapVersion === '1.2' && entry.blame === 'sender' ? 400 : 500;
}

/** Statuses that speak of HTTP and not of the envelope. */
const PRE_SOAP_STATUS: ReadonlySet<number> = new Set([404, 405, 413, 415]);
