import type { ParticipantState } from '../../src/client/index.js';
import { ConcordatError } from '../../src/errors.js';
import type { BookedActivity } from '../../src/travel/booking-run.js';
import type { ProviderRole, Trip } from '../../src/travel/catalog.js';
import type { Random } from '../support/random.js';

/** What is on sale in the soak, and how much of each. */
export const STOCK = {
  airline: [
    { item: 'seat VIE-LIS', stock: 1_000_000 },
    { item: 'seat VIE-CPH', stock: 1_000_000 },
    { item: 'seat VIE-ATH', stock: 0 },
  ],
  hotel: [
    { item: 'room Lisboa', stock: 1_000_000 },
    { item: 'room København', stock: 3 },
    { item: 'room Athina', stock: 0 },
  ],
} as const satisfies Readonly<Record<ProviderRole, readonly { readonly item: string; readonly stock: number }[]>>;

/** When the customer of a trip wants it no more: before the providers work, or when both have done their work. */
type Whim = 'before work' | 'after work';

interface TripKind {
  readonly items: Trip['items'];
  readonly whim?: Whim;
  /** How often there is one, beside the others. */
  readonly weight: number;
}

const PLENTY = { airline: 'seat VIE-LIS', hotel: 'room Lisboa' } as const;

export const TRIP_KINDS = {
  booked: { items: PLENTY, weight: 12 },
  'canceled before work': { items: PLENTY, whim: 'before work', weight: 1 },
  'canceled after work': { items: PLENTY, whim: 'after work', weight: 1 },
  'no room left': { items: { airline: 'seat VIE-LIS', hotel: 'room Athina' }, weight: 1 },
  'no seat left': { items: { airline: 'seat VIE-ATH', hotel: 'room Lisboa' }, weight: 1 },
  'the last rooms': { items: { airline: 'seat VIE-CPH', hotel: 'room København' }, weight: 1 },
} as const satisfies Readonly<Record<string, TripKind>>;
export type TripKindName = keyof typeof TRIP_KINDS;

export const kindOf = (name: TripKindName): TripKind => TRIP_KINDS[name];

const NAMES = Object.keys(TRIP_KINDS).filter((name): name is TripKindName => name in TRIP_KINDS);
const DECK = NAMES.flatMap((name) => Array.from({ length: kindOf(name).weight }, () => name));

export const pickTrip = (random: Random): TripKindName => random.pick(DECK);

/** The initiator's activity, with a customer who changes her mind: what she stops is canceled. */
export function withWhim(activity: BookedActivity, whim: Whim | undefined): BookedActivity {
  if (whim === undefined) return activity;
  const { id } = activity;
  return {
    id,
    invite: (matchcode, options) => activity.invite(matchcode, options),
    participants: async () => {
      const participants = await activity.participants();
      if (whim === 'after work' && haveWorked(participants)) throw changedMind();
      return participants;
    },
    complete: async (ids, options) => {
      if (whim === 'before work') throw changedMind();
      return activity.complete(ids, options);
    },
    close: (ids, options) => activity.close(ids, options),
    cancel: (ids, options) => activity.cancel(ids, options),
    ended: (options) => activity.ended(options),
  };
}

const haveWorked = (participants: readonly ParticipantState[]): boolean =>
  participants.length > 0 && participants.every(({ agreedState }) => agreedState === 'Completed');

/** Not retryable, so that the booking is undone. */
const changedMind = (): ConcordatError => new ConcordatError('InvalidParameters', 'the customer has changed her mind');
