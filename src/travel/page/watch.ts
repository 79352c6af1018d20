import { ConcordatError } from '../../errors.js';
import type { Booking } from '../bookings.js';
import { TRAVEL_LIMITS } from '../limits.js';
import type { Frame } from './build.js';
import { buildView, chosenActivity } from './build.js';
import type { DeskReader } from './desk-reader.js';
import { Poll } from './poll.js';
import type { DeskReading, ReplicaReading } from './readings.js';
import type { ReplicaReader } from './replica-reader.js';

export interface WatchOptions {
  readonly frame: Frame;
  readonly replicas: ReadonlyMap<number, ReplicaReader>;
  readonly desks: readonly DeskReader[];
  /** The newest bookings of the agency's own book. */
  readonly bookings: (limit: number) => readonly Booking[];
}

interface Watcher {
  readonly chosen: string | undefined;
  readonly send: (view: string) => void;
  last: string;
}

/** Reads replicas and desks, each at its own pace, and tells whoever watches when what the page shows has changed. */
export class Watch {
  readonly #watchers = new Set<Watcher>();
  readonly #replicas: Map<number, ReplicaReading>;
  readonly #desks: Map<string, DeskReading>;
  readonly #polls: readonly Poll[];
  #gathering: NodeJS.Timeout | undefined;

  constructor(private readonly o: WatchOptions) {
    this.#replicas = new Map([...o.replicas.keys()].map((id) => [id, { id, heard: { kind: 'asking' } }]));
    this.#desks = new Map(o.desks.map(({ role }) => [role, { role, heard: { kind: 'asking' } }]));
    const isWatched = (): boolean => this.#watchers.size > 0;
    this.#polls = [
      ...[...o.replicas].map(
        ([id, reader]) => new Poll(async () => this.#heard(this.#replicas, id, await reader.read(this.#wanted())), isWatched),
      ),
      ...o.desks.map((reader) => new Poll(async () => this.#heard(this.#desks, reader.role, await reader.read()), isWatched)),
    ];
  }

  /**
   * @param chosen the activity whose timeline is shown
   * @param send called at once, and whenever the view has changed, with the view as JSON
   * @returns ends it
   * @throws ConcordatError Busy when too many watch
   */
  subscribe(chosen: string | undefined, send: (view: string) => void): () => void {
    if (this.#watchers.size >= TRAVEL_LIMITS.watchers)
      throw new ConcordatError('Busy', `${this.#watchers.size} browsers watch already`);
    const watcher: Watcher = { chosen, send, last: '' };
    this.#watchers.add(watcher);
    this.#tell(watcher);
    this.wake();
    return () => this.#watchers.delete(watcher);
  }

  /** Something was done that will show soon: looks again at once. */
  wake(): void {
    for (const poll of this.#polls) poll.wake();
    this.#gather();
  }

  async stop(): Promise<void> {
    this.#watchers.clear();
    await Promise.all(this.#polls.map((poll) => poll.stop()));
    clearTimeout(this.#gathering);
  }

  /** The view as JSON. */
  view(chosen?: string): string {
    const heard = { replicas: [...this.#replicas.values()], desks: [...this.#desks.values()], bookings: this.#bookings() };
    return JSON.stringify(buildView(this.o.frame, heard, chosen));
  }

  #bookings(): readonly Booking[] {
    return this.o.bookings(TRAVEL_LIMITS.shownTrips);
  }

  /** The activities whose timelines are looked at. */
  #wanted(): readonly string[] {
    const bookings = this.#bookings();
    const chosen = [...this.#watchers].flatMap((watcher) => chosenActivity(bookings, watcher.chosen)?.activity ?? []);
    return [...new Set(chosen)];
  }

  #heard<K, R>(readings: Map<K, R>, who: K, reading: R): void {
    readings.set(who, reading);
    this.#gather();
  }

  #gather(): void {
    this.#gathering ??= setTimeout(() => {
      this.#gathering = undefined;
      for (const watcher of this.#watchers) this.#tell(watcher);
    }, TRAVEL_LIMITS.gatherMs);
  }

  #tell(watcher: Watcher): void {
    const view = this.view(watcher.chosen);
    if (view === watcher.last) return;
    watcher.last = view;
    watcher.send(view);
  }
}
