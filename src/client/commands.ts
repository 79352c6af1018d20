import { ConcordatError } from '../errors.js';
import type { Logger } from '../log.js';
import type { EdgeAnswer, VerifiedMessage, XmlElement } from '../soap/index.js';
import { is, isReferenceParameter, NS, readFault, serialize, text } from '../soap/index.js';
import { comparableBody, messageAt, readReferences, readStatus } from '../soap/messages/index.js';
import { commandId, isCoordinatorMessage } from '../wsba/index.js';
import type { CoordinatorMessage } from '../wsba/index.js';
import type { ClusterView } from './cluster-view.js';
import type { Belief } from './command-votes.js';
import { CommandVotes } from './command-votes.js';
import type { EnrollmentRecord } from './enrollment-record.js';
import type { Enrollment } from './enrollment.js';
import type { ClientLimits } from './limits.js';
import type { StatusQuestions } from './status-questions.js';

export interface CommandsOptions {
  /** The enrollment that a message is for. */
  readonly find: (id: string) => Target | undefined;
  /** f + 1 replicas answered InvalidState to the message with this id. */
  readonly invalidState: (record: EnrollmentRecord, messageId: string) => void;
  readonly statuses: StatusQuestions;
  readonly limits: Pick<ClientLimits, 'maxCommandVotes'>;
  readonly log: Logger;
}

interface Target {
  readonly enrollment: Enrollment;
  readonly record: EnrollmentRecord;
  readonly view: ClusterView;
}

/** Replicas repeat commands until the participant answers, but these only until they are accepted. */
const ACKNOWLEDGEMENTS: ReadonlySet<string> = new Set<CoordinatorMessage>(['Failed', 'Exited', 'NotCompleted']);

const ACCEPTED: EdgeAnswer = { kind: 'accepted' };

/**
 * The participant's endpoint: checks who says what to whom, and obeys what f + 1 replicas say.
 *
 * A command is accepted (202) as long as fewer than f + 1 replicas have sent it: it is one voice, and the state tables are not asked
 * yet. The message that completes f + 1, and each one after it, is answered by the tables: where they say InvalidState, with that
 * fault on its own HTTP exchange. Replicas repeat commands, so each of the first f gets it, too.
 */
export class Commands {
  readonly #votes: CommandVotes;

  constructor(private readonly options: CommandsOptions) {
    this.#votes = new CommandVotes(options.limits.maxCommandVotes);
  }

  /** @throws ConcordatError what is wrong with the message, or InvalidState; nothing has happened then */
  take(message: VerifiedMessage): EdgeAnswer {
    const target = this.options.find(enrollmentId(message));
    if (target === undefined) return answerAsEnded(message);
    const replica = target.view.replicaOf(message.identity);
    if (replica === undefined)
      throw new ConcordatError('NotAuthorized', `${message.identity.name} is no replica of this cluster`);
    if (message.addressing.to !== target.record.address) {
      throw new ConcordatError('DestinationUnreachable', message.addressing.to ?? 'wsa:To is missing');
    }
    checkOrigin(message, target.record);
    if (readFault(message.body) !== undefined) this.#takeFault(message, target, replica);
    else this.#takeMessage(message, target, replica);
    return ACCEPTED;
  }

  #takeMessage(message: VerifiedMessage, { enrollment, record, view }: Target, replica: number): void {
    const { addressing, identity } = message;
    const name = nameOf(message);
    // A replica's own view, in answer to a GetStatus: it commands nothing.
    if (name === 'Status') return this.options.statuses.status(addressing.relatesTo, replica, readStatus(message.body).state);
    const content = contentOf(message);
    if (name === 'GetStatus') {
      if (this.#believe(view, replica, content) === 'anew') enrollment.reportStatus(addressing.messageId);
      return;
    }
    if (addressing.messageId !== commandId(record.activity, record.participant, name)) {
      throw new ConcordatError('InvalidParameters', `wsa:MessageID is not that of a ${name} to this participant`);
    }
    if (ACKNOWLEDGEMENTS.has(name)) {
      if (enrollment.hear(name, identity.writer, content) > view.f) enrollment.obey(name);
      return;
    }
    const belief = this.#believe(view, replica, content);
    if (belief !== 'unconfirmed') enrollment.obey(name, belief === 'anew');
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
    if (this.options.statuses.unknown(relatesTo, replica)) return;
    if (this.#believe(view, replica, JSON.stringify(['fault', record.id, relatesTo])) === 'anew')
      this.options.invalidState(record, relatesTo);
  }

  #believe(view: ClusterView, replica: number, content: string): Belief {
    const cluster = `${view.addresses.logical} `;
    return this.#votes.add(`${cluster}${replica}`, cluster, content, view.f + 1);
  }
}

/**
 * Replicas send faults and Status where the sender of a message wants them, so another participant can have its own sent here. They
 * say in wsa:From whom they speak of, and correct ones never leave it out.
 */
function checkOrigin({ addressing }: VerifiedMessage, { activity, participant }: EnrollmentRecord): void {
  if (addressing.from === undefined) return;
  const about = readReferences(addressing.from.referenceParameters);
  if (about.activity !== activity || about.participant !== participant)
    throw new ConcordatError('InvalidAddressingHeader', 'wsa:From speaks of another participant');
}

/**
 * A message for an enrollment that is not in our database. The standard treats an unknown instance as Ended, and so do we as far as an
 * answer needs no number. Canceled, Closed, Compensated and Fail would: a database that was lost cannot know the next number of the
 * stream, nor what a used one said, and a second content at one number is equivocation. So a command gets a fault, always the same,
 * and replicas repeat it until the right database is back.
 */
function answerAsEnded(message: VerifiedMessage): EdgeAnswer {
  // Faults are not answered with faults.
  if (readFault(message.body) !== undefined) return ACCEPTED;
  const name = nameOf(message);
  if (name === 'Status' || ACKNOWLEDGEMENTS.has(name)) return ACCEPTED;
  if (name === 'GetStatus') throw new ConcordatError('InvalidState', 'there is no such enrollment here');
  throw new ConcordatError('UnknownEnrollment', `${name} cannot be answered without the number of the next request`);
}

/** What the Body holds, once wsa:Action agrees. */
function nameOf({ body, addressing }: VerifiedMessage): CoordinatorMessage | 'GetStatus' | 'Status' {
  const entry = messageAt('participant', body);
  if (entry === undefined) throw new ConcordatError('ActionNotSupported', `the Body holds {${body.ns}}${body.name}`);
  if (addressing.action !== entry.action) throw new ConcordatError('ActionMismatch', `wsa:Action is ${addressing.action}`);
  const { name } = body;
  if (name === 'GetStatus' || name === 'Status' || isCoordinatorMessage(name)) return name;
  throw new ConcordatError('ActionNotSupported', name);
}

/** What must be the same for two messages to say the same. */
function contentOf({ addressing, headers, body }: VerifiedMessage): string {
  const references = headers.filter(isReferenceParameter).map(serialize).sort();
  return JSON.stringify([addressing.messageId, addressing.action, ...references, comparableBody(body)]);
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
