import { afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { createServer } from 'node:http';
import type { RequestListener, Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ConcordatError } from '../../src/errors.js';
import { el, faultMessage, HttpTransport, NS, SoapCaller } from '../../src/soap/index.js';
import type { OutgoingMessage } from '../../src/soap/index.js';
import { ACTION, message, NOW, setup } from './fixtures.js';
import type { Setup } from './fixtures.js';

let s: Setup;
let server: Server | undefined;
let transport = new HttpTransport();
beforeAll(async () => {
  s = await setup();
});
afterEach(() => {
  server?.closeAllConnections();
  server?.close();
  transport.close();
});

async function serve(listener: RequestListener): Promise<string> {
  const created = createServer(listener);
  server = created;
  await new Promise<void>((resolve) => created.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(created.address() as AddressInfo).port}/`;
}

function caller(options: ConstructorParameters<typeof HttpTransport>[0] = {}): SoapCaller {
  transport = new HttpTransport(options);
  return new SoapCaller({ signer: s.signer, verifier: s.verifier, transport, clock: () => NOW });
}

const answering = (answer: OutgoingMessage, status = 200): Promise<string> =>
  serve((_request, response) => response.writeHead(status).end(s.ecSigner.sign(answer, NOW)));
const answer = (relatesTo?: string): OutgoingMessage => ({
  soapVersion: '1.1',
  addressing: { action: `${ACTION}Response`, ...(relatesTo === undefined ? {} : { relatesTo }) },
  headers: [],
  body: el(NS.wscoor, 'RegisterResponse'),
});

describe('a call', () => {
  test('gives the verified reply and who signed it', async () => {
    const result = await caller().call(await answering(answer('urn:uuid:1')), message());
    expect(result).toMatchObject({
      kind: 'reply',
      message: { identity: { name: 'agency' }, body: { name: 'RegisterResponse' } },
    });
  });

  test('sends the headers of its SOAP version', async () => {
    const seen: (string | undefined)[] = [];
    const url = await serve((request, response) => {
      seen.push(request.headers['content-type'], request.headers.soapaction as string | undefined);
      response.writeHead(202).end();
    });
    const it = caller();
    expect([await it.call(url, message()), await it.call(url, message('1.2'))]).toEqual([
      { kind: 'accepted' },
      { kind: 'accepted' },
    ]);
    expect(seen).toEqual([
      'text/xml; charset=utf-8',
      `"${ACTION}"`,
      `application/soap+xml; charset=utf-8; action="${ACTION}"`,
      undefined,
    ]);
  });

  test('gives a fault as such, also one that cannot name the request', async () => {
    const error = new ConcordatError('UnknownActivity', 'a');
    for (const relatesTo of [{ relatesTo: 'urn:uuid:1' }, {}]) {
      const url = await answering(faultMessage(error, { soapVersion: '1.1', ...relatesTo }), 500);
      expect(await caller().call(url, message())).toMatchObject({
        kind: 'fault',
        fault: { concordatCode: 'UnknownActivity', retryable: true },
      });
      server?.close();
    }
  });

  test('refuses an answer to another request, or to none', async () => {
    for (const relatesTo of ['urn:uuid:other', undefined]) {
      const url = await answering(answer(relatesTo));
      await expect(caller().call(url, message())).rejects.toMatchObject({ code: 'InvalidAddressingHeader' });
      server?.close();
    }
  });

  test('refuses an answer that is not signed or not SOAP', async () => {
    const html = await serve((_request, response) => response.writeHead(502).end('Bad gateway'));
    await expect(caller().call(html, message())).rejects.toMatchObject({ code: 'PeerUnreachable' });
    server?.close();
    const page = await serve((_request, response) =>
      response.end(`<s:Envelope xmlns:s="${NS.soap11}"><s:Body><x/></s:Body></s:Envelope>`),
    );
    await expect(caller().call(page, message())).rejects.toMatchObject({ code: 'Unsigned' });
  });

  test('is bounded in time and size, can be aborted, and says when nobody is there', async () => {
    const silent = await serve(() => undefined);
    await expect(caller({ timeoutMs: 50 }).call(silent, message())).rejects.toMatchObject({
      code: 'PeerUnreachable',
      detail: expect.stringContaining('in time'),
    });
    const abort = new AbortController();
    const pending = caller().call(silent, message(), abort.signal);
    abort.abort();
    await expect(pending).rejects.toMatchObject({ code: 'PeerUnreachable', detail: expect.stringContaining('aborted') });
    server?.closeAllConnections();
    server?.close();
    const huge = await serve((_request, response) => response.end('x'.repeat(10_000)));
    await expect(caller({ maxResponseBytes: 1000 }).call(huge, message())).rejects.toMatchObject({ code: 'PeerUnreachable' });
    server?.closeAllConnections();
    server?.close();
    await expect(caller().call(huge, message())).rejects.toMatchObject({ code: 'PeerUnreachable' });
    await expect(caller().call('ftp://x/', message())).rejects.toMatchObject({ code: 'PeerUnreachable' });
    await expect(caller().call('nonsense', message())).rejects.toMatchObject({ code: 'PeerUnreachable' });
  });

  test('tries once more when a kept connection turns out to be closed', async () => {
    let requests = 0;
    const url = await serve((request, response) => {
      requests += 1;
      // The second request comes over the kept connection, and finds it dead.
      if (requests === 2) request.socket.destroy();
      else response.writeHead(202).end();
    });
    const it = caller({ maxSocketsPerHost: 1 });
    expect(await it.call(url, message())).toEqual({ kind: 'accepted' });
    expect(await it.call(url, message())).toEqual({ kind: 'accepted' });
    expect(requests).toBe(3);
  });
});
