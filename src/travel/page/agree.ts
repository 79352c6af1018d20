import type { ActivitySummary, ParticipantReport, TimelineLine } from '../../replica/index.js';
import type { Answering } from './readings.js';

/** What f + 1 replicas say alike; at least one of them is honest. */
export interface Agreed<T> {
  readonly value: T;
  readonly replicas: readonly number[];
}

/**
 * The value that at least `needed` replicas gave. If two values have that many, some replicas are a step ahead of others, and
 * the one that more of them gave counts, then the one of whoever has delivered more.
 */
export function agreeOn<T>(
  answers: readonly { readonly replica: number; readonly deliveries: number; readonly value: T }[],
  needed: number,
  key: (value: T) => string = (value) => JSON.stringify(value),
): Agreed<T> | undefined {
  const groups = new Map<string, { value: T; replicas: number[]; deliveries: number }>();
  for (const { replica, deliveries, value } of answers) {
    const text = key(value);
    const group = groups.get(text) ?? { value, replicas: [], deliveries: 0 };
    group.replicas.push(replica);
    group.deliveries = Math.max(group.deliveries, deliveries);
    groups.set(text, group);
  }
  const [best] = [...groups.values()]
    .filter(({ replicas }) => replicas.length >= needed)
    .sort((a, b) => b.replicas.length - a.replicas.length || b.deliveries - a.deliveries);
  return best && { value: best.value, replicas: best.replicas };
}

/** An activity as far as f + 1 replicas agree on it. */
export interface AgreedActivity {
  readonly id: string;
  readonly created: number;
  readonly settlement: ActivitySummary['settlement'];
  readonly ended: boolean;
  readonly participants: readonly Pick<ParticipantReport, 'id' | 'matchcode' | 'writer' | 'state' | 'endedBy'>[];
}

/** @returns undefined for an activity that fewer than `needed` replicas report */
export function agreedActivity(replicas: readonly Answering[], id: string, needed: number): AgreedActivity | undefined {
  const known = replicas.flatMap((replica) => {
    const activity = replica.activities.find((candidate) => candidate.id === id);
    return activity === undefined ? [] : [{ replica: replica.id, deliveries: replica.status.deliveries, activity }];
  });
  const agreed = <T>(pick: (activity: ActivitySummary) => T): T | undefined =>
    agreeOn(
      known.map(({ activity, ...from }) => ({ ...from, value: pick(activity) })),
      needed,
      (value) => JSON.stringify(value ?? null),
    )?.value;
  const created = agreed((activity) => activity.created);
  if (created === undefined) return undefined;
  const ids = [...new Set(known.flatMap(({ activity }) => activity.participants.map((participant) => participant.id)))];
  const participants = ids.flatMap((participant) => {
    const one = agreed((activity) => standing(activity.participants.find((candidate) => candidate.id === participant)));
    return one === undefined ? [] : [one];
  });
  const settlement = agreed((activity) => activity.settlement);
  return { id, created, settlement, ended: agreed((activity) => activity.ended) ?? false, participants };
}

const standing = (participant: ParticipantReport | undefined): AgreedActivity['participants'][number] | undefined =>
  participant && {
    id: participant.id,
    matchcode: participant.matchcode,
    writer: participant.writer,
    state: participant.state,
    ...(participant.endedBy === undefined ? {} : { endedBy: participant.endedBy }),
  };

// --- the four states side by side -----------------------------------------------------------------------------------------

/** How a replica's state compares: `alone` when there is nobody to compare it with. */
export type Comparison = 'same' | 'behind' | 'ahead' | 'differs' | 'alone';

/**
 * Compares the state digests of replicas. Only digests at equal positions can contradict each other; a replica that is not
 * equally far is compared activity by activity.
 */
export function compareStates(replicas: readonly Answering[], needed: number): ReadonlyMap<number, Comparison> {
  const answers = replicas.map(({ id, status }) => ({
    replica: id,
    deliveries: status.deliveries,
    value: { positions: status.positions, state: status.state },
  }));
  const common = agreeOn(answers, needed);
  const differing = contradicting(replicas, needed);
  const far = Math.max(0, ...replicas.filter(({ id }) => common?.replicas.includes(id)).map(({ status }) => status.deliveries));
  return new Map(
    replicas.map(({ id, status }): [number, Comparison] => {
      if (differing.has(id)) return [id, 'differs'];
      if (replicas.length < 2) return [id, 'alone'];
      if (common?.replicas.includes(id)) return [id, 'same'];
      const reference = common === undefined ? Math.max(...replicas.map((other) => other.status.deliveries)) : far;
      return [id, status.deliveries > reference ? 'ahead' : 'behind'];
    }),
  );
}

/**
 * The replicas that hold another state than others do at equal positions: than f + 1 of them, or, with no such group, than any.
 */
function contradicting(replicas: readonly Answering[], needed: number): ReadonlySet<number> {
  const byPosition = new Map<string, { replica: number; deliveries: number; value: string }[]>();
  for (const { id: replica, status } of replicas) {
    const prints = [{ id: 'all', positions: status.positions, state: status.state }, ...status.perActivity];
    for (const { id, positions, state } of prints) {
      const place = `${id} ${positions}`;
      const there = byPosition.get(place) ?? [];
      there.push({ replica, deliveries: status.deliveries, value: state });
      byPosition.set(place, there);
    }
  }
  const found = new Set<number>();
  for (const states of byPosition.values()) {
    if (new Set(states.map(({ value }) => value)).size < 2) continue;
    const common = agreeOn(states, needed);
    for (const { replica } of states) if (common?.replicas.includes(replica) !== true) found.add(replica);
  }
  return found;
}

// --- the timeline -----------------------------------------------------------------------------------------------------------

export interface MergedLine {
  readonly line: TimelineLine;
  /** Replicas that have this line. */
  readonly replicas: readonly number[];
  /** How many replicas hold a certificate with this replica's vote, by replica. */
  readonly votes: ReadonlyMap<number, number>;
}

/**
 * One timeline out of those of all replicas. Each replica delivers in an order of its own; shown is the order of the replica
 * whose lines most others have, too, followed by what only others have.
 */
export function mergeTimelines(replicas: readonly Answering[], activity: string, needed: number): readonly MergedLine[] {
  const timelines = replicas.flatMap(({ id, reports }) => {
    const report = reports.get(activity);
    return report === undefined ? [] : [{ id, lines: report.timeline }];
  });
  const merged = new Map<string, { line: TimelineLine; replicas: number[]; votes: Map<number, number> }>();
  for (const { id, lines } of timelines) {
    for (const [key, line] of keyed(lines)) {
      const entry = merged.get(key) ?? { line, replicas: [], votes: new Map<number, number>() };
      entry.replicas.push(id);
      if (line.kind === 'request')
        for (const voter of new Set(line.certifiedBy)) entry.votes.set(voter, (entry.votes.get(voter) ?? 0) + 1);
      merged.set(key, entry);
    }
  }
  const shared = (lines: readonly TimelineLine[]): number =>
    keyed(lines).filter(([key]) => (merged.get(key)?.replicas.length ?? 0) >= needed).length;
  const [reference] = [...timelines].sort((a, b) => shared(b.lines) - shared(a.lines));
  const order = [...new Set([...keyed(reference?.lines ?? []).map(([key]) => key), ...merged.keys()])];
  return order.flatMap((key) => merged.get(key) ?? []);
}

/** Lines under what makes them the same line at every replica; the position is each replica's own. A command may come again. */
function keyed(lines: readonly TimelineLine[]): readonly (readonly [string, TimelineLine])[] {
  const seen = new Map<string, number>();
  return lines.map((line) => {
    const name =
      line.kind === 'command'
        ? JSON.stringify(['command', line.command, line.participant])
        : JSON.stringify(['request', line.stream, line.participant ?? '', line.signer, line.number, line.message]);
    const times = (seen.get(name) ?? 0) + 1;
    seen.set(name, times);
    return [`${name} ${times}`, line] as const;
  });
}
