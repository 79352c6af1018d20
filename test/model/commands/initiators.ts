import fc from 'fast-check';
import { OUTCOMES } from '../../../src/wsba/index.js';
import { WISHES } from '../initiator.js';
import type { ModelActivity } from '../model.js';
import type { Guest, Slot } from '../names.js';
import type { Order } from '../requests.js';
import type { Stage } from '../stage.js';
import { activityOf, camps, command, guest, guests, matchcode, show, slot, to } from './parts.js';

/** An order with guests instead of the ids they will have. */
type Wanted =
  | { readonly kind: 'complete' | 'close' | 'compensate' | 'cancel'; readonly guests: readonly Guest[] }
  | { readonly kind: 'cancelAll' | 'END' };
const wanted: fc.Arbitrary<Wanted> = fc.oneof(
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('complete' as const), guests }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('close' as const), guests }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('compensate' as const), guests }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('cancel' as const), guests }) },
  { weight: 3, arbitrary: fc.constant<Wanted>({ kind: 'cancelAll' }) },
  { weight: 1, arbitrary: fc.constant<Wanted>({ kind: 'END' }) },
);
const showWanted = (order: Wanted): string => ('guests' in order ? `${order.kind} ${order.guests.join(', ')}` : order.kind);

/** The ids of guests that take part; of all others, one that nobody has. */
function orderOf(stage: Stage, where: Slot, order: Wanted, may: (g: Guest) => boolean): Order {
  if (!('guests' in order)) return order;
  const joined = order.guests.filter(may);
  return { kind: order.kind, participants: joined.map((g) => stage.guest(where, g).id) };
}

const STRANGER = 'urn:uuid:00000000-0000-8000-8000-000000000000';

export const create = fc
  .record({
    slot,
    outcome: fc.constantFrom(...OUTCOMES),
    honest: fc.constantFrom(true, true, false),
    wish: fc.constantFrom(...WISHES),
    to,
  })
  .map(({ slot, outcome, honest, wish, to }) =>
    command(
      `${slot} is created: ${outcome}, ${honest ? `honest, wants ${wish}` : 'dishonest'}, ${show(to)}`,
      (m) => !m.activities.has(slot),
      (m, stage) => {
        m.activities.set(slot, { outcome, honest, invited: new Map(), decided: false, joined: new Map() });
        stage.createActivity(slot, { outcome, honest, wish }).create(to);
      },
    ),
  );

export const invite = fc
  .record({ slot, matchcode, reserved: fc.option(guest, { nil: undefined }), to })
  .map(({ slot, matchcode, reserved, to }) =>
    command(
      `${slot} invites ${reserved ?? 'anybody'} by ${matchcode}, ${show(to)}`,
      (m) => m.activities.has(slot),
      (m, stage) => {
        const activity = activityOf(m, slot);
        if (activity?.invited.has(matchcode) === false)
          activity.invited.set(matchcode, { guest: reserved, certain: !activity.decided });
        const identity = reserved === undefined ? {} : { identity: reserved };
        stage.initiator(slot).order({ kind: 'invite', matchcode, ...identity }, to);
      },
    ),
  );

/** An honest initiator names whom it may; a dishonest one names anybody, also those who never come. */
export const decide = fc.record({ slot, order: wanted, to }).map(({ slot, order, to }) =>
  command(
    `${slot} orders ${showWanted(order)}, ${show(to)}`,
    (m) => {
      const activity = activityOf(m, slot);
      if (activity === undefined) return false;
      return !activity.honest || isSensible(activity, order);
    },
    (m, stage) => {
      const initiator = stage.initiator(slot);
      const activity = activityOf(m, slot);
      const joined = (g: Guest): boolean => activity?.joined.has(g) === true;
      if (activity?.outcome === 'AtomicOutcome') activity.decided ||= order.kind !== 'complete';
      if (!initiator.plan.honest) return initiator.order(orStranger(orderOf(stage, slot, order, joined)), to);
      const mayBeNamed = (g: Guest): boolean => {
        if (!joined(g)) return false;
        const who = stage.guest(slot, g);
        return order.kind === 'complete' || order.kind === 'cancel' ? who.character.honest : initiator.mayName(who);
      };
      const sensible = orderOf(stage, slot, order, mayBeNamed);
      const empty = 'participants' in sensible && sensible.participants.length === 0;
      if (!empty) initiator.order(sensible, to);
    },
  ),
);

const orStranger = (order: Order): Order =>
  'participants' in order && order.participants.length === 0 ? { ...order, participants: [STRANGER] } : order;

/** What fits the outcome. A second decision does: it is refused in its turn. */
function isSensible(activity: ModelActivity, order: Wanted): boolean {
  const atomic = activity.outcome === 'AtomicOutcome';
  switch (order.kind) {
    case 'END':
      return false;
    case 'cancelAll':
      return atomic;
    case 'cancel':
    case 'compensate':
      return !atomic;
    case 'complete':
    case 'close':
      return true;
  }
}

export const equivocate = fc.record({ slot, first: wanted, second: wanted, camps }).map(({ slot, first, second, camps }) =>
  command(
    `${slot} orders ${showWanted(first)} ${show(camps.first)} and, under the same number, ${showWanted(second)} ${show(camps.second)}`,
    (m) => activityOf(m, slot)?.honest === false,
    (m, stage) => {
      const joined = (g: Guest): boolean => activityOf(m, slot)?.joined.has(g) === true;
      const orders = [first, second].map((order) => orStranger(orderOf(stage, slot, order, joined))) as [Order, Order];
      stage.initiator(slot).equivocate(orders, [camps.first, camps.second]);
    },
  ),
);
