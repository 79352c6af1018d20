import type { RetiredRecord } from './ports.js';
import { type EncodedRecord, encodeRecord, type UnitRecord } from './record.js';
import type { BroadcastState } from './state.js';
import type { Digest } from './types.js';

/** A unit that is over. */
interface Candidate {
  /** When it was last touched. */
  readonly since: number;
  /** Its last delivery is at this position of our log, or before; undefined until that is written. */
  position: number | undefined;
  /** Made when a peer's log showed the unit as retired, or when it is due. */
  packed: PackedUnit | undefined;
}

type PackedUnit = UnitRecord & EncodedRecord;

/** Names of retired units whose hashes are remembered, for the peers that retire them at about the same time. */
const REMEMBERED = 4_096;

/**
 * Units that are over leave memory and the delivery log, and go to disk as one record (docs/decisions/010-retired-units.md): when
 * every peer has followed our log beyond them, or has had `retireMaxMs` time to. In the second case their deliveries are kept on
 * disk, too, since this may be the only correct replica that has them.
 */
export class Retiring<Effects> {
  /** The longest untouched first. */
  readonly #candidates = new Map<string, Candidate>();
  readonly #hashes = new Map<string, Digest>();
  /** Touched since the last tick. */
  #fresh: string[] = [];
  #due: string[] = [];

  constructor(
    private readonly state: BroadcastState<Effects>,
    private readonly isFollowedTo: (position: number) => boolean,
  ) {}

  /** Something was delivered in a domain. */
  touched(domain: string): void {
    const unit = this.state.options.service.retirement?.over(domain);
    if (unit === undefined) return;
    this.#candidates.delete(unit);
    this.#hashes.delete(unit);
    this.#candidates.set(unit, { since: this.state.now, position: undefined, packed: undefined });
    this.#fresh.push(unit);
  }

  /** Finds out which units may go. */
  tick(): void {
    const { now, options } = this.state;
    const { retireMinMs, retireMaxMs, retireChunk } = options.limits;
    this.#locate();
    this.#due = [];
    for (const [unit, { since, position }] of this.#candidates) {
      const age = now - since;
      if (this.#due.length >= retireChunk || position === undefined || age < retireMinMs) break;
      if (age < retireMaxMs && !this.isFollowedTo(position)) break;
      this.#due.push(unit);
    }
  }

  /** What was delivered before the last flush is written, so it is in our log by now. */
  #locate(): void {
    const { head } = this.state.options.history;
    for (const unit of this.#fresh.splice(0)) {
      const candidate = this.#candidates.get(unit);
      if (candidate !== undefined) candidate.position = head;
    }
  }

  /** The records of units that are due. They stay in memory until they are on disk. */
  collect(): RetiredRecord[] {
    return this.#due.splice(0).flatMap((unit) => this.#record(unit) ?? []);
  }

  #record(unit: string): RetiredRecord | undefined {
    const candidate = this.#candidates.get(unit);
    // Touched again since it was found due.
    if (candidate?.position === undefined) return undefined;
    // Something came to life in it again, and a record made before that lacks it. When that is over the unit will be touched.
    if (this.state.options.service.retirement?.over(unit) !== unit) {
      this.#candidates.delete(unit);
      return undefined;
    }
    const packed = candidate.packed ?? this.#pack(unit);
    if (packed === undefined) {
      // Something still keeps it: look again later.
      this.#candidates.delete(unit);
      this.#candidates.set(unit, { ...candidate, since: this.state.now });
      return undefined;
    }
    const { hash, bytes: record, state, streams } = packed;
    return { type: 'retired', unit, hash, record, state, streams, keep: !this.isFollowedTo(candidate.position) };
  }

  #pack(unit: string): PackedUnit | undefined {
    const { service, cluster, limits } = this.state.options;
    const packed = service.retirement?.pack(unit);
    if (packed === undefined) return undefined;
    const streams = packed.streams.map((stream) => ({ stream, digests: [...this.state.streams.digests(stream)] }));
    const record = { unit, streams, state: packed.state };
    const encoded = encodeRecord(cluster, record);
    return encoded.bytes.length > limits.maxRecordBytes ? undefined : { ...record, ...encoded };
  }

  /** It is on disk. */
  forget(unit: string, hash: Digest): void {
    this.#candidates.delete(unit);
    this.#hashes.delete(unit);
    this.#hashes.set(unit, hash);
    for (const oldest of this.#hashes.keys()) {
      if (this.#hashes.size <= REMEMBERED) break;
      this.#hashes.delete(oldest);
    }
  }

  /** The hash of a unit's record: of the retired one, or of the one it would have now. */
  hashOf(unit: string): Digest | undefined {
    const candidate = this.#candidates.get(unit);
    if (candidate !== undefined) return (candidate.packed ??= this.#pack(unit))?.hash;
    return this.#hashes.get(unit) ?? this.state.options.history.recordHash(unit);
  }
}
