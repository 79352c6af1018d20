import type { TLSSocket } from 'node:tls';
import type { Logger } from '../log.js';
import type { Complaints } from './complaints.js';
import { FrameReader, MalformedFrame, encodeFrame } from './frames.js';
import type { Frame } from './frames.js';
import { decodeHello } from './hello.js';
import type { Misconduct } from './misconduct.js';
import { HELLO_BYTES } from './options.js';
import type { PeerAddress, PeerLimits } from './options.js';
import { isPeer } from './tls.js';

export interface IncomingOptions {
  readonly self: number;
  readonly cluster: string;
  readonly peers: ReadonlyMap<number, PeerAddress>;
  readonly limits: Required<PeerLimits>;
  readonly complaints: Complaints;
  readonly misconduct: Misconduct;
  readonly log: Logger;
  readonly onFrame: (from: number, frame: Buffer) => void;
  /** A peer has said who it is and was welcomed. */
  readonly onHello: (from: number) => void;
}

const WELCOME = encodeFrame('welcome');
const PONG = encodeFrame('pong');

/** The peers' halves of the links: they carry what peers send us. A new link of a peer takes the place of its older one. */
export class IncomingLinks {
  readonly #options: IncomingOptions;
  readonly #links = new Map<number, TLSSocket>();

  constructor(options: IncomingOptions) {
    this.#options = options;
  }

  /** Something that this peer sent was malformed. If it goes on like that, its link is closed, and it is kept away for a while. */
  note(peer: number): void {
    const forMs = this.#options.misconduct.note(peer);
    if (forMs === undefined) return;
    this.#links.get(peer)?.destroy();
    this.#options.log.info({ peer, forMs: Math.round(forMs) }, 'peer link closed: too much of what the peer sends is malformed');
  }

  /** Takes over a connection whose TLS handshake is done. */
  accept(socket: TLSSocket): void {
    const { limits } = this.#options;
    const reader = new FrameReader(HELLO_BYTES);
    let from: number | undefined;
    const deadline = setTimeout(() => socket.destroy(), limits.handshakeMs);
    socket.once('timeout', () => socket.destroy());
    socket.on('data', (chunk: Buffer) => {
      try {
        for (const frame of reader.push(chunk)) {
          if (from === undefined) {
            from = this.#welcome(socket, frame);
            clearTimeout(deadline);
            reader.maxPayload = limits.frameBytes;
          } else {
            this.#take(socket, from, frame);
          }
          if (socket.destroyed) return;
        }
      } catch (error) {
        this.#refuse(socket, from, error);
      }
    });
    socket.once('close', () => {
      clearTimeout(deadline);
      if (from !== undefined && this.#links.get(from) === socket) this.#links.delete(from);
    });
  }

  #welcome(socket: TLSSocket, frame: Frame): number {
    const { limits, misconduct, onHello } = this.#options;
    const from = this.#identify(socket, frame);
    if (misconduct.isBanned(from)) {
      socket.destroy();
      return from;
    }
    this.#links.get(from)?.destroy();
    this.#links.set(from, socket);
    // The dialer pings, so silence for so long means that it is gone.
    socket.setTimeout(limits.pingEveryMs + limits.pingTimeoutMs);
    socket.write(WELCOME);
    onHello(from);
    return from;
  }

  #identify(socket: TLSSocket, frame: Frame): number {
    const { self, cluster, peers } = this.#options;
    if (frame.kind !== 'hello') throw new MalformedFrame(`a ${frame.kind} before hello`);
    const hello = decodeHello(frame.payload);
    if (hello.cluster !== cluster) throw new MalformedFrame('a hello of another cluster');
    const peer = peers.get(hello.from);
    if (peer === undefined) throw new MalformedFrame('a hello of a replica that cluster.json does not list');
    if (!isPeer(socket, peer)) {
      throw new MalformedFrame('a hello under a certificate that is not its own');
    }
    if (hello.to !== self) throw new MalformedFrame('a hello for another replica');
    return peer.id;
  }

  #take(socket: TLSSocket, from: number, frame: Frame): void {
    switch (frame.kind) {
      case 'data':
        this.#options.onFrame(from, frame.payload);
        break;
      case 'ping':
        // A peer that sends pings and reads no answers must not fill our memory.
        if (socket.writableNeedDrain) throw new MalformedFrame('pings without reading the answers');
        socket.write(PONG);
        break;
      default:
        throw new MalformedFrame(`an unexpected ${frame.kind}`);
    }
  }

  #refuse(socket: TLSSocket, from: number | undefined, error: unknown): void {
    socket.destroy();
    if (from !== undefined) this.note(from);
    const reason = error instanceof Error ? error.message : String(error);
    this.#options.complaints.warn(from, 'peer link refused', { reason, remote: socket.remoteAddress });
  }
}
