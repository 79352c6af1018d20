import { connect } from 'node:net';
import type { Socket } from 'node:net';

/** HTTP as text over a bare socket: what no HTTP client would send. */

export interface WireAnswer {
  /** Of the first answer; 0 if the connection was closed without one. */
  readonly status: number;
  /** Answers that came over the connection. */
  readonly count: number;
  readonly text: string;
}

/**
 * Sends bytes and reads until the other side closes the connection.
 * @param timeoutMs how long the other side may take to do so; after it the answer is an error
 */
export function exchange(port: number, bytes: string | Buffer, timeoutMs = 10_000): Promise<WireAnswer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    const socket = open(port, () => socket.write(bytes));
    const timer = setTimeout(() => {
      socket.destroy();
      reject(new Error(`the connection is still open after ${timeoutMs} ms`));
    }, timeoutMs);
    socket.on('data', (chunk: Buffer) => chunks.push(chunk));
    socket.on('close', () => {
      clearTimeout(timer);
      resolve(readAnswer(Buffer.concat(chunks).toString('utf8')));
    });
  });
}

/** A connection whose errors are no news: the other side may close it whenever it likes. */
export function open(port: number, connected: () => void = () => undefined): Socket {
  const socket = connect(port, '127.0.0.1', connected);
  socket.on('error', () => undefined);
  return socket;
}

function readAnswer(text: string): WireAnswer {
  const statuses = [...text.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map((match) => Number(match[1]));
  return { status: statuses[0] ?? 0, count: statuses.length, text };
}

/** A POST as text: its headers, one on a line, and a body. Content-Length only where the headers say it. */
export const post = (headers: readonly string[], body: string | Buffer = ''): Buffer =>
  Buffer.concat([
    Buffer.from(['POST /registration HTTP/1.1', 'Host: cluster.example', 'Connection: close', ...headers, '', ''].join('\r\n')),
    Buffer.from(body),
  ]);

export const lengthOf = (body: string | Buffer): string => `Content-Length: ${Buffer.byteLength(body)}`;

/** A body as one chunk and the last. */
export const chunked = (body: string | Buffer): Buffer =>
  Buffer.concat([Buffer.from(`${Buffer.byteLength(body).toString(16)}\r\n`), Buffer.from(body), Buffer.from('\r\n0\r\n\r\n')]);
