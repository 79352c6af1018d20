import { parseStream } from '../contract/index.js';
import {
  type Activity,
  applied,
  type CoordinatorMessage,
  MAX_HELD_PER_STREAM,
  onReceive,
  type ParticipantMessage,
  type ParticipantRecord,
  type State,
  TERMINAL_STATE,
} from '../wsba/index.js';
import type { ServiceEffect } from './service.js';

/** Exited, Failed and NotCompleted end a participant by themselves: there is no answer to wait for. */
const ACKNOWLEDGEMENTS: ReadonlySet<CoordinatorMessage> = new Set(['Failed', 'Exited', 'NotCompleted']);

export const isAcknowledgement = (command: CoordinatorMessage): boolean => ACKNOWLEDGEMENTS.has(command);

/** An acknowledgement that is decided and whose first attempt is not over. */
interface Unsent {
  /** The state it is to be sent in: Exiting, NotCompleting or one of Failing. */
  readonly state: State;
  readonly command: CoordinatorMessage;
  /** The participant's last notification that was looked at; undefined: not even the one that is acknowledged. */
  through: number | undefined;
}

export interface AcknowledgementSources {
  readonly activity: (id: string) => Activity | undefined;
  /** What a delivered notification says. */
  readonly notification: (stream: string, number: number) => ParticipantMessage | undefined;
}

/**
 * This replica's own view of its acknowledgements. In the standard a participant that exits is Exiting until the coordinator has
 * sent Exited, one that fails is Failing until Failed is sent, and NotCompleting ends with NotCompleted. When a replica sends is its
 * own affair: it depends on clocks, queues and the network, so it cannot be part of the state that all replicas share, which takes
 * each acknowledgement as sent the moment it is decided (src/wsba/steer.ts). What a replica says and answers for itself must
 * follow the standard's table all the same. So here, beside the shared state, it is kept which acknowledgements this replica has
 * decided and not tried to send. Until the first attempt is over the participant is shown in its transient state, and what else it
 * sends is answered by that state's row: with InvalidState, or not at all.
 */
export class Acknowledgements {
  readonly #unsent = new Map<string, Map<string, Unsent>>();

  constructor(private readonly sources: AcknowledgementSources) {}

  /** The state this replica shows of a participant. */
  stateOf(activity: string, record: ParticipantRecord): State {
    return this.#unsent.get(activity)?.get(record.id)?.state ?? record.state;
  }

  /** Takes what a delivery caused, and gives back what is to be done about it while acknowledgements are unsent. */
  observe(effects: readonly ServiceEffect[]): ServiceEffect[] {
    const wanted = effects.filter((effect) => effect.kind !== 'command' || this.#note(effect));
    if (this.#unsent.size === 0) return wanted;
    const touched = new Set(effects.flatMap((effect) => activityOf(effect) ?? []));
    return [...wanted, ...[...touched].flatMap((activity) => this.#faults(activity))];
  }

  /** The same for a delivery that is replayed at the start: whatever it led to was done in an earlier life, or is resumed. */
  replay(effects: readonly ServiceEffect[]): void {
    for (const effect of effects) if (effect.kind === 'command') this.#note(effect);
  }

  /** After the replay: those that were sent in an earlier life are sent. */
  resume(isSent: (activity: string, participant: string, command: CoordinatorMessage) => boolean): void {
    for (const [activity, unsent] of [...this.#unsent]) {
      for (const [participant, entry] of [...unsent]) {
        const record = this.sources.activity(activity)?.participants.get(participant);
        if (record === undefined || isSent(activity, participant, entry.command)) this.attempted(activity, participant);
        else entry.through = this.#applied(activity, record);
      }
    }
  }

  /** The first attempt to send the acknowledgement is over, whether it arrived or not: from now on the participant is Ended. */
  attempted(activity: string, participant: string): void {
    const unsent = this.#unsent.get(activity);
    unsent?.delete(participant);
    if (unsent?.size === 0) this.#unsent.delete(activity);
  }

  /** @returns false for a repetition of what has not been sent yet */
  #note({ activity, participant, command, state }: ServiceEffect & { kind: 'command' }): boolean {
    if (!isAcknowledgement(command)) return true;
    const unsent = this.#unsent.get(activity) ?? new Map<string, Unsent>();
    if (state === TERMINAL_STATE) return !unsent.has(participant);
    this.#unsent.set(activity, unsent.set(participant, { state, command, through: undefined }));
    return true;
  }

  #faults(activity: string): ServiceEffect[] {
    const unsent = [...(this.#unsent.get(activity) ?? [])];
    return unsent.flatMap(([participant, entry]) => {
      const record = this.sources.activity(activity)?.participants.get(participant);
      return record === undefined ? [] : this.#faultsOf(activity, record, entry);
    });
  }

  /** The notifications that were applied after the acknowledged one, and that the transient row refuses. */
  #faultsOf(activity: string, record: ParticipantRecord, entry: Unsent): ServiceEffect[] {
    const { protocol, stream, id: participant } = record;
    const last = this.#applied(activity, record);
    const faults: ServiceEffect[] = [];
    for (let number = (entry.through ?? this.#acknowledged(record, last)) + 1; number <= last; number++) {
      const message = this.sources.notification(stream, number);
      if (message === undefined || onReceive(protocol, 'coordinator', entry.state, message).kind !== 'InvalidState') continue;
      faults.push({ kind: 'fault', activity, participant, stream, number });
    }
    entry.through = last;
    return faults;
  }

  /**
   * The number of the notification that is acknowledged: the first of its name, since one that was passed over can never become
   * legal later. It is among the last that were applied, as no more than so many can have been held behind it.
   */
  #acknowledged(record: ParticipantRecord, last: number): number {
    for (let number = Math.max(2, last - MAX_HELD_PER_STREAM); number < last; number++) {
      if (this.sources.notification(record.stream, number) === record.endedBy) return number;
    }
    return last;
  }

  #applied(activity: string, { stream }: ParticipantRecord): number {
    const state = this.sources.activity(activity);
    return state === undefined ? 0 : applied(state, stream);
  }
}

function activityOf(effect: ServiceEffect): string | undefined {
  if (effect.kind !== 'answered') return effect.activity;
  const stream = parseStream(effect.stream);
  return stream === undefined || stream.kind === 'create' ? undefined : stream.activity;
}
