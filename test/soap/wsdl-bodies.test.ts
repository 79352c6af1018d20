/** What a WSDL-driven SOAP client sends and reads, over HTTP, with descriptions served as a replica serves them. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createClientAsync, type Client } from 'soap';
import {
  decodeCreateCoordinationContext,
  decodeInitiatorRequest,
  decodeNotification,
  decodeRegister,
  encodeCreateCoordinationContextResponse,
  encodeParticipantList,
  encodeRegisterResponse,
  ENDPOINTS,
  messageAt,
  type Endpoint,
} from '../../src/soap/messages/index.js';
import { NS } from '../../src/soap/namespaces.js';
import { child, el, elements, serialize, type XmlElement } from '../../src/soap/xml.js';
import { bundled, serveDescription } from '../../src/soap/wsdl.js';
import { parse } from './messages-support.js';

interface Received {
  readonly body: XmlElement;
  readonly envelope: string;
  readonly action: string;
}

let server: Server;
let base: string;
let received: Received | undefined;
let answer: XmlElement | undefined;

const isEndpoint = (path: string): path is Endpoint => ENDPOINTS.some((endpoint) => endpoint === path);

async function readAll(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}

function actionOf(request: IncomingMessage): string {
  const soap12 = /action="([^"]*)"/.exec(request.headers['content-type'] ?? '')?.[1];
  return soap12 ?? String(request.headers.soapaction ?? '').replaceAll('"', '');
}

function record(request: IncomingMessage, xml: string): void {
  const envelope = parse(xml);
  const [body] = elements(child(envelope, envelope.ns, 'Body') ?? el('', 'none'));
  received = body && { body, envelope: envelope.ns, action: actionOf(request) };
}

beforeAll(async () => {
  server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', base);
    const endpoint = url.pathname.slice(1);
    if (request.method === 'GET') {
      const served = isEndpoint(endpoint)
        ? serveDescription(bundled, endpoint, url.search.slice(1), `${base}/${endpoint}`)
        : undefined;
      response.writeHead(served ? 200 : 404, { 'content-type': served?.contentType ?? 'text/plain' }).end(served?.body);
      return;
    }
    void readAll(request).then((xml) => {
      record(request, xml);
      if (answer === undefined) response.writeHead(202).end();
      else
        response
          .writeHead(200, { 'content-type': 'text/xml' })
          .end(serialize(el(NS.soap11, 'Envelope', {}, el(NS.soap11, 'Body', {}, answer))));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterAll(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

const connect = (endpoint: Endpoint, options = {}): Promise<Client> => createClientAsync(`${base}/${endpoint}?wsdl`, options);

/** Calls an operation and gives back what arrived at the server and what the client made of the reply. */
async function call(
  client: Client,
  operation: string,
  argument: unknown,
  reply?: XmlElement,
): Promise<Received & { readonly result: unknown }> {
  received = undefined;
  answer = reply;
  const method = (client as unknown as Record<string, (argument: unknown) => Promise<readonly unknown[]>>)[`${operation}Async`];
  if (method === undefined) throw new Error(`the client has no ${operation}`);
  const [result] = await method.call(client, argument);
  if (received === undefined) throw new Error('nothing was received');
  return { ...(received as Received), result };
}

const epr = { address: 'http://p.example/service', referenceParameters: [el('urn:k', 'Key', {}, '7')], extensions: [] };
const eprArgument = { Address: epr.address, ReferenceParameters: { $xml: '<Key xmlns="urn:k">7</Key>' } };
const context = {
  identifier: 'urn:uuid:1',
  expires: 5000,
  coordinationType: `${NS.wsba}/AtomicOutcome`,
  registrationService: epr,
  extensions: [],
};
const contextArgument = {
  Identifier: context.identifier,
  Expires: context.expires,
  CoordinationType: context.coordinationType,
  RegistrationService: eprArgument,
};

describe('activation and registration by a WSDL-driven client', () => {
  test('create a context, and its parts are read from the answer', async () => {
    const reply = encodeCreateCoordinationContextResponse({ context, extensions: [] });
    const argument = { Expires: 9, CurrentContext: contextArgument, CoordinationType: context.coordinationType };
    const exchange = await call(await connect('activation'), 'CreateCoordinationContextOperation', argument, reply);
    expect(decodeCreateCoordinationContext(exchange.body)).toEqual({
      expires: 9,
      currentContext: context,
      coordinationType: context.coordinationType,
      extensions: [],
    });
    expect(exchange.action).toBe(messageAt('activation', exchange.body)?.action);
    expect(exchange.result).toMatchObject({
      CoordinationContext: {
        Identifier: 'urn:uuid:1',
        Expires: '5000',
        RegistrationService: { Address: epr.address, ReferenceParameters: { Key: '7' } },
      },
    });
  });

  test('register, and the coordinator endpoint is read from the answer', async () => {
    const argument = { ProtocolIdentifier: `${NS.wsba}/ParticipantCompletion`, ParticipantProtocolService: eprArgument };
    const reply = encodeRegisterResponse({ coordinatorProtocolService: epr, extensions: [] });
    const exchange = await call(await connect('registration'), 'RegisterOperation', argument, reply);
    expect(decodeRegister(exchange.body)).toEqual({
      protocolIdentifier: argument.ProtocolIdentifier,
      participantProtocolService: epr,
      extensions: [],
    });
    expect(exchange.action).toBe(messageAt('registration', exchange.body)?.action);
    expect(exchange.result).toMatchObject({ CoordinatorProtocolService: { Address: epr.address } });
  });
});

describe('notifications by a WSDL-driven client', () => {
  test.each<[Endpoint, string, unknown, object]>([
    ['coordinator', 'CompletedOperation', {}, { message: 'Completed' }],
    ['coordinator', 'CompensatedOperation', {}, { message: 'Compensated' }],
    ['coordinator', 'ClosedOperation', {}, { message: 'Closed' }],
    ['coordinator', 'CanceledOperation', {}, { message: 'Canceled' }],
    ['coordinator', 'ExitOperation', {}, { message: 'Exit' }],
    ['coordinator', 'CannotComplete', {}, { message: 'CannotComplete' }],
    ['coordinator', 'GetStatusOperation', {}, { message: 'GetStatus' }],
    ['coordinator', 'FailOperation', { ExceptionIdentifier: 'wsba:Ended' }, { message: 'Fail', exception: `{${NS.wsba}}Ended` }],
    ['coordinator', 'StatusOperation', { State: 'wsba:Failing-Active' }, { message: 'Status', state: 'Failing-Active' }],
    ['participant', 'CloseOperation', {}, { message: 'Close' }],
    ['participant', 'CancelOperation', {}, { message: 'Cancel' }],
    ['participant', 'CompensateOperation', {}, { message: 'Compensate' }],
    ['participant', 'CompleteOperation', {}, { message: 'Complete' }],
    ['participant', 'FailedOperation', {}, { message: 'Failed' }],
    ['participant', 'ExitedOperation', {}, { message: 'Exited' }],
    ['participant', 'NotCompleted', {}, { message: 'NotCompleted' }],
    ['participant', 'GetStatusOperation', {}, { message: 'GetStatus' }],
    ['participant', 'StatusOperation', { State: 'wsba:Ended' }, { message: 'Status', state: 'Ended' }],
  ])('%s: %s %j', async (endpoint, operation, argument, expected) => {
    const exchange = await call(await connect(endpoint), operation, argument);
    expect(decodeNotification(exchange.body)).toEqual({ ...expected, extensions: [] });
    expect(messageAt(endpoint, exchange.body)).toMatchObject({ operation, action: exchange.action });
  });

  test('go out as SOAP 1.2 as well', async () => {
    const client = await connect('coordinator', { forceSoap12Headers: true });
    const exchange = await call(client, 'CompletedOperation', {});
    expect(exchange.envelope).toBe(NS.soap12);
    expect(exchange.action).toBe(`${NS.wsba}/Completed`);
    expect(decodeNotification(exchange.body).message).toBe('Completed');
  });
});

describe('the initiator protocol by a WSDL-driven client', () => {
  const argument = {
    participant: [
      { participantMatchcode: 'm', ParticipantId: 'urn:uuid:1' },
      { ParticipantId: 'urn:uuid:2' },
      { participantMatchcode: 'n' },
    ],
  };
  const participants = [{ matchcode: 'm', participantId: 'urn:uuid:1' }, { participantId: 'urn:uuid:2' }, { matchcode: 'n' }];

  test.each([
    ['listParticipants', {}, {}],
    ['completeParticipants', argument, { participants }],
    ['cancelParticipants', argument, { participants }],
    ['closeParticipants', argument, { participants }],
    ['compensateParticipants', argument, { participants }],
    [
      'closeAllParticipants',
      { Participant: ['urn:uuid:1', 'urn:uuid:2'] },
      { participants: [{ participantId: 'urn:uuid:1' }, { participantId: 'urn:uuid:2' }] },
    ],
    ['closeAllParticipants', {}, { participants: [] }],
    ['cancelOrCompensateAllParticipants', {}, {}],
  ] as const)('%s %j', async (operation, given, expected) => {
    const entry = {
      matchcode: 'm',
      participantId: 'urn:uuid:1',
      status: 'Closing',
      resultState: 'Completed',
      protocol: `${NS.wsba}/ParticipantCompletion`,
      writer: 'CN=Airline | CN=CA',
    } as const;
    const other = { ...entry, matchcode: 'n', participantId: 'urn:uuid:2', waitsFor: ['a', 'b'] };
    const waits = {
      stream: 'control',
      number: 2,
      operation: 'closeAllParticipants',
      code: 'NotEnabled',
      waitsFor: ['urn:uuid:1', 'urn:uuid:2'],
    } as const;
    const reply = encodeParticipantList({ operation, decision: 'close', participants: [entry, other], waiting: [waits] });
    const exchange = await call(await connect('completion'), operation, given, reply);
    expect(decodeInitiatorRequest(exchange.body)).toEqual({ operation, ...expected });
    expect(exchange.action).toBe(`${NS.wsbai}${operation}`);
    expect(exchange.result).toMatchObject({
      Decision: 'close',
      Waiting: [
        {
          attributes: { stream: 'control', number: '2', operation: 'closeAllParticipants' },
          WaitsFor: ['urn:uuid:1', 'urn:uuid:2'],
        },
      ],
      participantList: {
        participant: [
          {
            participantMatchcode: { participantMatchcode: 'm', ParticipantId: 'urn:uuid:1' },
            Status: { State: 'wsba:Closing' },
            resultState: { State: 'wsba:Completed' },
            Writer: 'CN=Airline | CN=CA',
          },
          { participantMatchcode: { participantMatchcode: 'n' }, WaitsFor: ['a', 'b'] },
        ],
      },
    });
  });

  test.each([
    [{ matchcode: 'flight & hotel' }, { matchcode: 'flight & hotel' }],
    [
      { matchcode: 'm', Identity: 'CN=Airline' },
      { matchcode: 'm', identity: 'CN=Airline' },
    ],
  ])('invite with %j', async (given, expected) => {
    const reply = encodeCreateCoordinationContextResponse({ context, extensions: [] });
    const exchange = await call(await connect('completion'), 'getCoordinationContextWithMatchcode', given, reply);
    expect(decodeInitiatorRequest(exchange.body)).toEqual({ operation: 'getCoordinationContextWithMatchcode', ...expected });
    expect(exchange.result).toMatchObject({ CoordinationContext: { Identifier: 'urn:uuid:1' } });
  });
});
