import { ConcordatError } from '../errors.js';
import { MAX_LISTED_ACTIVITIES, reportActivity, type ReportSources, summarize } from './report.js';
import type { ReplicaStatus } from './status.js';

export interface OperatorSources extends ReportSources {
  readonly status: () => ReplicaStatus;
}

/**
 * Answers what an operator asks on the peer port. Questions only: an operator can change nothing here.
 * @throws ConcordatError UnknownActivity; Usage for anything that is not a question of ours
 */
export function answerOperator(request: unknown, sources: OperatorSources): unknown {
  const { ask, activity, limit }: Record<string, unknown> = isObject(request) ? request : {};
  switch (ask) {
    case 'status':
      return sources.status();
    case 'activities': {
      const most = typeof limit === 'number' && limit >= 1 ? limit : MAX_LISTED_ACTIVITIES;
      return { replica: sources.replica, activities: summarize(sources, most) };
    }
    case 'activity': {
      const id = typeof activity === 'string' ? activity : '';
      const report = reportActivity(sources, id);
      if (report === undefined) throw new ConcordatError('UnknownActivity', id);
      return report;
    }
    default:
      throw new ConcordatError('Usage', 'an operator may ask for "status", "activities" or "activity"');
  }
}

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;
