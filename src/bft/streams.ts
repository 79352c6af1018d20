import type { BroadcastLimits } from './limits.js';
import { Backoff, OpenPosition } from './open-position.js';
import type { History, RetiredStream } from './ports.js';
import { type Digest, type Position, positionKey, type ReplicaId } from './types.js';

interface Stream {
  readonly digests: Digest[];
  readonly open: Map<number, OpenPosition>;
  /** How much of it is in the record of a retired unit, so that it can be read again. */
  retired: number;
}

/**
 * How far each stream is delivered, and its open positions, bounded whatever peers claim. Streams of retired units are read from
 * their records when somebody asks about them, and are forgotten again while nothing is open or delivered beyond the record.
 */
export class Streams {
  readonly #streams = new Map<string, Stream>();
  /** Streams read from records, with nothing open; the last one asked about at the end. */
  readonly #revived = new Map<string, Stream>();
  /** The stream that was last looked for in vain: a new one is asked about several times before it is opened. */
  #unknown: string | undefined;
  /** The open positions of all streams: few, however many streams there have been. */
  readonly #open = new Set<OpenPosition>();
  /** Positions tracked on one peer's word alone, oldest first. */
  readonly #onWordOf = new Map<ReplicaId, Set<OpenPosition>>();
  readonly #toldBy = new WeakMap<OpenPosition, ReplicaId>();

  constructor(
    private readonly limits: BroadcastLimits,
    private readonly history: Pick<History, 'stream'>,
  ) {}

  delivered(stream: string): number {
    return this.#find(stream)?.digests.length ?? 0;
  }

  digest(position: Position): Digest | undefined {
    return this.#find(position.stream)?.digests[position.number - 1];
  }

  /** What was delivered on a stream, in order. */
  digests(stream: string): readonly Digest[] {
    return this.#find(stream)?.digests ?? [];
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

  /** What these streams delivered is in a record on disk. @returns the positions that were open in it */
  retire(streams: readonly RetiredStream[]): OpenPosition[] {
    return streams.flatMap(({ stream, digests }) => this.#retire(stream, digests));
  }

  #retire(name: string, digests: readonly Digest[]): OpenPosition[] {
    if (this.#unknown === name) this.#unknown = undefined;
    this.#revived.delete(name);
    const stream = this.#streams.get(name);
    if (stream === undefined) return [];
    const settled = [...stream.open.values()].filter(({ number }) => number <= digests.length);
    for (const { number } of settled) this.#close(stream, number);
    if (digests.length > stream.digests.length) stream.digests.push(...digests.slice(stream.digests.length));
    stream.retired = digests.length;
    this.#dropIfIdle(name, stream);
    return settled;
  }

  /** Nothing is known of the stream that could not be read again. */
  #dropIfIdle(name: string, stream: Stream): void {
    if (stream.open.size === 0 && stream.digests.length === stream.retired) this.#streams.delete(name);
  }

  #close(stream: Stream, number: number): void {
    const open = stream.open.get(number);
    if (open === undefined) return;
    this.#open.delete(open);
    stream.open.delete(number);
    const peer = this.#toldBy.get(open);
    if (peer !== undefined) this.#onWordOf.get(peer)?.delete(open);
  }

  #find(name: string): Stream | undefined {
    return this.#streams.get(name) ?? (this.#unknown === name ? undefined : this.#revive(name));
  }

  #revive(name: string): Stream | undefined {
    const known = this.#revived.get(name);
    this.#revived.delete(name);
    const digests = known?.digests ?? this.history.stream(name);
    if (digests === undefined) {
      this.#unknown = name;
      return undefined;
    }
    const stream = known ?? { digests: [...digests], open: new Map<number, OpenPosition>(), retired: digests.length };
    this.#revived.set(name, stream);
    for (const oldest of this.#revived.keys()) {
      if (this.#revived.size <= this.limits.maxRevivedStreams) break;
      this.#revived.delete(oldest);
    }
    return stream;
  }

  /** The stream, to be changed. */
  #stream(name: string): Stream {
    const stream = this.#find(name) ?? { digests: [], open: new Map<number, OpenPosition>(), retired: 0 };
    this.#revived.delete(name);
    this.#unknown = undefined;
    this.#streams.set(name, stream);
    return stream;
  }

  #bound(position: OpenPosition, from: ReplicaId): void {
    const mine = this.#onWordOf.get(from) ?? new Set();
    this.#onWordOf.set(from, mine.add(position));
    this.#toldBy.set(position, from);
    for (const oldest of mine) {
      if (mine.size <= this.limits.maxOpenPositionsPerPeer) return;
      mine.delete(oldest);
      this.#forget(oldest);
    }
  }

  #forget(position: Position): void {
    const stream = this.#streams.get(position.stream);
    const open = stream?.open.get(position.number);
    if (stream === undefined || open === undefined || open.committed) return;
    this.#close(stream, position.number);
    this.#dropIfIdle(position.stream, stream);
  }
}
