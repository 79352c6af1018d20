import { positionKey, type ReplicaId, type Request } from '../../src/bft/index.js';
import { ActivityRequests } from './activities.js';
import type { ReplicaEvent } from './wire.js';

/** A participant obeys when so many replicas tell it the same. */
const BELIEVED = 2;
/** A run in which nothing happens for so long is broken. */
const STUCK_MS = 60_000;

export interface DriverOptions {
  readonly replicas: number;
  /** Activities at a time. */
  readonly concurrency: number;
  /** Gives requests to every replica. */
  readonly submit: (requests: readonly Request[]) => void;
}

/** Who was told to close, by which replicas. */
interface Running {
  readonly told: Map<string, Set<ReplicaId>>;
  readonly onClose: (participant: string) => void;
}

/** Takes activities from their creation to their end, many at a time: the initiators and participants of an endurance run. */
export class Driver {
  readonly #answers = new Map<string, { missing: number; readonly resolve: () => void }>();
  readonly #running = new Map<string, Running>();
  #batch: Request[] = [];
  #lastEvent = Date.now();
  #serial = 0;
  #done = 0;

  constructor(private readonly o: DriverOptions) {}

  /** Activities that have ended. */
  get done(): number {
    return this.#done;
  }

  onEvents(from: ReplicaId, events: readonly ReplicaEvent[]): void {
    this.#lastEvent = Date.now();
    for (const event of events) {
      if (event.kind === 'answered') this.#onAnswer(positionKey(event));
      else if (event.kind === 'command' && event.command === 'Close') this.#onClose(from, event);
    }
  }

  /** Runs so many more activities. Rejects when nothing moves any more. */
  async run(count: number): Promise<void> {
    let left = count;
    const runSome = async (): Promise<void> => {
      while (left-- > 0) await this.#runOne();
    };
    this.#lastEvent = Date.now();
    await Promise.race([Promise.all(Array.from({ length: this.o.concurrency }, runSome)), this.#watch()]);
    this.#stopWatching?.();
  }

  #stopWatching: (() => void) | undefined;

  #watch(): Promise<never> {
    return new Promise((_resolve, reject) => {
      const timer = setInterval(() => {
        if (Date.now() - this.#lastEvent > STUCK_MS)
          reject(
            new Error(`nothing moves; ${this.#answers.size} requests lack answers, such as ${[...this.#answers.keys()][0]}`),
          );
      }, 1_000);
      this.#stopWatching = () => clearInterval(timer);
    });
  }

  async #runOne(): Promise<void> {
    const activity = new ActivityRequests(this.#serial++);
    await this.#send([activity.create]);
    await this.#send([activity.invite()]);
    await this.#send(activity.registers());
    await this.#send(activity.completed());
    const closed: Promise<void>[] = [];
    const allTold = new Promise<void>((resolve) => {
      this.#running.set(activity.id, {
        told: new Map(),
        onClose: (participant) => {
          closed.push(this.#send([activity.closed(participant)]));
          if (closed.length === activity.participants) resolve();
        },
      });
    });
    await Promise.all([this.#send([activity.close()]), allTold]);
    await Promise.all(closed);
    this.#running.delete(activity.id);
    this.#done += 1;
  }

  /** Resolves when every replica has delivered and answered them all. */
  async #send(requests: readonly Request[]): Promise<void> {
    if (this.#batch.length === 0) setImmediate(() => this.o.submit(this.#batch.splice(0)));
    this.#batch.push(...requests);
    const missing = this.o.replicas;
    await Promise.all(
      requests.map((request) => new Promise<void>((resolve) => this.#answers.set(positionKey(request), { missing, resolve }))),
    );
  }

  #onAnswer(key: string): void {
    const waiting = this.#answers.get(key);
    if (waiting === undefined || --waiting.missing > 0) return;
    this.#answers.delete(key);
    waiting.resolve();
  }

  #onClose(from: ReplicaId, { activity, participant }: ReplicaEvent & { kind: 'command' }): void {
    const running = this.#running.get(activity);
    if (running === undefined) return;
    const told = running.told.get(participant) ?? new Set();
    running.told.set(participant, told.add(from));
    if (told.size === BELIEVED) running.onClose(participant);
  }
}
