import { setTimeout as sleep } from 'node:timers/promises';
import type { CreateActivityOptions, InitiatorActivity, ParticipantState } from '../client/index.js';
import { ConcordatError } from '../errors.js';
import type { Logger } from '../log.js';
import type { CoordinationContext } from '../soap/messages/index.js';
import type { Booking, Bookings } from './bookings.js';
import { isOver } from './bookings.js';
import type { ProviderRole } from './catalog.js';
import { PROVIDER_ROLES } from './catalog.js';
import { TRAVEL_LIMITS } from './limits.js';
import type { Reserve } from './messages.js';

/** A provider as the agency knows it. */
export interface Partner {
  readonly role: ProviderRole;
  readonly matchcode: string;
  /** Its business endpoint. */
  readonly url: string;
  /** Who it is: only this identity may use its invitation, and only its answers count. */
  readonly writer: string;
}

/** What a booking needs of an activity. */
export type BookedActivity = Pick<
  InitiatorActivity,
  'id' | 'invite' | 'participants' | 'complete' | 'close' | 'cancel' | 'ended'
>;

export interface BookingRunOptions {
  /** The initiator of `src/client`. */
  readonly initiator: { createActivity(options: CreateActivityOptions): Promise<BookedActivity> };
  readonly bookings: Bookings;
  readonly partners: Readonly<Record<ProviderRole, Partner>>;
  /** Asks a provider to take part: returns when it is registered. */
  readonly reserve: (partner: Partner, context: CoordinationContext, reserve: Reserve) => Promise<void>;
  readonly log: Logger;
  /** How long, in milliseconds, failures that may pass are borne before the decision; then the booking is undone. */
  readonly patienceMs: number;
  /** Aborted when the agency stops. */
  readonly signal: AbortSignal;
}

/**
 * Carries one booking from the step that is written down to its end. Each step may be repeated: names, labels and keys are
 * the booking's, so a repetition gives what the first time gave. A step that fails for a reason that may pass is tried again:
 * until the decision with some patience, after it for as long as the agency lives. What else fails before the decision undoes
 * the booking.
 */
export class BookingRun {
  readonly #begun = performance.now();
  #pauseMs: number = TRAVEL_LIMITS.retryMinMs;

  constructor(
    private readonly o: BookingRunOptions,
    private readonly id: string,
  ) {}

  /** Resolves when the booking is over or the agency stops; never rejects for what replicas and providers do. */
  async carry(): Promise<void> {
    for (let booking = this.#booking(); !isOver(booking); booking = this.#booking()) {
      try {
        await this.#step(booking);
        this.#pauseMs = TRAVEL_LIMITS.retryMinMs;
      } catch (error) {
        if (this.o.signal.aborted) return;
        await this.#failed(booking, error);
      }
      if (this.o.signal.aborted) return;
    }
  }

  #booking(): Booking {
    return this.o.bookings.get(this.id);
  }

  async #step(booking: Booking): Promise<void> {
    const activity = await this.#activity(booking);
    switch (booking.state) {
      case 'reserving':
        return this.#reserve(booking, activity);
      case 'completing':
        return this.#complete(activity);
      case 'closing':
        return this.#close(activity);
      case 'undoing':
        return this.#undo(activity);
      case 'booked':
      case 'undone':
        return;
    }
  }

  async #activity(booking: Booking): Promise<BookedActivity> {
    const activity = await this.o.initiator.createActivity({
      name: this.id,
      outcome: 'atomic',
      expiresMs: TRAVEL_LIMITS.expiresMs,
    });
    if (booking.activity === undefined) this.o.bookings.setActivity(this.id, activity.id);
    return activity;
  }

  async #reserve(booking: Booking, activity: BookedActivity): Promise<void> {
    await Promise.all(
      PROVIDER_ROLES.map(async (role) => {
        const partner = this.o.partners[role];
        const context = await activity.invite(partner.matchcode, { identity: partner.writer });
        const { customer, items } = booking;
        await this.o.reserve(partner, context, { bookingId: this.id, item: items[role], customer });
      }),
    );
    this.o.bookings.move(this.id, 'completing', 'the airline and the hotel take part');
  }

  async #complete(activity: BookedActivity): Promise<void> {
    const invited = await activity.participants();
    const ids = invited.map(({ id }) => id);
    if (ids.length !== PROVIDER_ROLES.length)
      throw new ConcordatError('UnknownParticipant', `${ids.length} participants are registered`);
    await activity.complete(ids);
    const participants = await this.#outOfWork(activity);
    const lost = participants.filter(({ agreedState }) => agreedState !== 'Completed');
    if (lost.length === 0) {
      this.o.bookings.move(this.id, 'closing', 'the airline and the hotel have it: closing');
      return;
    }
    const reason = lost.map(({ matchcode, endedBy }) => `${matchcode}: ${endedBy ?? 'not completed'}`).join(', ');
    this.o.bookings.move(this.id, 'undoing', `undoing the booking, because of ${reason}`, reason);
  }

  /** Waits until nobody works any more: each has completed, or cannot. */
  async #outOfWork(activity: BookedActivity): Promise<readonly ParticipantState[]> {
    const until = performance.now() + TRAVEL_LIMITS.waitMs;
    for (;;) {
      const participants = await activity.participants();
      const working = participants.filter(({ agreedState }) => agreedState === undefined || WORKING.has(agreedState));
      if (working.length === 0) return participants;
      if (performance.now() > until) throw new ConcordatError('NotEnabled', working.map(({ matchcode }) => matchcode).join(', '));
      await sleep(TRAVEL_LIMITS.pollMs, undefined, { signal: this.o.signal });
    }
  }

  async #close(activity: BookedActivity): Promise<void> {
    await activity.close(undefined, { waitMs: TRAVEL_LIMITS.waitMs });
    await activity.ended({ waitMs: TRAVEL_LIMITS.waitMs });
    this.o.bookings.move(this.id, 'booked', 'booked');
  }

  async #undo(activity: BookedActivity): Promise<void> {
    await activity.cancel();
    await activity.ended({ waitMs: TRAVEL_LIMITS.waitMs });
    this.o.bookings.move(this.id, 'undone', 'undone: nothing is held and nothing is owed');
  }

  async #failed(booking: Booking, error: unknown): Promise<void> {
    const message = error instanceof Error ? error.message : String(error);
    this.o.log.warn({ booking: this.id, state: booking.state, error: message }, 'a step of a booking failed');
    const mayPass = !(error instanceof ConcordatError) || error.entry.retryable;
    const isPatient = performance.now() - this.#begun < this.o.patienceMs;
    if (UNDECIDED.has(booking.state) && !(mayPass && isPatient)) {
      this.o.bookings.move(this.id, 'undoing', `undoing the booking: ${message}`, message);
      return;
    }
    await sleep(this.#pauseMs, undefined, { signal: this.o.signal }).catch(() => undefined);
    this.#pauseMs = Math.min(2 * this.#pauseMs, TRAVEL_LIMITS.retryMaxMs);
  }
}

const WORKING: ReadonlySet<string> = new Set(['Active', 'Completing']);
const UNDECIDED: ReadonlySet<string> = new Set(['reserving', 'completing']);
