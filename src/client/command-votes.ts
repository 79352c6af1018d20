/**
 * What a message of one replica is worth: `unconfirmed` while fewer than f + 1 have sent the same; `anew` if it makes f + 1 that have
 * (or have once more); `known` if f + 1 had done so without it.
 */
export type Belief = 'unconfirmed' | 'anew' | 'known';

/**
 * Counts what replicas send to a participant, which obeys what f + 1 of them say. Replicas repeat a command until it is answered,
 * so it is the repetitions that are counted: the k-th is obeyed when f + 1 replicas have sent the same content k times. Bounded
 * for each replica on its own, so that a liar can push out nobody's words but its own.
 */
export class CommandVotes {
  /** For each replica how often it sent each content, least recently sent first. */
  readonly #sent = new Map<string, Map<string, number>>();

  /** @param perReplica contents remembered of one replica */
  constructor(private readonly perReplica: number) {}

  /**
   * @param replica who sent it
   * @param cluster the replicas it is counted among have names that begin with it
   * @param content everything that must be the same
   * @param need f + 1
   * @returns whether as many have sent it, and whether this sending makes it count once more
   */
  add(replica: string, cluster: string, content: string, need: number): Belief {
    const before = this.#agreed(cluster, content, need);
    const own = this.#sent.get(replica) ?? new Map<string, number>();
    const count = (own.get(content) ?? 0) + 1;
    own.delete(content);
    own.set(content, count);
    this.#sent.set(replica, own);
    this.#trim(own);
    const now = this.#agreed(cluster, content, need);
    return now === 0 ? 'unconfirmed' : now > before ? 'anew' : 'known';
  }

  /** How often `need` replicas have sent the content. */
  #agreed(cluster: string, content: string, need: number): number {
    const counts = [...this.#sent].filter(([replica]) => replica.startsWith(cluster)).map(([, sent]) => sent.get(content) ?? 0);
    return counts.sort((a, b) => b - a)[need - 1] ?? 0;
  }

  #trim(own: Map<string, number>): void {
    const oldest = own.keys().next();
    if (own.size > this.perReplica && oldest.done !== true) own.delete(oldest.value);
  }
}
