import { connect } from 'node:tls';
import type { TLSSocket } from 'node:tls';
import type { Logger } from '../log.js';
import { Backoff } from '../backoff.js';
import type { Complaints } from './complaints.js';
import { FrameReader, MalformedFrame, encodeFrame } from './frames.js';
import { encodeHello } from './hello.js';
import { REFUSAL_PATIENCE_MS } from './options.js';
import type { PeerAddress, PeerCredentials, PeerLimits } from './options.js';
import { FrameQueue } from './queue.js';
import { isPeer, PEER_PROTOCOL, tlsOptions } from './tls.js';

export interface OutgoingOptions {
  readonly self: number;
  readonly cluster: string;
  readonly peer: PeerAddress;
  readonly credentials: PeerCredentials;
  readonly authorities: readonly string[];
  readonly limits: Required<PeerLimits>;
  readonly log: Logger;
  readonly complaints: Complaints;
  readonly onConnect: (peer: number) => void;
  readonly onDisconnect: (peer: number) => void;
}

/** The acceptor only ever sends empty frames. */
const MAX_ANSWER_BYTES = 0;
const PING = encodeFrame('ping');

type State = 'waiting' | 'dialing' | 'up' | 'closed';

/**
 * Our half of the link to one peer: it carries what we send. It is dialed again whenever it breaks, and given up when the
 * peer does not answer pings: a stopped process still has a kernel that takes bytes.
 */
export class OutgoingLink {
  readonly #options: OutgoingOptions;
  readonly #queue: FrameQueue;
  readonly #backoff: Backoff;
  #state: State = 'waiting';
  #socket: TLSSocket | undefined;
  /** One timer at a time: to dial again, to give up dialing, or to ping. */
  #timer: NodeJS.Timeout | undefined;
  /** Lets a later handshake resume this one (RFC 8446 section 2.2). */
  #session: Buffer | undefined;
  #flushing = false;
  #dialedAt = 0;
  #upAt = 0;
  #downSince = performance.now();
  #heardAt = 0;
  #dropped = 0;

  constructor(options: OutgoingOptions) {
    this.#options = options;
    this.#queue = new FrameQueue(options.limits.queueBytes);
    this.#backoff = new Backoff(options.limits.reconnectMinMs, options.limits.reconnectMaxMs);
    this.#dial();
  }

  get connected(): boolean {
    return this.#state === 'up';
  }

  /** Bytes that wait here or in the socket. */
  get queuedBytes(): number {
    return this.#queue.bytes + (this.#socket?.writableLength ?? 0);
  }

  /** Frames that were not taken. */
  get dropped(): number {
    return this.#dropped;
  }

  /** @returns false if the frame was dropped: not connected, too large, or too much is waiting */
  send(payload: Uint8Array): boolean {
    const fits = this.#state === 'up' && payload.length <= this.#options.limits.frameBytes;
    if (!fits || !this.#queue.push(encodeFrame('data', payload), this.#socket?.writableLength ?? 0)) {
      this.#dropped += 1;
      return false;
    }
    if (!this.#flushing) {
      this.#flushing = true;
      // Whatever else is sent in this turn of the event loop goes out with it.
      setImmediate(() => this.#flush());
    }
    return true;
  }

  /** The peer has just reached us, so it is up: dial now instead of waiting on, but not more often than the shortest wait. */
  hurry(): void {
    if (this.#state === 'waiting' && performance.now() - this.#dialedAt >= this.#options.limits.reconnectMinMs) this.#dial();
  }

  close(): void {
    const wasUp = this.#state === 'up';
    this.#state = 'closed';
    clearTimeout(this.#timer);
    this.#queue.clear();
    this.#socket?.destroy();
    if (wasUp) this.#options.onDisconnect(this.#options.peer.id);
  }

  #dial(): void {
    const { peer, credentials, authorities, limits, self, cluster } = this.#options;
    clearTimeout(this.#timer);
    this.#state = 'dialing';
    this.#dialedAt = performance.now();
    const socket = connect({
      ...tlsOptions(credentials, authorities),
      host: peer.host,
      port: peer.port,
      ALPNProtocols: [PEER_PROTOCOL],
      // The certificate is pinned below, which says more than a host name in it.
      checkServerIdentity: () => undefined,
      ...(this.#session === undefined ? {} : { session: this.#session }),
    });
    this.#socket = socket;
    this.#timer = setTimeout(() => socket.destroy(new Error('no welcome in time')), limits.handshakeMs);
    socket.setNoDelay(true);
    socket.on('session', (session: Buffer) => (this.#session = session));
    socket.once('secureConnect', () => {
      if (!isPeer(socket, peer)) {
        socket.destroy(new Error('its certificate is not the one in cluster.json'));
      } else if (socket.alpnProtocol !== PEER_PROTOCOL) {
        socket.destroy(new Error('it does not speak our protocol'));
      } else {
        socket.write(encodeFrame('hello', encodeHello({ cluster, from: self, to: peer.id })));
      }
    });
    this.#read(socket);
    socket.on('drain', () => this.#flush());
    let reason = 'it closed the link';
    socket.on('error', (error: Error) => (reason = error.message));
    socket.once('close', () => this.#onClose(socket, reason));
  }

  #read(socket: TLSSocket): void {
    const reader = new FrameReader(MAX_ANSWER_BYTES);
    socket.on('data', (chunk: Buffer) => {
      try {
        for (const { kind } of reader.push(chunk)) {
          this.#heardAt = performance.now();
          if (kind === 'welcome' && this.#state === 'dialing') this.#onWelcome(socket);
          else if (kind !== 'pong' || this.#state !== 'up') throw new MalformedFrame(`an unexpected ${kind}`);
        }
      } catch (error) {
        socket.destroy(error instanceof Error ? error : new Error(String(error)));
      }
    });
    socket.once('end', () => socket.destroy());
  }

  #onWelcome(socket: TLSSocket): void {
    const { peer, log, onConnect } = this.#options;
    this.#state = 'up';
    this.#upAt = performance.now();
    log.info({ peer: peer.id }, 'peer link up');
    this.#pingLater(socket);
    onConnect(peer.id);
  }

  /** Pings go past the queue, so that a long queue is not taken for a dead peer. */
  #pingLater(socket: TLSSocket): void {
    const { pingEveryMs, pingTimeoutMs } = this.#options.limits;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      const isDead = (): boolean => performance.now() - this.#heardAt > pingTimeoutMs;
      // If it was us who stood still, the answers are here but not read yet: look again after the next poll.
      if (isDead()) setImmediate(() => isDead() && socket.destroy(new Error('it does not answer')));
      socket.write(PING);
      this.#pingLater(socket);
    }, pingEveryMs);
  }

  #flush(): void {
    this.#flushing = false;
    const socket = this.#socket;
    if (this.#state !== 'up' || socket === undefined) return;
    socket.cork();
    while (!socket.writableNeedDrain) {
      const frame = this.#queue.shift();
      if (frame === undefined) break;
      socket.write(frame);
    }
    socket.uncork();
  }

  #onClose(socket: TLSSocket, reason: string): void {
    if (this.#state === 'closed' || socket !== this.#socket) return;
    const { peer, limits, log, complaints, onDisconnect } = this.#options;
    const wasUp = this.#state === 'up';
    this.#state = 'waiting';
    this.#socket = undefined;
    this.#queue.clear();
    clearTimeout(this.#timer);
    // A peer that welcomes and hangs up at once must not make us dial at the shortest interval for ever.
    if (!wasUp) this.#session = undefined;
    if (wasUp && performance.now() - this.#upAt > limits.reconnectMaxMs) this.#backoff.reset();
    this.#timer = setTimeout(() => this.#dial(), this.#backoff.next());
    if (wasUp) {
      this.#downSince = performance.now();
      log.info({ peer: peer.id, reason }, 'peer link down');
      onDisconnect(peer.id);
    } else if (reason.includes('ECONNREFUSED') && performance.now() - this.#downSince < REFUSAL_PATIENCE_MS) {
      log.debug({ peer: peer.id, reason }, 'peer is not there yet');
    } else {
      complaints.warn(peer.id, 'peer cannot be reached', { reason, host: peer.host, port: peer.port });
    }
  }
}
