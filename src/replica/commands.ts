import { setMaxListeners } from 'node:events';
import { Backoff } from '../backoff.js';
import type { ClusterAddresses } from '../contract/index.js';
import type { Logger } from '../log.js';
import type { Cancel } from '../timers.js';
import { type CallResult, type OutgoingMessage, referenceParameterHeaders } from '../soap/index.js';
import { encodeNotification } from '../soap/messages/index.js';
import { NS } from '../soap/namespaces.js';
import {
  type Activity,
  commandId,
  type CoordinatorMessage,
  outstandingCommand,
  type ParticipantRecord,
  participants,
} from '../wsba/index.js';
import { isAcknowledgement } from './acknowledgements.js';
import { coordinatorEndpoint } from './coordinator-endpoint.js';
import { serviceOf } from './notices.js';
import type { ReplicaPorts } from './ports.js';

/** Sends one signed message to an endpoint. Rejects when no SOAP answer came. */
export type SendToParticipant = (url: string, message: OutgoingMessage, signal: AbortSignal) => Promise<CallResult>;

export interface CommandOptions {
  readonly addresses: ClusterAddresses;
  readonly send: SendToParticipant;
  readonly activity: (id: string) => Activity | undefined;
  /** Commands that the protocol leaves unanswered and that HTTP accepted once: never to be sent again after a restart. */
  readonly done: Set<string>;
  readonly markDone: (command: string) => void;
  /** An attempt to send a command is over, whether it arrived or not. */
  readonly attempted: (activity: string, participant: string, command: CoordinatorMessage) => void;
  readonly limits: {
    readonly commandRetryMinMs: number;
    readonly commandRetryMaxMs: number;
    readonly commandConcurrency: number;
  };
  readonly ports: Pick<ReplicaPorts, 'timers' | 'random'>;
  readonly log: Logger;
}

const ACKNOWLEDGEMENT: Readonly<Record<string, CoordinatorMessage>> = {
  Fail: 'Failed',
  Exit: 'Exited',
  CannotComplete: 'NotCompleted',
};

const NOTHING = (): void => undefined;

interface Job {
  readonly activity: string;
  readonly participant: string;
  readonly command: CoordinatorMessage;
  readonly backoff: Backoff;
  cancelRetry: Cancel;
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
    const backoff = new Backoff(commandRetryMinMs, commandRetryMaxMs, this.o.ports.random);
    const job = this.#jobs.get(id) ?? { activity, participant, command, backoff, cancelRetry: NOTHING };
    job.cancelRetry();
    this.#jobs.set(id, job);
    this.#enqueue(id);
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
    for (const job of this.#jobs.values()) job.cancelRetry();
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
    const accepted = await this.#post(serviceOf(record).address, this.#message(job.activity, record, job.command, id));
    if (this.#closing.signal.aborted) return;
    this.o.attempted(job.activity, job.participant, job.command);
    if (accepted && isAcknowledgement(job.command)) {
      this.o.done.add(id);
      this.o.markDone(id);
      return this.#finish(id, job);
    }
    job.cancelRetry = this.o.ports.timers.after(job.backoff.next(), () => this.#enqueue(id));
  }

  /** Whether the participant's state shows that the command was answered. */
  #isAnswered(record: ParticipantRecord, job: Job): boolean {
    return isAcknowledgement(job.command)
      ? this.o.done.has(commandId(job.activity, job.participant, job.command))
      : outstandingCommand(record) !== job.command;
  }

  #finish(id: string, job: Job): void {
    job.cancelRetry();
    this.#jobs.delete(id);
  }

  async #post(address: string, message: OutgoingMessage): Promise<boolean> {
    try {
      const result = await this.o.send(address, message, this.#closing.signal);
      if (result.kind === 'fault') {
        const { action, messageId } = message.addressing;
        this.o.log.warn({ to: address, action, messageId, fault: result.fault.reason }, 'a participant refused a message');
      }
      return result.kind !== 'fault';
    } catch (error) {
      const { action, messageId } = message.addressing;
      this.o.log.debug({ to: address, action, messageId, error: String(error) }, 'a message did not reach its participant');
      return false;
    }
  }

  #message(activity: string, record: ParticipantRecord, command: CoordinatorMessage, messageId: string): OutgoingMessage {
    const service = serviceOf(record);
    const from = coordinatorEndpoint(this.o.addresses, { activity, participant: record.id, invitation: record.invitation });
    return {
      soapVersion: '1.1',
      addressing: { to: service.address, action: `${NS.wsba}/${command}`, messageId, from },
      headers: referenceParameterHeaders(service),
      body: encodeNotification(command),
    };
  }
}

/** What a participant that ended by itself is told; one that the replicas play is told nothing. */
export const acknowledgementOf = (record: ParticipantRecord): CoordinatorMessage | undefined =>
  record.endedBy === undefined || record.inner !== undefined ? undefined : ACKNOWLEDGEMENT[record.endedBy];
