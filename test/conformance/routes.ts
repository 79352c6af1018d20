import type { CoordinatorMessage, Decision, ParticipantMessage, Protocol, State } from '../../src/wsba/index.js';

/** What an initiator can ask for participants of a mixed activity. */
export type Order = Decision | 'complete';

/** One step on the way to a state: the initiator orders something, or the participant says something. */
export type Step = { readonly order: Order } | { readonly say: ParticipantMessage };

const order = (name: Order): Step => ({ order: name });
const say = (message: ParticipantMessage): Step => ({ say: message });

/** How a participant that has just registered gets into each state of the coordinator's table. */
export const ROUTES: Readonly<Record<Protocol, { readonly [S in State]?: readonly Step[] }>> = {
  ParticipantCompletion: {
    Active: [],
    Canceling: [order('cancel')],
    Completed: [say('Completed')],
    Closing: [say('Completed'), order('close')],
    Compensating: [say('Completed'), order('compensate')],
    'Failing-Active': [say('Fail')],
    'Failing-Canceling': [order('cancel'), say('Fail')],
    'Failing-Compensating': [say('Completed'), order('compensate'), say('Fail')],
    NotCompleting: [say('CannotComplete')],
    Exiting: [say('Exit')],
    Ended: [say('Completed'), order('close'), say('Closed')],
  },
  CoordinatorCompletion: {
    Active: [],
    'Canceling-Active': [order('cancel')],
    'Canceling-Completing': [order('complete'), order('cancel')],
    Completing: [order('complete')],
    Completed: [order('complete'), say('Completed')],
    Closing: [order('complete'), say('Completed'), order('close')],
    Compensating: [order('complete'), say('Completed'), order('compensate')],
    'Failing-Active': [say('Fail')],
    'Failing-Canceling': [order('cancel'), say('Fail')],
    'Failing-Completing': [order('complete'), say('Fail')],
    'Failing-Compensating': [order('complete'), say('Completed'), order('compensate'), say('Fail')],
    NotCompleting: [say('CannotComplete')],
    Exiting: [say('Exit')],
    Ended: [order('complete'), say('Completed'), order('close'), say('Closed')],
  },
};

export function routeTo(protocol: Protocol, state: State): readonly Step[] {
  const route = ROUTES[protocol][state];
  if (route === undefined) throw new TypeError(`no way to ${state} in ${protocol}`);
  return route;
}

/** States that the coordinator leaves by itself, and the acknowledgement it leaves them with: seen while that is held back. */
export const LEFT_BY: { readonly [S in State]?: CoordinatorMessage } = {
  Exiting: 'Exited',
  NotCompleting: 'NotCompleted',
  'Failing-Active': 'Failed',
  'Failing-Canceling': 'Failed',
  'Failing-Completing': 'Failed',
  'Failing-Compensating': 'Failed',
};

/** The messages that only an initiator's order makes the coordinator send. */
export const ORDERED: { readonly [M in CoordinatorMessage]?: Order } = {
  Cancel: 'cancel',
  Close: 'close',
  Compensate: 'compensate',
  Complete: 'complete',
};

/** What the initiator is told: done, refused for good, or that the request waits. */
export type OrderAnswer = 'reply' | 'InvalidState' | 'NotEnabled';

/**
 * What becomes of an order for a participant in each state. `close` and `compensate` wait for a participant that may still
 * complete; whoever was decided otherwise, or ended without completing to the end, is refused; the rest needs nothing.
 */
const ANSWERS: { readonly [S in State]?: Readonly<Record<Order, OrderAnswer>> } = {
  Active: { cancel: 'reply', close: 'NotEnabled', compensate: 'NotEnabled', complete: 'reply' },
  Completing: { cancel: 'reply', close: 'NotEnabled', compensate: 'NotEnabled', complete: 'reply' },
  Completed: { cancel: 'reply', close: 'reply', compensate: 'reply', complete: 'reply' },
  Canceling: { cancel: 'reply', close: 'InvalidState', compensate: 'InvalidState', complete: 'reply' },
  'Canceling-Active': { cancel: 'reply', close: 'InvalidState', compensate: 'InvalidState', complete: 'reply' },
  'Canceling-Completing': { cancel: 'reply', close: 'InvalidState', compensate: 'InvalidState', complete: 'reply' },
  Closing: { cancel: 'InvalidState', close: 'reply', compensate: 'InvalidState', complete: 'reply' },
  Compensating: { cancel: 'InvalidState', close: 'InvalidState', compensate: 'reply', complete: 'reply' },
  'Failing-Active': { cancel: 'reply', close: 'InvalidState', compensate: 'InvalidState', complete: 'reply' },
  'Failing-Completing': { cancel: 'reply', close: 'InvalidState', compensate: 'InvalidState', complete: 'reply' },
  'Failing-Canceling': { cancel: 'reply', close: 'InvalidState', compensate: 'InvalidState', complete: 'reply' },
  'Failing-Compensating': { cancel: 'InvalidState', close: 'InvalidState', compensate: 'reply', complete: 'reply' },
  NotCompleting: { cancel: 'reply', close: 'InvalidState', compensate: 'InvalidState', complete: 'reply' },
  Exiting: { cancel: 'reply', close: 'reply', compensate: 'reply', complete: 'reply' },
  Ended: { cancel: 'InvalidState', close: 'reply', compensate: 'InvalidState', complete: 'reply' },
};

export function answerTo(state: State, given: Order): OrderAnswer {
  const answer = ANSWERS[state]?.[given];
  if (answer === undefined) throw new TypeError(`no answer to ${given} in ${state}`);
  return answer;
}
