import type { Admission, Digest, ReplicatedService, Request, Retirement, StreamInfo } from '../bft/index.js';
import { controlStream, type Invitation, participantOfStream, parseStream } from '../contract/index.js';
import { ConcordatError, type ErrorCode } from '../errors.js';
import {
  type Activity,
  admitInvitation,
  activityId,
  CONTROL_STREAM,
  type CoordinatorMessage,
  createActivity,
  deliverLinked,
  familyOf,
  type Effect,
  isEnded,
  type LinkedStep,
  machine as ruledMachine,
  type Machine,
  openLinked,
  type State,
} from '../wsba/index.js';
import { type Entry, newEntry } from './entry.js';
import { Families } from './families.js';
import { type Invitations, readInput, type ServiceInput } from './inputs.js';
import { type MemberSums, type Print, printOf } from './prints.js';
import type { RetiredUnits } from './retired-units.js';

/** What a delivery caused, to be acted upon once it is on disk. */
export type ServiceEffect =
  /** The request at this position has its answer now (perhaps long after it was delivered). */
  | { readonly kind: 'answered'; readonly stream: string; readonly number: number }
  | {
      readonly kind: 'command';
      readonly activity: string;
      readonly participant: string;
      readonly command: CoordinatorMessage;
      /** The state it is sent in: Exiting for an Exited. */
      readonly state: State;
    }
  /** A participant's notification was passed over with InvalidState. */
  | {
      readonly kind: 'fault';
      readonly activity: string;
      readonly participant: string;
      readonly stream: string;
      readonly number: number;
    }
  | { readonly kind: 'ended'; readonly activity: string };

/** The answer to a delivered request; undefined while it waits inside the service. */
export type Outcome =
  { readonly ok: true; readonly activity: Activity } | { readonly ok: false; readonly error: ConcordatError } | undefined;

export interface ServiceLimits {
  readonly clockWindowMs: number;
  readonly maxActivitiesPerWriter: number;
  readonly maxParticipantsPerActivity: number;
}

/** What a service needs so that activities that have ended can leave memory. */
export interface ServiceRetirement {
  readonly units: RetiredUnits;
  /** Whether a message to a participant is still to be sent, so that its activity must stay. */
  readonly isOwed: (activity: string, participant: string, command: CoordinatorMessage) => boolean;
  /** A message that had been sent before its activity left memory; the activity is back. */
  readonly wasSent: (activity: string, participant: string, command: CoordinatorMessage) => void;
}

/** Others may certify it; then this replica delivers it like any other. */
const ABSTAIN: Admission = { verdict: 'wait', code: 'Recovering', waitsFor: [] };

/** How deep activities may lie inside one another. */
const MAX_DEPTH = 8;

const CREATE = 'CreateCoordinationContext';

const key = (stream: string, number: number): string => `${stream}#${number}`;

/**
 * WS-BusinessActivity as a replicated service: the activities of src/wsba behind the port of src/bft. Its state is a function
 * of what was delivered on each stream; the clock counts in `admit` alone.
 */
export class CoordinationService implements ReplicatedService<readonly ServiceEffect[]> {
  readonly #families: Families;
  readonly retirement?: Retirement;
  readonly #inputs = new WeakMap<Request, ServiceInput>();
  readonly #openByWriter = new Map<string, number>();
  readonly #invited = (activity: string): Invitations => {
    const invited = this.#families.entry(activity)?.invited;
    return { isKnown: (matchcode) => invited?.has(matchcode) === true, identity: (matchcode) => invited?.get(matchcode) };
  };
  /** Activities created up to then are voted on by others only; ms since the epoch. */
  #abstainUntil = Number.NEGATIVE_INFINITY;
  readonly #find = (id: string): Activity | undefined => this.#families.entry(id)?.activity;

  constructor(
    private readonly limits: ServiceLimits,
    private readonly clock: () => number,
    private readonly machine: Machine = ruledMachine,
    retirement?: ServiceRetirement,
  ) {
    this.#families = new Families(retirement);
    if (retirement === undefined) return;
    this.retirement = {
      over: (domain) => this.#families.over(domain),
      pack: (unit) => this.#families.pack(unit),
      streams: (unit) => this.#families.streams(unit),
      forget: (unit) => this.#forget(unit),
    };
  }

  /**
   * This replica may have forgotten votes: it votes in no activity that was created before then, and follows the others there.
   * @param votesFrom milliseconds since the epoch
   */
  abstainBefore(votesFrom: number): void {
    this.#abstainUntil = Math.max(this.#abstainUntil, votesFrom);
  }

  stream(name: string): StreamInfo | undefined {
    const parsed = parseStream(name);
    switch (parsed?.kind) {
      case undefined:
        return undefined;
      case 'create': {
        const { writer, outer } = parsed;
        const ready = outer === undefined || this.#families.entry(outer.activity) !== undefined;
        return { domain: outer?.activity ?? name, control: false, writer, ready };
      }
      case 'control': {
        const entry = this.#families.entry(parsed.activity);
        return {
          domain: parsed.activity,
          control: true,
          writer: entry?.activity.creator,
          ready: entry !== undefined,
          abstain: entry !== undefined && this.#isOld(entry.activity.created),
        };
      }
      case 'participant': {
        const { activity, writer } = parsed;
        return { domain: activity, control: false, writer, ready: this.#families.entry(activity) !== undefined };
      }
    }
  }

  admit(request: Request): Admission {
    let input: ServiceInput;
    try {
      input = this.#input(request);
    } catch (error) {
      // Whatever cannot be read is not voted for: what a client sends must never stop a replica.
      return error instanceof ConcordatError
        ? refuse(error.code, error.detail ?? '')
        : refuse('InvalidParameters', String(error));
    }
    return input.kind === 'create' ? this.#admitCreate(request, input) : this.#admitInput(input);
  }

  #admitCreate(request: Request, input: ServiceInput & { kind: 'create' }): Admission {
    if (this.#isOld(input.created)) return ABSTAIN;
    const away = Math.abs(this.clock() - input.created);
    if (away > this.limits.clockWindowMs) return refuse('MessageExpired', `c:Created is ${away} ms from this replica's clock`);
    if (this.#families.isRetired(request.stream)) return refuse('StoreCorrupt', 'the record of this activity cannot be read');
    const open = this.#openByWriter.get(request.writer) ?? 0;
    if (open >= this.limits.maxActivitiesPerWriter)
      return refuse('TooManyActivities', `${open} activities of this writer are open`);
    return input.outer === undefined ? { verdict: 'admit' } : this.#admitInner(request, input.outer);
  }

  /** An activity inside another registers there, so what holds for a Register holds for it. */
  #admitInner(request: Request, { activity: id, matchcode }: Invitation): Admission {
    const outer = this.#find(id);
    if (outer === undefined) return { verdict: 'wait', code: 'UnknownActivity', waitsFor: [id] };
    if (this.#depth(outer) >= MAX_DEPTH)
      return refuse('CannotCreateContext', `activities lie at most ${MAX_DEPTH} deep inside one another`);
    return this.#tooMany(outer) ?? admitInvitation(outer, matchcode, request.writer) ?? { verdict: 'admit' };
  }

  #isOld(created: number): boolean {
    return created <= this.#abstainUntil;
  }

  #depth(a: Activity): number {
    const outer = a.outer && this.#find(a.outer.activity);
    return outer === undefined ? 1 : 1 + this.#depth(outer);
  }

  #tooMany({ participants }: Activity): Admission | undefined {
    if (participants.size < this.limits.maxParticipantsPerActivity) return undefined;
    return refuse('TooManyParticipants', `the activity has ${participants.size} participants`);
  }

  #admitInput({ activity: id, input }: ServiceInput & { kind: 'activity' }): Admission {
    const activity = this.#find(id);
    if (activity === undefined) return { verdict: 'wait', code: 'UnknownActivity', waitsFor: [id] };
    if (this.#isOld(activity.created)) return ABSTAIN;
    const tooMany = input.request.kind === 'register' ? this.#tooMany(activity) : undefined;
    return tooMany ?? this.machine.admit(activity, input);
  }

  deliver(request: Request, digest: Digest): { domains: readonly string[]; effects: readonly ServiceEffect[] } {
    const stream = parseStream(request.stream);
    if (stream !== undefined && stream.kind !== 'create') this.#families.warm(stream.activity)?.streams.add(request.stream);
    const input = this.#read(request);
    if (input === undefined) return { domains: [], effects: [] };
    return input.kind === 'create' ? this.#create(request, digest, input) : this.#apply(request, input);
  }

  /** n − f replicas read it before they voted, so it can be read; if not, more than f are faulty and it counts for nothing. */
  #read(request: Request): ServiceInput | undefined {
    try {
      return this.#input(request);
    } catch {
      return undefined;
    }
  }

  /** What a control request means depends on the invitations before it; any other is read once, though it is asked about twice. */
  #input(request: Request): ServiceInput {
    const known = this.#inputs.get(request);
    if (known !== undefined) return known;
    const input = readInput(request, this.#invited);
    if (input.kind === 'create' || input.input.stream !== CONTROL_STREAM) this.#inputs.set(request, input);
    return input;
  }

  #create(request: Request, digest: Digest, { outcome, created, expires, outer }: ServiceInput & { kind: 'create' }) {
    const { stream, number, writer } = request;
    const id = activityId(digest);
    const activity = createActivity({
      id,
      outcome,
      creator: writer,
      created,
      ...(expires === undefined ? {} : { expires }),
      ...(outer === undefined ? {} : { outer: { activity: outer.activity, participant: participantOfStream(stream) } }),
    });
    if (outer !== undefined) this.#families.warm(outer.activity);
    const entry = newEntry(activity, stream);
    entry.history.push({ kind: 'request', stream, number, message: CREATE });
    this.#families.add(entry);
    this.#count(writer, 1);
    const invitation = outer?.matchcode ?? '';
    const step = openLinked(this.machine, this.#find, activity, { writer, invitation, stream });
    return {
      domains: [...step.activities.keys()],
      effects: [{ kind: 'answered', stream, number } as const, ...this.#adopt(step)],
    };
  }

  #apply(request: Request, { activity: id, input, operation }: ServiceInput & { kind: 'activity' }) {
    const entry = this.#families.warm(id);
    if (entry === undefined) return { domains: [], effects: [] };
    const { stream, number } = request;
    if (input.request.kind === 'invite' && !entry.invited.has(input.request.matchcode)) {
      entry.invited.set(input.request.matchcode, input.request.identity);
    }
    entry.history.push({ kind: 'request', stream, number, message: operation.body.name });
    const step = deliverLinked(this.machine, this.#find, id, input);
    const answered: ServiceEffect[] = input.request.kind === 'notify' ? [{ kind: 'answered', stream, number }] : [];
    return { domains: [...step.activities.keys()], effects: [...answered, ...this.#adopt(step)] };
  }

  /** Takes over the activities that moved, and says what follows from it. */
  #adopt({ activities, effects }: LinkedStep): ServiceEffect[] {
    for (const [id, activity] of activities) {
      const entry = this.#families.warm(id);
      if (entry === undefined) continue;
      const wasEnded = isEnded(entry.activity);
      entry.activity = activity;
      this.#countEnd(activity, wasEnded);
    }
    return effects.flatMap(({ activity, effect }) => this.#follow(activity, effect));
  }

  #follow(activity: string, effect: Effect): ServiceEffect[] {
    const entry = this.#families.warm(activity);
    switch (effect.kind) {
      case 'reply':
        entry?.results.set(key(effect.to.stream, effect.to.number), effect.result);
        return [{ kind: 'answered', stream: streamName(activity, effect.to.stream), number: effect.to.number }];
      case 'command': {
        const { participant, command, state } = effect;
        entry?.history.push({ kind: 'command', participant, command, state });
        return [{ kind: 'command', activity, participant, command, state }];
      }
      case 'fault': {
        const { participant, to } = effect;
        return [{ kind: 'fault', activity, participant, stream: to.stream, number: to.number }];
      }
      case 'ended':
        return [{ kind: 'ended', activity }];
      case 'inner':
        return [];
    }
  }

  #countEnd(activity: Activity, wasEnded: boolean): void {
    const ended = isEnded(activity);
    if (ended === wasEnded) return;
    this.#count(activity.creator, ended ? -1 : 1);
  }

  /** The answer to a delivered request, the same as often as it is asked for. */
  outcome(request: Request, digest: Digest): Outcome {
    const stream = parseStream(request.stream);
    if (stream === undefined) return undefined;
    const id = stream.kind === 'create' ? activityId(digest) : stream.activity;
    const entry = this.#families.entry(id);
    if (entry === undefined) return undefined;
    if (stream.kind === 'create' || (stream.kind === 'participant' && request.number > 1))
      return { ok: true, activity: entry.activity };
    const result = entry.results.get(key(stream.kind === 'control' ? CONTROL_STREAM : request.stream, request.number));
    if (result === undefined) return undefined;
    return result.ok
      ? { ok: true, activity: entry.activity }
      : { ok: false, error: new ConcordatError(result.code, result.detail) };
  }

  /** Forgets a family; those of its activities that are open here, because records of peers are further, are no longer. */
  #forget(unit: string): void {
    for (const { activity } of this.#families.forget(unit)) if (!isEnded(activity)) this.#count(activity.creator, -1);
  }

  #count(writer: string, change: 1 | -1): void {
    const count = (this.#openByWriter.get(writer) ?? 0) + change;
    if (count === 0) this.#openByWriter.delete(writer);
    else this.#openByWriter.set(writer, count);
  }

  activity(id: string): Activity | undefined {
    return this.#find(id);
  }

  /** What this replica saw of an activity: as it was told when the activity was retired, and since. */
  history(id: string): Pick<Entry, 'told' | 'history'> | undefined {
    return this.#families.entry(id);
  }

  /** The activities that went into the state of a record, if it was made here and just now. */
  packed(state: Uint8Array): readonly Entry[] | undefined {
    return this.#families.packed(state);
  }

  /** Those in memory: all that have not ended, and some that have. */
  activities(): Activity[] {
    return [...this.#families.inMemory()].map((entry) => entry.activity);
  }

  /** Families that are in memory again, by name, and what their records add to the totals of the archive. */
  get back(): ReadonlyMap<string, MemberSums> {
    return this.#families.back;
  }

  /** Activities that have left memory, the last one first. */
  retired(limit: number): Activity[] {
    return this.#families.retired(limit);
  }

  /** How far each stream of an activity is, and its state. */
  fingerprint(activity: Activity): Print {
    return printOf(activity, familyOf(activity, this.#find));
  }
}

const streamName = (activity: string, stream: string): string => (stream === CONTROL_STREAM ? controlStream(activity) : stream);

const refuse = (code: ErrorCode, detail: string): Admission => ({ verdict: 'refuse', code, detail });
