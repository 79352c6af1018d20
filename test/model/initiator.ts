import { requestDigest, type ReplicaId, type Request } from '../../src/bft/index.js';
import { controlStream, createStream } from '../../src/contract/index.js';
import { activityId, type Outcome, type ParticipantRecord, participants } from '../../src/wsba/index.js';
import { createRequest, type Order, orderRequest } from './requests.js';
import type { Slot } from './names.js';
import type { Participant } from './participant.js';
import type { World } from './world.js';
import { Writer } from './writer.js';

/** What an honest initiator wants in the end. */
export const WISHES = ['close', 'cancel'] as const;
export type Wish = (typeof WISHES)[number];

export interface InitiatorPlan {
  readonly outcome: Outcome;
  readonly honest: boolean;
  readonly wish: Wish;
}

export interface SentOrder {
  readonly request: Request;
  readonly order: Order;
}

/** The creator of one activity. */
export class Initiator extends Writer {
  readonly activity: string;
  readonly orders: SentOrder[] = [];
  readonly guests: Participant[] = [];
  readonly #create: Request;

  constructor(
    world: World,
    readonly slot: Slot,
    readonly plan: InitiatorPlan,
  ) {
    const name = `initiator of ${slot}`;
    const create = createRequest(createStream(name, `urn:create:${slot}`), name, plan.outcome, world.cluster.now);
    const activity = activityId(requestDigest(world.cluster.cluster, create));
    super(world, name, controlStream(activity));
    this.activity = activity;
    this.#create = create;
  }

  create(to: readonly ReplicaId[]): void {
    this.world.submit(this.#create, to);
  }

  override again(to: readonly ReplicaId[], everything = false): void {
    if (everything || !this.world.isThrough(this.#create)) this.world.submit(this.#create, to);
    super.again(to, everything);
  }

  order(order: Order, to: readonly ReplicaId[]): void {
    this.#put(this.next, order, to);
  }

  /** Asks two things under one number. Dishonest. */
  equivocate(orders: readonly [Order, Order], to: readonly [ReplicaId[], ReplicaId[]]): void {
    const number = this.next;
    orders.forEach((order, i) => this.#put(number, order, to[i] ?? []));
  }

  #put(number: number, order: Order, to: readonly ReplicaId[]): void {
    const request = orderRequest(this.stream, number, this.name, this.plan.outcome, order);
    const same = this.orders.find((sent) => Buffer.compare(sent.request.payload, request.payload) === 0);
    if (same === undefined) this.orders.push({ request, order });
    this.send(same?.request ?? request, to);
  }

  /**
   * Whom an honest initiator may name in a close or compensate without blocking its own stream for ever: those that are
   * known to have finished, and those that will: honest ones with nothing left that they wait for.
   */
  mayName(guest: Participant): boolean {
    if (this.#believes(guest.id, (p) => p.state === 'Completed' || p.state === 'Ended')) return true;
    const asked = (): boolean =>
      this.orders.some(({ order }) => order.kind === 'complete' && order.participants.includes(guest.id));
    return guest.character.honest && (guest.protocol === 'ParticipantCompletion' || asked());
  }

  /** A fair end: an honest initiator decides, once nothing of its own is under way and its honest guests have finished. */
  finish(): void {
    this.again(this.world.replicas);
    if (!this.plan.honest || !this.world.isThrough(this.#create) || !this.isThrough) return;
    const order = this.plan.outcome === 'AtomicOutcome' ? this.#atomicOrder() : this.#mixedOrder();
    if (order !== undefined) this.order(order, this.world.replicas);
  }

  #atomicOrder(): Order | undefined {
    if (this.world.holding(this.activity, (state) => state.settlement !== undefined) > this.world.f) return undefined;
    if (this.plan.wish === 'cancel') return { kind: 'cancelAll' };
    const toComplete = this.#toComplete();
    if (toComplete.length > 0) return { kind: 'complete', participants: toComplete };
    if (this.#awaited().length > 0) return undefined;
    return { kind: 'close', participants: this.#listed((p) => p.state === 'Completed') };
  }

  #mixedOrder(): Order | undefined {
    const toComplete = this.plan.wish === 'close' ? this.#toComplete() : [];
    if (toComplete.length > 0) return { kind: 'complete', participants: toComplete };
    const undecided = this.#listed((p) => p.decision === undefined && p.state !== 'Ended');
    if (this.plan.wish === 'cancel') return undecided.length > 0 ? { kind: 'cancel', participants: undecided } : undefined;
    if (this.#awaited().length > 0) return undefined;
    const [first, ...rest] = this.#listed((p) => p.decision === undefined && p.state === 'Completed');
    // Some are kept and some are undone: that is what a mixed outcome is for.
    if (first !== undefined)
      return rest.length > 0 ? { kind: 'close', participants: rest } : { kind: 'compensate', participants: [first] };
    return undecided.length > 0 ? { kind: 'cancel', participants: undecided } : undefined;
  }

  /** Honest participants of CoordinatorCompletion that nobody has asked to complete. */
  #toComplete(): string[] {
    return this.#listed((p) => p.protocol === 'CoordinatorCompletion' && p.state === 'Active').filter(
      (id) => this.guests.find((guest) => guest.id === id)?.character.honest === true,
    );
  }

  /** Honest participants that are registered, or about to be, and still at work. */
  #awaited(): Participant[] {
    return this.guests.filter(
      (guest) => guest.character.honest && !this.#believes(guest.id, (p) => p.state === 'Completed' || p.state === 'Ended'),
    );
  }

  /** The participants of whom f + 1 replicas say so. */
  #listed(predicate: (p: ParticipantRecord) => boolean): string[] {
    const known = new Set(
      this.world.correct.flatMap((id) => {
        const state = this.world.service(id).activity(this.activity);
        return state === undefined ? [] : participants(state).map((p) => p.id);
      }),
    );
    return [...known].filter((id) => this.#believes(id, predicate)).sort();
  }

  #believes(participant: string, predicate: (p: ParticipantRecord) => boolean): boolean {
    const holding = this.world.holding(this.activity, (state) => {
      const record = state.participants.get(participant);
      return record !== undefined && predicate(record);
    });
    return holding > this.world.f;
  }
}
