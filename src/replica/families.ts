import type { Digest } from '../bft/index.js';
import { type Activity, familyOf, isEnded, participants } from '../wsba/index.js';
import { acknowledgementOf } from './commands.js';
import type { Entry } from './entry.js';
import { type MemberSums, sumOf } from './prints.js';
import type { RetiredUnits } from './retired-units.js';
import type { ServiceRetirement } from './service.js';
import { encodeMembers } from './unit-state.js';

/**
 * The activities of a replica: in memory while there is something to do in them, and read back from records afterwards. Those that
 * lie inside one another are a family: it leaves memory, and comes back to it, as a whole, under the name of the outermost one.
 */
export class Families {
  readonly #entries = new Map<string, Entry>();
  /** Of which family a record's state was made. */
  readonly #packed = new WeakMap<Uint8Array, readonly Entry[]>();
  /** Families that are back in memory, by name: what their records, which are still in the archive, add to its totals. */
  readonly #back = new Map<string, MemberSums>();
  readonly #inMemory = (id: string): Activity | undefined => this.#entries.get(id)?.activity;

  constructor(private readonly retirement: ServiceRetirement | undefined) {}

  /** An activity, wherever it is. It may be looked at only. */
  entry(id: string): Entry | undefined {
    return this.#entries.get(id) ?? this.#units?.find(id)?.entries.get(id);
  }

  /** An activity to be changed: its family is in memory from now on. */
  warm(id: string): Entry | undefined {
    const entry = this.#entries.get(id);
    if (entry !== undefined) return entry;
    const unit = this.#units?.find(id);
    if (unit === undefined) return undefined;
    this.#back.set(unit.unit, sumOf([...unit.entries.values()].map(({ activity }) => activity)));
    for (const [member, revived] of unit.entries) {
      this.#entries.set(member, revived);
      this.#settle(revived.activity);
    }
    this.#units?.drop(id);
    return this.#entries.get(id);
  }

  add(entry: Entry): void {
    this.#entries.set(entry.activity.id, entry);
  }

  inMemory(): Iterable<Entry> {
    return this.#entries.values();
  }

  /** What the archive still counts, by name of the family, though it is in memory again. */
  get back(): ReadonlyMap<string, MemberSums> {
    return this.#back;
  }

  /** Activities that have left memory, the last one first. */
  retired(limit: number): Activity[] {
    const units = this.#units?.latest(limit) ?? [];
    const activities = units.flatMap(({ entries }) => [...entries.values()].map(({ activity }) => activity));
    return activities.filter(({ id }) => !this.#entries.has(id)).slice(0, limit);
  }

  /** Whether that stream created an activity that has left memory. */
  isRetired(create: string): boolean {
    return this.#units?.has(create) === true;
  }

  over(id: string): string | undefined {
    const entry = this.#entries.get(id);
    if (entry === undefined || !isEnded(entry.activity)) return undefined;
    const family = familyOf(entry.activity, this.#inMemory);
    return family.every(isEnded) ? family[0]?.id : undefined;
  }

  pack(unit: string): { streams: readonly string[]; state: Uint8Array } | undefined {
    if (this.over(unit) !== unit) return undefined;
    const family = this.#family(unit);
    if (family.some(({ activity }) => this.#owes(activity))) return undefined;
    const state = encodeMembers(family);
    this.#packed.set(state, family);
    return { streams: streamsOf(family), state };
  }

  /** The entries that `pack` made a state from. */
  packed(state: Uint8Array): readonly Entry[] | undefined {
    return this.#packed.get(state);
  }

  streams(unit: string): readonly string[] {
    const retired: ReadonlyMap<string, readonly Digest[]> = this.#units?.find(unit)?.streams ?? new Map();
    return [...streamsOf(this.#family(unit)), ...retired.keys()];
  }

  /** @returns what was in memory of it */
  forget(unit: string): readonly Entry[] {
    const family = this.#family(unit);
    for (const { activity } of family) this.#entries.delete(activity.id);
    this.#units?.drop(unit);
    this.#back.delete(unit);
    return family;
  }

  get #units(): RetiredUnits | undefined {
    return this.retirement?.units;
  }

  #family(unit: string): readonly Entry[] {
    const root = this.#inMemory(unit);
    const family = root === undefined ? [] : familyOf(root, this.#inMemory);
    return family.flatMap(({ id }) => this.#entries.get(id) ?? []);
  }

  /** It left memory when nothing was owed in it. */
  #settle(activity: Activity): void {
    for (const participant of participants(activity)) {
      const command = acknowledgementOf(participant);
      if (command !== undefined) this.retirement?.wasSent(activity.id, participant.id, command);
    }
  }

  #owes(activity: Activity): boolean {
    return participants(activity).some((participant) => {
      const command = acknowledgementOf(participant);
      return command !== undefined && this.retirement?.isOwed(activity.id, participant.id, command) === true;
    });
  }
}

const streamsOf = (family: readonly Entry[]): string[] => [...new Set(family.flatMap(({ streams }) => [...streams]))];
