import type { Socket } from 'node:net';
import { createServer } from 'node:tls';
import type { Server } from 'node:tls';
import { ConcordatError } from '../errors.js';
import { Complaints } from './complaints.js';
import { IncomingLinks } from './incoming.js';
import { Misconduct } from './misconduct.js';
import { OperatorPort } from './operator.js';
import { MAX_CONNECTIONS, resolvePeerLimits } from './options.js';
import type { PeerLinksOptions } from './options.js';
import { OutgoingLink } from './outgoing.js';
import { OPERATOR_PROTOCOL, PEER_PROTOCOL, tlsOptions } from './tls.js';

/** How one peer's links are. */
export interface PeerStatus {
  readonly peer: number;
  readonly connected: boolean;
  /** Bytes waiting to be sent to it. */
  readonly queuedBytes: number;
  /** Frames for it that were dropped since the start. */
  readonly dropped: number;
  /** How much of what it sent was malformed. */
  readonly malformed: number;
}

export interface PeerLinks {
  /** Where we listen. */
  readonly port: number;
  /** Does not keep `frame`. @returns false if it was dropped: unknown peer, not connected, too large, or queue full */
  send(peer: number, frame: Uint8Array): boolean;
  /**
   * What a peer sent makes no sense to the layer above: it is counted, and logged at most once a minute. If the peer goes on, its
   * link is closed, and it is kept away for a while, and then for longer and longer.
   */
  malformed(peer: number, reason: string): void;
  /** Peers to which our link is up, in the order of their ids. */
  connected(): number[];
  status(): PeerStatus[];
  /** Closes every link and the port. */
  close(): Promise<void>;
}

/**
 * Opens the peer port and dials all peers. Each side dials for what it sends, so a pair has two connections, and each
 * side repairs its own.
 * @throws ConcordatError PortInUse, ConfigInvalid if the address cannot be bound
 */
export async function startPeerLinks(options: PeerLinksOptions): Promise<PeerLinks> {
  const { self, cluster, credentials, authorities, log } = options;
  const limits = resolvePeerLimits(options.limits);
  const complaints = new Complaints(log);
  const misconduct = new Misconduct(limits);
  const outgoing = new Map<number, OutgoingLink>();
  const incoming = new IncomingLinks({
    self,
    cluster,
    peers: new Map(options.peers.map((peer) => [peer.id, peer])),
    limits,
    complaints,
    misconduct,
    log,
    onFrame: (from, frame) => options.onFrame(from, frame),
    onHello: (from) => outgoing.get(from)?.hurry(),
  });
  const operators = new OperatorPort({ handler: options.operator, limits, complaints });
  const sockets = new Set<Socket>();
  const track = (socket: Socket): void => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  };
  const server = createServer(
    {
      ...tlsOptions(credentials, authorities),
      ALPNProtocols: [PEER_PROTOCOL, OPERATOR_PROTOCOL],
      handshakeTimeout: limits.handshakeMs,
      noDelay: true,
    },
    (socket) => {
      track(socket);
      socket.on('error', (error: Error) =>
        log.debug({ remote: socket.remoteAddress, reason: error.message }, 'peer connection failed'),
      );
      if (socket.alpnProtocol === PEER_PROTOCOL) incoming.accept(socket);
      else if (socket.alpnProtocol === OPERATOR_PROTOCOL) operators.accept(socket);
      else socket.destroy();
    },
  );
  server.maxConnections = MAX_CONNECTIONS;
  // Until its TLS handshake is done a connection is known by its bare socket only.
  server.on('connection', track);
  server.on('tlsClientError', (error, socket) => {
    complaints.warn(undefined, 'peer connection failed', { reason: error.message, remote: socket.remoteAddress });
  });
  const port = await listen(server, options.listen);
  server.on('error', (error: Error) => complaints.warn(undefined, 'peer port failed', { reason: error.message }));
  for (const peer of options.peers) {
    outgoing.set(
      peer.id,
      new OutgoingLink({
        self,
        cluster,
        peer,
        credentials,
        authorities,
        limits,
        log,
        complaints,
        onConnect: (id) => options.onConnect(id),
        onDisconnect: (id) => options.onDisconnect(id),
      }),
    );
  }
  const links = [...outgoing].sort(([a], [b]) => a - b);
  return {
    port,
    send: (peer, frame) => outgoing.get(peer)?.send(frame) ?? false,
    malformed: (peer, reason) => {
      incoming.note(peer);
      complaints.warn(peer, 'dropped what a peer sent', { reason });
    },
    connected: () => links.filter(([, link]) => link.connected).map(([id]) => id),
    status: () =>
      links.map(([peer, link]) => ({
        peer,
        connected: link.connected,
        queuedBytes: link.queuedBytes,
        dropped: link.dropped,
        malformed: misconduct.total(peer),
      })),
    close: async () => {
      for (const link of outgoing.values()) link.close();
      const closed = new Promise((done) => server.close(done));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

function listen(server: Server, { host, port }: PeerLinksOptions['listen']): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const code = error.code === 'EADDRINUSE' ? 'PortInUse' : 'ConfigInvalid';
      reject(new ConcordatError(code, `${host}:${port} (${error.code ?? error.message})`, { cause: error }));
    });
    server.listen(port, host, () => {
      const address = server.address();
      resolve(typeof address === 'object' && address !== null ? address.port : port);
    });
  });
}
