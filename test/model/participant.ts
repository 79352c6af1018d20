import type { ReplicaId } from '../../src/bft/index.js';
import { participantOfStream, participantStream } from '../../src/contract/index.js';
import {
  type CoordinatorMessage,
  INITIAL_STATE,
  onReceive,
  onSend,
  type ParticipantMessage,
  type Protocol,
  type State,
  TERMINAL_STATE,
} from '../../src/wsba/index.js';
import type { Guest, Matchcode } from './names.js';
import { notifyRequest, registerRequest } from './requests.js';
import { Violation, type World } from './world.js';
import { Writer } from './writer.js';

/** How a participant's own work ends. */
export const REPORTS = ['Completed', 'Exit', 'CannotComplete', 'Fail'] as const;
export type Report = (typeof REPORTS)[number];

/** What a participant does where the tables leave it a choice. */
export type Character =
  | { readonly honest: true; readonly report: Report; readonly canUndo: boolean }
  /** It may say anything at any time; this is what it says when it is told something. */
  | { readonly honest: false; readonly reaction: ParticipantMessage | undefined };

const MAX_REACTIONS = 4;
const MAX_WORK_MS = 60;

/** One participant of one activity. An honest one obeys f + 1 replicas by the participant's tables (WS-BA 1.1 appendix). */
export class Participant extends Writer {
  readonly id: string;
  /** Participant view, of an honest one. */
  state: State = INITIAL_STATE;
  /** The message by which it ended. */
  endedBy: ParticipantMessage | undefined;
  readonly said = new Set<ParticipantMessage>();
  /** How often each replica said each command: replicas repeat what is not answered, and a repetition counts as they do. */
  readonly #heard = new Map<CoordinatorMessage, Map<ReplicaId, number>>();
  #reactions = 0;

  constructor(
    world: World,
    activity: string,
    name: Guest,
    readonly protocol: Protocol,
    readonly matchcode: Matchcode | '',
    readonly character: Character,
  ) {
    super(world, name, participantStream(activity, matchcode, name));
    this.id = participantOfStream(this.stream);
    world.listeners.set(this.id, this);
  }

  get isOver(): boolean {
    return this.state === TERMINAL_STATE && this.isThrough;
  }

  register(to: readonly ReplicaId[]): void {
    this.send(registerRequest(this.stream, this.name, this.protocol, this.matchcode), to);
  }

  /** Reports what its work came to, if it is at work and has not. */
  report(message: Report, to: readonly ReplicaId[]): void {
    const atWork = this.state === 'Active' || this.state === 'Completing';
    if (atWork && onSend(this.protocol, 'participant', this.state, message).kind === 'go') this.#say(message, to);
  }

  /** Says anything, whatever the tables say. Dishonest. */
  blurt(message: ParticipantMessage, to: readonly ReplicaId[]): void {
    this.said.add(message);
    this.send(notifyRequest(this.stream, this.next, this.name, message), to);
  }

  /** Says two things under one number. Dishonest. */
  equivocate(messages: readonly [ParticipantMessage, ParticipantMessage], to: readonly [ReplicaId[], ReplicaId[]]): void {
    const number = this.next;
    messages.forEach((message, i) => {
      this.said.add(message);
      this.send(notifyRequest(this.stream, number, this.name, message), to[i] ?? []);
    });
  }

  /** A fair end: an honest participant finishes its work. */
  finish(): void {
    if (this.character.honest) this.report(this.character.report, this.world.replicas);
    this.again(this.world.replicas);
  }

  hear(replica: ReplicaId, command: CoordinatorMessage): void {
    const before = this.#agreed(command);
    const heard = this.#heard.get(command) ?? new Map<ReplicaId, number>();
    this.#heard.set(command, heard.set(replica, (heard.get(replica) ?? 0) + 1));
    if (this.#agreed(command) === before) return;
    if (!this.character.honest) this.#react(this.character.reaction);
    else if (this.world.told.get(this.id)?.has(command) === true) this.#obey(command);
    else throw new Violation(`${this.name} obeyed ${command}, which no correct replica has said`);
  }

  /** How often as many replicas as it takes have said it. */
  #agreed(command: CoordinatorMessage): number {
    const counts = [...(this.#heard.get(command)?.values() ?? [])].sort((a, b) => b - a);
    return counts[this.world.need - 1] ?? 0;
  }

  #react(reaction: ParticipantMessage | undefined): void {
    if (reaction === undefined || this.#reactions >= MAX_REACTIONS) return;
    this.#reactions += 1;
    this.blurt(reaction, this.world.replicas);
  }

  #obey(command: CoordinatorMessage): void {
    const cell = onReceive(this.protocol, 'participant', this.state, command);
    switch (cell.kind) {
      case 'go':
        this.state = cell.to;
        return this.#work();
      case 'ignore':
        return;
      case 'resend':
        return this.again(this.world.replicas);
      case 'InvalidState':
        throw new Violation(`${this.name} was told ${command} in ${this.state}, where its table has no such message`);
    }
  }

  /** Work takes a while, and a command may come meanwhile. */
  #work(): void {
    const before = this.state;
    const answer = this.#answer();
    if (answer === undefined) return;
    this.world.cluster.after(this.world.cluster.random.below(MAX_WORK_MS), () => {
      if (this.state === before) this.#say(answer, this.world.replicas);
    });
  }

  #answer(): ParticipantMessage | undefined {
    if (!this.character.honest) return undefined;
    const { report, canUndo } = this.character;
    switch (this.state) {
      case 'Completing':
        return report;
      case 'Closing':
        return 'Closed';
      case 'Canceling':
        return canUndo ? 'Canceled' : 'Fail';
      case 'Compensating':
        return canUndo ? 'Compensated' : 'Fail';
      default:
        return undefined;
    }
  }

  #say(message: ParticipantMessage, to: readonly ReplicaId[]): void {
    const cell = onSend(this.protocol, 'participant', this.state, message);
    if (cell.kind !== 'go') throw new TypeError(`an honest participant says ${message} in ${this.state}`);
    this.state = cell.to;
    if (message !== 'Completed') this.endedBy = message;
    this.said.add(message);
    this.send(notifyRequest(this.stream, this.next, this.name, message), to);
  }
}
