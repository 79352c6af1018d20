import { ConcordatError } from '../errors.js';
import type { Logger } from '../log.js';
import type { EdgeAnswer, VerifiedMessage, XmlElement } from '../soap/index.js';
import { is, isReferenceParameter, NS, readFault, serialize, text } from '../soap/index.js';
import { comparableBody, messageAt } from '../soap/messages/index.js';
import { commandId, isCoordinatorMessage } from '../wsba/index.js';
import type { CoordinatorMessage } from '../wsba/index.js';
import type { ClusterView } from './cluster-view.js';
import { CommandVotes } from './command-votes.js';
import type { EnrollmentRecord } from './enrollment-record.js';
import type { Enrollment } from './enrollment.js';
import type { ClientLimits } from './limits.js';

export interface CommandsOptions {
  /** The enrollment that a message is for. */
  readonly find: (id: string) => Target | undefined;
  /** f + 1 replicas answered InvalidState to the message with this id. */
  readonly invalidState: (record: EnrollmentRecord, messageId: string) => void;
  readonly limits: Pick<ClientLimits, 'maxCommandVotes'>;
  readonly log: Logger;
}

interface Target {
  readonly enrollment: Enrollment;
  readonly record: EnrollmentRecord;
  readonly view: ClusterView;
}

/** Replicas repeat commands until the participant answers, but these only until they are accepted. */
const ACKNOWLEDGEMENTS: ReadonlySet<CoordinatorMessage> = new Set<CoordinatorMessage>(['Failed', 'Exited', 'NotCompleted']);

const ACCEPTED: EdgeAnswer = { kind: 'accepted' };

/** The participant's endpoint: checks who says what to whom, and obeys what f + 1 replicas say. */
export class Commands {
  readonly #votes: CommandVotes;

  constructor(private readonly options: CommandsOptions) {
    this.#votes = new CommandVotes(options.limits.maxCommandVotes);
  }

  /** @throws ConcordatError what is wrong with the message; nothing has happened then */
  take(message: VerifiedMessage): EdgeAnswer {
    const id = enrollmentId(message);
    const target = this.options.find(id);
    if (target === undefined) throw new ConcordatError('UnknownParticipant', 'there is no such enrollment here');
    const replica = target.view.replicaOf(message.identity);
    if (replica === undefined)
      throw new ConcordatError('NotAuthorized', `${message.identity.name} is no replica of this cluster`);
    if (message.addressing.to !== target.record.address) {
      throw new ConcordatError('DestinationUnreachable', message.addressing.to ?? 'wsa:To is missing');
    }
    if (readFault(message.body) !== undefined) this.#takeFault(message, target, replica);
    else this.#takeCommand(message, target, replica);
    return ACCEPTED;
  }

  #takeCommand(message: VerifiedMessage, { enrollment, record, view }: Target, replica: number): void {
    const { body, addressing } = message;
    const entry = messageAt('participant', body);
    if (entry === undefined) throw new ConcordatError('ActionNotSupported', `the Body holds {${body.ns}}${body.name}`);
    if (addressing.action !== entry.action) throw new ConcordatError('ActionMismatch', `wsa:Action is ${addressing.action}`);
    const command = body.name;
    // A replica's own view, in answer to a GetStatus: it commands nothing.
    if (command === 'Status') return;
    const { messageId, action } = addressing;
    const references = message.headers.filter(isReferenceParameter).map(serialize).sort();
    const content = JSON.stringify([messageId, action, ...references, comparableBody(body)]);
    if (command === 'GetStatus') {
      if (this.#counts(view, replica, content)) enrollment.reportStatus();
      return;
    }
    if (!isCoordinatorMessage(command)) throw new ConcordatError('ActionNotSupported', command);
    if (messageId !== commandId(record.activity, record.participant, command)) {
      throw new ConcordatError('InvalidParameters', `wsa:MessageID is not that of a ${command} to this participant`);
    }
    const obeyed = ACKNOWLEDGEMENTS.has(command)
      ? enrollment.hear(command, message.identity.writer, content) > view.f
      : this.#counts(view, replica, content);
    if (obeyed) enrollment.obey(command);
  }

  /** InvalidState that comes later, to FaultTo. Faults differ in their words, so only code and message are compared. */
  #takeFault(message: VerifiedMessage, { record, view }: Target, replica: number): void {
    const code = readFault(message.body)?.concordatCode;
    const { relatesTo } = message.addressing;
    if (relatesTo === undefined) throw new ConcordatError('AddressingHeaderRequired', 'wsa:RelatesTo');
    if (code !== 'InvalidState') {
      this.options.log.warn({ enrollment: record.key, replica, code, relatesTo }, 'a replica sent a fault');
      return;
    }
    if (this.#counts(view, replica, JSON.stringify(['fault', record.id, relatesTo])))
      this.options.invalidState(record, relatesTo);
  }

  #counts(view: ClusterView, replica: number, content: string): boolean {
    const cluster = `${view.addresses.logical} `;
    return this.#votes.add(`${cluster}${replica}`, cluster, content, view.f + 1);
  }
}

/** The reference parameter of the endpoint reference that we registered. */
function enrollmentId(message: VerifiedMessage): string {
  const isOurs = (header: XmlElement): boolean => is(header, NS.concordat, 'Enrollment');
  const [header, ...more] = message.headers.filter(isOurs);
  if (header === undefined || more.length > 0) {
    throw new ConcordatError('InvalidParameters', 'the reference parameter c:Enrollment is missing or comes twice');
  }
  return text(header);
}
