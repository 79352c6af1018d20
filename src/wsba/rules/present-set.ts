import type { Activity, ParticipantRecord } from '../activity.js';
import type { ParticipantId, State } from '../types.js';
import { namedBy } from './selection.js';
import type { Judgement, NamingRequest, SelectionRule } from './selection.js';

/**
 * Without rule 2: the handling of WS-BA-I as its authors built it, where a request meets whoever is there. It waits for nobody,
 * so its effect depends on the position of the request among all others: sound only under a total order.
 */
export const presentSet: SelectionRule = (a, request) =>
  a.outcome === 'AtomicOutcome' && request.kind === 'close' ? closeAll(a) : skipUnfit(a, request);

/** closeAllParticipants: everybody must be Completed or Ended. */
function closeAll(a: Activity): Judgement {
  const all = [...a.participants.values()];
  const unfit = all.find((p) => p.state !== 'Completed' && p.state !== 'Ended');
  if (unfit !== undefined) return { kind: 'refuse', code: 'InvalidState', detail: `${unfit.id} is ${unfit.state}` };
  return { kind: 'apply', named: all.map((p) => p.id).sort() };
}

const FIT: Readonly<Record<NamingRequest['kind'], readonly State[]>> = {
  complete: ['Active'],
  cancel: ['Active', 'Completing', 'Completed'],
  close: ['Completed'],
  compensate: ['Completed'],
};

/** The operations of the mixed outcome skip unknown participants and those in another state. */
function skipUnfit(a: Activity, request: NamingRequest): Judgement {
  const isFit = (p: ParticipantRecord | undefined): boolean => p !== undefined && FIT[request.kind].includes(p.state);
  const named: readonly ParticipantId[] = namedBy(request).filter((id) => isFit(a.participants.get(id)));
  return { kind: 'apply', named };
}
