import type { Database } from './database.js';
import { openBooks } from './database.js';
import { ConcordatError } from '../errors.js';

/**
 * requested: the customer may have it if there is one left. held: taken out of the stock. confirmed: sold.
 * released: given back. refused: there was none left.
 */
export type ReservationState = 'requested' | 'held' | 'confirmed' | 'released' | 'refused';

export interface Reservation {
  /** The provider's own key of the booking: its enrollment in the activity has the same. */
  readonly key: string;
  readonly item: string;
  readonly customer: string;
  readonly activity: string;
  readonly state: ReservationState;
}

export interface StockItem {
  readonly item: string;
  /** All that there are: in stock, held and confirmed. */
  readonly capacity: number;
  readonly stock: number;
}

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS item (
    item TEXT PRIMARY KEY,
    capacity INTEGER NOT NULL CHECK (capacity >= stock),
    stock INTEGER NOT NULL CHECK (stock >= 0)
  ) STRICT;
  CREATE TABLE IF NOT EXISTS reservation (
    key TEXT PRIMARY KEY,
    item TEXT NOT NULL REFERENCES item (item),
    customer TEXT NOT NULL,
    activity TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('requested', 'held', 'confirmed', 'released', 'refused'))
  ) STRICT;
`;

/**
 * What a provider has and who has reserved it. Every step is one transaction and may be repeated: the coordinator repeats
 * its commands, and after a crash the handler of a command runs again.
 */
export class Inventory {
  private constructor(private readonly database: Database) {}

  /** Opens the database and puts in what is missing of `items`; what is there keeps its stock. */
  static open(path: string, items: readonly { readonly item: string; readonly stock: number }[]): Inventory {
    const database = openBooks(path, SCHEMA);
    const insert = database.prepare('INSERT INTO item VALUES (?, ?, ?) ON CONFLICT DO NOTHING');
    database.transaction(() => items.forEach(({ item, stock }) => insert.run(item, stock, stock)))();
    return new Inventory(database);
  }

  /**
   * Writes a request down; nothing is taken yet.
   * @throws ConcordatError InvalidParameters for an item that is not sold here, or a key that was used for something else
   */
  request(wanted: Omit<Reservation, 'state'>): Reservation {
    return this.#transaction(() => {
      const known = this.find(wanted.key);
      if (known !== undefined) {
        const same = known.item === wanted.item && known.customer === wanted.customer && known.activity === wanted.activity;
        if (same) return known;
        throw new ConcordatError('InvalidParameters', `booking ${wanted.key} was already asked for with other contents`);
      }
      if (this.#item(wanted.item) === undefined)
        throw new ConcordatError('InvalidParameters', `there is no "${wanted.item}" here`);
      const { key, item, customer, activity } = wanted;
      this.database.prepare("INSERT INTO reservation VALUES (?, ?, ?, ?, 'requested')").run(key, item, customer, activity);
      return { ...wanted, state: 'requested' };
    });
  }

  /** Takes one out of the stock, if there is one. @returns whether the reservation has one now */
  hold(key: string): boolean {
    return this.#transaction(() => {
      const { item, state } = this.#required(key);
      if (state !== 'requested') return state === 'held' || state === 'confirmed';
      const taken =
        this.database.prepare('UPDATE item SET stock = stock - 1 WHERE item = ? AND stock > 0').run(item).changes === 1;
      this.#move(key, taken ? 'held' : 'refused');
      return taken;
    });
  }

  /** Sells what is held. @throws ConcordatError InvalidState if nothing is */
  confirm(key: string): void {
    this.#transaction(() => {
      const { state } = this.#required(key);
      if (state === 'confirmed') return;
      if (state !== 'held') throw new ConcordatError('InvalidState', `reservation ${key} is ${state}, so it cannot be confirmed`);
      this.#move(key, 'confirmed');
    });
  }

  /** Gives back what is held, if anything is. @throws ConcordatError InvalidState if it is sold */
  release(key: string): void {
    this.#transaction(() => {
      const { item, state } = this.#required(key);
      if (state === 'released' || state === 'refused') return;
      if (state === 'confirmed')
        throw new ConcordatError('InvalidState', `reservation ${key} is confirmed, so it cannot be released`);
      if (state === 'held') this.database.prepare('UPDATE item SET stock = stock + 1 WHERE item = ?').run(item);
      this.#move(key, 'released');
    });
  }

  /** Makes the stock of an item what the operator says; what is held or sold stays so. 0 makes the house full. */
  setStock(item: string, stock: number): void {
    this.#transaction(() => {
      const known = this.#item(item);
      if (known === undefined) throw new ConcordatError('InvalidParameters', `there is no "${item}" here`);
      if (!Number.isSafeInteger(stock) || stock < 0)
        throw new ConcordatError('InvalidParameters', 'a stock is an integer from 0');
      const taken = known.capacity - known.stock;
      this.database.prepare('UPDATE item SET stock = ?, capacity = ? WHERE item = ?').run(stock, stock + taken, item);
    });
  }

  find(key: string): Reservation | undefined {
    return findReservation(this.database, key);
  }

  items(): readonly StockItem[] {
    return readItems(this.database);
  }

  /** The newest reservations, newest first. */
  latest(limit: number): readonly Reservation[] {
    return this.database
      .prepare<[number], Reservation>('SELECT key, item, customer, activity, state FROM reservation ORDER BY rowid DESC LIMIT ?')
      .all(limit);
  }

  close(): void {
    this.database.close();
  }

  /** Takes the write lock at once, so that what is read stays true until the commit. */
  #transaction<T>(work: () => T): T {
    return this.database.transaction(work).immediate();
  }

  #item(item: string): StockItem | undefined {
    return this.items().find((candidate) => candidate.item === item);
  }

  #required(key: string): Reservation {
    const found = this.find(key);
    if (found === undefined) throw new ConcordatError('InvalidParameters', `there is no reservation ${key}`);
    return found;
  }

  #move(key: string, state: ReservationState): void {
    this.database.prepare('UPDATE reservation SET state = ? WHERE key = ?').run(state, key);
  }
}

const findReservation = (database: Database, key: string): Reservation | undefined =>
  database.prepare<[string], Reservation>('SELECT key, item, customer, activity, state FROM reservation WHERE key = ?').get(key);

/** All items; also for whoever reads a provider's database from outside. */
export const readItems = (database: Database): StockItem[] =>
  database.prepare<[], StockItem>('SELECT item, capacity, stock FROM item ORDER BY item').all();

/** All reservations; also for whoever reads a provider's database from outside. */
export const readReservations = (database: Database): Reservation[] =>
  database.prepare<[], Reservation>('SELECT key, item, customer, activity, state FROM reservation ORDER BY rowid').all();
