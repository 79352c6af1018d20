import type { Activity, ParticipantRecord } from './activity.js';
import { restand, toOuterDecision } from './inner.js';
import { lateRegistration, namedOnly } from './rules/late-registration.js';
import type { Rules } from './rules/index.js';
import { put } from './step.js';
import type { Step } from './step.js';
import { onSend } from './tables.js';
import type { CoordinatorMessage, Decision, Effect, ParticipantId, State } from './types.js';

/** Exit, Fail and CannotComplete are acknowledged by the coordinator itself, at once. */
const ACKNOWLEDGEMENTS: { readonly [S in State]?: CoordinatorMessage } = {
  Exiting: 'Exited',
  NotCompleting: 'NotCompleted',
  'Failing-Active': 'Failed',
  'Failing-Canceling': 'Failed',
  'Failing-Completing': 'Failed',
  'Failing-Compensating': 'Failed',
};

/** Which command brings a participant nearer to what was decided for it. After Canceling, a Completed that crossed is compensated. */
const STEERING: Readonly<Record<Decision, { readonly [S in State]?: CoordinatorMessage }>> = {
  close: { Completed: 'Close' },
  compensate: { Completed: 'Compensate' },
  cancel: { Active: 'Cancel', Completing: 'Cancel', Completed: 'Compensate' },
};

function decisionUnder(rule: Rules['lateRegistration'], a: Activity, p: ParticipantRecord): Decision | undefined {
  if (p.decision !== undefined) return p.decision;
  if (a.outer?.decision === 'cancel') return 'cancel';
  const decision = a.settlement === undefined ? undefined : (rule ?? namedOnly)(a.settlement, p.id);
  // An inner activity closes nobody before the outer one closes it; whom its close does not name is canceled at once.
  return decision === 'close' && a.outer !== undefined && a.outer.decision === undefined ? undefined : decision;
}

/** What is decided for a participant: by its own decision, or by the settlement of the activity; undefined: nothing yet. */
export function decisionFor(a: Activity, p: ParticipantRecord): Decision | undefined {
  return decisionUnder(lateRegistration, a, p);
}

/** Sends `command`, which the table must allow. */
export function send(p: ParticipantRecord, command: CoordinatorMessage): ParticipantRecord {
  const cell = onSend(p.protocol, 'coordinator', p.state, command);
  if (cell.kind === 'forbidden') throw new RangeError(`${command} must not be sent in ${p.state}`);
  return cell.kind === 'go' ? { ...p, state: cell.to } : p;
}

/** Sends a participant what its state and its decision call for, until they call for nothing more. */
export function steer(rules: Rules, a: Activity, ids: Iterable<ParticipantId>): Step {
  const effects: Effect[] = [];
  let all = a.participants;
  for (const id of ids) {
    let p = a.participants.get(id);
    if (p === undefined) continue;
    const decision = decisionUnder(rules.lateRegistration, a, p);
    if (p.inner !== undefined) {
      all = put(all, id, restand(p, p.inner, decision));
      const { activity } = p.inner;
      if (decision !== undefined) effects.push({ kind: 'inner', participant: id, activity, decision: toOuterDecision(decision) });
      continue;
    }
    const before = effects.length;
    for (let command = nextCommand(p.state, decision); command !== undefined; command = nextCommand(p.state, decision)) {
      effects.push({ kind: 'command', participant: id, command, state: p.state });
      p = send(p, command);
    }
    if (effects.length > before) all = put(all, id, p);
  }
  return { activity: { ...a, participants: all }, effects };
}

function nextCommand(state: State, decision: Decision | undefined): CoordinatorMessage | undefined {
  return ACKNOWLEDGEMENTS[state] ?? (decision === undefined ? undefined : STEERING[decision][state]);
}
