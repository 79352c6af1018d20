import fc from 'fast-check';
import { notifyRequest, type Order, orderRequest } from '../requests.js';
import { activityOf, command, guest, show, slot, to } from './parts.js';

export const again = fc.record({ slot, guest: fc.option(guest, { nil: undefined }), to }).map(({ slot, guest, to }) =>
  command(
    `${guest === undefined ? 'the initiator' : guest} of ${slot} sends everything again, ${show(to)}`,
    (m) => (guest === undefined ? m.activities.has(slot) : activityOf(m, slot)?.joined.has(guest) === true),
    (_m, stage) => (guest === undefined ? stage.initiator(slot) : stage.guest(slot, guest)).again(to, true),
  ),
);

/** Somebody without any right signs requests for streams of others. */
export const usurp = fc.record({ slot, guest, to }).map(({ slot, guest, to }) =>
  command(
    `a stranger cancels ${slot} and says Exit for ${guest}, ${show(to)}`,
    (m) => activityOf(m, slot)?.joined.has(guest) === true,
    (_m, stage) => {
      const initiator = stage.initiator(slot);
      const victim = stage.guest(slot, guest);
      const ahead = (sent: readonly { readonly number: number }[]): number => (sent.at(-1)?.number ?? 0) + 1;
      const { outcome } = initiator.plan;
      const order: Order = outcome === 'AtomicOutcome' ? { kind: 'cancelAll' } : { kind: 'cancel', participants: [victim.id] };
      stage.world.submit(orderRequest(initiator.stream, ahead(initiator.sent), 'stranger', outcome, order), to);
      stage.world.submit(notifyRequest(victim.stream, ahead(victim.sent), 'stranger', 'Exit'), to);
    },
  ),
);
