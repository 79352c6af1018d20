import { ConcordatError } from '../errors.js';
import { MAX_URI_LENGTH } from './limits.js';
import { eprFromXml, eprToXml } from './messages/epr.js';
import type { Epr } from './messages/epr.js';
import { NS } from './namespaces.js';
import { attribute, el, isElement, text } from './xml.js';
import type { XmlElement } from './xml.js';

export { eprFromXml, eprToXml } from './messages/epr.js';
export type EndpointReference = Epr;

/** The WS-Addressing 1.0 properties of a message. */
export interface Addressing {
  readonly to?: string;
  readonly action: string;
  readonly messageId?: string;
  /** The id of the message this one answers (RelationshipType reply). */
  readonly relatesTo?: string;
  readonly replyTo?: EndpointReference;
  readonly faultTo?: EndpointReference;
  readonly from?: EndpointReference;
}

const REPLY = `${NS.wsa}/reply`;
const IS_REFERENCE_PARAMETER = 'IsReferenceParameter';

const TEXT_HEADERS = [
  ['To', 'to'],
  ['Action', 'action'],
  ['MessageID', 'messageId'],
  ['RelatesTo', 'relatesTo'],
] as const;
const EPR_HEADERS = [
  ['ReplyTo', 'replyTo'],
  ['FaultTo', 'faultTo'],
  ['From', 'from'],
] as const;

/** Headers that count only if they are signed. */
export const ADDRESSING_HEADERS: ReadonlySet<string> = new Set([...TEXT_HEADERS, ...EPR_HEADERS].map(([name]) => name));

export function addressingHeaders(addressing: Addressing): XmlElement[] {
  const texts = TEXT_HEADERS.flatMap(([name, property]) => {
    const value = addressing[property];
    return value === undefined ? [] : [el(NS.wsa, name, {}, value)];
  });
  const references = EPR_HEADERS.flatMap(([name, property]) => {
    const value = addressing[property];
    return value === undefined ? [] : [eprToXml(NS.wsa, name, value)];
  });
  return [...texts, ...references];
}

/**
 * Reads the properties from signed header blocks; others are passed over.
 * @throws AddressingHeaderRequired without an Action; InvalidAddressingHeader for a property given twice or not in its form
 */
export function readAddressing(headers: readonly XmlElement[]): Addressing {
  const blocks = new Map<string, XmlElement>();
  for (const header of headers) {
    if (header.ns !== NS.wsa || !ADDRESSING_HEADERS.has(header.name) || isForeignRelation(header)) continue;
    if (blocks.has(header.name)) throw invalid(header.name, 'is given twice');
    blocks.set(header.name, header);
  }
  const action = blocks.get('Action');
  if (action === undefined) throw new ConcordatError('AddressingHeaderRequired', 'wsa:Action');
  const texts = TEXT_HEADERS.flatMap(([name, property]) => {
    const block = blocks.get(name);
    return block === undefined ? [] : [[property, uri(block)] as const];
  });
  const references = EPR_HEADERS.flatMap(([name, property]) => {
    const block = blocks.get(name);
    return block === undefined ? [] : [[property, reference(block)] as const];
  });
  return { action: uri(action), ...Object.fromEntries(texts), ...Object.fromEntries(references) };
}

/** RelatesTo may be given several times; only the relation "reply" says what is answered. */
function isForeignRelation(header: XmlElement): boolean {
  return header.name === 'RelatesTo' && (attribute(header, '', 'RelationshipType') ?? REPLY) !== REPLY;
}

const invalid = (name: string, detail: string): ConcordatError =>
  new ConcordatError('InvalidAddressingHeader', `wsa:${name} ${detail}`);

function uri(block: XmlElement): string {
  const value = text(block);
  if (value === '' || value.length > MAX_URI_LENGTH || /\s/.test(value) || block.children.some(isElement))
    throw invalid(block.name, 'is not a URI');
  return value;
}

function reference(block: XmlElement): EndpointReference {
  try {
    return eprFromXml(block);
  } catch (error) {
    const detail = error instanceof ConcordatError ? error.detail : undefined;
    throw new ConcordatError('InvalidAddressingHeader', detail ?? `wsa:${block.name}`, { cause: error });
  }
}

/** What a message to this endpoint carries as headers: its reference parameters, marked (WS-Addressing 1.0 SOAP Binding §2.3). */
export function referenceParameterHeaders(epr: EndpointReference): XmlElement[] {
  return epr.referenceParameters.map((parameter) => ({
    ...parameter,
    attributes: [
      ...parameter.attributes.filter((a) => a.ns !== NS.wsa || a.name !== IS_REFERENCE_PARAMETER),
      { ns: NS.wsa, name: IS_REFERENCE_PARAMETER, value: 'true' },
    ],
  }));
}

export const isReferenceParameter = (header: XmlElement): boolean => isTrue(attribute(header, NS.wsa, IS_REFERENCE_PARAMETER));

/** xs:boolean. */
export const isTrue = (value: string | null | undefined): boolean => value === '1' || value === 'true';

/** `{namespace}local`, the form of a qualified name in logs, tables and faults. */
export const clarkName = (element: { readonly ns: string; readonly name: string }): string => `{${element.ns}}${element.name}`;
