import type { BroadcastLimits } from './limits.js';
import { Backoff, OpenPosition } from './open-position.js';
import { type Digest, type Position, positionKey, type ReplicaId } from './types.js';

interface Stream {
  readonly digests: Digest[];
  readonly open: Map<number, OpenPosition>;
}

/** How far each stream is delivered, and its open positions, bounded whatever peers claim. */
export class Streams {
  readonly #streams = new Map<string, Stream>();
  /** The open positions of all streams: few, however many streams there have been. */
  readonly #open = new Set<OpenPosition>();
  /** Positions tracked on one peer's word alone, oldest first. */
  readonly #onWordOf = new Map<ReplicaId, Map<string, Position>>();

  constructor(private readonly limits: BroadcastLimits) {}

  delivered(stream: string): number {
    return this.#streams.get(stream)?.digests.length ?? 0;
  }

  digest(position: Position): Digest | undefined {
    return this.#streams.get(position.stream)?.digests[position.number - 1];
  }

  find(position: Position): OpenPosition | undefined {
    return this.#streams.get(position.stream)?.open.get(position.number);
  }

  next(stream: string): OpenPosition | undefined {
    return this.find({ stream, number: this.delivered(stream) + 1 });
  }

  /** Whether votes at this position are kept: not delivered yet, and not absurdly far ahead. */
  inWindow(position: Position): boolean {
    const delivered = this.delivered(position.stream);
    return position.number > delivered && position.number <= delivered + this.limits.positionWindow;
  }

  /** Opens a position, on a peer's word when `from` is given. */
  open(position: Position, now: number, from?: ReplicaId): OpenPosition {
    const existing = this.find(position);
    if (existing !== undefined) return existing;
    const { resendVotesAfterMs, resendVotesMaxMs, passOnAfterMs } = this.limits;
    const opened = new OpenPosition(
      position.stream,
      position.number,
      new Backoff(now, resendVotesAfterMs, resendVotesMaxMs),
      new Backoff(now, passOnAfterMs, resendVotesMaxMs),
    );
    this.#stream(position.stream).open.set(position.number, opened);
    this.#open.add(opened);
    if (from !== undefined) this.#bound(opened, from);
    return opened;
  }

  /** Moves the stream one position on. */
  deliver(position: Position, digest: Digest): void {
    const stream = this.#stream(position.stream);
    if (position.number !== stream.digests.length + 1) throw new Error(`out of order: ${positionKey(position)}`);
    stream.digests.push(digest);
    this.#close(stream, position.number);
  }

  openPositions(): ReadonlySet<OpenPosition> {
    return this.#open;
  }

  #close(stream: Stream, number: number): void {
    const open = stream.open.get(number);
    if (open !== undefined) this.#open.delete(open);
    stream.open.delete(number);
  }

  #stream(name: string): Stream {
    const existing = this.#streams.get(name);
    if (existing !== undefined) return existing;
    const created: Stream = { digests: [], open: new Map() };
    this.#streams.set(name, created);
    return created;
  }

  #bound(position: OpenPosition, from: ReplicaId): void {
    const mine = this.#onWordOf.get(from) ?? new Map<string, Position>();
    this.#onWordOf.set(from, mine);
    mine.set(positionKey(position), position);
    while (mine.size > this.limits.maxOpenPositionsPerPeer) {
      const oldest = mine.entries().next();
      if (oldest.done === true) return;
      mine.delete(oldest.value[0]);
      this.#forget(oldest.value[1]);
    }
  }

  #forget(position: Position): void {
    const stream = this.#streams.get(position.stream);
    const open = stream?.open.get(position.number);
    if (stream === undefined || open === undefined || open.committed) return;
    this.#close(stream, position.number);
    if (stream.open.size === 0 && stream.digests.length === 0) this.#streams.delete(position.stream);
  }
}
