import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import type { KeyPair, LoadedCluster } from '../../src/client/index.js';
import { createSigner, createVerifier, Initiator } from '../../src/client/index.js';
import { ConcordatError } from '../../src/errors.js';
import type { Logger } from '../../src/log.js';
import { HttpTransport, SoapCaller } from '../../src/soap/index.js';
import type { CoordinationContext } from '../../src/soap/messages/index.js';
import { contextToXml } from '../../src/soap/messages/index.js';
import { AGENCY_FILES } from '../../src/travel/agency.js';
import type { BookedActivity, Partner } from '../../src/travel/booking-run.js';
import { BookingRun } from '../../src/travel/booking-run.js';
import type { Booking } from '../../src/travel/bookings.js';
import { Bookings } from '../../src/travel/bookings.js';
import type { ProviderRole } from '../../src/travel/catalog.js';
import { TRAVEL_LIMITS } from '../../src/travel/limits.js';
import type { Reserve } from '../../src/travel/messages.js';
import { checkReserved, encodeReserve, RESERVE_ACTION } from '../../src/travel/messages.js';
import type { Random } from '../support/random.js';
import type { TripKindName } from './trips.js';
import { kindOf, pickTrip, withWhim } from './trips.js';

export interface SoakAgencyOptions {
  readonly name: string;
  readonly cluster: LoadedCluster;
  readonly credentials: KeyPair;
  readonly partners: Readonly<Record<ProviderRole, Partner>>;
  /** Folder of its two databases. */
  readonly folder: string;
  readonly log: Logger;
  /** Told of each decision as soon as the cluster has acknowledged it. */
  readonly onAcknowledged: (decision: Decision) => void;
}

export type Decision = 'close' | 'cancel';

/** A trip as its agency knows it. */
export interface BookedTrip {
  readonly kind: TripKindName;
  /** What the agency's own books say. */
  readonly booking: Booking;
  /** What the cluster acknowledged. */
  readonly acknowledged: Decision | undefined;
}

/** Books one trip after the other with the client library, as the demo's agency does; some customers change their minds. */
export class SoakAgency {
  readonly #stopping = new AbortController();
  readonly #kinds = new Map<string, TripKindName>();
  readonly #acknowledged = new Map<string, Decision>();
  readonly #open = new Map<string, Promise<void>>();

  private constructor(
    private readonly o: SoakAgencyOptions,
    private readonly initiator: Initiator,
    private readonly bookings: Bookings,
    private readonly transport: HttpTransport,
    private readonly caller: SoapCaller,
  ) {}

  static async open(options: SoakAgencyOptions): Promise<SoakAgency> {
    const { cluster, credentials, folder, log } = options;
    const bookings = Bookings.open(join(folder, AGENCY_FILES.bookings), Date.now);
    const initiator = await Initiator.open({ cluster, credentials, store: join(folder, AGENCY_FILES.initiator), log });
    const transport = new HttpTransport({ timeoutMs: TRAVEL_LIMITS.callMs });
    const verifier = createVerifier(cluster.authorityPems);
    const caller = new SoapCaller({ signer: createSigner(credentials), verifier, transport, clock: Date.now });
    return new SoakAgency(options, initiator, bookings, transport, caller);
  }

  /** Books one trip after the other until the signal comes; then resolves when the one it is at is over. */
  async work(random: Random, until: AbortSignal): Promise<void> {
    while (!until.aborted && !this.#stopping.signal.aborted) await this.#book(pickTrip(random));
  }

  /** Trips that are not over. */
  get open(): readonly Booking[] {
    return [...this.#open.keys()].map((id) => this.bookings.get(id));
  }

  get trips(): readonly BookedTrip[] {
    return [...this.#kinds].map(([id, kind]) => ({
      kind,
      booking: this.bookings.get(id),
      acknowledged: this.#acknowledged.get(id),
    }));
  }

  async close(): Promise<void> {
    this.#stopping.abort();
    this.transport.close();
    await this.initiator.close();
    await Promise.all(this.#open.values());
    this.bookings.close();
  }

  async #book(kind: TripKindName): Promise<void> {
    const id = `${this.o.name}-${this.#kinds.size + 1}`;
    this.#kinds.set(id, kind);
    this.bookings.add(id, { customer: kind, items: kindOf(kind).items });
    const run = new BookingRun(
      {
        initiator: { createActivity: async (options) => this.#observed(id, kind, await this.initiator.createActivity(options)) },
        bookings: this.bookings,
        partners: this.o.partners,
        reserve: (partner, context, reserve) => this.#reserve(partner, context, reserve),
        log: this.o.log,
        patienceMs: TRAVEL_LIMITS.patienceMs,
        signal: this.#stopping.signal,
      },
      id,
    );
    const over = run.carry().finally(() => this.#open.delete(id));
    this.#open.set(id, over);
    await over;
  }

  #observed(id: string, kind: TripKindName, activity: BookedActivity): BookedActivity {
    const acknowledged = (decision: Decision): void => {
      if (this.#acknowledged.has(id)) return;
      this.#acknowledged.set(id, decision);
      this.o.onAcknowledged(decision);
    };
    const { id: activityId } = activity;
    const whimsical = withWhim(activity, kindOf(kind).whim);
    return {
      id: activityId,
      invite: (matchcode, options) => whimsical.invite(matchcode, options),
      participants: () => whimsical.participants(),
      complete: (ids, options) => whimsical.complete(ids, options),
      close: async (ids, options) => {
        await whimsical.close(ids, options);
        acknowledged('close');
      },
      cancel: async (ids, options) => {
        await whimsical.cancel(ids, options);
        acknowledged('cancel');
      },
      ended: (options) => whimsical.ended(options),
    };
  }

  /** The signed business call; the activity's context goes with it. */
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
    if (result.kind === 'fault') throw new ConcordatError(result.fault.concordatCode ?? 'Internal', result.fault.reason);
    if (result.kind === 'accepted') throw new ConcordatError('PeerUnreachable', `${partner.role} gave no answer`);
    checkReserved(result.message.body, reserve.bookingId);
  }
}
