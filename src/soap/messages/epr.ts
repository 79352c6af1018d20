import { ConcordatError } from '../../errors.js';
import { NS } from '../namespaces.js';
import { el, elements, text, type XmlElement } from '../xml.js';
import { boundedOpenContent, Fields, readText, showName, TEXT, textElement } from './fields.js';
import { MESSAGE_LIMITS } from './limits.js';

/** A WS-Addressing 1.0 endpoint reference. wsa:Metadata is not kept: nothing here depends on it. */
export interface Epr {
  readonly address: string;
  /** Elements that become SOAP headers of every message to this endpoint. */
  readonly referenceParameters: readonly XmlElement[];
  /** Other elements inside the reference, such as c:Replicas. */
  readonly extensions: readonly XmlElement[];
}

export const WSA_ANONYMOUS = `${NS.wsa}/anonymous`;
export const WSA_NONE = `${NS.wsa}/none`;

const URN = /^urn:[a-z0-9][a-z0-9-]{0,31}:\S+$/i;

const isAddress = (address: string): boolean =>
  address === WSA_ANONYMOUS ||
  address === WSA_NONE ||
  URN.test(address) ||
  (/^https?:\/\//i.test(address) && URL.canParse(address));

/** Writes an endpoint reference as the element `name`, for instance wsa:ReplyTo. InvalidParameters if a part breaks a limit. */
export function eprToXml(ns: string, name: string, epr: Epr): XmlElement {
  const owner = showName({ ns, name });
  checkAddress(epr.address, owner);
  checkOpenContent(epr.referenceParameters, MESSAGE_LIMITS.referenceParameters, owner);
  checkOpenContent(epr.extensions, MESSAGE_LIMITS.extensions, owner);
  const parameters =
    epr.referenceParameters.length === 0 ? undefined : el(NS.wsa, 'ReferenceParameters', {}, ...epr.referenceParameters);
  return el(ns, name, {}, textElement(NS.wsa, 'Address', epr.address, TEXT.uri), parameters, ...epr.extensions);
}

/** Reads any element of type wsa:EndpointReferenceType. InvalidParameters names the part that is missing or misplaced. */
export function eprFromXml(element: XmlElement): Epr {
  const owner = showName(element);
  const fields = new Fields(element);
  const address = readText(fields.required(NS.wsa, 'Address'), TEXT.uri);
  checkAddress(address, owner);
  const parameters = fields.optional(NS.wsa, 'ReferenceParameters');
  fields.optional(NS.wsa, 'Metadata');
  return {
    address,
    referenceParameters: parameters === undefined ? [] : readParameters(parameters),
    extensions: fields.extensions(NS.wsa),
  };
}

function readParameters(parameters: XmlElement): readonly XmlElement[] {
  if (text(parameters) !== '')
    throw new ConcordatError('InvalidParameters', 'wsa:ReferenceParameters has text between its elements');
  return checkOpenContent(elements(parameters), MESSAGE_LIMITS.referenceParameters, showName(parameters));
}

function checkAddress(address: string, owner: string): void {
  if (!isAddress(address)) {
    throw new ConcordatError(
      'InvalidParameters',
      `${owner} has an address that is neither an http(s) URL, a URN nor wsa:anonymous or wsa:none`,
    );
  }
}

function checkOpenContent(list: readonly XmlElement[], limit: number, owner: string): readonly XmlElement[] {
  return boundedOpenContent(list, limit, (problem) => {
    throw new ConcordatError('InvalidParameters', `${owner} ${problem}`);
  });
}
