import type { Booking } from '../bookings.js';
import { isOver } from '../bookings.js';
import type { ProviderRole } from '../catalog.js';
import { PROVIDER_ROLES } from '../catalog.js';
import type { Reservation, StockItem } from '../inventory.js';
import type { AgreedActivity } from './agree.js';
import type { Standing, Tone } from './view.js';
import { capital, inWords, itemLabel, providerName, replicasInWords, roleOf } from './words.js';

/** Reports as sentences. Pure: the same reports give the same words. */

/** One trip: what f + 1 replicas agree on, what the providers' books say, and the agency's own book. */
export interface TripFacts {
  readonly booking: Booking;
  readonly activity: AgreedActivity | undefined;
  /** What each provider's desk shows of it; undefined if it shows nothing. */
  readonly reservations: Readonly<Partial<Record<ProviderRole, Reservation>>>;
  /** Whether enough replicas answer for anything to be decided. */
  readonly canDecide: boolean;
}

/** How a trip stands, by what the replicas say. */
export function tripStanding({ booking, activity, canDecide }: TripFacts): Standing {
  if (activity === undefined) {
    if (isOver(booking)) return { tone: 'warn', says: 'Not confirmed now' };
    return canDecide ? { tone: 'busy', says: 'Starting' } : { tone: 'warn', says: 'Waiting for three replicas' };
  }
  if (activity.ended) {
    if (allEndedBy(activity, 'Closed')) return { tone: 'good', says: 'Booked' };
    return { tone: 'quiet', says: 'Undone' };
  }
  if (!canDecide) return { tone: 'warn', says: 'Waiting for three replicas' };
  const words = { close: 'Closing', cancel: 'Being undone', end: 'Being undone' } as const;
  return { tone: 'busy', says: activity.settlement === undefined ? 'Being arranged' : words[activity.settlement] };
}

const allEndedBy = ({ participants }: AgreedActivity, message: string): boolean =>
  participants.length > 0 && participants.every(({ endedBy }) => endedBy === message);

/** What became of a trip, in one or two sentences. */
export function tellTrip(facts: TripFacts): { readonly tone: Tone; readonly title: string; readonly text: string } {
  const { booking, activity } = facts;
  const { tone, says } = tripStanding(facts);
  const title = `${booking.customer}: ${says.charAt(0).toLowerCase()}${says.slice(1)}`;
  return { tone, title, text: activity === undefined ? tellWithout(facts) : tellWith(facts, activity) };
}

function tellWithout({ booking, canDecide }: TripFacts): string {
  if (isOver(booking)) {
    const outcome = booking.state === 'booked' ? 'booked' : 'undone';
    const why = booking.reason === undefined ? '' : `, because of: ${booking.reason}`;
    return `The agency’s own book says ${outcome}${why}. Fewer than two replicas confirm that now.`;
  }
  return canDecide
    ? 'The agency has written the trip down and asks the replicas to open an activity for it.'
    : 'The agency has written the trip down. Nothing can be decided until three replicas answer, and nothing is lost: it goes on by itself.';
}

function tellWith(facts: TripFacts, activity: AgreedActivity): string {
  if (activity.ended && allEndedBy(activity, 'Closed'))
    return `The airline and the hotel both confirmed. ${tellBooks(facts)}`.trim();
  const refusing = activity.participants.filter(isRefusal);
  const others = activity.participants.filter((participant) => !isRefusal(participant));
  const cancels = activity.settlement === 'cancel' ? ['the agency cancels'] : [];
  // Refusals come before the agency's decision, everything else after it.
  const ordered = [...tellParticipants(refusing), ...cancels, ...tellParticipants(others)];
  if (!activity.ended && !facts.canDecide) ordered.push('the rest waits until three replicas answer, and nothing is lost');
  if (ordered.length === 0) return 'The agency has opened an activity and invites the airline and the hotel.';
  return `${capital(ordered.join('; '))}. ${tellBooks(facts)}`.trim();
}

type Agreed = AgreedActivity['participants'][number];
const REFUSALS: ReadonlySet<string> = new Set(['CannotComplete', 'Fail', 'Exit']);
const isRefusal = ({ state, endedBy }: Agreed): boolean =>
  (endedBy !== undefined && REFUSALS.has(endedBy)) ||
  state === 'NotCompleting' ||
  state === 'Exiting' ||
  state.startsWith('Failing');

const tellParticipants = (participants: readonly Agreed[]): string[] =>
  participants.map((participant) => `${providerName(participant.matchcode)} ${tellParticipant(participant)}`);

const ENDED_BY: Readonly<Record<string, string>> = {
  Closed: 'confirmed',
  Canceled: 'cancelled before it had done anything',
  Compensated: 'compensated what it had done',
  CannotComplete: 'says it cannot complete',
  Fail: 'says it failed',
  Exit: 'took itself out',
};

/** "says it cannot complete", "has done its work and waits for the decision". */
export function tellParticipant({ state, endedBy }: Agreed): string {
  switch (state) {
    case 'Active':
      return 'takes part';
    case 'Completing':
      return 'does its work';
    case 'Completed':
      return 'has done its work and waits for the decision';
    case 'Closing':
      return 'is told to confirm';
    case 'Canceling':
    case 'Canceling-Active':
    case 'Canceling-Completing':
      return 'is told to cancel';
    case 'Compensating':
      return 'is told to give back what it did';
    case 'Failing-Active':
    case 'Failing-Canceling':
    case 'Failing-Completing':
    case 'Failing-Compensating':
      return 'says it failed';
    case 'Exiting':
      return 'takes itself out';
    case 'NotCompleting':
      return 'says it cannot complete';
    case 'Ended':
      return ENDED_BY[endedBy ?? ''] ?? 'is done';
  }
}

/** What the providers' own books say now, where it is final. */
function tellBooks({ booking, activity, reservations }: TripFacts): string {
  const sold = PROVIDER_ROLES.filter((role) => reservations[role]?.state === 'confirmed');
  const compensated = (role: ProviderRole): boolean =>
    activity?.participants.some(({ matchcode, endedBy }) => roleOf(matchcode) === role && endedBy === 'Compensated') === true;
  const back = PROVIDER_ROLES.filter((role) => reservations[role]?.state === 'released' && compensated(role));
  const sentences = back.map((role) => `${THINGS[role]} is back in stock`);
  if (sold.length > 0) {
    const what = sold.map((role) => `${THINGS[role]} (${itemLabel(role, booking.items[role])})`);
    sentences.push(`${inWords(what)} ${sold.length === 1 ? 'is' : 'are'} sold to ${booking.customer}`);
  }
  return sentences.map((sentence) => `${capital(sentence)}.`).join(' ');
}

const THINGS: Readonly<Record<ProviderRole, string>> = { airline: 'the seat', hotel: 'the room' };

const RESERVATIONS: Readonly<Record<Reservation['state'], Standing>> = {
  requested: { tone: 'busy', says: 'Asked for' },
  held: { tone: 'busy', says: 'Held' },
  confirmed: { tone: 'good', says: 'Sold' },
  released: { tone: 'quiet', says: 'Given back' },
  refused: { tone: 'warn', says: 'None left' },
};

/** A reservation in a provider's own book, in two words. */
export const reservationStanding = (reservation: Reservation | undefined, silent: boolean): Standing =>
  reservation === undefined
    ? { tone: silent ? 'warn' : 'quiet', says: silent ? 'Desk not reachable' : 'Nothing' }
    : RESERVATIONS[reservation.state];

/** Which replicas answer, and what that means. */
export function tellQuorum(
  answering: readonly number[],
  n: number,
  quorum: number,
): { readonly tone: Tone; readonly says: string } {
  if (answering.length === n)
    return {
      tone: 'good',
      says: `All ${n} replicas answer. Trips can be decided, and one of them may fail or lie without harm.`,
    };
  if (answering.length >= quorum) {
    const word = answering.length === quorum ? 'No more may be missing.' : '';
    return {
      tone: 'warn',
      says: `${answering.length} of ${n} replicas answer. That is enough: trips are decided as before. ${word}`.trim(),
    };
  }
  const who =
    answering.length === 0
      ? 'No replica answers'
      : `Only ${replicasInWords(answering)} ${answering.length === 1 ? 'answers' : 'answer'}`;
  return {
    tone: 'bad',
    says: `${who}. Nothing can be decided until ${quorum} do. Nothing is lost: trips that are under way wait and go on by themselves.`,
  };
}

/** Two votes that one replica signed for one position. */
export const tellProof = (replica: number): string =>
  `Replica ${replica} voted for two different requests under one number; both votes carry its signature.`;

/** A provider with nothing left of everything it sells. */
export const isFull = (stock: readonly StockItem[]): boolean => stock.length > 0 && stock.every((item) => item.stock === 0);
