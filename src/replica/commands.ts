import { setMaxListeners } from 'node:events';
import { Backoff } from '../backoff.js';
import { type ClusterAddresses, endpointReference } from '../contract/index.js';
import { decodeOperation } from './operation.js';
import { ConcordatError } from '../errors.js';
import type { Logger } from '../log.js';
import {
  type CallResult,
  eprFromXml,
  faultMessage,
  type OutgoingMessage,
  parseCanonical,
  referenceParameterHeaders,
} from '../soap/index.js';
import { encodeActivity, encodeNotification, encodeParticipant, encodeStatus, type Epr } from '../soap/messages/index.js';
import { NS } from '../soap/namespaces.js';
import type { XmlElement } from '../soap/xml.js';
import {
  type Activity,
  commandId,
  type CoordinatorMessage,
  outstandingCommand,
  type ParticipantRecord,
  participants,
} from '../wsba/index.js';

/** Sends one signed message to a participant's endpoint. Rejects when no SOAP answer came. */
export type SendToParticipant = (url: string, message: OutgoingMessage, signal: AbortSignal) => Promise<CallResult>;

export interface CommandOptions {
  readonly addresses: ClusterAddresses;
  readonly send: SendToParticipant;
  readonly activity: (id: string) => Activity | undefined;
  /** Commands that the protocol leaves unanswered and that HTTP accepted once: never to be sent again after a restart. */
  readonly done: Set<string>;
  readonly markDone: (command: string) => void;
  readonly limits: {
    readonly commandRetryMinMs: number;
    readonly commandRetryMaxMs: number;
    readonly commandConcurrency: number;
  };
  readonly log: Logger;
}

/** Acknowledgements that end a participant by themselves: there is no answer to wait for. */
const UNANSWERED: ReadonlySet<CoordinatorMessage> = new Set(['Failed', 'Exited', 'NotCompleted']);

const ACKNOWLEDGEMENT: Readonly<Record<string, CoordinatorMessage>> = {
  Fail: 'Failed',
  Exit: 'Exited',
  CannotComplete: 'NotCompleted',
};

interface Job {
  readonly activity: string;
  readonly participant: string;
  readonly command: CoordinatorMessage;
  readonly backoff: Backoff;
  timer: NodeJS.Timeout | undefined;
}

/**
 * Sends the coordinator's messages to participants and repeats them, at growing intervals, until the participant's answer is
 * delivered (or, where the protocol has none, until HTTP accepted them). What is outstanding follows from the activities'
 * states, so nothing is lost in a restart.
 */
export class Commands {
  readonly #jobs = new Map<string, Job>();
  readonly #queue: string[] = [];
  readonly #closing = new AbortController();
  #sending = 0;

  constructor(private readonly o: CommandOptions) {
    // Everything that is being sent listens.
    setMaxListeners(0, this.#closing.signal);
  }

  /** After a start: takes up every command that still waits for its answer. */
  resume(activities: Iterable<Activity>): void {
    for (const activity of activities) {
      for (const participant of participants(activity)) {
        const command = outstandingCommand(participant) ?? acknowledgementOf(participant);
        if (command === undefined || this.o.done.has(commandId(activity.id, participant.id, command))) continue;
        this.command(activity.id, participant.id, command);
      }
    }
  }

  /** Sends a command now, or again if it was sent already. */
  command(activity: string, participant: string, command: CoordinatorMessage): void {
    const id = commandId(activity, participant, command);
    this.o.done.delete(id);
    const { commandRetryMinMs, commandRetryMaxMs } = this.o.limits;
    const backoff = new Backoff(commandRetryMinMs, commandRetryMaxMs);
    const job = this.#jobs.get(id) ?? { activity, participant, command, backoff, timer: undefined };
    clearTimeout(job.timer);
    this.#jobs.set(id, job);
    this.#enqueue(id);
  }

  /** Tells a participant that one of its notifications was passed over. Sent once: it repeats what it cares about. */
  fault(activity: string, participant: string, payload: Uint8Array): void {
    const record = this.o.activity(activity)?.participants.get(participant);
    if (record === undefined) return;
    const { messageId, action } = decodeOperation(payload);
    const error = new ConcordatError('InvalidState', `${action} from participant ${participant}`);
    const service = serviceOf(record);
    const fault = faultMessage(error, { soapVersion: '1.1', relatesTo: messageId });
    const id = commandId(activity, participant, `InvalidState ${messageId}`);
    const addressing = { ...fault.addressing, to: service.address, messageId: id };
    this.#sendOnce(service, { ...fault, addressing, headers: referenceParameterHeaders(service) });
  }

  /** Answers GetStatus with this replica's own view. */
  status(activity: string, participant: string, messageId: string): void {
    const record = this.o.activity(activity)?.participants.get(participant);
    if (record === undefined) throw new ConcordatError('InvalidState', 'the participant is not registered here');
    const message = this.#message(
      activity,
      record,
      'Status',
      encodeStatus(record.state),
      commandId(activity, participant, `Status ${messageId}`),
    );
    this.#sendOnce(serviceOf(record), { ...message, addressing: { ...message.addressing, relatesTo: messageId } });
  }

  /** Commands that are not answered yet. */
  get outstanding(): number {
    let count = 0;
    for (const job of this.#jobs.values()) {
      const record = this.o.activity(job.activity)?.participants.get(job.participant);
      if (record !== undefined && !this.#isAnswered(record, job)) count += 1;
    }
    return count;
  }

  close(): void {
    this.#closing.abort();
    for (const job of this.#jobs.values()) clearTimeout(job.timer);
    this.#jobs.clear();
  }

  #enqueue(id: string): void {
    if (!this.#queue.includes(id)) this.#queue.push(id);
    this.#drain();
  }

  #drain(): void {
    while (this.#sending < this.o.limits.commandConcurrency) {
      const id = this.#queue.shift();
      if (id === undefined) return;
      const job = this.#jobs.get(id);
      if (job === undefined) continue;
      this.#occupy(this.#attempt(id, job));
    }
  }

  /** Counts what is being sent; when it is through, the next may go. */
  #occupy(work: Promise<unknown>): void {
    this.#sending += 1;
    work
      .catch((error: unknown) => this.o.log.error({ err: error }, 'a message to a participant could not be made'))
      .finally(() => {
        this.#sending -= 1;
        this.#drain();
      });
  }

  async #attempt(id: string, job: Job): Promise<void> {
    const record = this.o.activity(job.activity)?.participants.get(job.participant);
    if (record === undefined || this.#isAnswered(record, job)) return this.#finish(id, job);
    const accepted = await this.#post(
      serviceOf(record),
      this.#message(job.activity, record, job.command, encodeNotification(job.command), id),
    );
    if (this.#closing.signal.aborted) return;
    if (accepted && UNANSWERED.has(job.command)) {
      this.o.done.add(id);
      this.o.markDone(id);
      return this.#finish(id, job);
    }
    job.timer = setTimeout(() => this.#enqueue(id), job.backoff.next());
    job.timer.unref();
  }

  /** Whether the participant's state shows that the command was answered. */
  #isAnswered(record: ParticipantRecord, job: Job): boolean {
    return UNANSWERED.has(job.command)
      ? this.o.done.has(commandId(job.activity, job.participant, job.command))
      : outstandingCommand(record) !== job.command;
  }

  #finish(id: string, job: Job): void {
    clearTimeout(job.timer);
    this.#jobs.delete(id);
  }

  #sendOnce(service: Epr, message: OutgoingMessage): void {
    if (this.#sending >= this.o.limits.commandConcurrency) return;
    this.#occupy(this.#post(service, message));
  }

  async #post(service: Epr, message: OutgoingMessage): Promise<boolean> {
    try {
      const result = await this.o.send(service.address, message, this.#closing.signal);
      if (result.kind === 'fault') {
        this.o.log.warn(
          { to: service.address, action: message.addressing.action, fault: result.fault.reason },
          'a participant refused a message',
        );
      }
      return result.kind !== 'fault';
    } catch (error) {
      this.o.log.debug(
        { to: service.address, action: message.addressing.action, error: String(error) },
        'a message did not reach its participant',
      );
      return false;
    }
  }

  #message(activity: string, record: ParticipantRecord, name: string, body: XmlElement, messageId: string): OutgoingMessage {
    const service = serviceOf(record);
    const from = endpointReference(this.o.addresses, 'coordinator', [encodeActivity(activity), encodeParticipant(record.id)]);
    return {
      soapVersion: '1.1',
      addressing: { to: service.address, action: `${NS.wsba}/${name}`, messageId, from },
      headers: referenceParameterHeaders(service),
      body,
    };
  }
}

const serviceOf = (record: ParticipantRecord): Epr => eprFromXml(parseCanonical(record.service));

const acknowledgementOf = (record: ParticipantRecord): CoordinatorMessage | undefined =>
  record.endedBy === undefined ? undefined : ACKNOWLEDGEMENT[record.endedBy];
