import type { Activity } from './activity.js';
import { delivered, heldCount, participantOf } from './activity.js';
import { judgeControl } from './control.js';
import { MAX_HELD_PER_STREAM } from './limits.js';
import { registrationRefusal } from './participant.js';
import type { Rules } from './rules/index.js';
import { refOf } from './step.js';
import { CONTROL_STREAM, isParticipantMessage } from './types.js';
import type { Admission, ControlRequest, Input, Notification, RefusalCode, Registration, WaitCode } from './types.js';

const ADMIT: Admission = { verdict: 'admit' };
const wait = (code: WaitCode, waitsFor: readonly string[]): Admission => ({ verdict: 'wait', code, waitsFor });
const refuse = (code: RefusalCode | 'NotInvited', detail: string): Admission => ({ verdict: 'refuse', code, detail });

/**
 * May a replica in this state vote for the input? Only what can never take effect is refused: an ordered refusal (a second
 * decision, say) is voted for, since its answer is part of the stream.
 */
export function admitInput(rules: Rules, a: Activity, input: Input): Admission {
  const last = delivered(a, input.stream);
  if (input.number <= last) return refuse('InvalidParameters', `number ${input.number} was delivered already`);
  const { request } = input;
  switch (request.kind) {
    case 'register':
      return admitRegistration(rules, a, input, request);
    case 'notify':
      return admitNotification(a, input, request);
    default:
      return admitControl(rules, a, input, request);
  }
}

/** The position before `input`, which the writer must have filled first. */
const predecessor = ({ stream, number }: Input): readonly string[] => [`${stream}#${number - 1}`];

function admitControl(rules: Rules, a: Activity, input: Input, request: ControlRequest): Admission {
  if (input.stream !== CONTROL_STREAM) return refuse('InvalidParameters', `${request.kind} belongs on the control stream`);
  if (heldCount(a) > 0 || input.number !== delivered(a) + 1) return wait('PredecessorMissing', predecessor(input));
  const judgement = judgeControl(rules, a, request);
  return judgement.kind === 'wait' ? wait('NotEnabled', judgement.waitsFor) : ADMIT;
}

function admitRegistration(rules: Rules, a: Activity, input: Input, request: Registration): Admission {
  const refusal = registrationRefusal(rules, a, refOf(input), request);
  if (refusal !== undefined) return refuse(refusal.code, refusal.detail);
  return admitInvitation(a, request.invitation, request.writer) ?? ADMIT;
}

/** What speaks against registering with this matchcode now; '' is the plain context, which anybody may use. */
export function admitInvitation(a: Activity, matchcode: string, writer: string): Admission | undefined {
  if (matchcode === '') return undefined;
  const invitation = a.invitations.get(matchcode);
  if (invitation === undefined) return wait('InvitationMissing', [matchcode]);
  if (invitation.identity !== undefined && invitation.identity !== writer) {
    return refuse('NotInvited', 'the invitation names another identity');
  }
  return undefined;
}

function admitNotification(a: Activity, input: Input, { message }: Notification): Admission {
  if (input.stream === CONTROL_STREAM || input.number === 1) {
    return refuse('InvalidParameters', 'a participant registers before it reports');
  }
  if (!isParticipantMessage(message)) return refuse('InvalidParameters', `'${String(message)}' is no message of a participant`);
  const last = delivered(a, input.stream);
  if (last === 0) return wait('UnknownParticipant', predecessor(input));
  if (participantOf(a, input.stream) === undefined) return refuse('InvalidParameters', 'nobody is registered on this stream');
  if (input.number !== last + 1) return wait('PredecessorMissing', predecessor(input));
  const tooMany = heldCount(a, input.stream) >= MAX_HELD_PER_STREAM;
  return tooMany ? wait('PredecessorMissing', predecessor(input)) : ADMIT;
}
