import type { ProviderRole } from '../../src/travel/catalog.js';
import { PROVIDER_ROLES } from '../../src/travel/catalog.js';
import { readBooks } from '../../src/travel/database.js';
import type { Reservation, StockItem } from '../../src/travel/inventory.js';
import { readItems, readReservations } from '../../src/travel/inventory.js';
import type { BookedTrip } from './agency.js';
import { STOCK } from './trips.js';

/** A provider's own books. */
export interface Books {
  readonly items: readonly StockItem[];
  readonly reservations: readonly Reservation[];
}
export type AllBooks = Readonly<Record<ProviderRole, Books>>;

export interface Finding {
  readonly kind: 'lost' | 'split' | 'other';
  readonly text: string;
  readonly activity?: string | undefined;
}

/** Reads what a provider has committed. */
export function readInventory(path: string): Books {
  const database = readBooks(path);
  try {
    return { items: readItems(database), reservations: readReservations(database) };
  } finally {
    database.close();
  }
}

/** Everything in the providers' books that is not as the agencies were told. */
export function audit(trips: readonly BookedTrip[], books: AllBooks): readonly Finding[] {
  const activities = new Set(trips.flatMap(({ booking }) => booking.activity ?? []));
  return [
    ...trips.flatMap((trip) => auditTrip(trip, books)),
    ...PROVIDER_ROLES.flatMap((role) => [
      ...books[role].reservations
        .filter(({ activity }) => !activities.has(activity))
        .map((reservation) => unknown(role, reservation)),
      ...STOCK[role].flatMap(({ item, stock }) => auditItem(role, item, stock, trips, books[role])),
    ]),
  ];
}

const unknown = (role: ProviderRole, { key, activity }: Reservation): Finding => ({
  kind: 'other',
  text: `the ${role} has the reservation ${key}, which no agency knows`,
  activity,
});

const EXPECTED = { close: 'booked', cancel: 'undone' } as const;

function auditTrip({ booking, acknowledged }: BookedTrip, books: AllBooks): readonly Finding[] {
  const { id, state, activity } = booking;
  const of = (role: ProviderRole): readonly Reservation[] => books[role].reservations.filter((one) => one.activity === activity);
  const standing = PROVIDER_ROLES.map(
    (role) =>
      `${role} ${
        of(role)
          .map((one) => one.state)
          .join(' and ') || 'nothing'
      }`,
  ).join(', ');
  const finding = (kind: Finding['kind'], why: string): Finding[] => [
    { kind, text: `${id}: ${why} (acknowledged ${acknowledged ?? 'nothing'}, agency ${state}, ${standing})`, activity },
  ];
  const sold = PROVIDER_ROLES.map((role) => of(role).filter((one) => one.state === 'confirmed').length);
  const open = PROVIDER_ROLES.some((role) => of(role).some((one) => one.state === 'requested' || one.state === 'held'));
  const [least, most] = [Math.min(...sold), Math.max(...sold)];
  if (acknowledged === undefined) return finding('other', 'it ended without a decision');
  if (state !== EXPECTED[acknowledged]) return finding('other', 'the agency’s books say otherwise');
  if (least !== most) return finding('split', 'one provider has sold it, the other has not');
  if (most > 1) return finding('split', 'it was booked more than once');
  if (acknowledged === 'close' && most === 0) return finding('lost', 'it was booked and is not there');
  if (acknowledged === 'cancel' && most === 1) return finding('lost', 'it was canceled and is there');
  return open ? finding('other', 'something of it is held still') : [];
}

/** All that there were is in stock, or sold to a trip that was booked. */
function auditItem(
  role: ProviderRole,
  item: string,
  stock: number,
  trips: readonly BookedTrip[],
  books: Books,
): readonly Finding[] {
  const left = books.items.find((candidate) => candidate.item === item)?.stock ?? 0;
  const sold = trips.filter(({ booking, acknowledged }) => acknowledged === 'close' && booking.items[role] === item).length;
  if (left + sold === stock) return [];
  return [{ kind: 'other', text: `the ${role} had ${stock} of ${item}; ${sold} were booked and ${left} are left` }];
}
