import type { Activity, ParticipantRecord, Settlement } from './activity.js';
import { CANCELED_WHILE_COMPLETING, mayStillComplete } from './inner.js';
import type { OuterDecision } from './inner.js';
import type { Rules } from './rules/index.js';
import { presentSet } from './rules/present-set.js';
import type { Judgement } from './rules/selection.js';
import { send, steer } from './steer.js';
import { accepted, put, refOf, refused } from './step.js';
import type { Step } from './step.js';
import type { ControlRequest, Decision, Effect, Input, Outcome, ParticipantId, RefusalCode } from './types.js';

const refuse = (code: RefusalCode, detail: string): Judgement => ({ kind: 'refuse', code, detail });
const WHOLE_ACTIVITY: Judgement = { kind: 'apply', named: [] };

/** What is wrong with a request in itself, for this outcome. */
function invalidParameters(outcome: Outcome, request: ControlRequest): string | undefined {
  const atomic = outcome === 'AtomicOutcome';
  switch (request.kind) {
    case 'invite':
      return request.matchcode === '' ? 'a matchcode is not empty' : undefined;
    case 'complete':
    case 'end':
      return undefined;
    case 'close':
      return !atomic && request.participants.length === 0 ? 'the participants to close are missing' : undefined;
    case 'cancel': {
      const names = (request.participants?.length ?? 0) > 0;
      if (atomic) return names ? 'an atomic activity is canceled as a whole' : undefined;
      return names ? undefined : 'the participants to cancel are missing';
    }
    case 'compensate':
      if (atomic) return 'participants of an atomic activity are not compensated one by one';
      return request.participants.length === 0 ? 'the participants to compensate are missing' : undefined;
  }
}

function judgeInvitation(a: Activity, matchcode: string): Judgement {
  if (!a.invitations.has(matchcode)) return WHOLE_ACTIVITY;
  return refuse('DuplicateMatchcode', `'${matchcode}' is already in use`);
}

/** What becomes of a control request that all earlier ones precede: wait, a refusal, or its effect. */
export function judgeControl(rules: Rules, a: Activity, request: ControlRequest): Judgement {
  const wrong = invalidParameters(a.outcome, request);
  if (wrong !== undefined) return refuse('InvalidParameters', wrong);
  if (request.kind === 'end') {
    return a.settlement?.kind === 'end' ? refuse('InvalidState', 'the activity was ended before') : WHOLE_ACTIVITY;
  }
  if (a.settlement !== undefined) return refuse('InvalidState', `the activity is settled: ${a.settlement.kind}`);
  if (request.kind === 'invite') return judgeInvitation(a, request.matchcode);
  if (request.kind === 'cancel' && a.outcome === 'AtomicOutcome') return WHOLE_ACTIVITY;
  return (rules.explicitSet ?? presentSet)(a, request);
}

/** Applies a control request; undefined: it is not enabled here yet and is held (rule 2). */
export function applyControl(rules: Rules, a: Activity, input: Input, request: ControlRequest): Step | undefined {
  const to = refOf(input);
  const judgement = judgeControl(rules, a, request);
  switch (judgement.kind) {
    case 'wait':
      return undefined;
    case 'refuse':
      return { activity: a, effects: [refused(to, judgement.code, judgement.detail)] };
    case 'apply': {
      const { activity, effects } = perform(rules, a, request, judgement.named);
      return { activity, effects: [accepted(to), ...effects] };
    }
  }
}

function perform(rules: Rules, a: Activity, request: ControlRequest, named: readonly ParticipantId[]): Step {
  switch (request.kind) {
    case 'invite': {
      const invitation = request.identity === undefined ? {} : { identity: request.identity };
      return { activity: { ...a, invitations: put(a.invitations, request.matchcode, invitation) }, effects: [] };
    }
    case 'complete':
      return complete(a, named);
    case 'close':
      return a.outcome === 'AtomicOutcome' ? settleAll(rules, a, { kind: 'close', named }) : decide(rules, a, 'close', named);
    case 'cancel':
      return a.outcome === 'AtomicOutcome' ? settleAll(rules, a, { kind: 'cancel' }) : decide(rules, a, 'cancel', named);
    case 'compensate':
      return decide(rules, a, 'compensate', named);
    case 'end':
      return a.settlement === undefined ? settleAll(rules, a, { kind: 'end' }) : { activity: a, effects: [] };
  }
}

/** Complete reaches the Active participants of CoordinatorCompletion; others are skipped. */
function complete(a: Activity, named: readonly ParticipantId[]): Step {
  const changed = new Map(a.participants);
  const effects: Effect[] = [];
  for (const id of named) {
    const p = changed.get(id);
    if (p !== undefined && mayStillComplete(a, p)) changed.set(id, { ...p, state: CANCELED_WHILE_COMPLETING });
    if (p === undefined || p.protocol !== 'CoordinatorCompletion' || p.state !== 'Active') continue;
    changed.set(id, send(p, 'Complete'));
    effects.push({ kind: 'command', participant: id, command: 'Complete', state: p.state });
  }
  return { activity: { ...a, participants: changed }, effects };
}

/** The first decision of an atomic activity, or END: final. */
function settleAll(rules: Rules, a: Activity, settlement: Settlement): Step {
  return steer(rules, { ...a, settlement }, [...a.participants.keys()].sort());
}

/** A decision of a mixed activity. Those decided before were decided alike: for them it says nothing new. */
function decide(rules: Rules, a: Activity, decision: Decision, named: readonly ParticipantId[]): Step {
  const changed = new Map(a.participants);
  for (const id of named) {
    const p: ParticipantRecord | undefined = changed.get(id);
    if (p !== undefined && p.decision === undefined) changed.set(id, { ...p, decision });
  }
  return steer(rules, { ...a, participants: changed }, named);
}

/** The outer activity's decision about an inner one reaches every participant of it. */
export function applyOuterDecision(rules: Rules, a: Activity, decision: OuterDecision): Step {
  if (a.outer === undefined || a.outer.decision !== undefined) return { activity: a, effects: [] };
  return steer(rules, { ...a, outer: { ...a.outer, decision } }, [...a.participants.keys()].sort());
}
