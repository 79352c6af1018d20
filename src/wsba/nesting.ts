import type { Activity, ParticipantRecord } from './activity.js';
import { participants } from './activity.js';
import type { OuterDecision } from './inner.js';
import { reportOf, sameReport } from './inner.js';
import type { Machine } from './machine.js';
import type { ActivityId, Effect, Input, ParticipantId } from './types.js';

/** How activities that lie inside one another moved together. */
export interface LinkedStep {
  /** Each that changed, as it is now. */
  readonly activities: ReadonlyMap<ActivityId, Activity>;
  readonly effects: readonly { readonly activity: ActivityId; readonly effect: Effect }[];
}

/** Finds an activity that was delivered before. */
export type Find = (id: ActivityId) => Activity | undefined;

/** Delivers an input to an activity, and what follows to those around and inside it. @throws RangeError as `Machine.deliver` does */
export function deliverLinked(machine: Machine, find: Find, id: ActivityId, input: Input): LinkedStep {
  const walk = new Walk(machine, find);
  walk.step(id, (a) => machine.deliver(a, input));
  return walk.run();
}

/** Adds a new activity; one that lies inside another registers there. The outer one must be known. */
export function openLinked(machine: Machine, find: Find, activity: Activity, as?: InnerRegistration): LinkedStep {
  const walk = new Walk(machine, find);
  walk.put(activity);
  if (activity.outer !== undefined && as !== undefined) {
    const { activity: outer, participant: id } = activity.outer;
    const inner = reportOf(activity);
    walk.step(outer, (a) =>
      machine.enlist(a, { ...as, id, protocol: 'ParticipantCompletion', service: '', state: 'Active', completed: false, inner }),
    );
  }
  return walk.run();
}

/** How an inner activity is registered in its outer one. */
export type InnerRegistration = Pick<ParticipantRecord, 'writer' | 'invitation' | 'stream'>;

/** An activity and all that lie around and inside it and its neighbours, in one order. */
export function familyOf(activity: Activity, find: Find): readonly Activity[] {
  let root = activity;
  for (let outer = outerOf(root, find); outer !== undefined; outer = outerOf(root, find)) root = outer;
  const family = [root];
  for (const member of family) {
    for (const { inner } of participants(member)) {
      const found = inner && find(inner.activity);
      if (found !== undefined) family.push(found);
    }
  }
  return family;
}

const outerOf = ({ outer }: Activity, find: Find): Activity | undefined => outer && find(outer.activity);

/**
 * Passes decisions inwards and reports outwards until nothing changes any more. Each decision is passed once, and a report
 * changes only with a participant's state, so this ends.
 */
class Walk {
  readonly #changed = new Map<ActivityId, Activity>();
  readonly #effects: { activity: ActivityId; effect: Effect }[] = [];
  readonly #decided: { inner: ActivityId; decision: OuterDecision }[] = [];
  readonly #moved = new Set<ActivityId>();

  constructor(
    private readonly machine: Machine,
    private readonly find: Find,
  ) {}

  put(activity: Activity): void {
    this.#changed.set(activity.id, activity);
    this.#moved.add(activity.id);
  }

  step(id: ActivityId, move: (a: Activity) => { activity: Activity; effects: readonly Effect[] }): void {
    const before = this.#get(id);
    if (before === undefined) return;
    const { activity, effects } = move(before);
    if (activity !== before) this.put(activity);
    for (const effect of effects) {
      this.#effects.push({ activity: id, effect });
      if (effect.kind === 'inner') this.#decided.push({ inner: effect.activity, decision: effect.decision });
    }
  }

  run(): LinkedStep {
    for (;;) {
      const decided = this.#decided.shift();
      if (decided !== undefined) {
        this.step(decided.inner, (a) => this.machine.hearOuter(a, decided.decision));
        continue;
      }
      const [moved] = this.#moved;
      if (moved === undefined) return { activities: this.#changed, effects: this.#effects };
      this.#moved.delete(moved);
      this.#reportOutwards(moved);
    }
  }

  #reportOutwards(id: ActivityId): void {
    const a = this.#get(id);
    if (a?.outer === undefined) return;
    const { activity: outer, participant } = a.outer;
    const report = reportOf(a);
    if (this.#reported(outer, participant, report)) return;
    this.step(outer, (o) => this.machine.hearInner(o, participant, report));
  }

  #reported(outer: ActivityId, participant: ParticipantId, report: ReturnType<typeof reportOf>): boolean {
    const known = this.#get(outer)?.participants.get(participant)?.inner;
    return known === undefined || sameReport(known, report);
  }

  #get(id: ActivityId): Activity | undefined {
    return this.#changed.get(id) ?? this.find(id);
  }
}
