import { describe, expect, test } from '@jest/globals';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createClientAsync } from 'soap';
import { ENDPOINTS, MESSAGES, type Endpoint } from '../../src/soap/messages/index.js';
import { STATES } from '../../src/wsba/index.js';
import { NS } from '../../src/soap/namespaces.js';
import { attribute, childrenNamed, elements, type XmlElement } from '../../src/soap/xml.js';
import { bundled, serveDescription } from '../../src/soap/wsdl.js';
import { parse } from './messages-support.js';

const WSDL = 'http://schemas.xmlsoap.org/wsdl/';
const SOAP_BINDINGS = ['http://schemas.xmlsoap.org/wsdl/soap/', 'http://schemas.xmlsoap.org/wsdl/soap12/'];
const WSAM = 'http://www.w3.org/2007/05/addressing/metadata';
const WSP = 'http://www.w3.org/ns/ws-policy';
const WSU = 'http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd';

interface StandardOperation {
  readonly operation: string;
  /** Qualified names of Body elements, `{namespace}local`. */
  readonly input: string;
  readonly inputAction: string;
  readonly output?: string;
  readonly outputAction?: string;
  readonly outcome?: string;
}

interface StandardPortType {
  readonly wsdl: Endpoint;
  readonly portType: string;
  readonly operations: readonly StandardOperation[];
}

const dataFile = new URL('../data/port-types.json', import.meta.url);
const { portTypes: STANDARD } = JSON.parse(readFileSync(dataFile, 'utf8')) as { portTypes: readonly StandardPortType[] };

const file = (name: string): string => join(bundled, name);
const source = (endpoint: Endpoint): string => readFileSync(file(`${endpoint}.wsdl`), 'utf8');
const name = (element: XmlElement): string => attribute(element, '', 'name') ?? '';
const local = (qname: string | undefined): string => qname?.replace(/^.*:/, '') ?? '';
const operationsOf = (parent: XmlElement): XmlElement[] => childrenNamed(parent, WSDL, 'operation');
const byName = (a: StandardOperation, b: StandardOperation): number => (a.operation < b.operation ? -1 : 1);

/** A description read by its structure alone: what its port types and bindings say. */
class Reading {
  readonly definitions: XmlElement;
  readonly #prefixes: ReadonlyMap<string, string>;

  constructor(endpoint: Endpoint) {
    const xml = source(endpoint);
    this.definitions = parse(xml);
    this.#prefixes = new Map([...xml.matchAll(/xmlns:(\w+)="([^"]+)"/g)].map(([, prefix = '', ns = '']) => [prefix, ns]));
  }

  all(kind: string): XmlElement[] {
    return childrenNamed(this.definitions, WSDL, kind);
  }

  clark(qname: string | undefined): string {
    const [prefix = '', localName = ''] = qname?.split(':') ?? [];
    return `{${this.#prefixes.get(prefix) ?? ''}}${localName}`;
  }

  /** The element of a message's one part. */
  #elementOf(message: string | undefined): string {
    const found = this.all('message').find((candidate) => name(candidate) === local(message));
    const parts = found === undefined ? [] : childrenNamed(found, WSDL, 'part');
    expect(parts.map(name)).toEqual(['parameters']);
    return this.clark(parts[0] && attribute(parts[0], '', 'element'));
  }

  /** Resolves the policies of a binding operation to the assertions they consist of. */
  outcomeOf(operation: XmlElement): string | undefined {
    const uris = childrenNamed(operation, WSP, 'PolicyReference').map((reference) => attribute(reference, '', 'URI') ?? '');
    const policies = childrenNamed(this.definitions, WSP, 'Policy');
    const assertions = uris.flatMap((uri) => {
      const policy = policies.find((candidate) => `#${attribute(candidate, WSU, 'Id') ?? ''}` === uri);
      return policy === undefined
        ? [`no policy ${uri}`]
        : elements(policy).map(({ ns, name: assertion }) => `{${ns}}${assertion}`);
    });
    const [first, ...more] = assertions;
    expect(more).toEqual([]);
    return first;
  }

  portTypes(): StandardPortType['operations'][] {
    return this.all('portType').map((portType) => operationsOf(portType).map((operation) => this.#operation(operation)));
  }

  #operation(operation: XmlElement): StandardOperation {
    const of = (direction: XmlElement | undefined): { element: string; action: string } | undefined =>
      direction && {
        element: this.#elementOf(attribute(direction, '', 'message')),
        action: attribute(direction, WSAM, 'Action') ?? '',
      };
    const [input, output] = ['input', 'output'].map((direction) => of(childrenNamed(operation, WSDL, direction)[0]));
    return {
      operation: name(operation),
      input: input?.element ?? '',
      inputAction: input?.action ?? '',
      ...(output && { output: output.element, outputAction: output.action }),
    };
  }
}

describe.each(ENDPOINTS)('%s.wsdl', (endpoint) => {
  const reading = new Reading(endpoint);
  const standard = STANDARD.filter(({ wsdl }) => wsdl === endpoint);
  const targetNamespace = attribute(reading.definitions, '', 'targetNamespace') ?? '';

  test('has the port types of the standard, with exactly its operations, messages and actions', () => {
    const names = reading.all('portType').map((portType) => `{${targetNamespace}}${name(portType)}`);
    expect(names).toEqual(standard.map(({ portType }) => portType));
    const wanted = standard.map(({ operations }) =>
      operations.map(({ outcome: _policy, ...operation }) => operation).sort(byName),
    );
    expect(reading.portTypes().map((operations) => [...operations].sort(byName))).toEqual(wanted);
  });

  test('binds every port type to SOAP 1.1 and 1.2, document/literal, with the action as soapAction', () => {
    const bindings = reading.all('binding');
    for (const portType of reading.all('portType')) {
      const own = bindings.filter((binding) => local(attribute(binding, '', 'type')) === name(portType));
      const versions = own.map((binding) => SOAP_BINDINGS.find((ns) => childrenNamed(binding, ns, 'binding').length === 1));
      expect(versions).toEqual(SOAP_BINDINGS);
      const wanted = standard.find((each) => each.portType === `{${targetNamespace}}${name(portType)}`)?.operations ?? [];
      for (const [index, binding] of own.entries()) {
        const version = SOAP_BINDINGS[index] ?? '';
        expect(operationsOf(binding).map(name)).toEqual(operationsOf(portType).map(name));
        for (const operation of operationsOf(binding)) {
          const expected = wanted.find((each) => each.operation === name(operation));
          const soap = childrenNamed(operation, version, 'operation')[0];
          expect(soap && attribute(soap, '', 'soapAction')).toBe(expected?.inputAction);
          expect(soap && attribute(soap, '', 'style')).toBe('document');
          const bodies = elements(operation).flatMap((direction) => childrenNamed(direction, version, 'body'));
          expect(bodies.map((body) => attribute(body, '', 'use'))).toEqual(bodies.map(() => 'literal'));
          expect(bodies).toHaveLength(expected?.output === undefined ? 1 : 2);
        }
      }
    }
  });

  test('says of operations for one outcome alone which it is, and of no others', () => {
    for (const binding of reading.all('binding')) {
      const portType = standard.find((each) => each.portType === reading.clark(attribute(binding, '', 'type')));
      const outcomes = operationsOf(binding).map((operation) => [name(operation), reading.outcomeOf(operation)]);
      const wanted = portType?.operations.map(({ operation, outcome }) => [operation, outcome]) ?? [];
      expect(Object.fromEntries(outcomes)).toEqual(Object.fromEntries(wanted));
    }
  });

  test('is loaded by a WSDL-driven client with one port for each binding', async () => {
    const client = await createClientAsync(file(`${endpoint}.wsdl`));
    const services = Object.values(client.describe() as Record<string, Record<string, Record<string, unknown>>>);
    expect(services).toHaveLength(1);
    const operations = Object.values(services[0] ?? {}).map((port) => Object.keys(port).sort());
    const names = standard.map((portType) => portType.operations.map(({ operation }) => operation).sort());
    expect(operations).toEqual(names.flatMap((list) => [list, list]));
  });
});

describe('the port types of the standards', () => {
  const clark = ({ ns, name: localName }: { ns: string; name: string }): string => `{${ns}}${localName}`;

  test('and the table of messages have the same operations, Bodies and actions', () => {
    const inStandard = STANDARD.flatMap(({ wsdl, operations }) =>
      operations.map(({ outcome: _policy, ...operation }) => JSON.stringify({ wsdl, ...operation })),
    );
    const inTable = MESSAGES.map((entry) =>
      JSON.stringify({
        wsdl: entry.endpoint,
        operation: entry.operation,
        input: clark(entry.body),
        inputAction: entry.action,
        ...(entry.kind === 'request' && { output: clark(entry.response.body), outputAction: entry.response.action }),
      }),
    );
    expect(new Set(inTable)).toEqual(new Set(inStandard));
  });

  test('use policy assertions that the schema declares', () => {
    const declared = readFileSync(file('wsba.xsd'), 'utf8');
    const outcomes = new Set(STANDARD.flatMap(({ operations }) => operations.flatMap(({ outcome }) => outcome ?? [])));
    expect([...outcomes].sort()).toEqual([`{${NS.wsba}}BAAtomicOutcomeAssertion`, `{${NS.wsba}}BAMixedOutcomeAssertion`]);
    for (const outcome of outcomes) expect(declared).toContain(`<xs:element name="${outcome.replace(/^.*\}/, '')}"`);
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
