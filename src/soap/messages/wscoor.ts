/** Codecs of WS-Coordination 1.1 / 1.2: the context, activation, registration. Decoders throw InvalidParameters. */
import { NS } from '../namespaces.js';
import { el, type XmlElement } from '../xml.js';
import { eprFromXml, eprToXml, type Epr } from './epr.js';
import { expectName, Fields, integerElement, readInteger, readText, TEXT, textElement } from './fields.js';
import { MAX_EXPIRES_MS } from './limits.js';

export interface CoordinationContext {
  readonly identifier: string;
  /** Milliseconds. */
  readonly expires?: number;
  readonly coordinationType: string;
  readonly registrationService: Epr;
  readonly extensions: readonly XmlElement[];
}

export interface CreateCoordinationContext {
  /** Milliseconds. */
  readonly expires?: number;
  readonly currentContext?: CoordinationContext;
  readonly coordinationType: string;
  readonly extensions: readonly XmlElement[];
}

export interface CreateCoordinationContextResponse {
  readonly context: CoordinationContext;
  readonly extensions: readonly XmlElement[];
}

export interface Register {
  readonly protocolIdentifier: string;
  /** The schema requires it; a Narayana initiator that has no endpoint leaves it out. */
  readonly participantProtocolService?: Epr;
  readonly extensions: readonly XmlElement[];
}

export interface RegisterResponse {
  readonly coordinatorProtocolService: Epr;
  readonly extensions: readonly XmlElement[];
}

/** wscoor:CoordinationContext, as in a SOAP header or in CreateCoordinationContextResponse. */
export const contextToXml = (context: CoordinationContext): XmlElement => writeContext('CoordinationContext', context);

export function contextFromXml(element: XmlElement): CoordinationContext {
  expectName(element, NS.wscoor, 'CoordinationContext');
  return readContext(element);
}

export function encodeCreateCoordinationContext(value: CreateCoordinationContext): XmlElement {
  return el(
    NS.wscoor,
    'CreateCoordinationContext',
    {},
    writeExpires(value.expires),
    value.currentContext && writeContext('CurrentContext', value.currentContext),
    textElement(NS.wscoor, 'CoordinationType', value.coordinationType, TEXT.uri),
    ...value.extensions,
  );
}

export function decodeCreateCoordinationContext(element: XmlElement): CreateCoordinationContext {
  expectName(element, NS.wscoor, 'CreateCoordinationContext');
  const fields = new Fields(element);
  const expires = readExpires(fields);
  const current = fields.optional(NS.wscoor, 'CurrentContext');
  return {
    ...expires,
    ...(current && { currentContext: readContext(current) }),
    coordinationType: readText(fields.required(NS.wscoor, 'CoordinationType'), TEXT.uri),
    extensions: fields.extensions(NS.wscoor),
  };
}

export function encodeCreateCoordinationContextResponse(value: CreateCoordinationContextResponse): XmlElement {
  return el(NS.wscoor, 'CreateCoordinationContextResponse', {}, contextToXml(value.context), ...value.extensions);
}

export function decodeCreateCoordinationContextResponse(element: XmlElement): CreateCoordinationContextResponse {
  expectName(element, NS.wscoor, 'CreateCoordinationContextResponse');
  const fields = new Fields(element);
  return {
    context: contextFromXml(fields.required(NS.wscoor, 'CoordinationContext')),
    extensions: fields.extensions(NS.wscoor),
  };
}

export function encodeRegister(value: Register): XmlElement {
  const service = value.participantProtocolService;
  return el(
    NS.wscoor,
    'Register',
    {},
    textElement(NS.wscoor, 'ProtocolIdentifier', value.protocolIdentifier, TEXT.uri),
    service && eprToXml(NS.wscoor, 'ParticipantProtocolService', service),
    ...value.extensions,
  );
}

export function decodeRegister(element: XmlElement): Register {
  expectName(element, NS.wscoor, 'Register');
  const fields = new Fields(element);
  const protocolIdentifier = readText(fields.required(NS.wscoor, 'ProtocolIdentifier'), TEXT.uri);
  const service = fields.optional(NS.wscoor, 'ParticipantProtocolService');
  return {
    protocolIdentifier,
    ...(service && { participantProtocolService: eprFromXml(service) }),
    extensions: fields.extensions(NS.wscoor),
  };
}

export function encodeRegisterResponse(value: RegisterResponse): XmlElement {
  const service = eprToXml(NS.wscoor, 'CoordinatorProtocolService', value.coordinatorProtocolService);
  return el(NS.wscoor, 'RegisterResponse', {}, service, ...value.extensions);
}

export function decodeRegisterResponse(element: XmlElement): RegisterResponse {
  expectName(element, NS.wscoor, 'RegisterResponse');
  const fields = new Fields(element);
  return {
    coordinatorProtocolService: eprFromXml(fields.required(NS.wscoor, 'CoordinatorProtocolService')),
    extensions: fields.extensions(NS.wscoor),
  };
}

function writeContext(name: 'CoordinationContext' | 'CurrentContext', context: CoordinationContext): XmlElement {
  return el(
    NS.wscoor,
    name,
    {},
    textElement(NS.wscoor, 'Identifier', context.identifier, TEXT.uri),
    writeExpires(context.expires),
    textElement(NS.wscoor, 'CoordinationType', context.coordinationType, TEXT.uri),
    eprToXml(NS.wscoor, 'RegistrationService', context.registrationService),
    ...context.extensions,
  );
}

function readContext(element: XmlElement): CoordinationContext {
  const fields = new Fields(element);
  return {
    identifier: readText(fields.required(NS.wscoor, 'Identifier'), TEXT.uri),
    ...readExpires(fields),
    coordinationType: readText(fields.required(NS.wscoor, 'CoordinationType'), TEXT.uri),
    registrationService: eprFromXml(fields.required(NS.wscoor, 'RegistrationService')),
    extensions: fields.extensions(NS.wscoor),
  };
}

const writeExpires = (expires: number | undefined): XmlElement | undefined =>
  expires === undefined ? undefined : integerElement(NS.wscoor, 'Expires', expires, 0, MAX_EXPIRES_MS);

function readExpires(fields: Fields): { readonly expires?: number } {
  const element = fields.optional(NS.wscoor, 'Expires');
  return element === undefined ? {} : { expires: readInteger(element, 0, MAX_EXPIRES_MS) };
}
