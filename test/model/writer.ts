import type { ReplicaId, Request } from '../../src/bft/index.js';
import type { World } from './world.js';

/** A client with one stream: it numbers what it signs, remembers it, and sends it again as often as it likes. */
export class Writer {
  readonly sent: Request[] = [];

  constructor(
    protected readonly world: World,
    readonly name: string,
    readonly stream: string,
  ) {}

  protected get next(): number {
    return (this.sent.at(-1)?.number ?? 0) + 1;
  }

  protected send(request: Request, to: readonly ReplicaId[]): void {
    this.sent.push(request);
    this.world.submit(request, to);
  }

  /** Sends again what is not delivered everywhere, or everything. */
  again(to: readonly ReplicaId[], everything = false): void {
    for (const request of this.sent) if (everything || !this.world.isThrough(request)) this.world.submit(request, to);
  }

  /** Whether everything it signed is delivered everywhere. */
  get isThrough(): boolean {
    return this.sent.every((request) => this.world.isThrough(request));
  }
}
