import { positionKey, type Request } from '../../src/bft/index.js';
import type { Initiator } from './initiator.js';
import { answerTo, isDelivered } from './oracle.js';
import type { Participant } from './participant.js';
import type { Order } from './requests.js';
import type { Stage } from './stage.js';
import type { World } from './world.js';

/**
 * What the check is about. Runs in which one of these never came would show nothing of it, so the tests ask that each comes.
 * Every one is told from the end of a run.
 */
export const SITUATIONS: Readonly<Record<string, (stage: Stage) => boolean>> = {
  'a participant closed': ended('Closed'),
  'one canceled': ended('Canceled'),
  'one compensated': ended('Compensated'),
  'one exited': ended('Exit'),
  'one failed': ended('Fail'),
  'one could not complete': ended('CannotComplete'),
  'a participant of CoordinatorCompletion closed': honest(
    (guest) => guest.endedBy === 'Closed' && guest.protocol === 'CoordinatorCompletion',
  ),
  'several participants of an atomic activity closed together': activity(
    (_world, { plan, guests }) =>
      plan.outcome === 'AtomicOutcome' && guests.filter((guest) => guest.endedBy === 'Closed').length > 1,
  ),
  'a mixed activity kept some work and undid some': activity(
    (_world, { plan, guests }) =>
      plan.outcome === 'MixedOutcome' && ['Closed', 'Compensated'].every((end) => guests.some((guest) => guest.endedBy === end)),
  ),
  'a close was refused': activity((world, initiator) => answers(world, initiator, 'close').includes('InvalidState')),
  'a second decision was refused': activity((world, initiator) =>
    answers(world, initiator, 'cancelAll').includes('InvalidState'),
  ),
  'a close left somebody out': activity(leftOut),
  'somebody registered after the decision': activity((world, initiator) => orders(world, initiator).has('late')),
  'somebody registered before the decision at one replica and after it at another': activity(
    (world, initiator) => orders(world, initiator).size > 1,
  ),
  'a participant answered at a replica that had not decided': activity(overtook),
  'nonsense was answered InvalidState': ({ world }) => world.faults.length > 0,
  'a lie was proven': proven('replica'),
  'a writer was proven to sign two requests for one position': proven('writer'),
};

function honest(predicate: (guest: Participant) => boolean): (stage: Stage) => boolean {
  return (stage) => [...stage.guests].some((guest) => guest.character.honest && predicate(guest));
}

function ended(by: string): (stage: Stage) => boolean {
  return honest((guest) => guest.endedBy === by);
}

function activity(predicate: (world: World, initiator: Initiator) => boolean): (stage: Stage) => boolean {
  return (stage) => [...stage.initiators.values()].some((initiator) => predicate(stage.world, initiator));
}

function proven(kind: 'replica' | 'writer'): (stage: Stage) => boolean {
  return ({ world }) =>
    world.correct.some((id) =>
      world.cluster
        .node(id)
        .broadcast.evidence()
        .some((item) => item.kind === kind),
    );
}

function answers(world: World, initiator: Initiator, kind: string): string[] {
  return initiator.orders
    .filter((sent) => sent.order.kind === kind && isDelivered(world, sent))
    .map((sent) => answerTo(world, sent));
}

/** The order that settled an atomic activity. */
function decision(world: World, initiator: Initiator): Initiator['orders'][number] | undefined {
  if (initiator.plan.outcome === 'MixedOutcome') return undefined;
  return initiator.orders.find(
    (sent) =>
      (sent.order.kind === 'close' || sent.order.kind === 'cancelAll') &&
      isDelivered(world, sent) &&
      answerTo(world, sent) === 'ok',
  );
}

function leftOut(world: World, initiator: Initiator): boolean {
  const order = decision(world, initiator)?.order;
  return order?.kind === 'close' && initiator.guests.some((guest) => !order.participants.includes(guest.id) && guest.isThrough);
}

/** Whether replicas delivered Registers early or late, relative to the decision; both only for one and the same participant. */
function orders(world: World, initiator: Initiator): ReadonlySet<'early' | 'late'> {
  const decided = decision(world, initiator);
  if (decided === undefined) return new Set();
  const perGuest = initiator.guests.map((guest) => {
    const seen = world.correct.flatMap((id): ('early' | 'late')[] => {
      const at = world.deliveredAt.get(id);
      const registered = at?.get(positionKey({ stream: guest.stream, number: 1 }));
      const settled = at?.get(positionKey(decided.request));
      if (registered === undefined || settled === undefined) return [];
      return [registered < settled ? 'early' : 'late'];
    });
    return new Set(seen);
  });
  return perGuest.find((seen) => seen.size > 1) ?? perGuest.find((seen) => seen.has('late')) ?? new Set();
}

/** A Canceled, Closed or Compensated was delivered somewhere before any order that it could answer. */
function overtook(world: World, initiator: Initiator): boolean {
  return initiator.guests.some((guest) => {
    const last = guest.sent.at(-1);
    const answered = guest.character.honest && ['Closed', 'Canceled', 'Compensated'].includes(guest.endedBy ?? '');
    if (!answered || last === undefined) return false;
    const decisions = initiator.orders.filter(
      (sent) => concerns(sent.order, guest) && isDelivered(world, sent) && answerTo(world, sent) === 'ok',
    );
    return world.correct.some((id) => {
      const at = (request: Request): number => world.deliveredAt.get(id)?.get(positionKey(request)) ?? Infinity;
      return at(last) < Math.min(...decisions.map((sent) => at(sent.request)));
    });
  });
}

/** Whether an order decides about a guest: whoever the close of an atomic activity leaves out is canceled. */
function concerns(order: Order, guest: Participant): boolean {
  switch (order.kind) {
    case 'cancelAll':
      return true;
    case 'close':
    case 'cancel':
    case 'compensate':
      return guest.endedBy !== 'Closed' || order.participants.includes(guest.id);
    case 'invite':
    case 'complete':
    case 'END':
      return false;
  }
}
