import type { Frame } from './frames.js';
import type { BroadcastLimits } from './limits.js';
import type { History, LogEntry } from './ports.js';
import { type Position, positionKey, type ReplicaId } from './types.js';

/** How far we are in a peer's delivery log, and the part of it we were told but have not delivered ourselves. */
interface Following {
  epoch: string;
  position: number;
  window: LogEntry[];
  windowSince: number;
  askedAt: number;
}

/** How far a peer is in our log; `waiting` while it has an unanswered question. */
interface Follower {
  position: number;
  waiting: boolean;
}

/**
 * Totality: every replica follows every peer's delivery log and fetches, with its certificate, whatever a peer delivered and
 * it did not (docs/decisions/001-pull-instead-of-push.md). A lying peer can only stall its own log.
 */
export class LogFollower {
  readonly #following = new Map<ReplicaId, Following>();
  readonly #followers = new Map<ReplicaId, Follower>();
  readonly #fetchAgainAt = new Map<string, number>();
  readonly #moved = new Set<ReplicaId>();

  constructor(
    private readonly history: History,
    private readonly limits: BroadcastLimits,
    private readonly isDelivered: (position: Position) => boolean,
    private readonly send: (to: ReplicaId, frame: Frame) => void,
  ) {}

  connected(peer: ReplicaId, now: number): void {
    this.#ask(peer, this.#of(peer), now);
  }

  onFollow(peer: ReplicaId, frame: { readonly epoch: string; readonly position: number }): void {
    this.#followers.set(peer, { position: frame.epoch === this.history.epoch ? frame.position : 0, waiting: true });
  }

  onLog(
    peer: ReplicaId,
    frame: { readonly epoch: string; readonly from: number; readonly entries: readonly LogEntry[] },
    now: number,
  ): void {
    const following = this.#of(peer);
    if (frame.epoch !== following.epoch && frame.from === 1) {
      Object.assign(following, { epoch: frame.epoch, position: 0, window: [] });
    }
    if (frame.epoch !== following.epoch || frame.from !== following.position + 1) return;
    following.window = [...frame.entries];
    following.windowSince = now;
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
      else if (now - following.askedAt >= this.limits.syncEveryMs) this.#ask(peer, following, now);
    }
    for (const [key, at] of this.#fetchAgainAt) if (at <= now) this.#fetchAgainAt.delete(key);
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

  /** How many entries of each peer's log are known here and not delivered yet. */
  backlog(): ReadonlyMap<ReplicaId, number> {
    return new Map([...this.#following].map(([peer, following]) => [peer, following.window.length]));
  }

  #of(peer: ReplicaId): Following {
    const existing = this.#following.get(peer);
    if (existing !== undefined) return existing;
    const stored = this.history.followed(peer) ?? { epoch: '', position: 0 };
    const created: Following = { ...stored, window: [], windowSince: 0, askedAt: 0 };
    this.#following.set(peer, created);
    return created;
  }

  #ask(peer: ReplicaId, following: Following, now: number): void {
    following.askedAt = now;
    this.send(peer, { type: 'follow', epoch: following.epoch, position: following.position });
  }

  #answer(peer: ReplicaId, follower: Follower): void {
    if (!follower.waiting) return;
    const entries = this.history.log(follower.position + 1, this.limits.logChunk);
    if (entries.length === 0) return;
    follower.waiting = false;
    this.send(peer, { type: 'log', epoch: this.history.epoch, from: follower.position + 1, entries });
  }

  #progress(peer: ReplicaId, following: Following, now: number): void {
    let done = 0;
    while (done < following.window.length && this.isDelivered(following.window[done] as LogEntry)) done += 1;
    if (done > 0) {
      following.window.splice(0, done);
      following.position += done;
      this.#moved.add(peer);
    }
    if (following.window.length === 0) this.#ask(peer, following, now);
    else if (now - following.windowSince >= this.limits.passOnAfterMs) this.#fetch(peer, following.window, now);
  }

  #fetch(peer: ReplicaId, window: readonly LogEntry[], now: number): void {
    const positions: Position[] = [];
    for (const entry of window) {
      if (positions.length >= this.limits.fetchChunk) break;
      const key = positionKey(entry);
      if (this.isDelivered(entry) || (this.#fetchAgainAt.get(key) ?? 0) > now) continue;
      this.#fetchAgainAt.set(key, now + this.limits.resendVotesAfterMs);
      positions.push({ stream: entry.stream, number: entry.number });
    }
    if (positions.length > 0) this.send(peer, { type: 'fetch', positions });
  }
}
