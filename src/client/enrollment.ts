import { Backoff } from '../backoff.js';
import { ConcordatError } from '../errors.js';
import type { Logger } from '../log.js';
import type { XmlElement } from '../soap/index.js';
import { encodeNotification, encodeStatus } from '../soap/messages/index.js';
import { onReceive, onSend, TERMINAL_STATE } from '../wsba/index.js';
import type { CoordinatorMessage, ParticipantMessage, Protocol, State } from '../wsba/index.js';
import { messageOf, reportOf } from './enrollment-messages.js';
import type { EnrollmentRecord, EnrollmentStore } from './enrollment-record.js';
import type { Handlers, Work } from './handlers.js';
import { CannotUndo, WORK } from './handlers.js';
import type { Draft, Journal } from './journal.js';
import type { ClientLimits } from './limits.js';
import type { Outbox } from './outbox.js';
import { pause } from './pause.js';
import type { ClientPorts } from './ports.js';
import type { ClusterRequest } from './request.js';
import type { StatusQuestions } from './status-questions.js';
import { ifStillUnderWay } from './still-under-way.js';
import type { VotingCaller } from './voting.js';

export interface EnrollmentParts {
  readonly records: EnrollmentStore;
  readonly journal: Journal;
  readonly outbox: Outbox;
  readonly statuses: StatusQuestions;
  readonly handlers: Handlers;
  readonly limits: ClientLimits;
  readonly ports: ClientPorts;
  readonly log: Logger;
  /** Aborted when the participant closes. */
  readonly closing: AbortSignal;
}

export interface EnrollmentEnd {
  /** The participant's message that ended it: Closed, Canceled, Compensated, Exit, Fail or CannotComplete. */
  readonly by: ParticipantMessage;
}

export interface StatusOptions {
  /** Milliseconds; by default the participant's own `timeoutMs`. */
  readonly timeoutMs?: number;
}

export const REGISTER = 'Register';

/** States in which nothing but the coordinator's acknowledgement is missing. */
const UNACKNOWLEDGED: ReadonlySet<State> = new Set<State>([
  'Exiting',
  'NotCompleting',
  'Failing-Active',
  'Failing-Canceling',
  'Failing-Completing',
  'Failing-Compensating',
]);

/**
 * One registration of a participant: the participant view of the state tables (WS-BA 1.1, appendix), kept over a crash. In two
 * things it goes beyond their letter, both because our answers are numbered requests, of which each is made once:
 *
 * - A cell that says "send M again" repeats the last message that was sent, with its old number. That is M in every state but
 *   Ended, where the tables suppose that the command at hand led there. Channels are not FIFO: a Cancel may arrive after a Closed. It
 *   is answered with the Closed, for a Canceled would be a second, false answer.
 * - Reporting once more what was reported before waits for the answer to that report, whatever the state has become since; nothing
 *   new is sent. So a service that starts again can report again without having to know how far it was.
 */
export class Enrollment {
  #record: EnrollmentRecord;
  #working: Promise<void> | undefined;
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
   * @throws ConcordatError InvalidState where the tables do not allow it, or replicas passed it over; NoQuorum
   */
  completed(): Promise<void> {
    return this.#report('Completed');
  }

  /** Leaves the activity without having done anything that would need closing or undoing. @throws like `completed` */
  exit(): Promise<void> {
    return this.#report('Exit');
  }

  /** Reports that the work could not be done and that it was undone. @throws like `completed` */
  cannotComplete(): Promise<void> {
    return this.#report('CannotComplete');
  }

  /**
   * Reports that the work is in a state that cannot be undone. A second Fail changes nothing; the first one's exception stands.
   * @param exceptionIdentifier see CannotUndo
   * @throws like `completed`; ConcordatError InvalidParameters if the identifier is empty or too long
   */
  fail(exceptionIdentifier: string): Promise<void> {
    return this.#report('Fail', exceptionIdentifier);
  }

  /**
   * Resolves when it is over: the work is closed or undone, and the coordinator knows.
   * @throws ConcordatError NoQuorum if the participant is closed before; the next `open` carries on
   */
  async ended(): Promise<EnrollmentEnd> {
    const { journal, outbox, limits, closing } = this.parts;
    await this.#reachedEnd();
    const by = this.#record.ledBy;
    if (by === undefined) throw new ConcordatError('Internal', `enrollment ${this.key} ended by nothing`);
    const last = journal.find(this.#record.stream, by);
    for (let known = last?.answer; last !== undefined && known === undefined;) {
      if (closing.aborted) throw new ConcordatError('NoQuorum', 'closed before the coordinator knew');
      known = await outbox.answer(last, limits.roundMs).catch(ifStillUnderWay);
    }
    return { by };
  }

  /**
   * Asks the coordinator where it stands with this participant (GetStatus).
   * @returns the state that f + 1 replicas report, in the words of the coordinator's view
   * @throws ConcordatError InvalidState if f + 1 replicas do not know the participant; NoQuorum
   */
  coordinatorStatus({ timeoutMs = this.parts.limits.timeoutMs }: StatusOptions = {}): Promise<State> {
    const request = () => this.#message(encodeNotification('GetStatus'));
    return this.parts.statuses.ask({ caller: this.#caller(), request, timeoutMs });
  }

  /**
   * Takes a command that f + 1 replicas sent. What it changes is on disk when this returns.
   * @param anew false for one sending more of what they sent already: nothing is done, but what the tables refuse is refused
   * @throws ConcordatError InvalidState where the tables say so
   */
  obey(command: CoordinatorMessage, anew = true): void {
    const { protocol, state } = this.#record;
    const cell = onReceive(protocol, 'participant', state, command);
    if (cell.kind === 'InvalidState') throw new ConcordatError('InvalidState', `${command} in ${state}`);
    if (!anew || cell.kind === 'ignore') return;
    if (cell.kind === 'resend') return this.#repeat();
    this.#put({ ...this.#record, state: cell.to });
    this.work();
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

  /** Answers GetStatus: no number, for it changes nothing. @param question its wsa:MessageID */
  reportStatus(question: string | undefined): void {
    const { limits, log, closing } = this.parts;
    const caller = this.#caller();
    const status = this.#message(encodeStatus(this.state));
    caller
      .ask(question === undefined ? status : { ...status, relatesTo: question }, {
        need: caller.view.f + 1,
        timeoutMs: limits.attemptTimeoutMs,
        signal: closing,
      })
      .catch((error: unknown) => log.warn({ enrollment: this.key, error: String(error) }, 'GetStatus could not be answered'));
  }

  /** Takes up again what a stop of the process interrupted. */
  resume(): void {
    // An acknowledgement may have come while another database was in use here; the coordinator gives it again.
    if (UNACKNOWLEDGED.has(this.state)) this.#repeat();
    this.work();
  }

  /** Does what the state asks for. */
  work(): void {
    this.#working ??= this.#run().finally(() => (this.#working = undefined));
  }

  /** Resolves when no handler is running. */
  async idle(): Promise<void> {
    await this.#working;
  }

  async #run(): Promise<void> {
    const { limits, closing, log, ports } = this.parts;
    const backoff = new Backoff(limits.handlerRetryMinMs, limits.handlerRetryMaxMs, ports.random);
    for (let work = WORK[this.state]; work !== undefined && !closing.aborted; work = WORK[this.state]) {
      try {
        await this.#perform(work);
        backoff.reset();
      } catch (error) {
        if (closing.aborted) return;
        log.error({ enrollment: this.key, handler: work.handler, err: error }, 'a handler failed and will run again');
        await pause(ports.timers, backoff.next(), closing);
      }
    }
  }

  /** Runs a handler and reports, unless it was the handler that did, or a command came meanwhile. */
  async #perform({ handler, report }: Work): Promise<void> {
    const { handlers, closing } = this.parts;
    const before = this.state;
    let failure: CannotUndo | undefined;
    try {
      await handlers[handler]?.(this);
    } catch (error) {
      if (!(error instanceof CannotUndo) || this.state !== before || !this.#maySend('Fail')) throw error;
      failure = error;
    }
    if (closing.aborted || this.state !== before) return;
    if (failure === undefined) this.#send(report);
    else this.#send('Fail', failure.exceptionIdentifier);
  }

  async #report(message: ParticipantMessage, exception?: string): Promise<void> {
    const { journal, outbox, limits } = this.parts;
    if (journal.find(this.#record.stream, message) === undefined) this.#send(message, exception);
    const stored = journal.find(this.#record.stream, message);
    if (stored !== undefined) await outbox.answer(stored, limits.timeoutMs);
  }

  #maySend(message: ParticipantMessage): boolean {
    return onSend(this.#record.protocol, 'participant', this.state, message).kind !== 'forbidden';
  }

  /** Writes state and message down in one commit, then sends. */
  #send(message: ParticipantMessage, exception?: string): void {
    const { journal, outbox, records } = this.parts;
    const { stream, protocol, state } = this.#record;
    const cell = onSend(protocol, 'participant', state, message);
    if (cell.kind === 'forbidden') throw new ConcordatError('InvalidState', `${message} in ${state} (enrollment ${this.key})`);
    if (cell.kind === 'again') return this.#repeat();
    const record: EnrollmentRecord = { ...this.#record, state: cell.to, ledBy: message };
    const draft: Draft = { ...this.#message(reportOf(message, exception)), need: 'believe' };
    journal.transaction(() => {
      journal.append(stream, message, draft);
      records.put(record);
    });
    this.#became(record);
    outbox.send(stream);
  }

  /** The last message once more, as the same numbered request: what led to this state. */
  #repeat(): void {
    const { journal, outbox } = this.parts;
    const { stream, ledBy } = this.#record;
    const last = ledBy === undefined ? undefined : journal.find(stream, ledBy);
    if (last !== undefined) outbox.repeat(last);
  }

  #message(body: XmlElement): ClusterRequest {
    return messageOf(this.#record, body, this.parts.ports.uuid());
  }

  #caller(): VotingCaller {
    return this.parts.outbox.callerOf(this.#record.stream);
  }

  async #reachedEnd(): Promise<void> {
    const { closing } = this.parts;
    while (this.state !== TERMINAL_STATE) {
      if (closing.aborted) throw new ConcordatError('NoQuorum', `closed in ${this.state}`);
      await new Promise<void>((resolve) => {
        const tell = (): void => {
          closing.removeEventListener('abort', tell);
          resolve();
        };
        this.#endWatchers.add(tell);
        closing.addEventListener('abort', tell);
      });
    }
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
