import { PARTICIPANT_MESSAGES } from '../../src/wsba/index.js';
import type { ControlRequest } from '../../src/wsba/index.js';
import { P, Q, sequences } from './lattice.js';
import type { Family } from './lattice.js';

const close = (...participants: string[]): ControlRequest => ({ kind: 'close', participants });
const complete = (...participants: string[]): ControlRequest => ({ kind: 'complete', participants });
const compensate = (...participants: string[]): ControlRequest => ({ kind: 'compensate', participants });
const cancel = (...participants: string[]): ControlRequest => ({ kind: 'cancel', participants });
const cancelAll: ControlRequest = { kind: 'cancel' };
const end: ControlRequest = { kind: 'end' };

const CONTROLS: Family['controls'] = {
  AtomicOutcome: [
    [complete(P, Q), close(P, Q), end],
    [complete(P), close(P)],
    [close(P), cancelAll],
    [complete(P), cancelAll, close(P)],
    [complete(P, Q), end],
    [close()],
  ],
  MixedOutcome: [
    [complete(P, Q), close(P), compensate(Q)],
    [complete(P), close(P), cancel(P, Q), end],
    [complete(P), cancel(P), close(P), end],
    [complete(P), compensate(P), compensate(P), end],
    [complete(P), cancel(Q), close(P, Q)],
    [end, cancel(P)],
  ],
};

/** Every pair of messages of P, nonsense included, against a Q that completes. */
export const MODEST: Family = {
  protocols: [
    ['ParticipantCompletion', 'CoordinatorCompletion'],
    ['CoordinatorCompletion', 'ParticipantCompletion'],
  ],
  controls: CONTROLS,
  first: sequences(PARTICIPANT_MESSAGES, 2),
  second: [['Completed']],
};

/** Single messages of P, against two streams of Q: enough to see that each rule is needed. */
export const SMALL: Family = {
  ...MODEST,
  first: sequences(PARTICIPANT_MESSAGES, 1),
  second: [['Completed'], ['Canceled', 'Exit']],
};

/** Every pair of messages of both, and more to decide: some 234 000 sets. */
export const EXHAUSTIVE: Family = {
  protocols: [
    ['ParticipantCompletion', 'ParticipantCompletion'],
    ['ParticipantCompletion', 'CoordinatorCompletion'],
    ['CoordinatorCompletion', 'CoordinatorCompletion'],
  ],
  controls: {
    AtomicOutcome: [
      ...CONTROLS.AtomicOutcome,
      [],
      [cancelAll],
      [complete(Q), close(Q)],
      [complete(P, Q), close(Q), close(P)],
      [complete(P, Q), cancelAll, end],
      [end, close(P)],
    ],
    MixedOutcome: [
      ...CONTROLS.MixedOutcome,
      [],
      [complete(P, Q), close(P, Q), end],
      [complete(Q), compensate(P, Q), cancel(Q)],
      [cancel(P), complete(P), cancel(Q)],
      [complete(P, Q), cancel(P, Q), close(Q)],
      [close(P), close(P, Q), end],
    ],
  },
  first: sequences(PARTICIPANT_MESSAGES, 2),
  second: sequences(PARTICIPANT_MESSAGES, 2),
};
