import { createHash } from 'node:crypto';
import { controlStream } from '../contract/index.js';
import { ConcordatError } from '../errors.js';
import { parseCanonical } from '../soap/index.js';
import type { CoordinationContext, InitiatorRequest } from '../soap/messages/index.js';
import {
  decodeCreateCoordinationContextResponse,
  decodeParticipantList,
  encodeActivity,
  encodeInitiatorRequest,
} from '../soap/messages/index.js';
import type { ActivityRecord, DecisionRecord } from './activity-record.js';
import { getActivity, putActivity } from './activity-record.js';
import type { InitiatorParts } from './initiator.js';
import type { Draft, StoredAnswer, StoredRequest } from './journal.js';
import { uniteLists } from './participant-lists.js';
import type { ParticipantState } from './participant-lists.js';
import { Backoff } from '../backoff.js';
import { pause } from './pause.js';

export interface WaitOptions {
  /** Milliseconds to wait for participants before giving up, by default `timeoutMs`; nothing is written down then. */
  readonly waitMs?: number;
}

/** What was decided, and how far that is; a refused decision decided nothing. */
export interface ActivityDecision extends DecisionRecord {
  readonly status: 'pending' | 'agreed' | 'refused';
}

/** An activity of this initiator. Calls may be repeated; those of one activity are sent in the order of the calls. */
export class InitiatorActivity {
  readonly #stream: string;

  constructor(
    private readonly parts: InitiatorParts,
    private readonly record: ActivityRecord,
    /** As the replicas made it; participants that nobody invited by a matchcode may use it. */
    readonly context: CoordinationContext,
  ) {
    this.#stream = controlStream(context.identifier);
  }

  get id(): string {
    return this.context.identifier;
  }

  get name(): string {
    return this.record.name;
  }

  get outcome(): 'atomic' | 'mixed' {
    return this.record.outcome;
  }

  /** All decisions that were written down, the first one first; an atomic activity has at most one. */
  get decisions(): readonly ActivityDecision[] {
    return this.#decisions().map((decision) => ({ ...decision, status: this.#statusOf(decision) }));
  }

  /** The last decision that was written down. */
  get decision(): ActivityDecision | undefined {
    return this.decisions.at(-1);
  }

  /**
   * Reserves a matchcode and gives the context to send to the participant that is to use it. The same matchcode gives the same context.
   * @param options.identity the writer that alone may use it: subject and issuer, as `ownIdentity` gives them
   */
  async invite(matchcode: string, options: { readonly identity?: string } = {}): Promise<CoordinationContext> {
    const { identity } = options;
    const request: InitiatorRequest = {
      operation: 'getCoordinationContextWithMatchcode',
      matchcode,
      ...(identity === undefined ? {} : { identity }),
    };
    const answer = await this.#submit(`invite ${matchcode}`, request);
    if (answer.kind !== 'reply') throw new ConcordatError('Internal', `the invitation ${matchcode} has no context for an answer`);
    return decodeCreateCoordinationContextResponse(parseCanonical(answer.body)).context;
  }

  /** Whoever has registered: the union of n − f lists, of entries that can prove their Register. @throws ConcordatError NoQuorum */
  participants(): Promise<ParticipantState[]> {
    return this.#look(this.parts.limits.timeoutMs);
  }

  /**
   * Tells participants of CoordinatorCompletion that no more work comes. Others that are named are left as they are.
   * @param ids by default all that are Active
   * @throws ConcordatError NotEnabled whose `waitsFor` lists the ids that have not registered after `waitMs`; InvalidState after a
   *   decision about an atomic activity; NoQuorum
   */
  async complete(ids?: readonly string[], options: WaitOptions = {}): Promise<void> {
    const named = ids ?? (await this.participants()).filter(mayComplete).map(({ id }) => id);
    if (named.length === 0) return;
    const label = labelOf('complete', named);
    if (ids !== undefined && this.#find(label) === undefined) await this.#ready('complete', ids, options);
    await this.#submit(label, { operation: 'completeParticipants', participants: refs(named) });
  }

  /**
   * Closes: in an atomic activity this decides for everybody, and whoever is not named is canceled or compensated; in a mixed one
   * it decides for those that are named. It is written down only once f + 1 replicas show each named participant Completed or
   * Ended, for a number that was written down can never be used for something else.
   * @param ids by default, in an atomic activity, all participants that have not exited; in a mixed one they must be named
   * @throws ConcordatError NotEnabled whose `waitsFor` lists the ids that are not ready after `waitMs`; InvalidState if a named one
   *   ended other than by Exit, or something else was decided about it; InvalidParameters; NoQuorum
   */
  async close(ids?: readonly string[], options: WaitOptions = {}): Promise<void> {
    if (this.outcome === 'mixed' && (ids === undefined || ids.length === 0)) throw mustName('close');
    const known = this.#known('close', ids);
    const named = known?.participants ?? (await this.#ready('close', ids, options));
    // Another call may have decided while this one waited.
    const participants = this.#known('close', ids)?.participants ?? named;
    const operation = this.outcome === 'atomic' ? 'closeAllParticipants' : 'closeParticipants';
    await this.#decide({ kind: 'close', participants }, { operation, participants: refs(participants) });
  }

  /**
   * Cancels, and compensates who has completed: an atomic activity as a whole, in a mixed one those that are named.
   * @param ids in a mixed activity only
   * @throws ConcordatError NotEnabled whose `waitsFor` lists the ids that have not registered after `waitMs`; InvalidState if
   *   something else was decided; InvalidParameters; NoQuorum
   */
  async cancel(ids?: readonly string[], options: WaitOptions = {}): Promise<void> {
    if (this.outcome === 'atomic') {
      if (ids !== undefined)
        throw new ConcordatError('InvalidParameters', 'an atomic activity is canceled as a whole: name nobody');
      this.#known('cancel', undefined);
      return this.#decide({ kind: 'cancel' }, { operation: 'cancelOrCompensateAllParticipants' });
    }
    if (ids === undefined || ids.length === 0) throw mustName('cancel');
    await this.#decideReady('cancel', ids, options, 'cancelParticipants');
  }

  /**
   * Mixed activities only: compensates those that are named, once they have completed.
   * @throws ConcordatError like `close`
   */
  async compensate(ids: readonly string[], options: WaitOptions = {}): Promise<void> {
    if (this.outcome === 'atomic')
      throw new ConcordatError('InvalidParameters', 'participants of an atomic activity are canceled together');
    if (ids.length === 0) throw mustName('compensate');
    await this.#decideReady('compensate', ids, options, 'compensateParticipants');
  }

  /**
   * Waits until f + 1 replicas show every participant Ended, and says how each ended. In a mixed activity that takes a decision about
   * each of them.
   * @throws ConcordatError NoQuorum after `waitMs`, naming who has not; their ids are in `waitsFor`
   */
  ended(options: WaitOptions = {}): Promise<ParticipantState[]> {
    return this.#poll(options.waitMs, (participants) => {
      const missing = participants.filter(({ agreedState }) => agreedState !== 'Ended');
      return missing.length === 0 ? { done: participants } : { code: 'NoQuorum', waitsFor: missing };
    });
  }

  /** A decision about named participants of a mixed activity, once it is enabled. */
  async #decideReady(
    kind: 'cancel' | 'compensate',
    ids: readonly string[],
    options: WaitOptions,
    operation: 'cancelParticipants' | 'compensateParticipants',
  ): Promise<void> {
    if (this.#known(kind, ids) === undefined) await this.#ready(kind, ids, options);
    this.#known(kind, ids);
    await this.#decide({ kind, participants: ids }, { operation, participants: refs(ids) });
  }

  /**
   * The ids to name, once nothing that they wait for would block the requests behind: to close or compensate somebody it must have
   * completed or ended, for the rest it must have registered.
   */
  #ready(kind: Naming, ids: readonly string[] | undefined, { waitMs }: WaitOptions): Promise<readonly string[]> {
    const needsEnd = kind === 'close' || kind === 'compensate';
    return this.#poll(waitMs, (participants) => {
      const named = ids ?? participants.filter((participant) => !hasExited(participant)).map(({ id }) => id);
      const lost = participants.filter((participant) => named.includes(participant.id) && isLost(participant));
      if (needsEnd && lost.length > 0) throw new ConcordatError('InvalidState', `${kind}: ${lost.map(describe).join(', ')}`);
      const found = named.map(
        (id) => participants.find((participant) => participant.id === id) ?? { id, state: 'not registered', ready: undefined },
      );
      const missing = found.filter(({ ready }) => ready === undefined || (needsEnd && !ready));
      return missing.length === 0 ? { done: named } : { code: 'NotEnabled', waitsFor: missing };
    });
  }

  async #poll<T>(waitMs: number | undefined, judge: (participants: ParticipantState[]) => Judged<T>): Promise<T> {
    const { timeoutMs, pollMinMs, pollMaxMs } = this.parts.limits;
    const limit = waitMs ?? timeoutMs;
    const { steadyClock, timers, random } = this.parts.ports;
    const until = steadyClock() + limit;
    const backoff = new Backoff(pollMinMs, pollMaxMs, random);
    let late: ConcordatError | undefined;
    for (let left = limit; ; left = until - steadyClock()) {
      if (left <= 0 && late !== undefined) throw late;
      // The first look may take as long as any: it is participants that `waitMs` is about.
      const patience = late === undefined ? timeoutMs : Math.max(1, left);
      const judged = judge(
        await this.#look(patience).catch((error: unknown) => fail(isNoQuorum(error) ? (late ?? error) : error)),
      );
      if ('done' in judged) return judged.done;
      const waitsFor = judged.waitsFor.map(({ id }) => id);
      late = new ConcordatError(judged.code, `after ${limit} ms: ${judged.waitsFor.map(describe).join(', ')}`, { waitsFor });
      await pause(timers, Math.min(Math.max(0, until - steadyClock()), backoff.next()));
    }
  }

  async #look(timeoutMs: number): Promise<ParticipantState[]> {
    const { caller, votes, ports } = this.parts;
    const { n, f } = caller.view;
    const agreed = await caller.ask(
      {
        endpoint: 'completion',
        messageId: `urn:uuid:${ports.uuid()}`,
        references: [encodeActivity(this.id)],
        body: encodeInitiatorRequest({ operation: 'listParticipants' }),
      },
      { need: n - f, timeoutMs },
    );
    const replies = agreed.kind === 'reply' ? [...agreed.replies.values()] : [];
    const lists = replies.flatMap(({ body }) => {
      try {
        return [decodeParticipantList(body).participants];
      } catch {
        // Lists are not compared, so one that cannot be read is a liar's; the others stand.
        return [];
      }
    });
    return uniteLists(lists, { activity: this.id, n, f, votes });
  }

  /** A decision made before, if it is the same; another one about the same participants is final. */
  #known(kind: DecisionRecord['kind'], ids: readonly string[] | undefined): DecisionRecord | undefined {
    const decisions = this.decisions.filter(({ status }) => status !== 'refused');
    const same = decisions.find(
      (decision) => decision.kind === kind && (ids === undefined || sameSet(decision.participants, ids)),
    );
    if (same !== undefined) return same;
    const other = decisions.find((decision) => this.outcome === 'atomic' || contradicts(decision, kind, ids));
    if (other !== undefined) {
      throw new ConcordatError('InvalidState', `already decided: ${other.kind} ${other.participants?.join(', ') ?? ''}`.trim());
    }
    return undefined;
  }

  async #decide(decision: DecisionRecord, request: InitiatorRequest): Promise<void> {
    const { store, journal } = this.parts;
    const label = labelOf(decision.kind, decision.participants);
    if (this.#find(label) === undefined) {
      const draft = this.#draft(request);
      journal.transaction(() => {
        putActivity(store, { ...this.record, decisions: [...this.#decisions(), decision] });
        journal.append(this.#stream, label, draft);
      });
    }
    await this.#submit(label, request);
  }

  #decisions(): readonly DecisionRecord[] {
    return getActivity(this.parts.store, this.record.name)?.decisions ?? [];
  }

  #statusOf(decision: DecisionRecord): ActivityDecision['status'] {
    const answer = this.#find(labelOf(decision.kind, decision.participants))?.answer;
    return answer === undefined ? 'pending' : answer.kind === 'fault' ? 'refused' : 'agreed';
  }

  #find(label: string): StoredRequest | undefined {
    return this.parts.journal.find(this.#stream, label);
  }

  #submit(label: string, request: InitiatorRequest): Promise<StoredAnswer> {
    return this.parts.outbox.submit(this.#stream, label, () => this.#draft(request), this.parts.limits.timeoutMs);
  }

  #draft(request: InitiatorRequest): Draft {
    return {
      endpoint: 'completion',
      references: [encodeActivity(this.id)],
      body: encodeInitiatorRequest(request),
      need: 'believe',
      messageId: `urn:uuid:${this.parts.ports.uuid()}`,
    };
  }
}

type Naming = DecisionRecord['kind'] | 'complete';

interface Named {
  readonly id: string;
  readonly state: string;
  readonly matchcode?: string;
  readonly endedBy?: string;
}

type Judged<T> = { readonly done: T } | { readonly code: 'NotEnabled' | 'NoQuorum'; readonly waitsFor: readonly Named[] };

const isNoQuorum = (error: unknown): boolean => error instanceof ConcordatError && error.code === 'NoQuorum';

const fail = (error: unknown): never => {
  throw error;
};

const mayComplete = ({ protocol, state }: ParticipantState): boolean =>
  protocol === 'CoordinatorCompletion' && state === 'Active';
const hasExited = ({ agreedState, endedBy }: ParticipantState): boolean => agreedState === 'Ended' && endedBy === 'Exit';
const isLost = ({ agreedState, endedBy }: ParticipantState): boolean =>
  agreedState === 'Ended' && endedBy !== undefined && endedBy !== 'Exit';

/** Whether an earlier decision of a mixed activity was another one about somebody who is named now. */
const contradicts = (earlier: DecisionRecord, kind: string, ids: readonly string[] = []): boolean =>
  earlier.kind !== kind && ids.some((id) => earlier.participants?.includes(id) === true);

const mustName = (what: string): ConcordatError =>
  new ConcordatError('InvalidParameters', `in a mixed activity, name the participants to ${what}`);

/** `flight (urn:uuid:…) is Active`. */
function describe({ id, state, matchcode = '', endedBy }: Named): string {
  const name = matchcode === '' ? id : `${matchcode} (${id})`;
  return `${name} is ${state}${endedBy === undefined ? '' : ` by ${endedBy}`}`;
}

const refs = (ids: readonly string[]): { readonly participantId: string }[] =>
  inOrder(ids).map((participantId) => ({ participantId }));

const sameSet = (a: readonly string[] | undefined, b: readonly string[]): boolean =>
  a !== undefined && labelOf('', a) === labelOf('', b);

/** One request of a kind and a set of participants, in whatever order they are named. */
function labelOf(kind: string, ids: readonly string[] | undefined): string {
  if (ids === undefined) return kind;
  return `${kind} ${createHash('sha256')
    .update(JSON.stringify(inOrder(ids)))
    .digest('base64url')}`;
}

const inOrder = (ids: readonly string[]): string[] => [...new Set(ids)].sort();
