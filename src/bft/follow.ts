import type { Frame } from './frames.js';
import type { BroadcastLimits } from './limits.js';
import type { DeliveryEntry, History, LogEntry, RetiredEntry } from './ports.js';
import { type Position, positionKey, type ReplicaId } from './types.js';

/** How far we are in a peer's delivery log, and the part of it we were told but have not delivered ourselves. */
interface Following {
  epoch: string;
  position: number;
  window: LogEntry[];
  windowSince: number;
  /** The window reaches the end of the log as it was when the peer had this question. */
  windowAsked: number | undefined;
  askedAt: number;
  /** When we last asked to be told also that there is nothing more; whole milliseconds, rounded down. */
  confirmAskedAt: number;
  /** Whatever the peer had delivered at this time is delivered here. */
  confirmedAt: number;
}

/** How far a peer is in our log; `waiting` while it has an unanswered question. */
interface Follower {
  position: number;
  waiting: boolean;
  /** It wants to be told also that there is nothing more: its own clock, to be given back. */
  asked: number | undefined;
}

/** A position that is being fetched: who was asked for it, and from when on somebody may be asked again. */
interface Fetching {
  againAt: number;
  readonly asked: Set<ReplicaId>;
}

const NEVER = -1;
/** After so many intervals without progress the peer is asked again: what it told may have been retired there since. */
const STUCK_INTERVALS = 5;

/** What is known here of retired units. */
export interface RetiredUnits {
  /** Whether this replica has all that an entry of a peer's log stands for. */
  covers(entry: RetiredEntry): boolean;
  /** The entries of a peer's log that hold up following it. */
  want(peer: ReplicaId, entries: readonly RetiredEntry[]): void;
}

/**
 * Totality: every replica follows every peer's delivery log and fetches, with its certificate, whatever a peer delivered and
 * it did not (docs/decisions/001-pull-instead-of-push.md). A lying peer can only stall its own log.
 */
export class LogFollower {
  readonly #following = new Map<ReplicaId, Following>();
  readonly #followers = new Map<ReplicaId, Follower>();
  readonly #fetching = new Map<string, Fetching>();
  readonly #moved = new Set<ReplicaId>();
  /** Somebody wants to know that this replica has caught up with what its peers had delivered at this time. */
  #wantedSince = NEVER;

  constructor(
    private readonly history: History,
    private readonly limits: BroadcastLimits,
    private readonly peers: readonly ReplicaId[],
    private readonly isDelivered: (position: Position) => boolean,
    private readonly retired: RetiredUnits,
    private readonly send: (to: ReplicaId, frame: Frame) => void,
  ) {}

  connected(peer: ReplicaId, now: number): void {
    this.#ask(peer, this.#of(peer), now);
  }

  onFollow(peer: ReplicaId, frame: { readonly epoch: string; readonly position: number; readonly asked?: number }): void {
    const position = frame.epoch === this.history.epoch ? frame.position : 0;
    this.#followers.set(peer, { position, waiting: true, asked: frame.asked });
  }

  /**
   * Asks the peers, at the next tick, to be told also that there is nothing more: only when somebody needs to know, so that
   * idle links stay idle.
   */
  catchUp(since: number): void {
    this.#wantedSince = Math.max(this.#wantedSince, since);
  }

  /** Peers whose delivery log, as it was at that time or later, this replica has been through. */
  caughtUpWith(since: number): number {
    return [...this.#following.values()].filter(({ confirmedAt }) => confirmedAt >= since).length;
  }

  onLog(
    peer: ReplicaId,
    frame: { readonly epoch: string; readonly from: number; readonly entries: readonly LogEntry[]; readonly asked?: number },
    now: number,
  ): void {
    const following = this.#of(peer);
    if (frame.epoch !== following.epoch && frame.from === 1) {
      Object.assign(following, { epoch: frame.epoch, position: 0, window: [] });
    }
    if (frame.epoch !== following.epoch || frame.from !== following.position + 1) return;
    following.window = [...frame.entries];
    if (frame.entries.length === 0) return this.#confirm(following, frame.asked);
    following.windowSince = now;
    following.windowAsked = frame.asked;
    this.#progress(peer, following, now);
  }

  /** Something was delivered or found here: move along the windows and fetch on. */
  poke(now: number): void {
    for (const [peer, following] of this.#following) {
      if (following.window.length > 0) this.#progress(peer, following, now);
    }
  }

  tick(now: number): void {
    for (const [peer, follower] of this.#followers) this.#answer(peer, follower);
    for (const [peer, following] of this.#following) {
      if (following.window.length > 0) this.#progress(peer, following, now);
      this.#want(peer, following.window);
      if (this.#isDue(following, now)) this.#ask(peer, following, now);
    }
    const stale = now - STUCK_INTERVALS * this.limits.resendVotesAfterMs;
    for (const [key, { againAt }] of this.#fetching) if (againAt <= stale) this.#fetching.delete(key);
  }

  /** Cursors that moved since the last call. Losing them only costs following again from further back. */
  takeMoved(): { peer: ReplicaId; epoch: string; position: number }[] {
    const moved = [...this.#moved].map((peer) => {
      const { epoch, position } = this.#of(peer);
      return { peer, epoch, position };
    });
    this.#moved.clear();
    return moved;
  }

  /** Whether every peer has been through our log up to this position. */
  isFollowedTo(position: number): boolean {
    return this.peers.every((peer) => (this.#followers.get(peer)?.position ?? 0) >= position);
  }

  /** How many entries of each peer's log are known here and not delivered yet. */
  backlog(): ReadonlyMap<ReplicaId, number> {
    return new Map([...this.#following].map(([peer, following]) => [peer, following.window.length]));
  }

  #of(peer: ReplicaId): Following {
    const existing = this.#following.get(peer);
    if (existing !== undefined) return existing;
    const stored = this.history.followed(peer) ?? { epoch: '', position: 0 };
    const never = { askedAt: 0, confirmAskedAt: NEVER, confirmedAt: NEVER };
    const created: Following = { ...stored, window: [], windowSince: 0, windowAsked: undefined, ...never };
    this.#following.set(peer, created);
    return created;
  }

  #isDue(following: Following, now: number): boolean {
    const silent = now - following.askedAt;
    if (following.window.length > 0) return silent >= STUCK_INTERVALS * this.limits.syncEveryMs;
    return silent >= this.limits.syncEveryMs || this.#isWanted(following);
  }

  #ask(peer: ReplicaId, following: Following, now: number): void {
    const { epoch, position, confirmedAt, window } = following;
    following.askedAt = now;
    if (window.length === 0 && confirmedAt >= this.#wantedSince) return this.send(peer, { type: 'follow', epoch, position });
    following.confirmAskedAt = Math.floor(now);
    this.send(peer, { type: 'follow', epoch, position, asked: following.confirmAskedAt });
  }

  /** Whether a confirmation is wanted that no question so far can bring. */
  #isWanted({ confirmAskedAt }: Following): boolean {
    return confirmAskedAt < this.#wantedSince;
  }

  /**
   * The peer's log ended where we are now when it had this question, so all that it had delivered by then is delivered here. A
   * time that we never asked at is a lie, or from before a restart.
   */
  #confirm(following: Following, asked: number | undefined): void {
    if (asked === undefined || asked > following.confirmAskedAt) return;
    following.confirmedAt = Math.max(following.confirmedAt, asked);
  }

  #answer(peer: ReplicaId, follower: Follower): void {
    if (!follower.waiting) return;
    const { asked, position } = follower;
    const { epoch } = this.history;
    const entries = this.history.log(position + 1, this.limits.logChunk);
    follower.asked = undefined;
    if (entries.length > 0) {
      follower.waiting = false;
      const isEnd = asked !== undefined && entries.length < this.limits.logChunk;
      this.send(peer, { type: 'log', epoch, from: position + 1, entries, ...(isEnd ? { asked } : {}) });
    } else if (asked !== undefined) {
      // Still waiting: the next delivery is sent as soon as there is one.
      this.send(peer, { type: 'log', epoch, from: position + 1, entries, asked });
    }
  }

  #progress(peer: ReplicaId, following: Following, now: number): void {
    let done = 0;
    while (done < following.window.length && this.#isDone(following.window[done] as LogEntry)) done += 1;
    if (done > 0) {
      following.position = (following.window[done - 1] as LogEntry).position;
      following.window.splice(0, done);
      following.askedAt = now;
      this.#moved.add(peer);
    }
    if (following.window.length === 0) {
      this.#confirm(following, following.windowAsked);
      following.windowAsked = undefined;
      this.#ask(peer, following, now);
    } else if (now - following.windowSince >= this.limits.passOnAfterMs) this.#fetch(peer, following.window, now);
  }

  #isDone(entry: LogEntry): boolean {
    return entry.kind === 'delivery' ? this.isDelivered(entry) : this.retired.covers(entry);
  }

  /** Only while the first of them holds us up: what is before them in the log may be all that they stand for. */
  #want(peer: ReplicaId, window: readonly LogEntry[]): void {
    if (window[0]?.kind !== 'retired') return this.retired.want(peer, []);
    const missing = window.flatMap((entry) => (entry.kind === 'retired' && !this.retired.covers(entry) ? [entry] : []));
    this.retired.want(peer, missing);
  }

  #fetch(peer: ReplicaId, window: readonly LogEntry[], now: number): void {
    const positions: Position[] = [];
    for (const entry of window) {
      if (entry.kind === 'retired') continue;
      if (positions.length >= this.limits.fetchChunk) break;
      if (this.isDelivered(entry) || !this.#mayFetch(peer, entry, now)) continue;
      positions.push({ stream: entry.stream, number: entry.number });
    }
    if (positions.length > 0) this.send(peer, { type: 'fetch', positions });
  }

  /** One peer is asked at a time, and each time another: one that lies must not be asked in the place of those that do not. */
  #mayFetch(peer: ReplicaId, entry: DeliveryEntry, now: number): boolean {
    const key = positionKey(entry);
    const fetching = this.#fetching.get(key) ?? { againAt: now, asked: new Set<ReplicaId>() };
    if (fetching.againAt > now) return false;
    if (fetching.asked.has(peer)) {
      if (this.#othersHave(entry, fetching)) return false;
      fetching.asked.clear();
    }
    fetching.asked.add(peer);
    fetching.againAt = now + this.limits.resendVotesAfterMs;
    this.#fetching.set(key, fetching);
    return true;
  }

  /** Whether somebody shows the position who has not been asked for it. */
  #othersHave({ stream, number }: DeliveryEntry, { asked }: Fetching): boolean {
    const isIt = (entry: LogEntry): boolean => entry.kind === 'delivery' && entry.number === number && entry.stream === stream;
    return [...this.#following].some(([peer, { window }]) => !asked.has(peer) && window.some(isIt));
  }
}
