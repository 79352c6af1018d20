import type { Server, Socket } from 'node:net';
import { connect, createServer } from 'node:net';
import type { HostPort } from '../../src/config/index.js';

/** The way that one replica takes to another: where it dials, and where the other one really listens. */
export interface WirePlan {
  readonly from: number;
  readonly to: number;
  readonly listen: HostPort;
  readonly target: HostPort;
}

/** One way, as a TCP proxy. */
class Wire {
  readonly #sockets = new Set<Socket>();
  #server: Server | undefined;

  constructor(readonly plan: WirePlan) {}

  open(): Promise<void> {
    return new Promise((resolve, reject) => {
      const server = createServer({ noDelay: true }, (near) => this.#join(near));
      this.#server = server;
      server.once('error', reject);
      server.listen(this.plan.listen.port, this.plan.listen.host, resolve);
    });
  }

  /** Ends what is connected, and refuses what wants to connect. */
  async cut(): Promise<void> {
    const server = this.#server;
    if (server === undefined) return;
    this.#server = undefined;
    const closed = new Promise((resolve) => server.close(resolve));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  #join(near: Socket): void {
    const far = connect({ ...this.plan.target, noDelay: true });
    const ends = [near, far];
    for (const socket of ends) {
      this.#sockets.add(socket);
      socket.on('error', () => socket.destroy());
      socket.once('close', () => {
        this.#sockets.delete(socket);
        for (const end of ends) end.destroy();
      });
    }
    near.pipe(far);
    far.pipe(near);
  }
}

/**
 * The ways between the replicas. Each replica dials each of its peers for what it sends, so there is one for each ordered pair,
 * and cutting a replica off takes both directions.
 */
export class Wires {
  readonly #wires: readonly Wire[];

  constructor(plans: readonly WirePlan[]) {
    this.#wires = plans.map((plan) => new Wire(plan));
  }

  async open(): Promise<void> {
    await Promise.all(this.#wires.map((wire) => wire.open()));
  }

  /** Neither hears the replica anybody nor anybody the replica. */
  async cutOff(replica: number): Promise<void> {
    await Promise.all(this.#of(replica).map((wire) => wire.cut()));
  }

  async mend(replica: number): Promise<void> {
    await Promise.all(this.#of(replica).map((wire) => wire.open()));
  }

  async close(): Promise<void> {
    await Promise.all(this.#wires.map((wire) => wire.cut()));
  }

  #of(replica: number): readonly Wire[] {
    return this.#wires.filter(({ plan: { from, to } }) => from === replica || to === replica);
  }
}
