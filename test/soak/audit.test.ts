import { describe, expect, test } from '@jest/globals';
import type { ReservationState } from '../../src/travel/inventory.js';
import type { BookedTrip, Decision } from './agency.js';
import type { AllBooks } from './audit.js';
import { audit } from './audit.js';
import { kindOf, STOCK } from './trips.js';

const ACTIVITY = 'urn:uuid:a';
const { items: ITEMS } = kindOf('booked');

const trip = (acknowledged: Decision | undefined, state: 'booked' | 'undone' | 'closing'): BookedTrip => ({
  kind: 'booked',
  acknowledged,
  booking: { id: 'trip-1', customer: 'Ada', items: ITEMS, state, activity: ACTIVITY, reason: undefined },
});

/** Books of both providers with these reservations, in which the stock is what they have sold and hold. */
function books(airline: readonly ReservationState[], hotel: readonly ReservationState[], activity = ACTIVITY): AllBooks {
  const of = (role: 'airline' | 'hotel', states: readonly ReservationState[]): AllBooks['airline'] => {
    const taken = states.filter((state) => state === 'confirmed' || state === 'held').length;
    return {
      items: STOCK[role].map(({ item, stock }) => ({
        item,
        capacity: stock,
        stock: item === ITEMS[role] ? stock - taken : stock,
      })),
      reservations: states.map((state, index) => ({
        key: `${role} ${index}`,
        item: ITEMS[role],
        customer: 'Ada',
        activity,
        state,
      })),
    };
  };
  return { airline: of('airline', airline), hotel: of('hotel', hotel) };
}

const kinds = (trips: readonly BookedTrip[], all: AllBooks): readonly string[] => audit(trips, all).map(({ kind }) => kind);

describe('the audit of a soak', () => {
  test('finds nothing where both have sold what was booked, and neither what was canceled', () => {
    expect(audit([trip('close', 'booked')], books(['confirmed'], ['confirmed']))).toEqual([]);
    expect(audit([trip('cancel', 'undone')], books(['released'], ['refused']))).toEqual([]);
    expect(audit([trip('cancel', 'undone')], books(['released'], []))).toEqual([]);
  });

  test('finds what is lost', () => {
    expect(kinds([trip('close', 'booked')], books(['released'], ['released']))).toContain('lost');
    expect(kinds([trip('close', 'booked')], books([], []))).toContain('lost');
    expect(kinds([trip('cancel', 'undone')], books(['confirmed'], ['confirmed']))).toContain('lost');
  });

  test('finds what is split, and names the activity', () => {
    const found = audit([trip('close', 'booked')], books(['confirmed'], ['released']));
    expect(found).toContainEqual(expect.objectContaining({ kind: 'split', activity: ACTIVITY }));
    expect(kinds([trip('cancel', 'undone')], books(['released'], ['confirmed']))).toContain('split');
    expect(kinds([trip('close', 'booked')], books(['confirmed', 'confirmed'], ['confirmed', 'confirmed']))).toContain('split');
  });

  test('finds what was never decided, contradicts the agency’s books, is held still, or belongs to nobody', () => {
    expect(kinds([trip(undefined, 'closing')], books(['held'], ['held']))).toContain('other');
    expect(kinds([trip('close', 'undone')], books(['confirmed'], ['confirmed']))).toContain('other');
    expect(kinds([trip('cancel', 'undone')], books(['held'], ['released']))).toContain('other');
    expect(kinds([trip('cancel', 'undone')], books(['released'], ['released'], 'urn:uuid:stranger'))).toContain('other');
  });

  test('finds a stock that does not add up', () => {
    const { airline, hotel } = books(['confirmed'], ['confirmed']);
    const items = airline.items.map((one) => ({ ...one, stock: one.stock + 1 }));
    const [finding] = audit([trip('close', 'booked')], { airline: { ...airline, items }, hotel });
    expect(finding?.text).toContain(ITEMS.airline);
  });
});
