import { serialize } from 'node:v8';
import { activityDigest } from '../../src/wsba/index.js';
import type { Activity, Effect, Input, Machine, Outcome } from '../../src/wsba/index.js';
import { newActivity } from '../wsba/support.js';
import { logLine, toldBy } from './observe.js';

/** A state together with all replies and faults given on the way to it: what must not depend on the interleaving. */
export type End = number;

export interface Step {
  readonly end: End;
  /** Who was told what on the way: see `observe.ts`. */
  readonly told: number;
}

interface Transition {
  readonly state: number;
  /** Number of the text of the replies and faults that the step adds. */
  readonly said: number;
  readonly told: number;
}

/** Numbers for texts, in the order in which they first occur. */
class Names {
  private readonly numbers = new Map<string, number>();
  private readonly texts: string[] = [];

  numberOf(text: string): number {
    let number = this.numbers.get(text);
    if (number === undefined) {
      number = this.texts.push(text) - 1;
      this.numbers.set(text, number);
    }
    return number;
  }

  textOf(number: number): string {
    return this.texts[number] ?? '';
  }
}

/** The number of the empty log. */
const SILENCE = 0;

/** More of anything than this, and two numbers no longer fit into one. */
const MOST = 2 ** 26;

function pair(high: number, low: number): number {
  if (high >= MOST || low >= MOST) throw new RangeError(`more than ${MOST} states or logs: cut the family into smaller parts`);
  return high * MOST + low;
}

/**
 * The machine with a memory: equal states are merged, and each input is delivered to each state once. Sound because `deliver`
 * is a function of state and input; equal states are those with equal digests, as replicas compare them.
 */
export class Transitions {
  private readonly digests = new Names();
  /** States as they are written without bringing them into canonical form, which is slower: equal ones are equal states. */
  private readonly written = new Map<string, number>();
  private readonly activities: Activity[] = [];
  private readonly inputs = new Names();
  private readonly logs = new Names();
  private readonly delivered = new Map<number, Transition>();
  private readonly extended = new Map<number, number>();
  readonly start: End;

  constructor(
    private readonly machine: Machine,
    outcome: Outcome,
  ) {
    this.start = pair(this.stateOf(newActivity(outcome)), this.logs.numberOf(''));
  }

  /** Equal inputs have equal numbers. */
  numberOf(input: Input): number {
    return this.inputs.numberOf(JSON.stringify(input));
  }

  /** `number` is that of `input`. */
  step(from: End, input: Input, number: number): Step {
    const state = Math.floor(from / MOST);
    const { state: to, said, told } = this.transition(state, input, number);
    return { end: pair(to, this.extend(from - state * MOST, said)), told };
  }

  private transition(state: number, input: Input, number: number): Transition {
    const key = pair(state, number);
    const known = this.delivered.get(key);
    if (known !== undefined) return known;
    const activity = this.activities[state];
    if (activity === undefined) throw new RangeError(`no state ${state}`);
    const { activity: reached, effects } = this.machine.deliver(activity, input);
    const transition = { state: this.stateOf(reached), said: this.logs.numberOf(linesOf(effects)), told: toldBy(effects) };
    this.delivered.set(key, transition);
    return transition;
  }

  private stateOf(activity: Activity): number {
    const written = serialize(activity).toString('latin1');
    const known = this.written.get(written);
    if (known !== undefined) return known;
    const number = this.digests.numberOf(activityDigest(activity));
    this.activities[number] ??= activity;
    this.written.set(written, number);
    return number;
  }

  private extend(log: number, said: number): number {
    if (said === SILENCE) return log;
    const key = pair(log, said);
    let extended = this.extended.get(key);
    if (extended === undefined) {
      const lines = [...this.logs.textOf(log).split('\n'), ...this.logs.textOf(said).split('\n')];
      extended = this.logs.numberOf(lines.filter(Boolean).sort().join('\n'));
      this.extended.set(key, extended);
    }
    return extended;
  }
}

const linesOf = (effects: readonly Effect[]): string => effects.flatMap(logLine).sort().join('\n');
