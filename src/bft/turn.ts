import { encodeFrame, type Frame } from './frames.js';
import type { Delivered, PersistRecord, Ready, RetiredRecord, VotesLost, Withdrawn } from './ports.js';
import type { ReplicaId, Statement } from './types.js';

/** What the events since the last flush have led to. */
export class Turn<Effects> {
  #ready = empty<Effects>();
  /** Statements this replica makes, not signed yet. */
  readonly unsigned: Statement[] = [];

  persist(...records: readonly PersistRecord[]): void {
    this.#ready.records.push(...records);
  }

  send(to: ReplicaId | readonly ReplicaId[], frame: Frame): void {
    const bytes = encodeFrame(frame);
    for (const peer of typeof to === 'number' ? [to] : to) this.#ready.frames.push({ to: peer, frame: bytes });
  }

  delivered(delivered: Delivered<Effects>): void {
    this.#ready.delivered.push(delivered);
  }

  retired(record: RetiredRecord): void {
    this.#ready.records.push(record);
    this.#ready.retired.push(record.unit);
  }

  withdrawn(withdrawn: Withdrawn): void {
    this.#ready.withdrawn.push(withdrawn);
  }

  passedOn(from: ReplicaId, proof: Uint8Array): void {
    this.#ready.passedOn.push({ from, proof });
  }

  malformed(from: ReplicaId, reason: string): void {
    this.#ready.malformed.push({ from, reason });
  }

  votesLost(lost: VotesLost): void {
    this.#ready.votesLost.push(lost);
  }

  /** Whether anything is to be written anyway. */
  get writes(): boolean {
    return this.#ready.records.length > 0;
  }

  take(): Ready<Effects> {
    const taken = this.#ready;
    this.#ready = empty();
    return taken;
  }
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] extends readonly (infer E)[] ? E[] : T[K] };

const empty = <Effects>(): Mutable<Ready<Effects>> => ({
  records: [],
  frames: [],
  delivered: [],
  withdrawn: [],
  retired: [],
  passedOn: [],
  malformed: [],
  votesLost: [],
});
