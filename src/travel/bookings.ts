import { ConcordatError } from '../errors.js';
import type { Trip } from './catalog.js';
import { PROVIDER_ROLES } from './catalog.js';
import type { Database } from './database.js';
import { openBooks } from './database.js';

/**
 * How far a booking is; each is written down before the step it names is taken, and after a crash the agency goes on there.
 * reserving: activity, invitations and reservations. completing: the providers were told to do their work. closing and
 * undoing: decided. booked and undone: over.
 */
export type BookingState = 'reserving' | 'completing' | 'closing' | 'undoing' | 'booked' | 'undone';

export interface Booking extends Trip {
  readonly id: string;
  readonly state: BookingState;
  /** The activity it runs in, once there is one. */
  readonly activity: string | undefined;
  /** Why it is being undone. */
  readonly reason: string | undefined;
}

/** One line of a booking's story. */
export interface BookingEvent {
  readonly booking: string;
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly text: string;
}

interface Row {
  readonly id: string;
  readonly customer: string;
  readonly airline: string;
  readonly hotel: string;
  readonly state: BookingState;
  readonly activity: string | null;
  readonly reason: string | null;
}

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS booking (
    id TEXT PRIMARY KEY,
    customer TEXT NOT NULL,
    airline TEXT NOT NULL,
    hotel TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('reserving', 'completing', 'closing', 'undoing', 'booked', 'undone')),
    activity TEXT,
    reason TEXT
  ) STRICT;
  CREATE TABLE IF NOT EXISTS event (
    booking TEXT NOT NULL REFERENCES booking (id),
    at INTEGER NOT NULL,
    text TEXT NOT NULL
  ) STRICT;
  CREATE INDEX IF NOT EXISTS event_of_booking ON event (booking);
`;

const OVER: ReadonlySet<BookingState> = new Set(['booked', 'undone']);
export const isOver = (booking: Booking): boolean => OVER.has(booking.state);

/** The agency's own books: what was booked, how far it is, and its story. */
export class Bookings {
  private constructor(
    private readonly database: Database,
    private readonly clock: () => number,
  ) {}

  /** @param clock milliseconds since 1970 */
  static open(path: string, clock: () => number): Bookings {
    return new Bookings(openBooks(path, SCHEMA), clock);
  }

  /**
   * Writes a new booking down; a repeat with the same contents gives the one that is there.
   * @throws ConcordatError InvalidParameters if the id was used for another trip
   */
  add(id: string, trip: Trip): Booking {
    return this.database
      .transaction(() => {
        const known = this.find(id);
        if (known !== undefined) {
          const same = known.customer === trip.customer && PROVIDER_ROLES.every((role) => known.items[role] === trip.items[role]);
          if (same) return known;
          throw new ConcordatError('InvalidParameters', `booking ${id} is another trip`);
        }
        const { airline, hotel } = trip.items;
        this.database
          .prepare("INSERT INTO booking VALUES (?, ?, ?, ?, 'reserving', NULL, NULL)")
          .run(id, trip.customer, airline, hotel);
        this.#tell(id, `${trip.customer} asks for ${airline} and ${hotel}`);
        return this.get(id);
      })
      .immediate();
  }

  /** Moves a booking on, and says so in its story, in one commit. */
  move(id: string, state: BookingState, text: string, reason?: string): void {
    this.database
      .transaction(() => {
        this.database
          .prepare('UPDATE booking SET state = ?, reason = coalesce(?, reason) WHERE id = ?')
          .run(state, reason ?? null, id);
        this.#tell(id, text);
      })
      .immediate();
  }

  setActivity(id: string, activity: string): void {
    this.database.prepare('UPDATE booking SET activity = ? WHERE id = ?').run(activity, id);
  }

  tell(id: string, text: string): void {
    this.#tell(id, text);
  }

  find(id: string): Booking | undefined {
    return findBooking(this.database, id);
  }

  get(id: string): Booking {
    const found = this.find(id);
    if (found === undefined) throw new ConcordatError('InvalidParameters', `there is no booking ${id}`);
    return found;
  }

  unfinished(): readonly Booking[] {
    const rows = this.database
      .prepare<[], Row>("SELECT * FROM booking WHERE state NOT IN ('booked', 'undone') ORDER BY rowid")
      .all();
    return rows.map(fromRow);
  }

  /** The newest, newest first. */
  latest(limit: number): readonly Booking[] {
    return this.database.prepare<[number], Row>('SELECT * FROM booking ORDER BY rowid DESC LIMIT ?').all(limit).map(fromRow);
  }

  /** The story of a booking, or its newest part. */
  events(id: string, limit: number): readonly BookingEvent[] {
    return readEvents(this.database, id, limit);
  }

  close(): void {
    this.database.close();
  }

  #tell(id: string, text: string): void {
    this.database.prepare('INSERT INTO event VALUES (?, ?, ?)').run(id, this.clock(), text);
  }
}

/** One booking; also for whoever reads the agency's database from outside. */
export function findBooking(database: Database, id: string): Booking | undefined {
  const row = database.prepare<[string], Row>('SELECT * FROM booking WHERE id = ?').get(id);
  return row && fromRow(row);
}

const readEvents = (database: Database, id: string, limit: number): BookingEvent[] =>
  database
    .prepare<[string, number], BookingEvent>('SELECT booking, at, text FROM event WHERE booking = ? ORDER BY rowid DESC LIMIT ?')
    .all(id, limit)
    .reverse();

const fromRow = ({ id, customer, airline, hotel, state, activity, reason }: Row): Booking => ({
  id,
  customer,
  items: { airline, hotel },
  state,
  activity: activity ?? undefined,
  reason: reason ?? undefined,
});
