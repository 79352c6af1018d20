import { describe, expect, test } from '@jest/globals';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createClientAsync } from 'soap';
import { ENDPOINTS, MESSAGES, type Endpoint, type MessageEntry } from '../../src/soap/messages/index.js';
import { STATES } from '../../src/wsba/index.js';
import { NS } from '../../src/soap/namespaces.js';
import { attribute, childrenNamed, elements, type XmlElement } from '../../src/soap/xml.js';
import { bundled, serveDescription } from '../../src/soap/wsdl.js';
import { parse } from './messages-support.js';

const WSDL = 'http://schemas.xmlsoap.org/wsdl/';
const SOAP_BINDINGS = ['http://schemas.xmlsoap.org/wsdl/soap/', 'http://schemas.xmlsoap.org/wsdl/soap12/'];
const WSAM = 'http://www.w3.org/2007/05/addressing/metadata';

const PARTICIPANT_SAYS =
  'CompletedOperation FailOperation CompensatedOperation ClosedOperation CanceledOperation ExitOperation CannotComplete GetStatusOperation StatusOperation';
const COORDINATOR_SAYS =
  'CloseOperation CancelOperation CompensateOperation FailedOperation ExitedOperation NotCompleted GetStatusOperation StatusOperation';
const INITIATOR_SAYS = 'getCoordinationContextWithMatchcode listParticipants completeParticipants';

/** Port types and operations with the names of the standards. */
const PORT_TYPES: Readonly<Record<Endpoint, Readonly<Record<string, string>>>> = {
  activation: { ActivationPortType: 'CreateCoordinationContextOperation' },
  registration: { RegistrationPortType: 'RegisterOperation' },
  coordinator: {
    BusinessAgreementWithParticipantCompletionCoordinatorPortType: PARTICIPANT_SAYS,
    BusinessAgreementWithCoordinatorCompletionCoordinatorPortType: PARTICIPANT_SAYS,
  },
  participant: {
    BusinessAgreementWithParticipantCompletionParticipantPortType: COORDINATOR_SAYS,
    BusinessAgreementWithCoordinatorCompletionParticipantPortType: `CompleteOperation ${COORDINATOR_SAYS}`,
  },
  completion: {
    CoordinatorInitiatorPortType_AtomicOutcome_StubInterface: `${INITIATOR_SAYS} cancelOrCompensateAllParticipants closeAllParticipants`,
    CoordinatorInitiatorPortType_MixedOutcome_StubInterface: `${INITIATOR_SAYS} cancelParticipants closeParticipants compensateParticipants`,
  },
};

const file = (name: string): string => join(bundled, name);
const description = (endpoint: Endpoint): XmlElement => parse(readFileSync(file(`${endpoint}.wsdl`), 'utf8'));
const name = (element: XmlElement): string => attribute(element, '', 'name') ?? '';
const local = (qname: string | undefined): string => qname?.replace(/^.*:/, '') ?? '';

describe.each(ENDPOINTS)('%s.wsdl', (endpoint) => {
  const definitions = description(endpoint);
  const portTypes = childrenNamed(definitions, WSDL, 'portType');
  const operationsOf = (parent: XmlElement): XmlElement[] => childrenNamed(parent, WSDL, 'operation');

  const entryOf = (operation: string): MessageEntry => {
    const entry = MESSAGES.find((candidate) => candidate.endpoint === endpoint && candidate.operation === operation);
    if (entry === undefined) throw new Error(`no message for ${operation}`);
    return entry;
  };

  test('has the port types and operations of the standard, by their exact names', () => {
    const found = portTypes.map((portType) => [name(portType), operationsOf(portType).map(name).sort()]);
    const wanted = Object.entries(PORT_TYPES[endpoint]).map(([portType, operations]) => [portType, operations.split(' ').sort()]);
    expect(Object.fromEntries(found)).toEqual(Object.fromEntries(wanted));
  });

  test('gives every operation the Body and wsam:Action of the table of messages', () => {
    const elementOf = (message: string | undefined): string | undefined => {
      const found = childrenNamed(definitions, WSDL, 'message').find((candidate) => name(candidate) === local(message));
      return found && attribute(elements(found)[0] ?? found, '', 'element');
    };
    for (const operation of portTypes.flatMap(operationsOf)) {
      const entry = entryOf(name(operation));
      const expected = [entry, ...(entry.kind === 'request' ? [entry.response] : [])];
      const found = elements(operation);
      expect(found.map((direction) => direction.name)).toEqual(entry.kind === 'request' ? ['input', 'output'] : ['input']);
      expect(found.map((direction) => attribute(direction, WSAM, 'Action'))).toEqual(expected.map(({ action }) => action));
      expect(found.map((direction) => local(elementOf(attribute(direction, '', 'message'))))).toEqual(
        expected.map(({ body }) => body.name),
      );
    }
  });

  test('binds every port type to SOAP 1.1 and 1.2, document/literal, with the action as soapAction', () => {
    const bindings = childrenNamed(definitions, WSDL, 'binding');
    for (const portType of portTypes) {
      const own = bindings.filter((binding) => local(attribute(binding, '', 'type')) === name(portType));
      const versions = own.map((binding) => SOAP_BINDINGS.find((ns) => childrenNamed(binding, ns, 'binding').length === 1));
      expect(versions).toEqual(SOAP_BINDINGS);
      for (const [index, binding] of own.entries()) {
        const version = SOAP_BINDINGS[index] ?? '';
        expect(operationsOf(binding).map(name)).toEqual(operationsOf(portType).map(name));
        for (const operation of operationsOf(binding)) {
          const soap = childrenNamed(operation, version, 'operation')[0];
          expect(soap && attribute(soap, '', 'soapAction')).toBe(entryOf(name(operation)).action);
          expect(soap && attribute(soap, '', 'style')).toBe('document');
          const bodies = elements(operation).flatMap((direction) => childrenNamed(direction, version, 'body'));
          expect(bodies.map((body) => attribute(body, '', 'use'))).toEqual(bodies.map(() => 'literal'));
          expect(bodies).toHaveLength(entryOf(name(operation)).kind === 'request' ? 2 : 1);
        }
      }
    }
  });

  test('is loaded by a WSDL-driven client with one port for each binding', async () => {
    const client = await createClientAsync(file(`${endpoint}.wsdl`));
    const services = Object.values(client.describe() as Record<string, Record<string, Record<string, unknown>>>);
    expect(services).toHaveLength(1);
    const operations = Object.values(services[0] ?? {}).map((port) => Object.keys(port).sort());
    const wanted = Object.values(PORT_TYPES[endpoint]).flatMap((list) => [list.split(' ').sort(), list.split(' ').sort()]);
    expect(operations).toEqual(wanted);
  });
});

describe('the schemas', () => {
  const schema = (xsd: string): string => readFileSync(file(xsd), 'utf8');

  test('declare every Body of the table of messages', () => {
    const declared = new Map<string, string>([
      [NS.wscoor, schema('wscoor.xsd')],
      [NS.wsba, schema('wsba.xsd')],
      [NS.wsbai, schema('wsbai.xsd')],
    ]);
    for (const entry of MESSAGES) {
      for (const { body } of [entry, ...(entry.kind === 'request' ? [entry.response] : [])]) {
        expect(declared.get(body.ns)).toContain(`<xs:element name="${body.name}" type=`);
      }
    }
  });

  test('list the states that the codecs know', () => {
    expect([...schema('wsba.xsd').matchAll(/enumeration value="wsba:([^"]+)"/g)].map((match) => match[1])).toEqual([...STATES]);
  });

  test('import only files of the same folder', () => {
    const names = readdirSync(bundled);
    for (const each of names) {
      for (const [, location] of schema(each).matchAll(/(?:schemaLocation|location)="([^"]*)"/g)) {
        expect([...names, ...ENDPOINTS.map((endpoint) => `http://localhost/${endpoint}`)]).toContain(location);
      }
    }
  });
});

describe('serveDescription', () => {
  const address = 'https://replica1.example:8443/activation';

  test('puts the address of the endpoint into every port and every import', () => {
    const served = serveDescription(bundled, 'completion', 'wsdl', address);
    expect(served?.contentType).toBe('text/xml; charset=utf-8');
    expect(served?.body).not.toContain('http://localhost');
    expect(served?.body.match(/address location="https:\/\/replica1\.example:8443\/activation"/g)).toHaveLength(4);
    expect(served?.body).toContain(`schemaLocation="${address}?xsd=wsbai.xsd"`);
    expect(serveDescription(bundled, 'activation', 'xsd=wsbai.xsd', address)?.body).toContain(
      `schemaLocation="${address}?xsd=concordat.xsd"`,
    );
  });

  test.each(['wsdl', 'WSDL', 'wsdl='])('understands ?%s', (query) => {
    expect(serveDescription(bundled, 'registration', query, address)?.body).toContain('RegistrationPortType');
  });

  test('serves every schema and every description', () => {
    for (const xsd of readdirSync(bundled).filter((each) => each.endsWith('.xsd'))) {
      expect(serveDescription(bundled, 'activation', `xsd=${xsd}`, address)?.body).toContain('<xs:schema');
    }
    for (const endpoint of ENDPOINTS) {
      expect(serveDescription(bundled, endpoint, 'wsdl', address)?.body).toContain('<wsdl:definitions');
    }
  });

  test.each([
    '',
    'wsdl2',
    'xsd',
    'xsd=',
    'xsd=../package.json',
    'xsd=..%2fpackage.json',
    'xsd=/etc/passwd',
    'xsd=wsba.xsd%00',
    'xsd=activation.wsdl',
    'xsd=wsba.xsd&wsdl',
  ])('serves nothing for ?%s', (query) => {
    expect(serveDescription(bundled, 'activation', query, address)).toBeUndefined();
  });

  test('escapes what it inserts, and inserts it literally', () => {
    const body = serveDescription(bundled, 'activation', 'wsdl', 'http://h/$&"><evil a="$1')?.body ?? '';
    expect(body).toContain('location="http://h/$&amp;&quot;&gt;&lt;evil a=&quot;$1"');
    expect(() => parse(body)).not.toThrow();
  });
});
