import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { ECHO_ACTION } from './messages.js';
import { PATH } from './servers.js';

/** How many connections at once keep a server busy; each waits for its answer before it asks again. */
export const CONNECTIONS = 8;

/** No answer within this time, in milliseconds, is a failure. */
const ANSWER_MS = 10_000;
const MAX_ANSWER_BYTES = 65_536;

export interface LoadResult {
  /** Answers per second. */
  readonly rate: number;
  /** The body of one of them. */
  readonly answer: string;
}

/**
 * Keeps a server busy for some milliseconds with the same signed request over connections that are kept alive. Not node's HTTP client: that
 * would cost more than some of the servers.
 * @throws Error if an answer is not HTTP 200 with a Content-Length, or does not come
 */
export async function load(port: number, message: string, forMs: number): Promise<LoadResult> {
  const request = requestOf(port, message);
  const clients = await Promise.all(Array.from({ length: CONNECTIONS }, () => Client.open(port, request)));
  try {
    const started = performance.now();
    const until = started + forMs;
    const counts = await Promise.all(clients.map((client) => client.ask(until)));
    const elapsed = performance.now() - started;
    const total = counts.reduce((sum, count) => sum + count, 0);
    return { rate: (total / elapsed) * 1000, answer: clients[0]?.lastAnswer ?? '' };
  } finally {
    for (const client of clients) client.close();
  }
}

function requestOf(port: number, message: string): Buffer {
  const head = [
    `POST ${PATH} HTTP/1.1`,
    `Host: 127.0.0.1:${port}`,
    'Content-Type: text/xml; charset=utf-8',
    `SOAPAction: "${ECHO_ACTION}"`,
    'Connection: keep-alive',
    `Content-Length: ${Buffer.byteLength(message)}`,
  ];
  return Buffer.from(`${head.join('\r\n')}\r\n\r\n${message}`);
}

class Client {
  lastAnswer = '';
  private received: Buffer = Buffer.alloc(0);
  private settle: { resolve: () => void; reject: (error: Error) => void } | undefined;

  private constructor(
    private readonly socket: Socket,
    private readonly request: Buffer,
  ) {
    socket.setNoDelay(true);
    socket.setTimeout(ANSWER_MS, () => this.fail(new Error('the server does not answer')));
    socket.on('data', (chunk) => this.take(chunk));
    socket.on('error', (error) => this.fail(error));
    socket.on('close', () => this.fail(new Error('the server closed the connection')));
  }

  static open(port: number, request: Buffer): Promise<Client> {
    return new Promise((resolve, reject) => {
      const socket = connect(port, '127.0.0.1');
      socket.once('error', reject);
      socket.once('connect', () => {
        socket.off('error', reject);
        resolve(new Client(socket, request));
      });
    });
  }

  /** Asks again and again; gives how many answers came. */
  async ask(until: number): Promise<number> {
    let answers = 0;
    do {
      await this.once();
      answers += 1;
    } while (performance.now() < until);
    return answers;
  }

  close(): void {
    this.socket.removeAllListeners('close');
    this.socket.destroy();
  }

  private once(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.settle = { resolve, reject };
      this.socket.write(this.request);
    });
  }

  private take(chunk: Buffer): void {
    this.received = this.received.length === 0 ? chunk : Buffer.concat([this.received, chunk]);
    const headEnd = this.received.indexOf('\r\n\r\n');
    if (headEnd === -1) return;
    const head = this.received.toString('latin1', 0, headEnd);
    const length = Number(/\r\ncontent-length: *(\d+)/i.exec(head)?.[1] ?? NaN);
    const end = headEnd + 4 + length;
    if (!head.startsWith('HTTP/1.1 200 ') || !(length <= MAX_ANSWER_BYTES))
      return this.fail(new Error(`unexpected answer: ${this.received.toString()}`));
    if (this.received.length < end) return;
    this.lastAnswer = this.received.toString('utf8', headEnd + 4, end);
    this.received = Buffer.alloc(0);
    this.settle?.resolve();
  }

  private fail(error: Error): void {
    this.settle?.reject(error);
    this.socket.destroy();
  }
}
