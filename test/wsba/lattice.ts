import { encodeActivity } from '../../src/wsba/index.js';
import type {
  Activity,
  ControlRequest,
  Effect,
  Input,
  Machine,
  Outcome,
  ParticipantMessage,
  Protocol,
} from '../../src/wsba/index.js';
import { controlStream, newActivity, participantStream } from './support.js';

/** Some streams of one activity; every interleaving of them is a possible history of a correct replica. */
export interface StreamSet {
  readonly outcome: Outcome;
  readonly streams: readonly (readonly Input[])[];
}

export type Finding = 'one state' | 'diverges' | 'split';

interface Node {
  readonly activity: Activity;
  /** Replies and faults given so far, as a sorted multiset. */
  readonly log: readonly string[];
}

/** What must be the same on every path: answers and faults; commands may be repeated, and a fault's state is informal. */
function logLine(effect: Effect): readonly string[] {
  switch (effect.kind) {
    case 'reply':
      return [JSON.stringify(['reply', effect.to, effect.result.ok ? 'ok' : effect.result.code])];
    case 'fault':
      return [JSON.stringify(['fault', effect.to, effect.participant, effect.message])];
    case 'command':
    case 'ended':
      return [];
  }
}

/** Told Close and Cancel or Compensate, in one history or in two. */
class Told {
  private readonly commands = new Map<string, Set<string>>();

  note(effects: readonly Effect[]): void {
    for (const effect of effects) {
      if (effect.kind !== 'command') continue;
      const told = this.commands.get(effect.participant) ?? new Set();
      this.commands.set(effect.participant, told.add(effect.command));
    }
  }

  get both(): boolean {
    return [...this.commands.values()].some((told) => told.has('Close') && (told.has('Cancel') || told.has('Compensate')));
  }
}

/**
 * Walks every interleaving. Histories that delivered equally much of each stream meet in one point of the lattice, and there
 * they must agree: since every point is the end of a smaller set, that is the claim for all prefixes, too.
 */
export function explore(machine: Machine, { outcome, streams }: StreamSet): Finding {
  const told = new Told();
  let layer = new Map<string, { at: readonly number[]; node: Node }>();
  layer.set('', { at: streams.map(() => 0), node: { activity: newActivity(outcome), log: [] } });
  while (layer.size > 0) {
    const next: typeof layer = new Map();
    const keys = new Map<string, string>();
    for (const { at, node } of layer.values()) {
      for (const [s, stream] of streams.entries()) {
        const input = stream[at[s] ?? 0];
        if (input === undefined) continue;
        const { activity, effects } = machine.deliver(node.activity, input);
        told.note(effects);
        const log = [...node.log, ...effects.flatMap(logLine)].sort();
        const reached = at.map((count, index) => (index === s ? count + 1 : count));
        const point = reached.join();
        const key = encodeActivity(activity) + log.join('\n');
        if ((keys.get(point) ?? key) !== key) return 'diverges';
        keys.set(point, key);
        next.set(point, { at: reached, node: { activity, log } });
      }
    }
    layer = next;
  }
  return told.both ? 'split' : 'one state';
}

export interface Family {
  readonly protocols: readonly (readonly [Protocol, Protocol])[];
  readonly controls: Readonly<Record<Outcome, readonly (readonly ControlRequest[])[]>>;
  readonly first: readonly (readonly ParticipantMessage[])[];
  readonly second: readonly (readonly ParticipantMessage[])[];
}

/** The participants' ids in a family; `Q` sorts after `P`. */
export const P = 'P';
export const Q = 'Q';

export function* setsOf({ protocols, controls, first, second }: Family): Generator<StreamSet> {
  for (const outcome of ['AtomicOutcome', 'MixedOutcome'] as const)
    for (const requests of controls[outcome])
      for (const [p, q] of protocols)
        for (const ofP of first)
          for (const ofQ of second)
            yield { outcome, streams: [controlStream(requests), participantStream(P, p, ofP), participantStream(Q, q, ofQ)] };
}

/** All sequences of up to `length` words. */
export function sequences<T>(words: readonly T[], length: number): readonly (readonly T[])[] {
  if (length === 0) return [[]];
  const shorter = sequences(words, length - 1);
  const longest = shorter.filter((sequence) => sequence.length === length - 1);
  return [...shorter, ...longest.flatMap((sequence) => words.map((word) => [...sequence, word]))];
}
