import type { Activity } from './activity.js';
import { byCodeUnit, participantOf } from './activity.js';
import { judgeControl } from './control.js';
import { releasedBy } from './participant.js';
import { ALL_RULES } from './rules/index.js';
import type { Input } from './types.js';

export interface Waiting {
  readonly stream: string;
  readonly number: number;
  /** A control request: ids of participants. A notification: the commands, any of which would release it. */
  readonly waitsFor: readonly string[];
}

/** What stands at the head of a stream and waits, in the order of the streams' names. */
export function waiting(a: Activity): readonly Waiting[] {
  return [...a.held]
    .sort(([s], [t]) => byCodeUnit(s, t))
    .flatMap(([stream, [head]]) => (head === undefined ? [] : [{ stream, number: head.number, waitsFor: waitsFor(a, head) }]));
}

function waitsFor(a: Activity, { stream, request }: Input): readonly string[] {
  switch (request.kind) {
    case 'register':
      return [];
    case 'notify': {
      const p = participantOf(a, stream);
      return p === undefined ? [] : releasedBy(ALL_RULES.hold, a, p, request.message);
    }
    default: {
      const judgement = judgeControl(ALL_RULES, a, request);
      return judgement.kind === 'wait' ? judgement.waitsFor : [];
    }
  }
}
