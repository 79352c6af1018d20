import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { request } from 'node:http';
import { connect } from 'node:net';
import { ConcordatError } from '../../src/errors.js';
import type { Logger } from '../../src/log.js';
import { el, HttpTransport, NS, readFault, Signer, SoapCaller, startEdge } from '../../src/soap/index.js';
import type {
  Addressing,
  CallResult,
  Edge,
  EdgeAnswer,
  EdgeRequest,
  EndpointReference,
  OutgoingMessage,
  SoapFault,
  SoapVersion,
} from '../../src/soap/index.js';
import { ACTION, message, NOW, setup, swap } from './fixtures.js';
import type { Setup } from './fixtures.js';

const REPLY_ACTION = `${NS.wscoor}/RegisterResponse`;
const XML = 'text/xml; charset=utf-8';

let s: Setup;
let edge: Edge;
let lines: { level: string; message: string; fields: Record<string, unknown> }[] = [];
let handled: EdgeRequest[] = [];
let handle: (request: EdgeRequest) => Promise<EdgeAnswer>;

const keep =
  (level: string) =>
  (fields: Record<string, unknown>, text: string): void =>
    void lines.push({ level, message: text, fields });
const log: Logger = { debug: keep('debug'), info: keep('info'), warn: keep('warn'), error: keep('error') };

const reply = ({ message: { soapVersion, addressing } }: EdgeRequest): Promise<EdgeAnswer> =>
  Promise.resolve({
    kind: 'reply',
    message: {
      soapVersion,
      addressing: { action: REPLY_ACTION, ...(addressing.messageId === undefined ? {} : { relatesTo: addressing.messageId }) },
      headers: [],
      body: el(NS.wscoor, 'RegisterResponse'),
    },
  });

beforeAll(async () => {
  s = await setup();
  edge = await startEdge({
    host: '127.0.0.1',
    port: 0,
    verifier: s.verifier,
    signer: s.ecSigner,
    paths: new Set(['/registration']),
    handle: (incoming) => {
      handled.push(incoming);
      return handle(incoming);
    },
    get: (path, query, base) =>
      path === '/registration' && query === 'wsdl'
        ? { contentType: 'text/xml', body: `<definitions at="${base}${path}"/>` }
        : undefined,
    log,
    clock: () => NOW,
    limits: { bodyTimeoutMs: 300, headersTimeoutMs: 300, handlerTimeoutMs: 1000, maxConcurrent: 4 },
  });
});
afterAll(() => edge.close());
beforeEach(() => {
  lines = [];
  handled = [];
  handle = reply;
});

interface Answer {
  readonly status: number;
  readonly type: string;
  readonly body: string;
}

interface Post {
  readonly method?: string;
  readonly path?: string;
  readonly headers?: Record<string, string>;
  readonly body?: string | Buffer;
}

function post({ method = 'POST', path = '/registration', headers = {}, body = '' }: Post): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const outgoing = request(edge.url + path, { method, headers: { 'content-type': XML, ...headers } }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () =>
        resolve({
          status: response.statusCode ?? 0,
          type: response.headers['content-type'] ?? '',
          body: Buffer.concat(chunks).toString(),
        }),
      );
      response.on('error', reject);
    });
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}

const signed = (version: SoapVersion = '1.1', changes = {}): string => s.signer.sign(message(version, changes), NOW);
const faultOf = (answer: Answer): SoapFault | undefined => readFault(s.verifier.verify(answer.body, NOW).body);

async function until(condition: () => boolean): Promise<void> {
  for (const end = Date.now() + 5000; !condition();) {
    if (Date.now() > end) throw new Error('it did not happen');
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** The edge refused: the fault of that code, signed; the handler did not run; one line; a good message is answered next. */
async function expectRefused(answer: Answer, code: string, status: number): Promise<void> {
  const fault = faultOf(answer);
  expect({ code: fault?.concordatCode, status: answer.status }).toEqual({ code, status });
  expect(handled).toHaveLength(0);
  expectOneLine(code);
  await expectAlive();
}

function expectOneLine(code: string): void {
  expect(lines).toHaveLength(1);
  expect(lines[0]).toMatchObject({ level: 'warn', message: 'refused', fields: { code, remote: '127.0.0.1' } });
}

async function expectAlive(): Promise<void> {
  const answer = await post({ body: signed() });
  expect(answer.status).toBe(200);
}

describe('the edge answers', () => {
  for (const version of ['1.1', '1.2'] as SoapVersion[]) {
    test(`a good message with the handler's signed reply, SOAP ${version}`, async () => {
      const type = version === '1.1' ? XML : 'Application/SOAP+XML; charset="UTF-8"; action="' + ACTION + '"';
      const headers: Record<string, string> = version === '1.1' ? { soapaction: `"${ACTION}"` } : {};
      const answer = await post({ headers: { ...headers, 'content-type': type }, body: signed(version) });
      expect(answer.status).toBe(200);
      const got = s.verifier.verify(answer.body, NOW);
      expect(got).toMatchObject({
        soapVersion: version,
        identity: { name: 'agency' },
        addressing: { action: REPLY_ACTION, relatesTo: 'urn:uuid:1' },
      });
      expect(answer.type).toContain(version === '1.1' ? 'text/xml' : 'application/soap+xml');
      expect(handled[0]).toMatchObject({ path: '/registration', message: { identity: { name: 'airline' } } });
      expect(lines).toEqual([]);
    });
  }

  test('202 without a body where the handler only accepts', async () => {
    handle = () => Promise.resolve({ kind: 'accepted' });
    expect(await post({ body: signed() })).toEqual({ status: 202, type: '', body: '' });
  });

  test('an error of the handler as its fault, naming who asked in the log', async () => {
    handle = () => Promise.reject(new ConcordatError('InvalidState', 'Completed twice'));
    const answer = await post({ headers: { 'content-type': 'application/soap+xml' }, body: signed('1.2') });
    expect(answer.status).toBe(400);
    expect(s.verifier.verify(answer.body, NOW).addressing.relatesTo).toBe('urn:uuid:1');
    expect(faultOf(answer)).toMatchObject({
      concordatCode: 'InvalidState',
      detail: 'Completed twice',
      code: `{${NS.wscoor}}InvalidState`,
    });
    expectOneLine('InvalidState');
    expect(lines[0]?.fields).toMatchObject({
      path: '/registration',
      identity: 'CN=airline,OU=participant,OU=Flights | CN=Test CA',
    });
  });

  test('a bug of the handler as Internal, telling the log and not the sender', async () => {
    handle = () => {
      throw new TypeError('secret of the house');
    };
    const answer = await post({ body: signed() });
    expect(faultOf(answer)).toMatchObject({ concordatCode: 'Internal', retryable: true });
    expect(answer.body).not.toContain('secret');
    expect(lines).toMatchObject([{ level: 'error', fields: { code: 'Internal' } }]);
    handle = reply;
    await expectAlive();
  });

  test('a handler that takes too long with Busy, and tells it to stop', async () => {
    handle = () => new Promise(() => undefined);
    expect(faultOf(await post({ body: signed() }))).toMatchObject({ concordatCode: 'Busy', retryable: true });
    expect(handled[0]?.signal.aborted).toBe(true);
  });

  test('more requests at a time than it may take with Busy', async () => {
    let release: () => void = () => undefined;
    const gate = new Promise<void>((resolve) => (release = resolve));
    handle = async (incoming) => {
      await gate;
      return reply(incoming);
    };
    const held = Array.from({ length: 4 }, () => post({ body: signed() }));
    await until(() => handled.length === 4);
    expect(faultOf(await post({ body: signed() }))?.concordatCode).toBe('Busy');
    release();
    expect((await Promise.all(held)).map((answer) => answer.status)).toEqual([200, 200, 200, 200]);
  });

  test('GET ?wsdl with the address the client used, and says no to everything else', async () => {
    const get = (path: string, headers = {}): Promise<Answer> => post({ method: 'GET', path, headers });
    expect((await get('/registration?wsdl', { host: 'cluster.example:80' })).body).toBe(
      '<definitions at="http://cluster.example:80/registration"/>',
    );
    expect((await get('/registration?wsdl', { host: 'a"b' })).body).toBe(`<definitions at="${edge.url}/registration"/>`);
    expect([(await get('/registration')).status, (await get('/nowhere')).status]).toEqual([405, 404]);
    expect((await post({ method: 'PUT' })).body).toContain('MethodNotAllowed');
    await expectAlive();
  });
});

describe('the edge refuses', () => {
  const cases: readonly [what: string, code: string, status: number, post: () => Post][] = [
    ['a path it does not have', 'NotFound', 404, () => ({ path: '/elsewhere', body: signed() })],
    ['a message too large', 'TooLarge', 413, () => ({ body: signed('1.1', { body: el('u', 'x', {}, 'x'.repeat(1_100_000)) }) })],
    [
      'a message far too large by what it declares',
      'TooLarge',
      413,
      () => ({ headers: { 'content-length': '99999999' }, body: 'x' }),
    ],
    [
      'a message too large that declares no size',
      'TooLarge',
      413,
      () => ({ headers: { 'transfer-encoding': 'chunked' }, body: 'x'.repeat(1_100_000) }),
    ],
    ['no content type', 'UnsupportedContentType', 415, () => ({ headers: { 'content-type': '' }, body: signed() })],
    ['JSON', 'UnsupportedContentType', 415, () => ({ headers: { 'content-type': 'application/json' }, body: '{}' })],
    [
      'MTOM',
      'UnsupportedContentType',
      415,
      () => ({ headers: { 'content-type': 'multipart/related; type="application/xop+xml"' }, body: signed() }),
    ],
    [
      'another charset',
      'UnsupportedContentType',
      415,
      () => ({ headers: { 'content-type': 'text/xml; charset=utf-16' }, body: signed() }),
    ],
    [
      'odd parameters',
      'UnsupportedContentType',
      415,
      () => ({ headers: { 'content-type': 'text/xml; charset' }, body: signed() }),
    ],
    ['an envelope of the other version', 'UnsupportedContentType', 415, () => ({ body: signed('1.2') })],
    [
      'a junk gzip body',
      'ContentEncoding',
      415,
      () => ({ headers: { 'content-encoding': 'gzip' }, body: Buffer.from('1f8b0800ffffffff00', 'hex') }),
    ],
    ['bytes that are not UTF-8', 'MalformedXml', 500, () => ({ body: Buffer.from([0x3c, 0xff, 0xfe, 0x3e]) })],
    ['an empty body', 'MalformedXml', 500, () => ({ body: '' })],
    ['a DOCTYPE', 'Doctype', 500, () => ({ body: `<!DOCTYPE x SYSTEM "file:///etc/passwd">${signed()}` })],
    ['a processing instruction', 'ProcessingInstruction', 500, () => ({ body: `<?x y?>${signed()}` })],
    ['the wrong namespace', 'NotAnEnvelope', 500, () => ({ body: signed().replaceAll(NS.soap11, 'urn:soap') })],
    ['two Bodies', 'EnvelopeStructure', 500, () => ({ body: swap(signed(), /<soap:Body .*<\/soap:Body>/s, '$&$&') })],
    ['duplicate ids', 'DuplicateId', 500, () => ({ body: swap(signed(), '</soap:Header>', '<x Id="c-body"/></soap:Header>') })],
    ['an unsigned message', 'Unsigned', 500, () => ({ body: swap(signed(), /<wsse:Security .*<\/wsse:Security>/s, '') })],
    [
      'a changed message',
      'SignatureInvalid',
      500,
      () => ({ body: swap(signed(), '/ParticipantCompletion<', '/CoordinatorCompletion<') }),
    ],
    [
      'SHA-1',
      'AlgorithmRefused',
      500,
      () => ({ body: swap(signed(), '2001/04/xmldsig-more#rsa-sha256', '2000/09/xmldsig#rsa-sha1') }),
    ],
    ['an expired message', 'MessageExpired', 500, () => ({ body: s.signer.sign(message(), NOW - 300_001) })],
    ['another SOAPAction', 'ActionMismatch', 500, () => ({ headers: { soapaction: `"${ACTION}x"` }, body: signed() })],
    [
      'another action of SOAP 1.2',
      'ActionMismatch',
      400,
      () => ({ headers: { 'content-type': 'application/soap+xml; action="urn:x"' }, body: signed('1.2') }),
    ],
    [
      'an unsigned message of SOAP 1.2',
      'Unsigned',
      400,
      () => ({
        headers: { 'content-type': 'application/soap+xml' },
        body: swap(signed('1.2'), /<wsse:Security .*<\/wsse:Security>/s, ''),
      }),
    ],
  ];
  for (const [what, code, status, of] of cases) {
    test(`${what}: ${code}`, async () => expectRefused(await post(of()), code, status));
  }

  test('the certificate of another authority, and an expired one', async () => {
    const stranger = await setup();
    await expectRefused(await post({ body: stranger.signer.sign(message(), NOW) }), 'CertificateUntrusted', 500);
    lines = [];
    handled = [];
    const hour = 3_600_000;
    const old = await s.ca.issue({
      cn: 'old',
      ou: ['participant'],
      notBefore: new Date(NOW - 2 * hour),
      notAfter: new Date(NOW - hour),
    });
    await expectRefused(await post({ body: new Signer(old).sign(message(), NOW) }), 'CertificateUntrusted', 500);
  });

  test('a fault in the version of the content type when the message says none', async () => {
    const answer = await post({ headers: { 'content-type': 'application/soap+xml' }, body: 'junk' });
    expect(s.verifier.verify(answer.body, NOW).soapVersion).toBe('1.2');
  });
});

describe('the edge survives', () => {
  const socket = (text: string): Promise<string> =>
    new Promise((resolve) => {
      let got = '';
      const connection = connect(edge.port, '127.0.0.1', () => connection.write(text));
      connection.on('data', (chunk: Buffer) => (got += chunk.toString()));
      connection.on('error', () => undefined);
      connection.on('close', () => resolve(got));
    });

  test('a body that comes too slowly: Busy, and the connection is closed', async () => {
    const got = await socket(
      `POST /registration HTTP/1.1\r\nHost: x\r\nContent-Type: text/xml\r\nContent-Length: 1000\r\n\r\n<a>`,
    );
    expect(got).toMatch(/^HTTP\/1\.1 500 /);
    expect(got).toContain('<c:Code xmlns:c="urn:concordat:2026:coordination">Busy</c:Code>');
    expectOneLine('Busy');
    await expectAlive();
  });

  test('headers that come too slowly, and bytes that are not HTTP', async () => {
    expect(await socket('POST /registration HTTP/1.1\r\nHost: x\r\n')).toMatch(/^HTTP\/1\.1 400 /);
    expect(await socket('\u0016\u0003\u0001junk\r\n\r\n')).toMatch(/^HTTP\/1\.1 400 /);
    expect(lines.map((line) => line.fields.code)).toEqual(['MalformedHttp', 'MalformedHttp']);
    await expectAlive();
  });

  test('a sender that goes away in the middle of its body', async () => {
    const connection = connect(edge.port, '127.0.0.1', () => {
      connection.write(
        'POST /registration HTTP/1.1\r\nHost: x\r\nContent-Type: text/xml\r\nContent-Length: 1000\r\n\r\n<a>',
        () => connection.destroy(),
      );
    });
    await until(() => lines.length > 0);
    expectOneLine('Busy');
    await expectAlive();
  });

  test('a sender that goes away before its answer: the handler is told', async () => {
    let signal: AbortSignal | undefined;
    handle = (incoming) => {
      signal = incoming.signal;
      return new Promise((_resolve, reject) =>
        incoming.signal.addEventListener('abort', () => reject(new ConcordatError('Busy'))),
      );
    };
    const outgoing = request(`${edge.url}/registration`, { method: 'POST', headers: { 'content-type': XML } });
    outgoing.on('error', () => undefined);
    outgoing.end(signed());
    await until(() => signal !== undefined);
    outgoing.destroy();
    await until(() => signal?.aborted === true);
    handle = reply;
    await expectAlive();
  });
});

describe('an edge that can post answers elsewhere', () => {
  const ELSEWHERE = {
    address: 'https://elsewhere.example/',
    referenceParameters: [el('urn:mine', 'Call', {}, '7')],
    extensions: [],
  };
  let posting: Edge;
  let posted: { message: OutgoingMessage; to: EndpointReference }[] = [];
  let hasRoom = true;

  beforeAll(async () => {
    posting = await startEdge({
      host: '127.0.0.1',
      port: 0,
      verifier: s.verifier,
      signer: s.ecSigner,
      paths: new Set(['/registration']),
      handle: (incoming) => handle(incoming),
      deliver: (outgoing, to) => {
        if (hasRoom) posted.push({ message: outgoing, to });
        return hasRoom;
      },
      log,
      clock: () => NOW,
    });
  });
  afterAll(() => posting.close());
  beforeEach(() => {
    posted = [];
    hasRoom = true;
  });

  const ask = async (properties: Partial<Addressing>, body = message().body): Promise<CallResult> => {
    const transport = new HttpTransport();
    const { addressing } = message();
    const caller = new SoapCaller({ signer: s.signer, verifier: s.verifier, transport, clock: () => NOW });
    const sent = message('1.1', { addressing: { ...addressing, ...properties }, body });
    return caller.call(`${posting.url}/registration`, sent).finally(() => transport.close());
  };
  const refuse = (): Promise<never> => Promise.reject(new ConcordatError('InvalidState', 'no'));

  test('posts the reply to ReplyTo, with its reference parameters, and accepts the exchange', async () => {
    expect(await ask({ replyTo: ELSEWHERE })).toEqual({ kind: 'accepted' });
    expect(posted).toMatchObject([
      {
        message: {
          addressing: { to: ELSEWHERE.address, action: REPLY_ACTION, relatesTo: 'urn:uuid:1' },
          headers: [{ ns: 'urn:mine', name: 'Call', attributes: [{ name: 'IsReferenceParameter', value: 'true' }] }],
          body: { name: 'RegisterResponse' },
        },
        to: ELSEWHERE,
      },
    ]);
    expect(lines).toEqual([]);
  });

  test('echoes the reference parameters of an anonymous ReplyTo, signed', async () => {
    const result = await ask({ replyTo: { ...ELSEWHERE, address: `${NS.wsa}/anonymous` } });
    expect(result).toMatchObject({
      kind: 'reply',
      message: { addressing: { action: REPLY_ACTION }, headers: [{ name: 'Call' }] },
    });
  });

  test('posts the fault to FaultTo, and logs it like any other', async () => {
    handle = refuse;
    expect(await ask({ faultTo: ELSEWHERE })).toEqual({ kind: 'accepted' });
    expect(posted).toMatchObject([
      {
        message: { addressing: { to: ELSEWHERE.address, action: `${NS.wscoor}/fault`, relatesTo: 'urn:uuid:1' } },
        to: ELSEWHERE,
      },
    ]);
    expect(lines).toMatchObject([{ message: 'refused', fields: { code: 'InvalidState' } }]);
  });

  test('drops the reply that nobody wants, and the fault', async () => {
    const nobody = { ...ELSEWHERE, address: `${NS.wsa}/none` };
    expect(await ask({ replyTo: nobody })).toEqual({ kind: 'accepted' });
    handle = refuse;
    expect(await ask({ replyTo: nobody })).toEqual({ kind: 'accepted' });
    expect(posted).toEqual([]);
  });

  test('says Busy on the exchange when there is no room, and tells a fault there', async () => {
    hasRoom = false;
    expect(await ask({ replyTo: ELSEWHERE })).toMatchObject({ kind: 'fault', fault: { concordatCode: 'Busy', retryable: true } });
    handle = refuse;
    expect(await ask({ faultTo: ELSEWHERE })).toMatchObject({ kind: 'fault', fault: { concordatCode: 'InvalidState' } });
  });

  test('answers on the exchange what it refuses before everything about the message is checked', async () => {
    const changed = (change: (raw: string) => string, headers = {}): Promise<Answer> => {
      const { addressing } = message();
      const raw = s.signer.sign(message('1.1', { addressing: { ...addressing, faultTo: ELSEWHERE, replyTo: ELSEWHERE } }), NOW);
      return new Promise((resolve, reject) => {
        const outgoing = request(
          `${posting.url}/registration`,
          { method: 'POST', headers: { 'content-type': XML, ...headers } },
          (response) => {
            const chunks: Buffer[] = [];
            response.on('data', (chunk: Buffer) => chunks.push(chunk));
            response.on('end', () =>
              resolve({ status: response.statusCode ?? 0, type: '', body: Buffer.concat(chunks).toString() }),
            );
          },
        );
        outgoing.on('error', reject);
        outgoing.end(change(raw));
      });
    };
    const tampered = await changed((raw) => swap(raw, '/ParticipantCompletion<', '/CoordinatorCompletion<'));
    const mismatched = await changed((raw) => raw, { soapaction: '"urn:x"' });
    expect([faultOf(tampered)?.concordatCode, faultOf(mismatched)?.concordatCode]).toEqual([
      'SignatureInvalid',
      'ActionMismatch',
    ]);
    expect(posted).toEqual([]);
  });

  test('refuses, before it does anything, an address that nothing can be posted to', async () => {
    const asked: unknown[] = [];
    handle = (incoming) => {
      asked.push(incoming);
      return reply(incoming);
    };
    const result = await ask({ replyTo: { ...ELSEWHERE, address: 'urn:uuid:nowhere' } });
    expect(result).toMatchObject({
      kind: 'fault',
      fault: { concordatCode: 'OnlyAnonymousAddressSupported', code: `{${NS.wsa}}OnlyAnonymousAddressSupported` },
    });
    expect(asked).toEqual([]);
  });

  test('posts the faults of a notification to From', async () => {
    handle = refuse;
    expect(await ask({ replyTo: { ...ELSEWHERE, address: `${NS.wsa}/none` }, from: ELSEWHERE }, el(NS.wsba, 'Exit'))).toEqual({
      kind: 'accepted',
    });
    expect(posted.map(({ to }) => to.address)).toEqual([ELSEWHERE.address]);
    expect(await ask({ from: ELSEWHERE })).toMatchObject({ kind: 'fault' });
    expect(posted).toHaveLength(1);
  });
});

describe('life of an edge', () => {
  const start = (port: number): Promise<Edge> =>
    startEdge({
      host: '127.0.0.1',
      port,
      verifier: s.verifier,
      signer: s.ecSigner,
      paths: new Set(['/x']),
      handle: () => new Promise(() => undefined),
      log,
      clock: () => NOW,
    });

  test('a port in use is said so', async () => {
    await expect(start(edge.port)).rejects.toMatchObject({ code: 'PortInUse' });
  });

  test('closing does not wait for a handler that hangs', async () => {
    const other = await start(0);
    const transport = new HttpTransport();
    const caller = new SoapCaller({ signer: s.signer, verifier: s.verifier, transport, clock: () => NOW });
    const pending = caller.call(`${other.url}/x`, message()).catch((error: unknown) => error);
    await new Promise((resolve) => setTimeout(resolve, 100));
    await other.close();
    const outcome = await pending;
    const retryable =
      outcome instanceof ConcordatError ? outcome.entry.retryable : (outcome as { fault?: SoapFault }).fault?.retryable;
    expect(retryable).toBe(true);
    transport.close();
  });
});
