import type { Admission, Digest, ReplicatedService, Request, StreamInfo } from '../bft/index.js';
import { controlStream, parseStream } from '../contract/index.js';
import { ConcordatError, type ErrorCode } from '../errors.js';
import {
  type Activity,
  activityDigest,
  activityId,
  type CoordinatorMessage,
  createActivity,
  delivered,
  isEnded,
  machine,
  type Result,
  type State,
} from '../wsba/index.js';
import { readInput, type ServiceInput } from './inputs.js';

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

/** What happened in an activity, in the order in which this replica saw it. */
export type HistoryLine =
  | { readonly kind: 'request'; readonly stream: string; readonly number: number }
  | { readonly kind: 'command'; readonly participant: string; readonly command: CoordinatorMessage };

interface Entry {
  activity: Activity;
  readonly history: HistoryLine[];
  /** Answers given, by stream and number of wsba. */
  readonly results: Map<string, Result>;
  /** Whom each invitation is reserved for, in the order in which the control stream was delivered. */
  readonly invited: Map<string, string>;
}

const key = (stream: string, number: number): string => `${stream}#${number}`;

/**
 * WS-BusinessActivity as a replicated service: the activities of src/wsba behind the port of src/bft. Its state is a function
 * of what was delivered on each stream; the clock counts in `admit` alone.
 */
export class CoordinationService implements ReplicatedService<readonly ServiceEffect[]> {
  readonly #entries = new Map<string, Entry>();
  readonly #openByWriter = new Map<string, number>();
  readonly #invited = (activity: string) => (matchcode: string) => this.#entries.get(activity)?.invited.get(matchcode);

  constructor(
    private readonly limits: ServiceLimits,
    private readonly clock: () => number,
  ) {}

  stream(name: string): StreamInfo | undefined {
    const parsed = parseStream(name);
    switch (parsed?.kind) {
      case undefined:
        return undefined;
      case 'create':
        return { domain: name, control: false, writer: parsed.writer, ready: true };
      case 'control': {
        const entry = this.#entries.get(parsed.activity);
        return { domain: parsed.activity, control: true, writer: entry?.activity.creator, ready: entry !== undefined };
      }
      case 'participant':
        return { domain: parsed.activity, control: false, writer: parsed.writer, ready: this.#entries.has(parsed.activity) };
    }
  }

  admit(request: Request): Admission {
    let input: ServiceInput;
    try {
      input = readInput(request, this.#invited);
    } catch (error) {
      // Whatever cannot be read is not voted for: what a client sends must never stop a replica.
      return error instanceof ConcordatError
        ? refuse(error.code, error.detail ?? '')
        : refuse('InvalidParameters', String(error));
    }
    return input.kind === 'create' ? this.#admitCreate(request, input) : this.#admitInput(input);
  }

  #admitCreate(request: Request, input: ServiceInput & { kind: 'create' }): Admission {
    const away = Math.abs(this.clock() - input.created);
    if (away > this.limits.clockWindowMs) return refuse('MessageExpired', `c:Created is ${away} ms from this replica's clock`);
    const open = this.#openByWriter.get(request.writer) ?? 0;
    if (open >= this.limits.maxActivitiesPerWriter) return refuse('LimitReached', `${open} activities of this writer are open`);
    return { verdict: 'admit' };
  }

  #admitInput({ activity: id, input }: ServiceInput & { kind: 'activity' }): Admission {
    const activity = this.#entries.get(id)?.activity;
    if (activity === undefined) return { verdict: 'wait', code: 'UnknownActivity', waitsFor: [id] };
    if (input.request.kind === 'register' && activity.participants.size >= this.limits.maxParticipantsPerActivity) {
      return refuse('LimitReached', `the activity has ${activity.participants.size} participants`);
    }
    return machine.admit(activity, input);
  }

  deliver(request: Request, digest: Digest): { domain: string; effects: readonly ServiceEffect[] } {
    const input = this.#read(request);
    if (input === undefined) return { domain: request.stream, effects: [] };
    if (input.kind === 'create') return this.#create(request, digest, input);
    return { domain: input.activity, effects: this.#apply(request, input) };
  }

  /** n − f replicas read it before they voted, so it can be read; if not, more than f are faulty and it counts for nothing. */
  #read(request: Request): ServiceInput | undefined {
    try {
      return readInput(request, this.#invited);
    } catch {
      return undefined;
    }
  }

  #create(request: Request, digest: Digest, { outcome, created, expires }: ServiceInput & { kind: 'create' }) {
    const id = activityId(digest);
    const activity = createActivity({
      id,
      outcome,
      creator: request.writer,
      created,
      ...(expires === undefined ? {} : { expires }),
    });
    const { stream, number } = request;
    this.#entries.set(id, { activity, history: [{ kind: 'request', stream, number }], results: new Map(), invited: new Map() });
    this.#openByWriter.set(request.writer, (this.#openByWriter.get(request.writer) ?? 0) + 1);
    return { domain: id, effects: [{ kind: 'answered', stream: request.stream, number: request.number }] as const };
  }

  #apply(request: Request, { activity: id, input }: ServiceInput & { kind: 'activity' }): ServiceEffect[] {
    const entry = this.#entries.get(id);
    if (entry === undefined) return [];
    if (input.request.kind === 'invite' && !entry.invited.has(input.request.matchcode) && input.request.identity !== undefined) {
      entry.invited.set(input.request.matchcode, input.request.identity);
    }
    const wasEnded = isEnded(entry.activity);
    const { activity, effects } = machine.deliver(entry.activity, input);
    entry.activity = activity;
    entry.history.push({ kind: 'request', stream: request.stream, number: request.number });
    this.#countEnd(activity, wasEnded);
    const answers: ServiceEffect[] =
      input.request.kind === 'notify' ? [{ kind: 'answered', stream: request.stream, number: request.number }] : [];
    for (const effect of effects) {
      switch (effect.kind) {
        case 'reply':
          entry.results.set(key(effect.to.stream, effect.to.number), effect.result);
          answers.push({ kind: 'answered', stream: streamName(id, effect.to.stream), number: effect.to.number });
          break;
        case 'command': {
          const { participant, command, state } = effect;
          entry.history.push({ kind: 'command', participant, command });
          answers.push({ kind: 'command', activity: id, participant, command, state });
          break;
        }
        case 'fault':
          answers.push({
            kind: 'fault',
            activity: id,
            participant: effect.participant,
            stream: effect.to.stream,
            number: effect.to.number,
          });
          break;
        case 'ended':
          answers.push({ kind: 'ended', activity: id });
          break;
      }
    }
    return answers;
  }

  #countEnd(activity: Activity, wasEnded: boolean): void {
    const ended = isEnded(activity);
    if (ended === wasEnded) return;
    const open = this.#openByWriter.get(activity.creator) ?? 0;
    this.#openByWriter.set(activity.creator, ended ? open - 1 : open + 1);
  }

  /** The answer to a delivered request, the same as often as it is asked for. */
  outcome(request: Request, digest: Digest): Outcome {
    const stream = parseStream(request.stream);
    if (stream === undefined) return undefined;
    const id = stream.kind === 'create' ? activityId(digest) : stream.activity;
    const entry = this.#entries.get(id);
    if (entry === undefined) return undefined;
    if (stream.kind === 'create' || (stream.kind === 'participant' && request.number > 1))
      return { ok: true, activity: entry.activity };
    const result = entry.results.get(key(stream.kind === 'control' ? 'control' : request.stream, request.number));
    if (result === undefined) return undefined;
    return result.ok
      ? { ok: true, activity: entry.activity }
      : { ok: false, error: new ConcordatError(result.code, result.detail) };
  }

  activity(id: string): Activity | undefined {
    return this.#entries.get(id)?.activity;
  }

  history(id: string): readonly HistoryLine[] {
    return this.#entries.get(id)?.history ?? [];
  }

  activities(): Activity[] {
    return [...this.#entries.values()].map((entry) => entry.activity);
  }

  /** How far each stream of an activity is, and the digest of its state: equal positions mean equal digests. */
  fingerprint(activity: Activity): { readonly positions: string; readonly digest: string } {
    const streams = [
      'control',
      ...[...activity.streams.keys(), ...activity.held.keys()].filter((stream) => stream !== 'control').sort(),
    ];
    const positions = [...new Set(streams)].map((stream) => `${stream}=${delivered(activity, stream)}`).join('\n');
    return { positions, digest: activityDigest(activity) };
  }
}

const streamName = (activity: string, stream: string): string => (stream === 'control' ? controlStream(activity) : stream);

const refuse = (code: ErrorCode, detail: string): Admission => ({ verdict: 'refuse', code, detail });
