import type { IncomingMessage } from 'node:http';
import { ConcordatError } from '../errors.js';
import type { EdgeLimits } from './limits.js';

const UTF8 = new TextDecoder('utf-8', { fatal: true });

/**
 * Reads a request body, counted and timed.
 * @throws TooLarge, Busy if it does not arrive in time or breaks off, MalformedXml if it is not UTF-8
 */
export async function readBody(request: IncomingMessage, limits: EdgeLimits): Promise<string> {
  checkDeclaredSize(request, limits);
  const bytes = await collect(request, limits);
  try {
    return UTF8.decode(bytes);
  } catch (error) {
    throw new ConcordatError('MalformedXml', 'it is not UTF-8', { cause: error });
  }
}

export function checkDeclaredSize(request: IncomingMessage, limits: EdgeLimits): void {
  if (Number(request.headers['content-length'] ?? 0) > limits.maxBytes) throw tooLarge(limits);
}

const tooLarge = (limits: EdgeLimits): ConcordatError => new ConcordatError('TooLarge', `at most ${limits.maxBytes} bytes`);

function collect(request: IncomingMessage, limits: EdgeLimits): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    const settle = (act: () => void): void => {
      clearTimeout(timer);
      request.off('data', onData).off('end', onEnd).off('close', onClose).off('error', onClose);
      act();
    };
    const onData = (chunk: Buffer): void => {
      size += chunk.length;
      if (size > limits.maxBytes) settle(() => reject(tooLarge(limits)));
      else chunks.push(chunk);
    };
    const onEnd = (): void => settle(() => resolve(Buffer.concat(chunks)));
    const onClose = (): void => settle(() => reject(new ConcordatError('Busy', 'the request broke off')));
    const timer = setTimeout(
      () => settle(() => reject(new ConcordatError('Busy', 'the body did not arrive in time'))),
      limits.bodyTimeoutMs,
    );
    request.on('data', onData).on('end', onEnd).on('close', onClose).on('error', onClose);
  });
}

/** How long, in milliseconds, a refused request may go on sending so that it can read why. */
const LINGER_MS = 1000;

/**
 * Takes in and drops what is left of a refused body, within bounds: closing a connection with unread bytes would reset it before the
 * sender has read the answer.
 */
export function drain(request: IncomingMessage, limits: EdgeLimits): Promise<void> {
  const declared = Number(request.headers['content-length'] ?? 0);
  if (request.readableEnded || request.destroyed || declared > 2 * limits.maxBytes) return Promise.resolve();
  return new Promise((resolve) => {
    let size = 0;
    const done = (): void => {
      clearTimeout(timer);
      request.off('data', onData).off('end', done).off('close', done);
      resolve();
    };
    const onData = (chunk: Buffer): void => {
      size += chunk.length;
      if (size > limits.maxBytes) done();
    };
    const timer = setTimeout(done, Math.min(LINGER_MS, limits.bodyTimeoutMs));
    request.on('data', onData).on('end', done).on('close', done);
    request.on('error', done);
  });
}
