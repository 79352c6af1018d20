import type { Request } from '../bft/index.js';
import { parseStream, participantOfStream } from '../contract/index.js';
import { ConcordatError } from '../errors.js';
import type { EdgeAnswer, VerifiedMessage } from '../soap/index.js';
import { readReferences } from '../soap/messages/index.js';
import { isParticipantMessage, onReceive, TERMINAL_STATE } from '../wsba/index.js';
import { correspondentOf } from './correspondence.js';
import type { Instances } from './instances.js';
import type { Notices } from './notices.js';
import type { Waiters } from './waiters.js';

export interface UnknownOptions {
  readonly instances: Instances;
  readonly notices: Notices;
  readonly waiters: Waiters;
  /** How long a message about something unknown waits for it to become known. */
  readonly waitMs: number;
}

/**
 * Answers messages about activities and participants that this replica does not know. They wait a while, since what they are about
 * may be on its way. After that, if this replica knows that it is not merely behind (`Instances`):
 * - a notification is answered by the Ended row of the coordinator's table, for an unknown instance counts as Ended;
 * - GetStatus gets InvalidState, as there is no state to tell;
 * - Register gets CannotRegisterParticipant.
 * If it cannot know, all of them get a retryable fault. So do the initiator's requests in any case: an InvalidState would be taken
 * for the ordered answer to a numbered request (docs/decisions/004-client-numbers.md), and no table speaks of them.
 */
export class UnknownInstances {
  constructor(private readonly o: UnknownOptions) {}

  /** To be called when a request comes: begins to find out, if it is about something unknown. @param since when it came */
  expect(request: Request, since: number): void {
    const stream = parseStream(request.stream);
    if (stream?.kind === 'participant' && !this.o.instances.knowsParticipant(request.stream)) this.o.instances.inquire(since);
  }

  /**
   * The answer to a request that has waited long enough; undefined if what it is about is known, or is not a participant.
   * @throws ConcordatError CannotRegisterParticipant; UnknownActivity or UnknownParticipant, both retryable
   */
  answer(message: VerifiedMessage, request: Request, since: number): EdgeAnswer | undefined {
    const { instances } = this.o;
    const stream = parseStream(request.stream);
    if (stream?.kind !== 'participant') return undefined;
    const { activity } = stream;
    if (request.number === 1) {
      if (instances.hasNoActivity(activity, since)) throw cannotRegister(activity);
      return undefined;
    }
    if (instances.knowsParticipant(request.stream)) return undefined;
    if (!instances.hasNoParticipant(request.stream, activity, since)) throw this.#unknown(activity, request.stream);
    return this.#asEnded(message, activity, request.stream);
  }

  /**
   * Resolves when the participant of that stream has registered here.
   * @throws ConcordatError InvalidState if there is none; UnknownActivity or UnknownParticipant if that is not known in time
   */
  async participant(activity: string, stream: string, since: number, signal: AbortSignal): Promise<void> {
    const { instances, waiters, waitMs } = this.o;
    if (instances.knowsParticipant(stream)) return;
    instances.inquire(since);
    const isNone = (): boolean => instances.hasNoParticipant(stream, activity, since);
    await waiters.until(() => instances.knowsParticipant(stream) || isNone(), waitMs, signal);
    if (instances.knowsParticipant(stream)) return;
    throw isNone() ? new ConcordatError('InvalidState', 'no such participant has registered') : this.#unknown(activity, stream);
  }

  /**
   * Resolves when the activity exists here.
   * @throws ConcordatError CannotRegisterParticipant if there is none; UnknownActivity if that is not known in time
   */
  async activity(id: string, since: number, signal: AbortSignal): Promise<void> {
    const { instances, waiters, waitMs } = this.o;
    if (instances.knowsActivity(id)) return;
    instances.inquire(since);
    await waiters.until(() => instances.knowsActivity(id) || instances.hasNoActivity(id, since), waitMs, signal);
    if (instances.knowsActivity(id)) return;
    throw instances.hasNoActivity(id, since) ? cannotRegister(id) : unknownActivity(id);
  }

  /** The Ended rows of both protocols are equal. */
  #asEnded(message: VerifiedMessage, activity: string, stream: string): EdgeAnswer {
    const { name } = message.body;
    if (!isParticipantMessage(name)) throw new ConcordatError('ActionNotSupported', name);
    const cell = onReceive('ParticipantCompletion', 'coordinator', TERMINAL_STATE, name);
    if (cell.kind !== 'resend') return { kind: 'accepted' };
    const { invitation = '' } = readReferences(message.headers);
    const instance = { activity, participant: participantOfStream(stream), invitation };
    const told = this.o.notices.acknowledge({ instance, sender: correspondentOf(message) }, cell.message);
    if (!told) throw this.#unknown(activity, stream);
    return { kind: 'accepted' };
  }

  #unknown(activity: string, stream: string): ConcordatError {
    if (!this.o.instances.knowsActivity(activity)) return unknownActivity(activity);
    const participant = participantOfStream(stream);
    return new ConcordatError('UnknownParticipant', participant, { waitsFor: [participant] });
  }
}

const unknownActivity = (id: string): ConcordatError => new ConcordatError('UnknownActivity', id, { waitsFor: [id] });

const cannotRegister = (activity: string): ConcordatError =>
  new ConcordatError('CannotRegisterParticipant', `there is no activity ${activity}`);
