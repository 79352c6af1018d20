import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { LogFields, Logger } from '../../src/log.js';
import { el, NS, Signer, startEdge } from '../../src/soap/index.js';
import type { Edge } from '../../src/soap/index.js';
import { until } from '../support/cluster.js';
import { heapInUse } from './measure.js';
import { makeScene } from './scene.js';
import type { Scene } from './scene.js';
import { chunked, exchange, lengthOf, open, post } from './wire.js';

/** Attacks on the way a message comes, against a real edge. */

const LIMITS = {
  headersTimeoutMs: 500,
  bodyTimeoutMs: 500,
  keepAliveTimeoutMs: 500,
  maxConnections: 40,
  maxConcurrent: 30,
} as const;
const XML = 'Content-Type: text/xml; charset=utf-8';
const MIB = 1024 * 1024;

let scene: Scene;
let edge: Edge;
let codes: unknown[] = [];
let handled = 0;
let good: string;
let good12: string;

const keep = (fields: LogFields): void => void codes.push(fields['code']);
const log: Logger = { debug: keep, info: keep, warn: keep, error: keep };

beforeAll(async () => {
  scene = await makeScene();
  const of = (soapVersion: string): string => scene.samples.find((s) => s.soapVersion === soapVersion)?.raw ?? '';
  good = of('1.1');
  good12 = of('1.2');
  edge = await startEdge({
    host: '127.0.0.1',
    port: 0,
    verifier: scene.verifier,
    signer: new Signer(scene.strangers.another.ec),
    paths: new Set(['/registration']),
    handle: ({ message: { soapVersion } }) => {
      handled += 1;
      const body = el(NS.wscoor, 'RegisterResponse');
      return Promise.resolve({ kind: 'reply', message: { soapVersion, addressing: { action: 'urn:done' }, headers: [], body } });
    },
    log,
    clock: () => scene.now,
    limits: LIMITS,
  });
});
afterAll(() => edge.close());
beforeEach(() => {
  codes = [];
  handled = 0;
});

/** A good message is served, and once. */
async function expectServing(): Promise<void> {
  handled = 0;
  const { status } = await exchange(edge.port, post([XML, lengthOf(good)], good));
  expect({ status, handled }).toEqual({ status: 200, handled: 1 });
}

/** One refusal is logged, with that code; nothing reached the handler; the edge goes on. */
async function expectRefused(bytes: Buffer, status: number, code: string): Promise<void> {
  const answer = await exchange(edge.port, bytes);
  expect({ status: answer.status, count: answer.count, handled, codes }).toEqual({ status, count: 1, handled: 0, codes: [code] });
  await expectServing();
}

type Row = readonly [what: string, status: number, code: string, bytes: () => Buffer];

describe('refused: a body that is', () => {
  const encoded = (encoding: string, body: Buffer): Buffer => post([XML, `Content-Encoding: ${encoding}`, lengthOf(body)], body);
  const bomb = Buffer.alloc(64 * MIB);
  const plain = (bytes: Buffer): Buffer => post([XML, lengthOf(bytes)], bytes);
  /** The good message with bytes put into a text of it. */
  const holding = (...bytes: number[]): Buffer => {
    const at = good.indexOf('ParticipantCompletion<');
    return plain(Buffer.concat([Buffer.from(good.slice(0, at)), Buffer.from(bytes), Buffer.from(good.slice(at))]));
  };
  const utf16 = (): Buffer => Buffer.from(`\ufeff${good}`, 'utf16le');

  const rows: readonly Row[] = [
    ['gzip', 415, 'ContentEncoding', () => encoded('gzip', gzipSync(good))],
    ['a gzip bomb of 64 MiB', 415, 'ContentEncoding', () => encoded('gzip', gzipSync(bomb, { level: 1 }))],
    ['a deflate bomb of 64 MiB', 415, 'ContentEncoding', () => encoded('deflate', deflateSync(bomb, { level: 1 }))],
    ['brotli', 415, 'ContentEncoding', () => encoded('br', brotliCompressSync(good))],
    ['gzip twice', 415, 'ContentEncoding', () => encoded('gzip, gzip', gzipSync(gzipSync(good)))],
    ['gzip in capitals', 415, 'ContentEncoding', () => encoded('GZIP', gzipSync(good))],
    ['gzip after identity', 415, 'ContentEncoding', () => encoded('identity, gzip', gzipSync(good))],
    ['gzip that does not say so', 500, 'MalformedXml', () => plain(gzipSync(good))],
    ['said to be gzip and is not', 415, 'ContentEncoding', () => encoded('gzip', Buffer.from(good))],
    ['UTF-16 with a byte order mark', 500, 'MalformedXml', () => plain(utf16())],
    ['UTF-16 without one', 500, 'MalformedXml', () => plain(Buffer.from(good, 'utf16le'))],
    [
      'UTF-16 by its content type',
      415,
      'UnsupportedContentType',
      () => post(['Content-Type: text/xml; charset=utf-16', lengthOf(utf16())], utf16()),
    ],
    [
      'UTF-7 by its content type',
      415,
      'UnsupportedContentType',
      () => post(['Content-Type: text/xml; charset=utf-7', lengthOf(good)], good),
    ],
    ['not UTF-8: a lone continuation byte', 500, 'MalformedXml', () => holding(0x80)],
    ['not UTF-8: an overlong NUL', 500, 'MalformedXml', () => holding(0xc0, 0x80)],
    ['not UTF-8: an overlong <', 500, 'MalformedXml', () => holding(0xc0, 0xbc)],
    ['not UTF-8: an overlong / in three bytes', 500, 'MalformedXml', () => holding(0xe0, 0x80, 0xaf)],
    ['not UTF-8: a surrogate', 500, 'MalformedXml', () => holding(0xed, 0xa0, 0x80)],
    ['not UTF-8: beyond Unicode', 500, 'MalformedXml', () => holding(0xf4, 0x90, 0x80, 0x80)],
    ['not UTF-8: cut off', 500, 'MalformedXml', () => plain(Buffer.concat([Buffer.from(good), Buffer.from([0xe2, 0x82])]))],
    ['NUL', 500, 'MalformedXml', () => holding(0)],
    [
      'MTOM',
      415,
      'UnsupportedContentType',
      () => post(['Content-Type: multipart/related; type="application/xop+xml"', lengthOf(good)], good),
    ],
    [
      'a form',
      415,
      'UnsupportedContentType',
      () => post(['Content-Type: application/x-www-form-urlencoded', lengthOf(good)], good),
    ],
    ['of no type', 415, 'UnsupportedContentType', () => post([lengthOf(good)], good)],
    [
      'of two types',
      415,
      'UnsupportedContentType',
      () => post(['Content-Type: text/xml, application/soap+xml', lengthOf(good)], good),
    ],
    ['of the other version’s type', 415, 'UnsupportedContentType', () => post([XML, lengthOf(good12)], good12)],
    ['too large', 413, 'TooLarge', () => plain(Buffer.alloc(MIB + 1, 0x20))],
    [
      'too large and chunked',
      413,
      'TooLarge',
      () => post([XML, 'Transfer-Encoding: chunked'], chunked(Buffer.alloc(MIB + 1, 0x20))),
    ],
  ];
  for (const [what, status, code, bytes] of rows) {
    test(`${what}: ${code}`, () => expectRefused(bytes(), status, code));
  }
});

describe('refused: a SOAPAction that is not the message’s', () => {
  const action = `${NS.wscoor}/Register`;
  const rows: readonly Row[] = [
    ['another', 500, 'ActionMismatch', () => post([XML, 'SOAPAction: "urn:evil"', lengthOf(good)], good)],
    ['another, unquoted', 500, 'ActionMismatch', () => post([XML, 'SOAPAction: urn:evil', lengthOf(good)], good)],
    ['in capitals', 500, 'ActionMismatch', () => post([XML, `SOAPAction: "${action.toUpperCase()}"`, lengthOf(good)], good)],
    ['with something after it', 500, 'ActionMismatch', () => post([XML, `SOAPAction: "${action}#x"`, lengthOf(good)], good)],
    [
      'given twice',
      500,
      'ActionMismatch',
      () => post([XML, `SOAPAction: "${action}"`, 'SOAPAction: "urn:evil"', lengthOf(good)], good),
    ],
    [
      'another in the content type of SOAP 1.2',
      400,
      'ActionMismatch',
      () => post(['Content-Type: application/soap+xml; action="urn:evil"', lengthOf(good12)], good12),
    ],
    [
      'two in the content type of SOAP 1.2',
      415,
      'UnsupportedContentType',
      () => post([`Content-Type: application/soap+xml; action="${action}"; action="urn:evil"`, lengthOf(good12)], good12),
    ],
  ];
  for (const [what, status, code, bytes] of rows) {
    test(`${what}: ${code}`, () => expectRefused(bytes(), status, code));
  }
});

describe('refused as no HTTP, and nothing that is hidden in it is served: a request', () => {
  const hidden = (): Buffer => post([XML, lengthOf(good)], good);
  const both = (...headers: string[]): Buffer => Buffer.concat([post([XML, ...headers], '0\r\n\r\n'), hidden()]);
  const raw = (text: string): Buffer => Buffer.concat([Buffer.from(text), hidden()]);

  const rows: readonly (readonly [what: string, bytes: () => Buffer])[] = [
    ['with Content-Length and Transfer-Encoding', () => both('Content-Length: 5', 'Transfer-Encoding: chunked')],
    ['with Transfer-Encoding and Content-Length', () => both('Transfer-Encoding: chunked', 'Content-Length: 5')],
    ['with two Content-Lengths', () => both('Content-Length: 5', 'Content-Length: 6')],
    ['with two Content-Lengths in one', () => both('Content-Length: 5, 6')],
    ['with a negative Content-Length', () => both('Content-Length: -5')],
    ['with a signed Content-Length', () => both('Content-Length: +5')],
    ['with a hexadecimal Content-Length', () => both('Content-Length: 0x5')],
    ['with a Content-Length beyond numbers', () => both('Content-Length: 99999999999999999999999')],
    ['with an unknown Transfer-Encoding', () => both('Transfer-Encoding: xchunked')],
    ['with chunked that is not last', () => both('Transfer-Encoding: chunked, identity')],
    ['with a space before the colon', () => both('Transfer-Encoding : chunked')],
    ['with a folded header', () => both('X-A: b\r\n Transfer-Encoding: chunked', 'Content-Length : 5')],
    ['with a line end alone in a header', () => both('X-A: b\nTransfer-Encoding: chunked')],
    ['with NUL in a header', () => both('X-A: b\0c')],
    ['with headers larger than they may be', () => both(`X-A: ${'a'.repeat(20_000)}`)],
    ['with a chunk size that is none', () => post([XML, 'Transfer-Encoding: chunked'], 'zz\r\n')],
    ['of HTTP 9.9', () => raw('POST /registration HTTP/9.9\r\nHost: x\r\n\r\n')],
    ['of an unknown method', () => raw('EVIL /registration HTTP/1.1\r\nHost: x\r\n\r\n')],
    ['of TLS', () => raw('\u0016\u0003\u0001\u0002\0')],
  ];
  for (const [what, bytes] of rows) {
    test(what, async () => {
      const answer = await exchange(edge.port, bytes());
      // No answer at all where the request had begun to be read.
      expect([0, 400]).toContain(answer.status);
      expect(answer.count).toBeLessThan(2);
      expect({ handled, lines: codes.length }).toEqual({ handled: 0, lines: 1 });
      expect(['MalformedHttp', 'Busy']).toContain(codes[0]);
      await expectServing();
    });
  }

  test('whose Content-Length is shorter than its body: what is left is no second request', async () => {
    const answer = await exchange(edge.port, post([XML, `Content-Length: ${Buffer.byteLength(good) - 10}`], good));
    expect([0, 500]).toContain(answer.status);
    expect({ handled, codes }).toEqual({ handled: 0, codes: ['MalformedXml'] });
  });

  test('whose Content-Length is longer than its body: Busy when time is up', async () => {
    const answer = await exchange(edge.port, post([XML, `Content-Length: ${Buffer.byteLength(good) + 10}`], good));
    expect({ status: answer.status, handled, codes }).toEqual({ status: 500, handled: 0, codes: ['Busy'] });
  });
});

describe('an edge goes on serving while', () => {
  const memoryStays = async (act: () => Promise<void>): Promise<void> => {
    const before = heapInUse();
    await act();
    expect(heapInUse() - before).toBeLessThan(16 * MIB);
  };

  test('a body has no end: it is cut off after a mebibyte, and answered', async () => {
    await memoryStays(async () => {
      let sent = 0;
      const socket = open(edge.port, () => socket.write(post([XML, 'Transfer-Encoding: chunked'])));
      const piece = chunked(Buffer.alloc(65_536, 0x20)).subarray(0, -5);
      const pump = (): void => {
        while (socket.writable && sent < 64 * MIB) {
          sent += piece.length;
          if (!socket.write(piece)) break;
        }
      };
      socket.on('connect', pump).on('drain', pump).resume();
      await new Promise((resolve) => socket.once('close', resolve));
      expect(codes).toEqual(['TooLarge']);
      // What it read and dropped so that the sender could see why, and what was on its way.
      expect(sent).toBeLessThan(16 * MIB);
    });
    await expectServing();
  });

  test('a body comes in chunks of one byte with long extensions', async () => {
    const piece = `1;${'x'.repeat(4000)}\r\na\r\n`;
    const answer = await exchange(edge.port, post([XML, 'Transfer-Encoding: chunked'], piece.repeat(500)));
    expect(answer.count).toBeLessThan(2);
    expect(handled).toBe(0);
    await expectServing();
  });

  test('many send their headers byte by byte, or their bodies', async () => {
    const beginnings = [post([]).subarray(0, -2), post([XML, 'Content-Length: 1000'], '<')];
    const slow = Array.from({ length: 20 }, (_, i) => {
      const socket = open(edge.port, () => socket.write(beginnings[i % 2] ?? ''));
      const timer = setInterval(() => socket.writable && socket.write('a'), 50);
      return new Promise<void>((resolve) =>
        socket.resume().once('close', () => {
          clearInterval(timer);
          resolve();
        }),
      );
    });
    await until(() => openConnections() >= 20, 'the slow senders are connected');
    await expectServing();
    // None of them is waited for longer than the limits say.
    await Promise.all(slow);
    expect(handled).toBe(1);
  });

  test('more connections are opened than it takes, and nothing is sent', async () => {
    const idle = Array.from({ length: 3 * LIMITS.maxConnections }, () => open(edge.port));
    const closed = idle.map((socket) => new Promise<void>((resolve) => socket.resume().once('close', () => resolve())));
    await Promise.all(closed);
    await expectServing();
  });

  test('one connection sends request upon request without reading', async () => {
    await memoryStays(async () => {
      const request = Buffer.from(`POST /registration HTTP/1.1\r\nHost: x\r\n${XML}\r\nContent-Length: 3\r\n\r\n<a>`);
      const socket = open(edge.port, () => socket.write(Buffer.concat(Array<Buffer>(500).fill(request))));
      socket.pause();
      await until(() => codes.length > 0, 'the first of them is refused');
      await expectServing();
      socket.destroy();
    });
    expect(codes.every((code) => code === 'MalformedXml' || code === 'Busy')).toBe(true);
  });

  test('hundreds of attacks come one after another', async () => {
    const bytes = post([XML, lengthOf(good12)], good12);
    await exchange(edge.port, bytes);
    await memoryStays(async () => {
      for (let round = 0; round < 16; round++) await Promise.all(Array.from({ length: 25 }, () => exchange(edge.port, bytes)));
    });
    expect(codes.filter((code) => code === 'UnsupportedContentType')).toHaveLength(401);
    expect(handled).toBe(0);
    await expectServing();
  });
});

/** Sockets of this process that are connected to the edge; each is seen from both of its ends. */
const openConnections = (): number =>
  process.getActiveResourcesInfo().filter((resource) => resource === 'TCPSocketWrap').length / 2;
