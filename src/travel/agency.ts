import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createSigner, createVerifier, Initiator, ownIdentity } from '../client/index.js';
import type { KeyPair, LoadedCluster } from '../config/index.js';
import { clientPaths } from '../config/index.js';
import { ConcordatError } from '../errors.js';
import type { Logger } from '../log.js';
import { HttpTransport, SoapCaller } from '../soap/index.js';
import type { CoordinationContext } from '../soap/messages/index.js';
import { contextToXml } from '../soap/messages/index.js';
import type { Partner } from './booking-run.js';
import { BookingRun } from './booking-run.js';
import type { Booking, BookingEvent } from './bookings.js';
import { Bookings } from './bookings.js';
import type { ProviderRole, Trip } from './catalog.js';
import { PROVIDER_ROLES, PROVIDERS, trip } from './catalog.js';
import type { Desk } from './desk.js';
import { asObject, openDesk } from './desk.js';
import { TRAVEL_LIMITS } from './limits.js';
import type { Reserve } from './messages.js';
import { checkReserved, checkText, encodeReserve, RESERVE_ACTION, RESERVED_ACTION } from './messages.js';

export interface AgencyOptions {
  readonly cluster: LoadedCluster;
  readonly credentials: KeyPair;
  readonly partners: Readonly<Record<ProviderRole, Partner>>;
  /** Folder of its two databases: the bookings, and what it sent to the cluster. */
  readonly dataDir: string;
  readonly desk: { readonly host: string; readonly port: number; readonly names?: readonly string[] };
  readonly log: Logger;
}

/** Names of the agency's files in its data folder. */
export const AGENCY_FILES = { bookings: 'bookings.db', initiator: 'initiator.db' } as const;

/** The initiator of the demo: books trips, each an atomic activity of an airline and a hotel. */
export class Agency {
  readonly #stopping = new AbortController();
  readonly #runs = new Map<string, Promise<void>>();
  #desk: Desk | undefined;

  private constructor(
    private readonly o: AgencyOptions,
    private readonly bookings: Bookings,
    private readonly initiator: Initiator,
    private readonly transport: HttpTransport,
    private readonly caller: SoapCaller,
  ) {}

  /**
   * Opens the books, takes up every booking that is not over, and opens the desk.
   * @throws ConcordatError StoreInUse, StoreCorrupt, ConfigInvalid, KeyMismatch, PortInUse
   */
  static async start(options: AgencyOptions): Promise<Agency> {
    const { cluster, credentials, dataDir, log } = options;
    const bookings = Bookings.open(join(dataDir, AGENCY_FILES.bookings), Date.now);
    const store = join(dataDir, AGENCY_FILES.initiator);
    const initiator = await Initiator.open({ cluster, credentials, store, log }).catch((error: unknown) => {
      bookings.close();
      throw error;
    });
    const transport = new HttpTransport({ timeoutMs: TRAVEL_LIMITS.callMs });
    const signer = createSigner(credentials);
    const caller = new SoapCaller({ signer, verifier: createVerifier(cluster.authorityPems), transport, clock: Date.now });
    const agency = new Agency(options, bookings, initiator, transport, caller);
    try {
      agency.#desk = await openDesk({ ...options.desk, routes: agency.#routes(), log });
    } catch (error) {
      await agency.stop();
      throw error;
    }
    for (const booking of bookings.unfinished()) agency.#run(booking.id);
    return agency;
  }

  /** Where the desk is. */
  get url(): string {
    return this.#desk?.url ?? '';
  }

  /**
   * Writes a booking down and starts on it; `Bookings` tells how it goes.
   * @param id the customer's own key: the same again gives the same booking
   * @throws ConcordatError InvalidParameters, Busy
   */
  book(id: string, wanted: Trip): Booking {
    if (this.bookings.find(id) === undefined && this.#runs.size >= TRAVEL_LIMITS.openBookings) {
      throw new ConcordatError('Busy', `${this.#runs.size} bookings are open`);
    }
    const booking = this.bookings.add(id, wanted);
    this.#run(id);
    return booking;
  }

  /** The newest bookings of its own books, newest first. */
  latest(limit: number): readonly Booking[] {
    return this.bookings.latest(limit);
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#desk?.close();
    this.transport.close();
    await this.initiator.close();
    await Promise.all(this.#runs.values());
    this.bookings.close();
  }

  #run(id: string): void {
    if (this.#runs.has(id)) return;
    const { partners, log } = this.o;
    const reserve = (partner: Partner, context: CoordinationContext, body: Reserve): Promise<void> =>
      this.#reserve(partner, context, body);
    const { initiator, bookings } = this;
    const { patienceMs } = TRAVEL_LIMITS;
    const run = new BookingRun({ initiator, bookings, partners, reserve, log, patienceMs, signal: this.#stopping.signal }, id);
    const ended = run
      .carry()
      .catch((error: unknown) => log.error({ booking: id, err: error }, 'a booking stopped'))
      .finally(() => this.#runs.delete(id));
    this.#runs.set(id, ended);
  }

  /** One signed business call; the context goes as a header that the same signature covers. */
  async #reserve(partner: Partner, context: CoordinationContext, reserve: Reserve): Promise<void> {
    const result = await this.caller.call(
      partner.url,
      {
        soapVersion: '1.1',
        addressing: { to: partner.url, action: RESERVE_ACTION, messageId: `urn:uuid:${randomUUID()}` },
        headers: [contextToXml(context)],
        body: encodeReserve(reserve),
      },
      this.#stopping.signal,
    );
    if (result.kind === 'accepted') throw new ConcordatError('PeerUnreachable', `${partner.role} gave no answer`);
    const { identity, addressing, body } = result.message;
    if (identity.writer !== partner.writer)
      throw new ConcordatError('NotAuthorized', `${identity.name} answered for the ${partner.role}`);
    if (result.kind === 'fault') {
      const { concordatCode = 'Internal', reason, detail = reason } = result.fault;
      throw new ConcordatError(concordatCode, `${partner.role}: ${detail}`);
    }
    if (addressing.action !== RESERVED_ACTION) throw new ConcordatError('ActionMismatch', addressing.action);
    checkReserved(body, reserve.bookingId);
  }

  #routes() {
    return {
      'GET /bookings': ({ rest }: { rest: string }): unknown => {
        if (rest === '') return this.bookings.latest(TRAVEL_LIMITS.listed);
        const story: readonly BookingEvent[] = this.bookings.events(rest, TRAVEL_LIMITS.listed);
        return { ...this.bookings.get(rest), story };
      },
      'POST /bookings': ({ body }: { body: unknown }): Booking => {
        const { id, trip: wanted } = readOrder(body);
        return this.book(id, wanted);
      },
    };
  }
}

/**
 * An order as the desk and the page take it: a customer, perhaps an id and other items than the usual.
 * @throws ConcordatError InvalidParameters
 */
export function readOrder(body: unknown): { readonly id: string; readonly trip: Trip } {
  const { id = `trip-${randomUUID()}`, customer, items = {} } = asObject(body);
  const usual = trip(checkText('customer', customer));
  const wanted = asObject(items);
  const [airline, hotel] = PROVIDER_ROLES.map((role) => checkText(role, wanted[role] ?? usual.items[role]));
  return { id: checkText('id', id), trip: { ...usual, items: { airline: airline ?? '', hotel: hotel ?? '' } } };
}

/** The providers by their certificates in the cluster's directory; that is who may answer at these URLs. */
export function partnersIn(dir: string, urls: Readonly<Record<ProviderRole, string>>): Record<ProviderRole, Partner> {
  const partner = (role: ProviderRole): Partner => {
    const certificatePem = readCertificate(join(dir, clientPaths(role).certificate));
    const { writer } = ownIdentity({ certificatePem, privateKeyPem: '' });
    return { role, matchcode: PROVIDERS[role].matchcode, url: urls[role], writer };
  };
  return { airline: partner('airline'), hotel: partner('hotel') };
}

function readCertificate(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new ConcordatError('ConfigMissing', path, { cause: error });
  }
}
