import type { SourceOrderedBroadcast } from '../bft/index.js';
import { parseStream } from '../contract/index.js';
import { activityId } from '../wsba/index.js';
import type { CoordinationService } from './service.js';

export interface InstanceSources {
  readonly service: Pick<CoordinationService, 'activity'>;
  readonly broadcast: Pick<
    SourceOrderedBroadcast<unknown>,
    'catchUp' | 'caughtUpSince' | 'isDelivered' | 'isUnderway' | 'underway'
  >;
}

/**
 * Whether an activity or participant that this replica does not know exists at all. By the standard an unknown instance counts as
 * Ended, but a replica that is merely behind must not say so: a participant would take it for the end of its work.
 *
 * A registration that an honest participant has seen acknowledged was delivered by n − f replicas before it sent anything else. So
 * once this replica has been through what n − f replicas (itself included) had delivered when the message came, and still does not
 * know the participant, nobody honest has heard of it. An activity is told to its creator after a certificate: n − f replicas voted
 * for it before, so it is at least underway here, or at one of those whose logs we have been through, which passes it on.
 */
export class Instances {
  constructor(private readonly sources: InstanceSources) {}

  knowsActivity(id: string): boolean {
    return this.sources.service.activity(id) !== undefined;
  }

  knowsParticipant(stream: string): boolean {
    return this.sources.broadcast.isDelivered({ stream, number: 1 });
  }

  /** Begins to find out about something unknown that a message which came at this time is about. */
  inquire(since: number): void {
    this.sources.broadcast.catchUp(since);
  }

  /** Whether nobody knew the activity when a message about it came, at that time. False also while it is not known yet. */
  hasNoActivity(id: string, since: number): boolean {
    if (this.knowsActivity(id) || !this.sources.broadcast.caughtUpSince(since)) return false;
    return !this.sources.broadcast.underway(isCreate).some((digest) => activityId(digest) === id);
  }

  /** The same for a participant, by the name of its stream. */
  hasNoParticipant(stream: string, activity: string, since: number): boolean {
    const { broadcast } = this.sources;
    if (this.knowsParticipant(stream) || !broadcast.caughtUpSince(since)) return false;
    if (broadcast.isUnderway({ stream, number: 1 })) return false;
    return this.knowsActivity(activity) || this.hasNoActivity(activity, since);
  }
}

const isCreate = (stream: string): boolean => parseStream(stream)?.kind === 'create';
