import type { ParticipantRecord } from '../activity.js';
import type { ParticipantId } from '../types.js';
import { namedBy } from './selection.js';
import type { NamingRequest, SelectionRule } from './selection.js';

/**
 * Completed and Ended are where a participant nobody decided about stays, so what is enabled once is enabled for good. Having
 * completed counts, not being Completed: in an inner activity the outer one may have decided meanwhile.
 */
function isReady(p: ParticipantRecord | undefined, kind: NamingRequest['kind']): boolean {
  if (p === undefined) return false;
  switch (kind) {
    case 'complete':
    case 'cancel':
      return true;
    case 'close':
    case 'compensate':
      return p.decision === kind || p.completed || p.state === 'Ended';
  }
}

const decidedOtherwise = (p: ParticipantRecord | undefined, kind: NamingRequest['kind']): boolean =>
  kind !== 'complete' && p?.decision !== undefined && p.decision !== kind;

const isLost = (p: ParticipantRecord | undefined, kind: NamingRequest['kind']): boolean =>
  (kind === 'close' || kind === 'compensate') &&
  p !== undefined &&
  p.decision === undefined &&
  p.state === 'Ended' &&
  !p.completed &&
  p.endedBy !== 'Exit';

/**
 * Rule 2. A request names its participants and waits until all of them are registered and, for close and compensate,
 * Completed or Ended. It is then applied or refused as a whole.
 *
 * Earlier decisions are asked first: they follow from the control stream alone, so that answer is the same however the
 * streams interleave, while a decided participant's state is not.
 */
export const explicitSet: SelectionRule = (a, request) => {
  const named = namedBy(request);
  const where = (test: (p: ParticipantRecord | undefined, kind: NamingRequest['kind']) => boolean): readonly ParticipantId[] =>
    named.filter((id) => test(a.participants.get(id), request.kind));

  const conflicts = where(decidedOtherwise);
  if (conflicts.length > 0) return refuse('was decided otherwise before', conflicts);
  const waitsFor = where((p, kind) => !isReady(p, kind));
  if (waitsFor.length > 0) return { kind: 'wait', waitsFor };
  const lost = where(isLost);
  if (lost.length > 0) return refuse('has already ended without completing to the end', lost);
  return { kind: 'apply', named };
};

function refuse(why: string, ids: readonly ParticipantId[]): ReturnType<SelectionRule> {
  return { kind: 'refuse', code: 'InvalidState', detail: `${ids[0] ?? ''} ${why}` };
}
