import { type BroadcastLimits, decodeRecord, type Digest } from '../bft/index.js';
import type { Entry } from './entry.js';
import { type MemberSums, without } from './prints.js';
import type { TimelineLine } from './report.js';
import { decodeMembers } from './unit-state.js';

/** Where records of retired units are read: the store's archive. */
export interface RecordSource {
  /** By what a unit can be found: the id of any activity of it, and the stream that created it. */
  find(name: string): StoredUnit | undefined;
  /** Whether there is one, even if it cannot be read any more. */
  has(name: string): boolean;
  latest(limit: number): readonly StoredUnit[];
}

export interface StoredUnit {
  readonly unit: string;
  readonly record: Uint8Array;
  /** As `encodeNotes` made it; empty where the record was taken over from peers. */
  readonly notes: Uint8Array;
}

/** What one replica alone knows of a unit. */
export interface UnitNotes {
  /** By activity: what an operator is told. */
  readonly timelines: Readonly<Record<string, readonly TimelineLine[]>>;
  /** By stream: the certificate of a participant's Register, in base64. */
  readonly certificates: Readonly<Record<string, string>>;
  /** By activity, and stream and number: the wording of a refusal. */
  readonly wordings: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

const NO_NOTES: UnitNotes = { timelines: {}, certificates: {}, wordings: {} };

export const encodeNotes = (notes: UnitNotes): Buffer => Buffer.from(JSON.stringify(notes), 'utf8');

// The archive gives back the bytes that `encodeNotes` made, or nothing: it has a checksum.
const decodeNotes = (bytes: Uint8Array): UnitNotes =>
  bytes.length === 0 ? NO_NOTES : (JSON.parse(Buffer.from(bytes).toString('utf8')) as UnitNotes);

/** A family of activities that has left memory, read back. */
export interface RetiredUnit {
  readonly unit: string;
  readonly streams: ReadonlyMap<string, readonly Digest[]>;
  /** By activity. */
  readonly entries: ReadonlyMap<string, Entry>;
  readonly certificates: UnitNotes['certificates'];
}

/** Reads retired units back, as often as somebody asks about them, and keeps the last ones. */
export class RetiredUnits {
  /** By every name of theirs; the unit asked about last at the end. */
  readonly #revived = new Map<string, RetiredUnit>();

  constructor(
    private readonly source: RecordSource,
    private readonly o: {
      readonly cluster: string;
      readonly limits: BroadcastLimits;
      /** Names of units kept. */
      readonly maxRevived: number;
      /** A record that peers vouched for, and that makes no sense here. */
      readonly onUnreadable: (unit: string, error: unknown) => void;
    },
  ) {}

  /** @param name the id of an activity, or the stream that created one */
  find(name: string): RetiredUnit | undefined {
    const known = this.#revived.get(name);
    const stored = known === undefined ? this.source.find(name) : undefined;
    const unit = known ?? (stored && this.#read(stored));
    if (unit !== undefined) this.#keep(unit);
    return unit;
  }

  has(name: string): boolean {
    return this.#revived.has(name) || this.source.has(name);
  }

  /** The units retired last, the last one first. */
  latest(limit: number): RetiredUnit[] {
    return this.source.latest(limit).flatMap((stored) => this.#read(stored) ?? []);
  }

  /** There is another record of it now, or it is in memory again. */
  drop(name: string): void {
    const unit = this.#revived.get(name);
    if (unit !== undefined) for (const known of namesOf(unit.entries.values())) this.#revived.delete(known);
  }

  #keep(unit: RetiredUnit): void {
    for (const name of namesOf(unit.entries.values())) {
      this.#revived.delete(name);
      this.#revived.set(name, unit);
    }
    for (const oldest of this.#revived.keys()) {
      if (this.#revived.size <= this.o.maxRevived) return;
      this.#revived.delete(oldest);
    }
  }

  #read({ unit, record, notes }: StoredUnit): RetiredUnit | undefined {
    try {
      const { streams, state } = decodeRecord(this.o.cluster, record, this.o.limits);
      const { timelines, certificates, wordings } = decodeNotes(notes);
      const names = new Set(streams.map(({ stream }) => stream));
      const entries = decodeMembers(state).map((member): [string, Entry] => {
        const { id } = member.activity;
        for (const [key, detail] of Object.entries(wordings[id] ?? {})) {
          const result = member.results.get(key);
          if (result?.ok === false) member.results.set(key, { ...result, detail });
        }
        return [id, { ...member, streams: names, told: timelines[id] ?? [], history: [] }];
      });
      return {
        unit,
        streams: new Map(streams.map(({ stream, digests }) => [stream, digests])),
        entries: new Map(entries),
        certificates,
      };
    } catch (error) {
      this.o.onUnreadable(unit, error);
      return undefined;
    }
  }
}

/** What has left memory: all in the archive, but for families whose records are still there though they are in memory again. */
export function retiredSums(
  archive: { readonly totals: MemberSums; hash(unit: string): unknown },
  { back }: { readonly back: ReadonlyMap<string, MemberSums> },
): MemberSums {
  const counted = [...back].filter(([unit]) => archive.hash(unit) !== undefined);
  return without(
    archive.totals,
    counted.map(([, sums]) => sums),
  );
}

/** What a unit can be found by. */
export const namesOf = (entries: Iterable<Pick<Entry, 'activity' | 'create'>>): string[] =>
  [...entries].flatMap(({ activity, create }) => [activity.id, create]);
