import { connect } from 'node:tls';
import type { TLSSocket } from 'node:tls';
import { asErrorCode, ConcordatError } from '../errors.js';
import type { ErrorCode } from '../errors.js';
import type { Complaints } from './complaints.js';
import { FrameReader, MalformedFrame, encodeFrame } from './frames.js';
import { parseJson } from './hello.js';
import { MAX_OPERATORS } from './options.js';
import type { OperatorHandler, PeerCredentials, PeerLimits } from './options.js';
import { OPERATOR_PROTOCOL, normalizeFingerprint, operatorName, remoteFingerprint, tlsOptions } from './tls.js';

/** What a replica sends back: the answer, or the error of our table. */
type OperatorReply =
  { readonly ok: true; readonly answer: unknown } | { readonly ok: false; readonly code: ErrorCode; readonly detail?: string };

export interface OperatorPortOptions {
  readonly handler: OperatorHandler | undefined;
  readonly limits: Required<PeerLimits>;
  readonly complaints: Complaints;
}

/** The replica's side: one request and one answer a connection. */
export class OperatorPort {
  #inProgress = 0;

  constructor(private readonly options: OperatorPortOptions) {}

  /** Takes over a connection whose TLS handshake is done. */
  accept(socket: TLSSocket): void {
    const name = operatorName(socket);
    if (name === undefined) {
      // Nothing of what a stranger sends is kept.
      socket.resume();
      this.#complain(socket, 'not an operator');
      this.#finish(socket, { ok: false, code: 'NotAuthorized', detail: 'the certificate has no OU operator' });
      return;
    }
    const deadline = setTimeout(() => socket.destroy(), this.options.limits.handshakeMs);
    socket.once('close', () => clearTimeout(deadline));
    const reader = new FrameReader(this.options.limits.frameBytes);
    let asked = false;
    socket.on('data', (chunk: Buffer) => {
      try {
        for (const { kind, payload } of reader.push(chunk)) {
          if (kind !== 'request' || asked) throw new MalformedFrame(`an unexpected ${kind}`);
          const request = parseJson(payload);
          asked = true;
          clearTimeout(deadline);
          void this.#answer(socket, request, name).then((reply) => this.#finish(socket, reply));
        }
      } catch (error) {
        socket.destroy();
        this.#complain(socket, error instanceof Error ? error.message : String(error));
      }
    });
  }

  async #answer(socket: TLSSocket, request: unknown, name: string): Promise<OperatorReply> {
    const { handler } = this.options;
    if (handler === undefined) return { ok: false, code: 'NotFound', detail: 'this replica takes no operator requests' };
    if (this.#inProgress >= MAX_OPERATORS) return { ok: false, code: 'Busy' };
    this.#inProgress += 1;
    try {
      return { ok: true, answer: await handler(request, { name }) };
    } catch (error) {
      if (error instanceof ConcordatError) {
        return { ok: false, code: error.code, ...(error.detail === undefined ? {} : { detail: error.detail }) };
      }
      this.#complain(socket, String(error));
      return { ok: false, code: 'Internal' };
    } finally {
      this.#inProgress -= 1;
    }
  }

  #complain(socket: TLSSocket, reason: string): void {
    this.options.complaints.warn(undefined, 'operator request refused', { reason, remote: socket.remoteAddress });
  }

  #finish(socket: TLSSocket, reply: OperatorReply): void {
    const { limits } = this.options;
    const deadline = setTimeout(() => socket.destroy(), limits.handshakeMs);
    socket.once('close', () => clearTimeout(deadline));
    socket.end(encodeFrame('answer', encodeReply(reply, limits.frameBytes)));
  }
}

/** An answer that is no JSON, or too much of it, becomes an error. */
function encodeReply(reply: OperatorReply, maxBytes: number): Buffer {
  try {
    const payload = Buffer.from(JSON.stringify(reply));
    if (payload.length <= maxBytes) return payload;
    return encodeReply(
      { ok: false, code: 'TooLarge', detail: `the answer has ${payload.length} bytes` },
      Number.POSITIVE_INFINITY,
    );
  } catch {
    return encodeReply({ ok: false, code: 'Internal', detail: 'the answer is not JSON' }, maxBytes);
  }
}

export interface AskOperatorOptions {
  readonly host: string;
  readonly port: number;
  readonly credentials: PeerCredentials;
  readonly authorities: readonly string[];
  /** SHA-256 of the replica's certificate, hex. */
  readonly fingerprint: string;
  /** Anything JSON can say. */
  readonly request: unknown;
  readonly timeoutMs: number;
  /** Bytes of the answer, at most; 4 MiB. */
  readonly maxBytes?: number;
}

const DEFAULT_MAX_ANSWER_BYTES = 4 * 1024 * 1024;

/**
 * Asks one replica on its peer port, as an operator.
 * @throws ConcordatError ReplicaUnreachable, CertificateUntrusted if another certificate answers, or what the replica reports
 */
export function askOperator(options: AskOperatorOptions): Promise<unknown> {
  const { host, port, timeoutMs } = options;
  return new Promise((resolve, reject) => {
    const socket = connect({
      ...tlsOptions(options.credentials, options.authorities),
      host,
      port,
      ALPNProtocols: [OPERATOR_PROTOCOL],
      // The certificate is pinned below, which says more than a host name in it.
      checkServerIdentity: () => undefined,
    });
    const fail = (error: ConcordatError): void => {
      reject(error);
      socket.destroy();
    };
    const unreachable = (reason: string): void => fail(new ConcordatError('ReplicaUnreachable', `${host}:${port}: ${reason}`));
    const timer = setTimeout(() => unreachable(`no answer in ${timeoutMs} ms`), timeoutMs);
    const reader = new FrameReader(options.maxBytes ?? DEFAULT_MAX_ANSWER_BYTES);
    socket.once('secureConnect', () => {
      if (remoteFingerprint(socket) === normalizeFingerprint(options.fingerprint)) {
        socket.write(encodeFrame('request', Buffer.from(JSON.stringify(options.request ?? null))));
      } else {
        fail(new ConcordatError('CertificateUntrusted', `${host}:${port} is not the replica that cluster.json names`));
      }
    });
    socket.on('data', (chunk: Buffer) => {
      try {
        for (const { kind, payload } of reader.push(chunk)) {
          if (kind !== 'answer') throw new MalformedFrame(`an unexpected ${kind}`);
          resolve(readReply(parseJson(payload)));
          socket.destroy();
        }
      } catch (error) {
        if (error instanceof ConcordatError) fail(error);
        else unreachable(error instanceof Error ? error.message : String(error));
      }
    });
    socket.on('error', (error: Error) => unreachable(error.message));
    socket.once('close', () => {
      clearTimeout(timer);
      unreachable('it closed the connection');
    });
  });
}

function readReply(reply: unknown): unknown {
  if (typeof reply !== 'object' || reply === null || !('ok' in reply)) throw new MalformedFrame('an answer that is none');
  if (reply.ok === true) return 'answer' in reply ? reply.answer : undefined;
  const code = asErrorCode('code' in reply && typeof reply.code === 'string' ? reply.code : '');
  throw new ConcordatError(code, 'detail' in reply && typeof reply.detail === 'string' ? reply.detail : undefined);
}
