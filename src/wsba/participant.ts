import type { Activity, ParticipantRecord } from './activity.js';
import { CANCELED_WHILE_COMPLETING, mayStillComplete } from './inner.js';
import type { InnerReport } from './inner.js';
import { participantOf } from './activity.js';
import type { HoldRule } from './rules/hold.js';
import type { Rules } from './rules/index.js';
import { steer } from './steer.js';
import { accepted, put, refOf, refused, withParticipant } from './step.js';
import type { Step } from './step.js';
import { INITIAL_STATE, onReceive } from './tables.js';
import { CONTROL_STREAM, isProtocol } from './types.js';
import type {
  CoordinatorMessage,
  Input,
  InputRef,
  Notification,
  ParticipantId,
  ParticipantMessage,
  RefusalCode,
  Registration,
  State,
} from './types.js';

/**
 * Why a Register is refused, if it is. It must follow from the request and its position alone: invitations count when a replica
 * votes, not here, or the answer would depend on how the streams interleave. (Ids derive from the request, so that of another
 * participant cannot occur; and refusing late ones is what rule 3 does away with.)
 */
export function registrationRefusal(
  rules: Rules,
  a: Activity,
  to: InputRef,
  request: Registration,
): { code: RefusalCode; detail: string } | undefined {
  if (to.stream === CONTROL_STREAM || to.number !== 1) {
    return { code: 'InvalidParameters', detail: 'Register is the first request of a stream of its own' };
  }
  if (!isProtocol(request.protocol)) return { code: 'InvalidProtocol', detail: `'${String(request.protocol)}' is no protocol` };
  if (a.participants.has(request.participant)) {
    return { code: 'CannotRegisterParticipant', detail: `${request.participant} is registered already` };
  }
  if (rules.lateRegistration === undefined && a.settlement !== undefined) {
    return { code: 'CannotRegisterParticipant', detail: 'the activity is decided' };
  }
  return undefined;
}

/** Applies a Register: the participant is Active, or at once canceled if the activity is settled. */
export function applyRegistration(rules: Rules, a: Activity, input: Input, request: Registration): Step {
  const to = refOf(input);
  const refusal = registrationRefusal(rules, a, to, request);
  if (refusal !== undefined) return { activity: a, effects: [refused(to, refusal.code, refusal.detail)] };
  const record: ParticipantRecord = {
    id: request.participant,
    protocol: request.protocol,
    invitation: request.invitation,
    writer: request.writer,
    service: request.service,
    stream: to.stream,
    state: INITIAL_STATE,
    completed: false,
  };
  const streams = put(a.streams, to.stream, { applied: 0, participant: record.id });
  const { activity, effects } = steer(rules, withParticipant({ ...a, streams }, record), [record.id]);
  return { activity, effects: [accepted(to), ...effects] };
}

/** Takes in an inner activity; like a late registration it is canceled at once if this one is settled. */
export function enlist(rules: Rules, a: Activity, inner: ParticipantRecord): Step {
  if (a.participants.has(inner.id)) return { activity: a, effects: [] };
  return steer(rules, withParticipant(a, inner), [inner.id]);
}

/** Renews what is known of an inner activity. */
export function applyInnerReport(rules: Rules, a: Activity, participant: ParticipantId, report: InnerReport): Step {
  const p = a.participants.get(participant);
  if (p?.inner === undefined) return { activity: a, effects: [] };
  return steer(rules, withParticipant(a, { ...p, inner: report }), [participant]);
}

/** Applies a notification by the coordinator's table; undefined: it is held (rule 1). */
export function applyNotification(rules: Rules, a: Activity, input: Input, request: Notification): Step | undefined {
  const p = participantOf(a, input.stream);
  if (p === undefined) return { activity: a, effects: [] };
  const { message } = request;
  const cell = onReceive(p.protocol, 'coordinator', p.state, message);
  switch (cell.kind) {
    case 'go':
      return steer(rules, withParticipant(a, received(p, request, cell.to)), [p.id]);
    case 'ignore':
      return { activity: a, effects: [] };
    case 'resend':
      return { activity: a, effects: [{ kind: 'command', participant: p.id, command: cell.message, state: p.state }] };
    case 'InvalidState': {
      if (releasedBy(rules.hold, a, p, message).length > 0) return undefined;
      return { activity: a, effects: [{ kind: 'fault', to: refOf(input), participant: p.id, message, state: p.state }] };
    }
  }
}

/** What of the coordinator's can still make a message legal that is not legal now (rule 1); nothing without that rule. */
export function releasedBy(
  rule: HoldRule | undefined,
  a: Activity,
  p: ParticipantRecord,
  message: ParticipantMessage,
): readonly CoordinatorMessage[] {
  if (rule === undefined) return [];
  const sendings = rule(p.protocol, p.state, message);
  if (sendings.length > 0 || !mayStillComplete(a, p)) return sendings;
  return onReceive(p.protocol, 'coordinator', CANCELED_WHILE_COMPLETING, message).kind === 'InvalidState' ? [] : ['Complete'];
}

/** Every message that moves a participant ends it, now or once it is acknowledged, but Completed. */
function received(p: ParticipantRecord, { message, exception }: Notification, state: State): ParticipantRecord {
  if (message === 'Completed') return { ...p, state, completed: true };
  return { ...p, state, endedBy: message, ...exceptionOf(message, exception) };
}

const exceptionOf = (message: ParticipantMessage, exception: string | undefined): { exception?: string } =>
  message === 'Fail' && exception !== undefined ? { exception } : {};
