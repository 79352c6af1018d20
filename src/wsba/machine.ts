import type { Activity } from './activity.js';
import type { ParticipantRecord } from './activity.js';
import { applied, byCodeUnit, delivered, isEnded } from './activity.js';
import { admitInput } from './admission.js';
import { applyControl, applyOuterDecision } from './control.js';
import type { InnerReport, OuterDecision } from './inner.js';
import { applyInnerReport, applyNotification, applyRegistration, enlist } from './participant.js';
import { ALL_RULES } from './rules/index.js';
import type { Rules } from './rules/index.js';
import { put, refOf, refused } from './step.js';
import type { Step } from './step.js';
import { CONTROL_STREAM } from './types.js';
import type { Admission, ControlRequest, Effect, Input, ParticipantId } from './types.js';

export interface Machine {
  /**
   * Takes the next input of a stream and whatever it releases. The resulting state is a function of the delivered inputs of each
   * stream, not of how the streams interleave. An input delivered before changes nothing.
   * @throws RangeError if an earlier number of the stream is missing: delivery in stream order is the caller's promise.
   */
  deliver(a: Activity, input: Input): { activity: Activity; effects: readonly Effect[] };
  /** May this replica vote for the input now? Certificates override the answer. */
  admit(a: Activity, input: Input): Admission;
  /** Takes in an inner activity as a participant. One that is there already changes nothing. */
  enlist(a: Activity, inner: ParticipantRecord): { activity: Activity; effects: readonly Effect[] };
  /** An inner activity stands otherwise than before. */
  hearInner(a: Activity, participant: ParticipantId, report: InnerReport): { activity: Activity; effects: readonly Effect[] };
  /** The outer activity decided about this one; the first decision is final. */
  hearOuter(a: Activity, decision: OuterDecision): { activity: Activity; effects: readonly Effect[] };
}

/** A machine with the given rules; a rule that is left out is replaced by plain reject-or-ignore handling. */
export function createMachine(rules: Rules = ALL_RULES): Machine {
  return {
    deliver: (a, input) => deliver(rules, a, input),
    admit: (a, input) => admitInput(rules, a, input),
    enlist: (a, inner) => settleFrom(rules, a, enlist(rules, a, inner)),
    hearInner: (a, participant, report) => settleFrom(rules, a, applyInnerReport(rules, a, participant, report)),
    hearOuter: (a, decision) => settleFrom(rules, a, applyOuterDecision(rules, a, decision)),
  };
}

/** The machine with all three rules. */
export const machine: Machine = createMachine();

function deliver(rules: Rules, a: Activity, input: Input): Step {
  const last = delivered(a, input.stream);
  if (input.number <= last) return { activity: a, effects: [] };
  if (input.number !== last + 1) throw new RangeError(`stream ${input.stream}: ${input.number} delivered after ${last}`);
  const queue = [...(a.held.get(input.stream) ?? []), input];
  return settleFrom(rules, a, { activity: { ...a, held: put(a.held, input.stream, queue) }, effects: [] });
}

/** Takes up whatever a step released, and notes if the activity is over now that was not `before`. */
function settleFrom(rules: Rules, before: Activity, step: Step): Step {
  if (step.activity === before) return step;
  const { activity, effects } = settle(rules, step.activity);
  const over: readonly Effect[] = isEnded(activity) && !isEnded(before) ? [{ kind: 'ended' }] : [];
  return { activity, effects: [...step.effects, ...effects, ...over] };
}

/** Tries the head of every stream until all that is left is held. Each round uses up an input, so this ends. */
function settle(rules: Rules, start: Activity): Step {
  let activity = start;
  const effects: Effect[] = [];
  for (let progress = true; progress;) {
    progress = false;
    for (const stream of [...activity.held.keys()].sort(byCodeUnit)) {
      const step = takeHead(rules, activity, stream);
      if (step === undefined) continue;
      activity = step.activity;
      effects.push(...step.effects);
      progress = true;
    }
  }
  return { activity, effects };
}

/** Applies the head of a stream; undefined: it is held. */
function takeHead(rules: Rules, a: Activity, stream: string): Step | undefined {
  const [head, ...rest] = a.held.get(stream) ?? [];
  if (head === undefined) return undefined;
  const step = apply(rules, a, head);
  if (step === undefined) return undefined;
  const held = new Map(step.activity.held);
  if (rest.length === 0) held.delete(stream);
  else held.set(stream, rest);
  const position = { ...step.activity.streams.get(stream), applied: applied(a, stream) + 1 };
  return { activity: { ...step.activity, held, streams: put(step.activity.streams, stream, position) }, effects: step.effects };
}

function apply(rules: Rules, a: Activity, input: Input): Step | undefined {
  const { request } = input;
  switch (request.kind) {
    case 'register':
      return applyRegistration(rules, a, input, request);
    case 'notify':
      return applyNotification(rules, a, input, request);
    default:
      return input.stream === CONTROL_STREAM ? applyControl(rules, a, input, request) : misplaced(a, input, request);
  }
}

/** A control request on a participant's stream: no correct replica votes for it. */
function misplaced(a: Activity, input: Input, request: ControlRequest): Step {
  return { activity: a, effects: [refused(refOf(input), 'InvalidParameters', `${request.kind} belongs on the control stream`)] };
}
