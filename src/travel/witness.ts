import type { Booking } from './bookings.js';
import { findBooking } from './bookings.js';
import type { ProviderRole } from './catalog.js';
import { PROVIDER_ROLES, USUAL } from './catalog.js';
import type { Database } from './database.js';
import { readBooks } from './database.js';
import { DemoFailure } from './failure.js';
import type { Reservation, ReservationState, StockItem } from './inventory.js';
import { readItems, readReservations } from './inventory.js';
import { reservationKey } from './provider.js';

/** How a booking stands in everybody's own books. */
export interface Standing {
  readonly booking: Booking | undefined;
  readonly airline: ReservationState | undefined;
  readonly hotel: ReservationState | undefined;
}

/** What a booking came to, where it counts: at the airline and the hotel. */
export type Outcome = 'closed' | 'undone' | 'split' | 'open';

export interface WitnessOptions {
  readonly bookings: string;
  readonly inventories: Readonly<Record<ProviderRole, string>>;
  /** The agency's identity: part of the providers' keys. */
  readonly agencyWriter: string;
}

/** Reads the three services' own databases, and asks none of the services. */
export class Witness {
  readonly #bookings: Database;
  readonly #inventories: Readonly<Record<ProviderRole, Database>>;

  constructor(private readonly options: WitnessOptions) {
    this.#bookings = readBooks(options.bookings);
    this.#inventories = { airline: readBooks(options.inventories.airline), hotel: readBooks(options.inventories.hotel) };
  }

  standing(id: string): Standing {
    return {
      booking: findBooking(this.#bookings, id),
      airline: this.reservation('airline', id)?.state,
      hotel: this.reservation('hotel', id)?.state,
    };
  }

  reservation(role: ProviderRole, id: string): Reservation | undefined {
    const key = reservationKey(this.options.agencyWriter, id);
    return readReservations(this.#inventories[role]).find((reservation) => reservation.key === key);
  }

  /** What the scenarios book of a provider. @throws DemoFailure if its books do not add up */
  stock(role: ProviderRole): StockItem {
    const item = readItems(this.#inventories[role]).find((candidate) => candidate.item === USUAL[role]);
    if (item === undefined) throw new DemoFailure(`the ${role} does not sell ${USUAL[role]}`);
    const taken = readReservations(this.#inventories[role]).filter(
      (reservation) => reservation.item === item.item && (reservation.state === 'held' || reservation.state === 'confirmed'),
    );
    if (item.stock + taken.length !== item.capacity) {
      throw new DemoFailure(`the ${role} has ${item.capacity} in all, but ${item.stock} in stock and ${taken.length} taken`);
    }
    return item;
  }

  close(): void {
    this.#bookings.close();
    for (const role of PROVIDER_ROLES) this.#inventories[role].close();
  }
}

/** closed: both sold. undone: neither has anything left of it. split: what must never be. */
export function outcomeOf({ airline, hotel }: Pick<Standing, 'airline' | 'hotel'>): Outcome {
  const states = [airline, hotel];
  if (states.some((state) => state === 'requested' || state === 'held')) return 'open';
  const sold = states.filter((state) => state === 'confirmed').length;
  return sold === states.length ? 'closed' : sold === 0 ? 'undone' : 'split';
}

export const describeStanding = ({ booking, airline, hotel }: Standing): string =>
  `agency ${booking?.state ?? 'knows nothing'}, airline ${airline ?? 'nothing'}, hotel ${hotel ?? 'nothing'}`;
