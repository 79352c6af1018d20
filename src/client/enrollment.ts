import { randomUUID } from 'node:crypto';
import { ConcordatError } from '../errors.js';
import type { Logger } from '../log.js';
import type { EndpointReference } from '../soap/index.js';
import { el, NS } from '../soap/index.js';
import {
  encodeActivity,
  encodeFail,
  encodeInvitation,
  encodeNotification,
  encodeParticipant,
  encodeStatus,
} from '../soap/messages/index.js';
import { onReceive, onSend, TERMINAL_STATE } from '../wsba/index.js';
import type { CoordinatorMessage, ParticipantMessage, Protocol, State } from '../wsba/index.js';
import type { EnrollmentRecord, EnrollmentStore } from './enrollment-record.js';
import type { Draft, Journal } from './journal.js';
import type { ClientLimits } from './limits.js';
import type { Outbox } from './outbox.js';
import { Backoff } from '../backoff.js';
import { pause } from './pause.js';

/** Thrown by a cancel or compensate handler that cannot undo the work: the coordinator is told Fail. */
export class CannotUndo extends Error {
  /** @param exceptionIdentifier what Fail says: `{namespace}local`, `wsba:local` or a plain local name */
  constructor(readonly exceptionIdentifier = 'CannotUndo') {
    super(`cannot undo: ${exceptionIdentifier}`);
    this.name = 'CannotUndo';
  }
}

export type Handler = (enrollment: Enrollment) => Promise<void>;

/**
 * What a participant does when told. A handler runs again after a crash, and after it failed, until it succeeds: it must do
 * nothing twice. Handlers of one enrollment never overlap.
 */
export interface Handlers {
  /** CoordinatorCompletion: no more work comes; Completed is sent when it returns, unless it reported something else. */
  readonly complete?: Handler;
  readonly close: Handler;
  readonly cancel: Handler;
  readonly compensate: Handler;
}

export interface EnrollmentParts {
  readonly records: EnrollmentStore;
  readonly journal: Journal;
  readonly outbox: Outbox;
  readonly handlers: Handlers;
  readonly limits: ClientLimits;
  readonly log: Logger;
  /** Aborted when the participant closes. */
  readonly closing: AbortSignal;
}

export interface EnrollmentEnd {
  /** The participant's message that ended it: Closed, Canceled, Compensated, Exit, Fail or CannotComplete. */
  readonly by: ParticipantMessage;
}

export const REGISTER = 'Register';

/** What is to be done in a state, and what reports that it is done. */
const WORK: { readonly [S in State]?: { readonly handler: keyof Handlers; readonly report: ParticipantMessage } } = {
  Completing: { handler: 'complete', report: 'Completed' },
  Closing: { handler: 'close', report: 'Closed' },
  Canceling: { handler: 'cancel', report: 'Canceled' },
  Compensating: { handler: 'compensate', report: 'Compensated' },
};

/** One registration of a participant: the participant's side of the state tables (WS-BA 1.1 appendix), kept over a crash. */
export class Enrollment {
  #record: EnrollmentRecord;
  #working: Promise<void> | undefined;
  #exception = 'Fail';
  readonly #endWatchers = new Set<() => void>();

  constructor(
    private readonly parts: EnrollmentParts,
    record: EnrollmentRecord,
  ) {
    this.#record = record;
  }

  /** The caller's own key. */
  get key(): string {
    return this.#record.key;
  }

  get activity(): string {
    return this.#record.activity;
  }

  /** The invitation it used, '' for the plain context. */
  get matchcode(): string {
    return this.#record.matchcode;
  }

  /** The participant's id at the coordinator. */
  get participant(): string {
    return this.#record.participant;
  }

  get protocol(): Protocol {
    return this.#record.protocol;
  }

  /** Participant view of the tables. */
  get state(): State {
    return this.#record.state;
  }

  /**
   * Reports that the work is done. Resolves when the replicas hold the message; after NoQuorum it is still under way.
   * @throws ConcordatError InvalidState where the tables do not allow it; NoQuorum
   */
  completed(): Promise<void> {
    return this.#report('Completed');
  }

  /** Leaves the activity without having done anything that would need closing or undoing. */
  exit(): Promise<void> {
    return this.#report('Exit');
  }

  /** Reports that the work could not be done and that it was undone. */
  cannotComplete(): Promise<void> {
    return this.#report('CannotComplete');
  }

  /** Reports that the work is in a state that cannot be undone. @param exceptionIdentifier see CannotUndo */
  fail(exceptionIdentifier: string): Promise<void> {
    this.#exception = exceptionIdentifier;
    return this.#report('Fail');
  }

  /** Resolves when it is over: the work is closed or undone, and the coordinator knows. */
  async ended(): Promise<EnrollmentEnd> {
    while (this.state !== TERMINAL_STATE) await new Promise<void>((resolve) => this.#endWatchers.add(resolve));
    const by = this.#record.ledBy;
    if (by === undefined) throw new ConcordatError('Internal', `enrollment ${this.key} ended by nothing`);
    const last = this.parts.journal.find(this.#record.stream, by);
    for (let known = last?.answer; last !== undefined && known === undefined && !this.parts.closing.aborted;) {
      known = await this.parts.outbox.answer(last, this.parts.limits.roundMs).catch(ifStillUnderWay);
    }
    return { by };
  }

  /** Takes a command that f + 1 replicas sent. What it changes is on disk when this returns. */
  obey(command: CoordinatorMessage): void {
    const { protocol, state } = this.#record;
    const cell = onReceive(protocol, 'participant', state, command);
    switch (cell.kind) {
      case 'go':
        this.#put({ ...this.#record, state: cell.to });
        return this.work();
      case 'ignore':
        return;
      case 'resend':
        return this.#resend(cell.message);
      case 'InvalidState':
        // The coordinator's tables send no such thing in this state; f + 1 replicas did, so it is worth a look.
        this.parts.log.warn(
          { enrollment: this.key, state, command },
          'a command that the state tables do not allow was passed over',
        );
    }
  }

  /**
   * Remembers that a replica sent an acknowledgement. It sends it no more once we have accepted it, so this outlives a crash.
   * @returns how many replicas have sent the same
   */
  hear(command: CoordinatorMessage, writer: string, content: string): number {
    const heard = { ...this.#record.heard, [`${command} ${writer}`]: content };
    if (this.#record.heard?.[`${command} ${writer}`] !== content) this.#put({ ...this.#record, heard });
    return Object.entries(heard).filter(([key, value]) => key.startsWith(`${command} `) && value === content).length;
  }

  /** Answers GetStatus: no number, for it changes nothing. */
  reportStatus(): void {
    const { limits, log, outbox, closing } = this.parts;
    const { references, from } = this.#draft('Completed');
    const caller = outbox.callerOf(this.#record.stream);
    const status = {
      endpoint: 'coordinator',
      messageId: `urn:uuid:${randomUUID()}`,
      references,
      body: encodeStatus(this.state),
    } as const;
    caller
      .ask(from === undefined ? status : { ...status, from }, {
        need: caller.view.f + 1,
        timeoutMs: limits.attemptTimeoutMs,
        signal: closing,
      })
      .catch((error: unknown) => log.warn({ enrollment: this.key, error: String(error) }, 'GetStatus could not be answered'));
  }

  /** Does what the state for, also after a crash. */
  work(): void {
    this.#working ??= this.#run().finally(() => (this.#working = undefined));
  }

  /** Resolves when no handler is running. */
  async idle(): Promise<void> {
    await this.#working;
  }

  async #run(): Promise<void> {
    const { limits, closing, log } = this.parts;
    const backoff = new Backoff(limits.handlerRetryMinMs, limits.handlerRetryMaxMs);
    for (let work = WORK[this.state]; work !== undefined && !closing.aborted; work = WORK[this.state]) {
      const before = this.state;
      try {
        await this.parts.handlers[work.handler]?.(this);
        if (closing.aborted) return;
        if (this.state === before) this.#send(work.report);
        backoff.reset();
      } catch (error) {
        if (closing.aborted) return;
        if (error instanceof CannotUndo && this.state === before && this.#maySend('Fail')) {
          this.#exception = error.exceptionIdentifier;
          this.#send('Fail');
          continue;
        }
        log.error({ enrollment: this.key, handler: work.handler, err: error }, 'a handler failed and will run again');
        await pause(backoff.next(), closing);
      }
    }
  }

  async #report(message: ParticipantMessage): Promise<void> {
    const { journal, outbox, limits } = this.parts;
    if (journal.find(this.#record.stream, message) === undefined) this.#send(message);
    const stored = journal.find(this.#record.stream, message);
    if (stored !== undefined) await outbox.answer(stored, limits.timeoutMs);
  }

  #maySend(message: ParticipantMessage): boolean {
    return onSend(this.#record.protocol, 'participant', this.state, message).kind !== 'forbidden';
  }

  /** Writes state and message down in one commit, then sends. */
  #send(message: ParticipantMessage): void {
    const { journal, outbox, records } = this.parts;
    const { stream, protocol, state } = this.#record;
    const cell = onSend(protocol, 'participant', state, message);
    if (cell.kind === 'forbidden') throw new ConcordatError('InvalidState', `${message} in ${state} (enrollment ${this.key})`);
    if (cell.kind === 'again') return this.#resend(message);
    const record: EnrollmentRecord = { ...this.#record, state: cell.to, ledBy: message };
    const draft = this.#draft(message);
    journal.transaction(() => {
      journal.append(stream, message, draft);
      records.put(record);
    });
    this.#became(record);
    outbox.send(stream);
  }

  /** The same numbered request once more; if the tables name one that was never sent, what led to this state answers as well. */
  #resend(message: ParticipantMessage): void {
    const { journal, outbox } = this.parts;
    const { stream, ledBy } = this.#record;
    const known = journal.find(stream, message) ?? (ledBy === undefined ? undefined : journal.find(stream, ledBy));
    if (known !== undefined) outbox.repeat(known);
  }

  #draft(message: ParticipantMessage): Draft {
    const { activity, matchcode, participant } = this.#record;
    return {
      endpoint: 'coordinator',
      references: [
        encodeActivity(activity),
        ...(matchcode === '' ? [] : [encodeInvitation(matchcode)]),
        encodeParticipant(participant),
      ],
      body: message === 'Fail' ? encodeFail(this.#exception) : encodeNotification(message),
      need: 'believe',
      messageId: `urn:uuid:${randomUUID()}`,
      from: endpointOf(this.#record),
    };
  }

  #put(record: EnrollmentRecord): void {
    this.parts.journal.transaction(() => this.parts.records.put(record));
    this.#became(record);
  }

  #became(record: EnrollmentRecord): void {
    this.#record = record;
    if (record.state !== TERMINAL_STATE) return;
    for (const tell of this.#endWatchers) tell();
    this.#endWatchers.clear();
  }
}

/** The endpoint reference that is registered for an enrollment. */
export const endpointOf = ({ address, id }: Pick<EnrollmentRecord, 'address' | 'id'>): EndpointReference => ({
  address,
  referenceParameters: [el(NS.concordat, 'Enrollment', {}, id)],
  extensions: [],
});

function ifStillUnderWay(error: unknown): undefined {
  if (error instanceof ConcordatError && error.entry.retryable) return undefined;
  throw error;
}
