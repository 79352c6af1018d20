import { setTimeout as sleep } from 'node:timers/promises';
import { ConcordatError } from '../errors.js';
import { REAL_PORTS, type ReplicaPorts } from '../replica/index.js';

/** Something that is made again from a changed configuration, while others hold on to it. */
export class Renewable<T> {
  #current: T;

  constructor(private readonly make: () => T) {
    this.#current = make();
  }

  get current(): T {
    return this.#current;
  }

  renew(): void {
    this.#current = this.make();
  }
}

type Transport = ReturnType<ReplicaPorts['transport']>;

/** A transport and the exchanges that it is busy with. */
interface Busy {
  readonly transport: Transport;
  posts: number;
}

/** Sends through the newest transport; an older one is closed when its last exchange is over. */
export class RenewableTransport implements Transport {
  readonly #transport: Renewable<Busy>;

  constructor(make: () => Transport) {
    this.#transport = new Renewable(() => ({ transport: make(), posts: 0 }));
  }

  post: Transport['post'] = async (...message) => {
    const used = this.#transport.current;
    used.posts += 1;
    try {
      return await used.transport.post(...message);
    } finally {
      used.posts -= 1;
      if (used !== this.#transport.current && used.posts === 0) used.transport.close();
    }
  };

  renew(): void {
    const before = this.#transport.current;
    this.#transport.renew();
    if (before.posts === 0) before.transport.close();
  }

  close(): void {
    this.#transport.current.transport.close();
  }
}

type LinksOptions = Parameters<ReplicaPorts['startPeerLinks']>[0];
type Links = Awaited<ReturnType<ReplicaPorts['startPeerLinks']>>;

/** The port may be taken for a moment by what was just closed; in milliseconds. */
const OPEN_AGAIN_TRIES = 10;
const OPEN_AGAIN_EVERY_MS = 100;

/**
 * Links to the peers that are hung up and dialed again when their keys change. That is what happens whenever a network fails for a
 * moment: the broadcast repeats what was lost.
 */
export class RenewableLinks implements Links {
  #closing = false;

  private constructor(
    private readonly options: () => LinksOptions,
    private links: Links,
    private used: string,
  ) {}

  static async start(options: () => LinksOptions): Promise<RenewableLinks> {
    const first = options();
    return new RenewableLinks(options, await REAL_PORTS.startPeerLinks(first), identityOf(first));
  }

  /** Dials again if who we are, or who a peer must be, has changed. @throws ConcordatError PortInUse */
  async renew(): Promise<void> {
    const options = this.options();
    if (identityOf(options) === this.used || this.#closing) return;
    this.used = identityOf(options);
    await this.links.close();
    for (let attempt = 1; !this.#isClosing(); attempt += 1) {
      try {
        this.links = await REAL_PORTS.startPeerLinks({ ...options, listen: { ...options.listen, port: this.port } });
        break;
      } catch (error) {
        if (!(error instanceof ConcordatError && error.code === 'PortInUse') || attempt === OPEN_AGAIN_TRIES) throw error;
        await sleep(OPEN_AGAIN_EVERY_MS);
      }
    }
    if (this.#isClosing()) await this.links.close();
  }

  get port(): number {
    return this.links.port;
  }

  send: Links['send'] = (peer, frame) => this.links.send(peer, frame);
  malformed: Links['malformed'] = (peer, reason) => this.links.malformed(peer, reason);
  connected: Links['connected'] = () => this.links.connected();
  status: Links['status'] = () => this.links.status();

  close(): Promise<void> {
    this.#closing = true;
    return this.links.close();
  }

  /** Asked again after every wait. */
  #isClosing(): boolean {
    return this.#closing;
  }
}

/** What links are dialed with. */
const identityOf = ({ credentials, authorities, peers }: LinksOptions): string =>
  JSON.stringify([credentials.certificatePem, authorities, peers]);
