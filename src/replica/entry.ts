import type { Activity, CoordinatorMessage, Result, State } from '../wsba/index.js';
import type { TimelineLine } from './report.js';

/** What happened in an activity, in the order in which this replica saw it. */
export type HistoryLine =
  | {
      readonly kind: 'request';
      readonly stream: string;
      readonly number: number;
      /** Local name of the Body's child. */
      readonly message: string;
    }
  | {
      readonly kind: 'command';
      readonly participant: string;
      readonly command: CoordinatorMessage;
      /** The state it was sent in: Exiting for an Exited. */
      readonly state: State;
    };

/** An activity as the service holds it. */
export interface Entry {
  activity: Activity;
  /** The stream of the request that created it. */
  readonly create: string;
  /** Streams with deliveries in it, that one included. */
  readonly streams: Set<string>;
  /** What was told about it when it was retired last; `history` goes on from there. */
  readonly told: readonly TimelineLine[];
  readonly history: HistoryLine[];
  /** Answers given, by stream and number of wsba. */
  readonly results: Map<string, Result>;
  /** Matchcodes, and whom each is reserved for, as the control stream was delivered. */
  readonly invited: Map<string, string | undefined>;
}

export const newEntry = (activity: Activity, create: string): Entry => ({
  activity,
  create,
  streams: new Set([create]),
  told: [],
  history: [],
  results: new Map(),
  invited: new Map(),
});
