import type { ParticipantMessage, State } from '../wsba/index.js';
import type { Enrollment } from './enrollment.js';

/** Thrown by a handler whose work can neither be finished nor undone: the coordinator is told Fail. */
export class CannotUndo extends Error {
  /** @param exceptionIdentifier what Fail says: `{namespace}local`, `wsba:local` or a plain local name */
  constructor(readonly exceptionIdentifier = 'CannotUndo') {
    super(`cannot undo: ${exceptionIdentifier}`);
    this.name = 'CannotUndo';
  }
}

/**
 * Does one thing for one enrollment; `enrollment.key` says which. When its promise is fulfilled, the work counts as done for good
 * and is reported. See Handlers for when it is called again.
 */
export type Handler = (enrollment: Enrollment) => Promise<void>;

/**
 * What a participant does when f + 1 replicas tell it. Before a handler is called, the state that calls for it is on disk. From
 * then on it is called **at least once**: that its promise was fulfilled is written down together with the report, so a process that
 * dies before then calls it again after the next `Participant.open`, with the same enrollment. A handler therefore has to find out
 * what it has done already, for instance by keeping it under `enrollment.key`, and do nothing twice.
 *
 * - Its promise is **fulfilled**: the report is written down and sent, and this handler is never called again for this enrollment.
 * - It **throws CannotUndo** in `cancel`, `compensate` or `complete`: Fail is reported instead, with the ExceptionIdentifier.
 * - It **throws anything else**: it is called again, at intervals that double from `handlerRetryMinMs` up to `handlerRetryMaxMs`,
 *   until it succeeds. The coordinator waits that long and repeats its command meanwhile.
 *
 * Handlers of one enrollment never overlap: a `cancel` that comes while `complete` runs is called after it. Those of different
 * enrollments do overlap.
 */
export interface Handlers {
  /**
   * CoordinatorCompletion only: no more work comes, so finish it; `compensate` must be able to undo it afterwards. Completed is
   * reported, unless the handler has itself reported something else (`enrollment.exit()`, `cannotComplete()` or `fail()`), or a
   * cancel came meanwhile.
   */
  readonly complete?: Handler;
  /** Makes completed work final. There is no way to refuse: what could go wrong had to be ruled out before Completed. */
  readonly close: Handler;
  /** Undoes work that has not been reported as completed, even if none was begun. */
  readonly cancel: Handler;
  /** Undoes completed work. */
  readonly compensate: Handler;
}

/** What is to be done in a state, and what reports that it is done. */
export interface Work {
  readonly handler: keyof Handlers;
  readonly report: ParticipantMessage;
}

export const WORK: { readonly [S in State]?: Work } = {
  Completing: { handler: 'complete', report: 'Completed' },
  Closing: { handler: 'close', report: 'Closed' },
  Canceling: { handler: 'cancel', report: 'Canceled' },
  Compensating: { handler: 'compensate', report: 'Compensated' },
};
