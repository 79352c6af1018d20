import type { PeerLinks, PeerLinksOptions } from '../../src/peers/index.js';
import type { Network } from './network.js';
import type { Process } from './process.js';

interface End {
  readonly process: Process;
  readonly options: PeerLinksOptions;
  readonly connected: Set<number>;
  malformed: number;
}

/** A link that broke is up again after this many milliseconds. */
const RECONNECT_MS = 60;

export const siteOf = (replica: number): string => `replica-${replica}`;

/** The links between replicas: connected while both ends run and nothing parts them. */
export class Links {
  /** Two, where a replica runs twice. */
  readonly #ends = new Map<Process, End>();

  constructor(
    private readonly network: Network,
    /** Which peers a copy of a replica that runs twice talks to. */
    private readonly talksTo: (end: Process, peer: number) => boolean = () => true,
  ) {}

  start(process: Process, options: PeerLinksOptions): Promise<PeerLinks> {
    process.check();
    const end: End = { process, options, connected: new Set(), malformed: 0 };
    this.#ends.set(process, end);
    this.#reconnect();
    return Promise.resolve({
      port: 0,
      send: (peer, frame) => this.#send(end, peer, frame),
      connected: () => [...end.connected].sort((a, b) => a - b),
      status: () =>
        options.peers.map(({ id }) => ({
          peer: id,
          connected: end.connected.has(id),
          queuedBytes: 0,
          dropped: 0,
          malformed: end.malformed,
        })),
      malformed: () => (end.malformed += 1),
      close: () => Promise.resolve(this.#drop(end)),
    });
  }

  /** Something changed in who reaches whom: breaks what is cut, and soon connects what is not. */
  refresh(): void {
    for (const end of this.#ends.values()) {
      for (const peer of [...end.connected]) {
        if (this.#others(end, peer).length > 0) continue;
        end.connected.delete(peer);
        if (end.process.alive) end.options.onDisconnect(peer);
      }
      if (!end.process.alive) this.#ends.delete(end.process);
    }
    this.#reconnect();
  }

  #drop(end: End): void {
    this.#ends.delete(end.process);
    this.refresh();
  }

  #reconnect(): void {
    for (const end of this.#ends.values()) {
      end.process.timers.after(RECONNECT_MS, () => {
        for (const { id } of end.options.peers) {
          if (end.connected.has(id) || this.#others(end, id).length === 0) continue;
          end.connected.add(id);
          end.options.onConnect(id);
        }
      });
    }
  }

  /** The processes that run as that peer and can be reached. */
  #others(end: End, peer: number): End[] {
    const self = end.options.self;
    if (!this.network.reaches(siteOf(self), siteOf(peer))) return [];
    return [...this.#ends.values()].filter(
      (other) =>
        other.options.self === peer &&
        other.process.alive &&
        this.talksTo(end.process, peer) &&
        this.talksTo(other.process, self),
    );
  }

  #send(end: End, peer: number, bytes: Uint8Array): boolean {
    if (!end.process.alive || !end.connected.has(peer)) return false;
    const { self } = end.options;
    const frame = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    return this.network.carry(siteOf(self), siteOf(peer), () => {
      // What a process that is dead had sent does not come after the first word of its next life.
      if (!end.process.alive && this.#isBack(self)) return;
      for (const other of this.#others(end, peer)) this.#take(other, self, frame);
    });
  }

  #isBack(replica: number): boolean {
    return [...this.#ends.values()].some(({ process, options }) => options.self === replica && process.alive);
  }

  #take(end: End, from: number, frame: Buffer): void {
    try {
      end.options.onFrame(from, frame);
    } catch (error) {
      end.malformed += 1;
      if (!end.process.alive) throw error;
    }
  }
}
