import type { Frame, VouchedItem } from './frames.js';
import type { RetiredEntry, RetiredRecord } from './ports.js';
import { decodeRecord, type UnitRecord } from './record.js';
import { digestOf } from './request.js';
import type { Retiring } from './retiring.js';
import type { BroadcastState } from './state.js';
import type { Digest, ReplicaId } from './types.js';

/** What peers say about a unit that they retired and that this replica does not have like that. */
interface Claim {
  readonly hashes: Map<ReplicaId, Digest>;
  readonly records: Map<Digest, { readonly bytes: Uint8Array; readonly record: UnitRecord }>;
  askAgainAt: number;
  asked: number;
}

/** Records found to hold nothing new, remembered so that they are not fetched again. */
const REMEMBERED = 1_024;

/**
 * A replica that was away for longer than its peers keep a unit's deliveries takes over the record that f + 1 of them vouch for: one
 * of those is correct, and a correct replica's record says what was delivered. A record that holds nothing beyond what was delivered
 * here needs no vouching. Where records differ, because their makers were cut off from each other, they have kept the deliveries:
 * those are fetched one by one until nothing is beyond. A lying peer can only stall its own log.
 */
export class Adoption<Effects> {
  readonly #claims = new Map<string, Claim>();
  /** What each peer's log shows and we lack: at most `recordChunk` units. */
  readonly #wanted = new Map<ReplicaId, readonly RetiredEntry[]>();
  /** Unit and hash of records that hold nothing new. */
  readonly #known = new Set<string>();
  readonly #vouched = new Map<string, Digest>();

  constructor(
    private readonly state: BroadcastState<Effects>,
    private readonly retiring: Retiring<Effects>,
  ) {}

  /** Whether this replica has all that a retired entry stands for. */
  covers({ unit, hash }: RetiredEntry): boolean {
    return this.#known.has(known(unit, hash)) || this.retiring.hashOf(unit) === hash;
  }

  /** The entries of a peer's log that hold up following it; replaces what it wanted before. */
  want(peer: ReplicaId, entries: readonly RetiredEntry[]): void {
    const wanted = entries.slice(0, this.state.options.limits.recordChunk);
    if (wanted.length > 0) this.#wanted.set(peer, wanted);
    else this.#wanted.delete(peer);
    for (const { unit, hash } of wanted) this.#claim(unit).hashes.set(peer, hash);
  }

  #claim(unit: string): Claim {
    const existing = this.#claims.get(unit);
    if (existing !== undefined) return existing;
    const created: Claim = { hashes: new Map(), records: new Map(), askAgainAt: 0, asked: 0 };
    this.#claims.set(unit, created);
    return created;
  }

  tick(): void {
    const wanted = new Set([...this.#wanted.values()].flatMap((entries) => entries.map(({ unit }) => unit)));
    const whole = new Map<ReplicaId, string[]>();
    const hashOnly = new Map<ReplicaId, string[]>();
    for (const [unit, claim] of this.#claims) {
      if (!wanted.has(unit)) this.#claims.delete(unit);
      else if (claim.askAgainAt <= this.state.now) {
        this.#judge(unit, claim);
        this.#ask(unit, claim, whole, hashOnly);
        this.#fetch(claim);
      }
    }
    for (const [peer, units] of whole) this.#send(peer, units, true);
    for (const [peer, units] of hashOnly) this.#send(peer, units, false);
  }

  /** Asks one of those that hold the best supported hash, each time another, for the record, and everybody for the hash. */
  #ask(unit: string, claim: Claim, whole: Map<ReplicaId, string[]>, hashOnly: Map<ReplicaId, string[]>): void {
    const { now, options, peers } = this.state;
    claim.askAgainAt = now + options.limits.resendVotesAfterMs;
    const best = bestSupported(claim);
    const holders = [...claim.hashes].filter(([, hash]) => hash === best).map(([peer]) => peer);
    const holder = best === undefined || claim.records.has(best) ? undefined : holders[claim.asked++ % holders.length];
    for (const peer of peers) {
      const asked = peer === holder ? whole : hashOnly;
      asked.set(peer, [...(asked.get(peer) ?? []), unit]);
    }
  }

  /** What a record says was delivered, and is not delivered here, may be had with its certificate: then nobody need be believed. */
  #fetch(claim: Claim): void {
    const { turn, options } = this.state;
    for (const [peer, hash] of claim.hashes) {
      const streams = claim.records.get(hash)?.record.streams ?? [];
      const positions = streams.flatMap(({ stream, digests }) => {
        const from = this.state.streams.delivered(stream) + 1;
        return Array.from({ length: Math.max(0, digests.length + 1 - from) }, (_, i) => ({ stream, number: from + i }));
      });
      if (positions.length > 0) turn.send(peer, { type: 'fetch', positions: positions.slice(0, options.limits.fetchChunk) });
    }
  }

  #send(peer: ReplicaId, units: readonly string[], records: boolean): void {
    const { recordChunk } = this.state.options.limits;
    for (let i = 0; i < units.length; i += recordChunk) {
      this.state.turn.send(peer, { type: 'want', records, units: units.slice(i, i + recordChunk) });
    }
  }

  /** A peer lacks a unit that somebody retired. */
  onWant(from: ReplicaId, { records, units }: Frame & { type: 'want' }): void {
    const { history, limits } = this.state.options;
    const items: VouchedItem[] = [];
    let bytes = 0;
    for (const unit of units) {
      const hash = history.recordHash(unit);
      const record = records && hash !== undefined ? history.record(unit) : undefined;
      if (hash === undefined || (records && record === undefined)) continue;
      bytes += record?.length ?? 0;
      if (items.length > 0 && bytes > limits.fetchBytes) break;
      items.push({ unit, hash, record });
    }
    if (items.length > 0) this.state.turn.send(from, { type: 'vouch', items });
  }

  /** @throws CodecError when a record is none */
  onVouch(from: ReplicaId, items: readonly VouchedItem[]): void {
    for (const { unit, hash: said, record: bytes } of items) {
      const claim = this.#claims.get(unit);
      if (claim === undefined) continue;
      const hash = bytes === undefined ? said : digestOf(bytes);
      claim.hashes.set(from, hash);
      if (bytes !== undefined && !claim.records.has(hash)) this.#keep(claim, unit, hash, bytes);
      this.#judge(unit, claim);
    }
  }

  #keep(claim: Claim, unit: string, hash: Digest, bytes: Uint8Array): void {
    const { cluster, limits } = this.state.options;
    const record = decodeRecord(cluster, bytes, limits);
    if (record.unit !== unit) return;
    // Only what somebody still says is worth its memory.
    for (const old of claim.records.keys()) if (![...claim.hashes.values()].includes(old)) claim.records.delete(old);
    if (this.#bytes() + bytes.length > limits.maxPendingBytes) return;
    claim.records.set(hash, { bytes, record });
    claim.askAgainAt = this.state.now;
  }

  #bytes(): number {
    let sum = 0;
    for (const { records } of this.#claims.values()) for (const { bytes } of records.values()) sum += bytes.length;
    return sum;
  }

  #judge(unit: string, claim: Claim): void {
    for (const [hash, { record }] of claim.records) {
      if (record.streams.every(({ stream, digests }) => isPrefix(digests, this.state.streams.digests(stream)))) {
        this.#remember(unit, hash);
      } else if (supporters(claim, hash) > this.state.options.f) this.#vouched.set(unit, hash);
    }
  }

  #remember(unit: string, hash: Digest): void {
    this.#known.add(known(unit, hash));
    for (const oldest of this.#known) {
      if (this.#known.size <= REMEMBERED) break;
      this.#known.delete(oldest);
    }
  }

  /** Records that this replica takes over now. */
  collect(): RetiredRecord[] {
    const vouched = [...this.#vouched];
    this.#vouched.clear();
    return vouched.flatMap(([unit, hash]) => this.#record(unit, hash) ?? []);
  }

  /** Unless something was delivered here that the record lacks: its holders will deliver that, too, and retire the unit again. */
  #record(unit: string, hash: Digest): RetiredRecord | undefined {
    const found = this.#claims.get(unit)?.records.get(hash);
    const { retirement } = this.state.options.service;
    if (found === undefined || retirement === undefined) return undefined;
    const { streams, state } = found.record;
    const theirs = new Map(streams.map(({ stream, digests }) => [stream, digests]));
    const ours = new Set([...retirement.streams(unit), ...theirs.keys()]);
    const fits = [...ours].every((stream) => isPrefix(this.state.streams.digests(stream), theirs.get(stream) ?? []));
    return fits ? { type: 'retired', unit, hash, record: found.bytes, state, streams, keep: false } : undefined;
  }

  forget(unit: string): void {
    this.#claims.delete(unit);
  }
}

const known = (unit: string, hash: Digest): string => `${hash} ${unit}`;

const supporters = ({ hashes }: Claim, hash: Digest): number => [...hashes.values()].filter((said) => said === hash).length;

/** Of the hashes whose record is not here, the one that most peers name; of all, if every record is here. */
function bestSupported(claim: Claim): Digest | undefined {
  const missing = [...new Set(claim.hashes.values())].filter((hash) => !claim.records.has(hash));
  return missing.sort((a, b) => supporters(claim, b) - supporters(claim, a))[0];
}

const isPrefix = (part: readonly Digest[], whole: readonly Digest[]): boolean =>
  part.length <= whole.length && part.every((digest, i) => digest === whole[i]);
