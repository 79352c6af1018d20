import { Adoption } from './adoption.js';
import type { Agreement } from './agreement.js';
import type { RetiredUnits } from './follow.js';
import type { Frame, VouchedItem } from './frames.js';
import type { RetiredEntry, RetiredRecord } from './ports.js';
import { Retiring } from './retiring.js';
import type { BroadcastState } from './state.js';
import type { ReplicaId } from './types.js';

/** Units that leave memory: those that are over here, and those whose records this replica takes over from peers. */
export class Retired<Effects> implements RetiredUnits {
  readonly #retiring: Retiring<Effects>;
  readonly #adoption: Adoption<Effects>;
  /** Given out to be written, and not known to be on disk yet. */
  readonly #unwritten = new Map<string, RetiredRecord & { readonly adopted: boolean }>();

  constructor(
    private readonly state: BroadcastState<Effects>,
    private readonly agreement: Agreement<Effects>,
    /** Whether every peer has been through our log up to a position. */
    isFollowedTo: (position: number) => boolean,
  ) {
    this.#retiring = new Retiring(state, isFollowedTo);
    this.#adoption = new Adoption(state, this.#retiring);
  }

  covers(entry: RetiredEntry): boolean {
    return this.#adoption.covers(entry);
  }

  want(peer: ReplicaId, entries: readonly RetiredEntry[]): void {
    this.#adoption.want(peer, entries);
  }

  onWant(from: ReplicaId, frame: Frame & { type: 'want' }): void {
    this.#adoption.onWant(from, frame);
  }

  onVouch(from: ReplicaId, items: readonly VouchedItem[]): void {
    this.#adoption.onVouch(from, items);
  }

  touched(domain: string): void {
    this.#retiring.touched(domain);
  }

  tick(): void {
    this.#retiring.tick();
    this.#adoption.tick();
  }

  /** The last thing in a flush, so that nothing is delivered between making a record and writing it. */
  collect(): void {
    this.#unwritten.clear();
    for (const record of this.#retiring.collect()) this.#write(record, false);
    for (const record of this.#adoption.collect()) this.#write(record, true);
  }

  #write(record: RetiredRecord, adopted: boolean): void {
    if (this.#unwritten.has(record.unit)) return;
    this.#unwritten.set(record.unit, { ...record, adopted });
    this.state.turn.retired(record);
  }

  /** Their records are on disk: they leave memory. */
  forget(units: readonly string[]): void {
    for (const unit of units) {
      const record = this.#unwritten.get(unit);
      if (record === undefined) continue;
      this.#unwritten.delete(unit);
      this.#forget(record);
      if (record.adopted) this.#goOn(record);
    }
  }

  #forget({ unit, hash, streams }: RetiredRecord): void {
    for (const position of this.state.streams.retire(streams)) {
      const voted = position.own.get('echo');
      const known = voted === undefined ? undefined : position.requests.get(voted);
      if (known !== undefined) this.state.countOpen(known.request.writer, -1);
    }
    this.state.options.service.retirement?.forget(unit);
    this.#retiring.forget(unit, hash);
    this.#adoption.forget(unit);
  }

  /** What was delivered by taking over a record may be what something waited for. */
  #goOn({ streams }: RetiredRecord): void {
    const { service } = this.state.options;
    const domains = new Set(streams.flatMap(({ stream }) => service.stream(stream)?.domain ?? []));
    for (const domain of domains) this.#dropDelivered(domain);
    this.agreement.revisit(streams.map(({ stream }) => stream));
  }

  #dropDelivered(domain: string): void {
    const { pending } = this.state;
    for (const { known } of pending.inDomain(domain)) if (this.state.isDelivered(known.request)) pending.remove(known.request);
  }
}
