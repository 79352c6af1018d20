import type { VoteMark } from './votes.js';
import type { BroadcastState } from './state.js';
import type { ReplicaId } from './types.js';

/**
 * A replica that starts does not vote before it knows that it remembers all its votes. Every batch of votes is signed together
 * with the number of votes its maker has ever made; peers keep the highest such mark. At the start the replica asks for them:
 * a mark beyond what its own store says proves that votes were lost (a restored backup, an empty database). It has then voted
 * it does not know what, so the embedder must let it abstain from everything old (docs/decisions/009-coming-back.md).
 */
export class Rejoin<Effects> {
  readonly #answered = new Set<ReplicaId>();
  #phase: 'asking' | 'lost' | 'voting' = 'asking';
  #askAgainAt = 0;

  constructor(
    private readonly state: BroadcastState<Effects>,
    private readonly onVoting: () => void,
  ) {}

  get mayVote(): boolean {
    return this.#phase === 'voting';
  }

  connected(peer: ReplicaId): void {
    if (!this.mayVote) this.state.turn.send(peer, { type: 'probe' });
  }

  tick(): void {
    const { now, options, peers, turn } = this.state;
    this.#decide();
    if (this.mayVote || now < this.#askAgainAt) return;
    this.#askAgainAt = now + options.limits.resendVotesAfterMs;
    turn.send(
      peers.filter((peer) => !this.#answered.has(peer)),
      { type: 'probe' },
    );
  }

  onProbe(from: ReplicaId): void {
    const mark = this.state.heard.get(from);
    this.state.turn.send(from, mark === undefined ? { type: 'heard' } : { type: 'heard', mark });
  }

  /** A mark of our own, so nobody can make one up. */
  onHeard(from: ReplicaId, mark: VoteMark | undefined): void {
    const { votes, options, turn } = this.state;
    if (mark !== undefined && mark.made > this.state.made && votes.verifyMark(options.self, mark)) {
      this.state.made = mark.made;
      this.#phase = 'lost';
      turn.persist({ type: 'made', count: mark.made }, { type: 'votes-lost', made: mark.made, toldBy: from });
      turn.votesLost({ toldBy: from, made: mark.made });
    }
    this.#answered.add(from);
    this.#decide();
  }

  /** The embedder has written down that votes were lost, and the service abstains where it must. */
  lossIsKnown(): void {
    if (this.#phase === 'lost') this.#phase = 'asking';
    this.#decide();
  }

  #decide(): void {
    const { n, f } = this.state.options;
    if (this.#phase !== 'asking' || 1 + this.#answered.size < n - f) return;
    this.#phase = 'voting';
    this.onVoting();
  }
}
