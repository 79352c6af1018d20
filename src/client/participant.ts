import { setMaxListeners } from 'node:events';
import type { HostPort, LoadedCluster } from '../config/index.js';
import { loadCluster } from '../config/index.js';
import type { ClusterAddresses } from '../contract/index.js';
import { isActivityId, isAddressedTo, participantOfStream, participantStream } from '../contract/index.js';
import { ConcordatError } from '../errors.js';
import type { Logger } from '../log.js';
import { silentLogger } from '../log.js';
import type { Credentials, Edge, MessageSigner, MessageVerifier, VerifiedMessage } from '../soap/index.js';
import { SoapCaller } from '../soap/index.js';
import type { CoordinationContext } from '../soap/messages/index.js';
import { encodeRegister, PROTOCOL_IDENTIFIER, readReferences } from '../soap/messages/index.js';
import { INITIAL_STATE, isParticipantMessage, TERMINAL_STATE } from '../wsba/index.js';
import type { ParticipantMessage, Protocol } from '../wsba/index.js';
import type { ClusterView } from './cluster-view.js';
import { configuredView, contextOf, contextView, viewFromContext } from './cluster-view.js';
import { Commands } from './commands.js';
import type { EnrollmentRecord } from './enrollment-record.js';
import { EnrollmentStore } from './enrollment-record.js';
import { endpointOf } from './enrollment-messages.js';
import type { EnrollmentParts } from './enrollment.js';
import { Enrollment, REGISTER } from './enrollment.js';
import type { Handlers } from './handlers.js';
import type { Draft } from './journal.js';
import { Journal } from './journal.js';
import type { ClientLimits } from './limits.js';
import { CLIENT_LIMITS } from './limits.js';
import { Outbox } from './outbox.js';
import { pause } from './pause.js';
import { type ClientPorts, clientPorts, type ClientTransport } from './ports.js';
import { StatusQuestions } from './status-questions.js';
import { ClientStore } from '../store/index.js';
import type { Suspicion } from './voting.js';
import { VotingCaller } from './voting.js';

/** Where a participant's SOAP endpoint is. */
export const PARTICIPANT_PATH = '/participant';

/** f + 1 replicas passed over a message of ours with InvalidState: it did not fit what they know of us. */
export interface InvalidStateEvent {
  readonly enrollment: Enrollment;
  readonly message: ParticipantMessage | undefined;
  readonly messageId: string;
}

export interface ParticipantOptions {
  /** The directory with cluster.json, what `loadCluster` made of it, or only authorities (PEM): see `contextView` for what that trusts. */
  readonly cluster: string | LoadedCluster | { readonly authorities: readonly string[] };
  readonly credentials: Credentials;
  /**
   * The file of this participant's own database, ':memory:' to forget everything when it closes, or a store of yours, which `close`
   * leaves open. What is in it must never be lost or put back to an older state while enrollments are unfinished.
   */
  readonly store: string | ClientStore;
  readonly listen: HostPort;
  /** The base URL under which replicas reach this participant, if it is not that of `listen`; it must survive a restart. */
  readonly publicUrl?: string;
  /** Serves HTTPS with this certificate, often the same as the credentials; without it, HTTP. */
  readonly tls?: Credentials;
  readonly handlers: Handlers;
  readonly timeoutMs?: number;
  readonly limits?: Partial<ClientLimits>;
  readonly log?: Logger;
  readonly clock?: () => number;
  readonly ports?: Partial<ClientPorts>;
  readonly onSuspect?: (suspicion: Suspicion) => void;
  readonly onInvalidState?: (event: InvalidStateEvent) => void;
}

export interface RegisterOptions {
  /** The caller's own key: the same key gives the same enrollment, also after a crash. */
  readonly key: string;
  readonly protocol: Protocol;
}

/** Takes part in activities: registers, reports, and does what f + 1 replicas tell it. */
export class Participant {
  readonly #callers = new Map<string, VotingCaller>();
  readonly #enrollments = new Map<string, Enrollment>();
  readonly #closing = new AbortController();
  readonly #parts: EnrollmentParts;
  #edge: Edge | undefined;
  #url = '';

  private constructor(
    private readonly options: ParticipantOptions,
    private readonly configured: ClusterView | undefined,
    private readonly store: ClientStore,
    private readonly limits: ClientLimits,
    private readonly newCaller: (view: ClusterView) => VotingCaller,
    private readonly ports: ClientPorts,
    private readonly transport: ClientTransport,
    private readonly writer: string,
  ) {
    // Every handler that waits to run again listens.
    setMaxListeners(0, this.#closing.signal);
    const log = options.log ?? silentLogger;
    const journal = new Journal(store, limits);
    const records = new EnrollmentStore(store);
    const callerOf = (stream: string): VotingCaller => this.#callerFor(records.byStream(stream)?.cluster);
    const outbox = new Outbox({ journal, callerOf, limits, ports, log });
    const closing = this.#closing.signal;
    const statuses = new StatusQuestions(limits, ports, closing);
    this.#parts = { records, journal, outbox, statuses, handlers: options.handlers, limits, ports, log, closing };
  }

  /**
   * Opens the database, starts the endpoint, and carries on where the last run stopped: requests without an answer are sent again,
   * handlers that had not finished run again.
   * @throws ConcordatError ConfigMissing, ConfigInvalid, KeyMismatch, StoreInUse, StoreCorrupt, PortInUse
   */
  static async open(options: ParticipantOptions): Promise<Participant> {
    const { credentials, cluster: where, log = silentLogger, onSuspect } = options;
    const ports = clientPorts(options);
    const { clock } = ports;
    const timeout = options.timeoutMs === undefined ? {} : { timeoutMs: options.timeoutMs };
    const limits: ClientLimits = { ...CLIENT_LIMITS, ...options.limits, ...timeout };
    const cluster = typeof where === 'string' ? loadCluster(where) : where;
    const configured = 'replicas' in cluster ? configuredView(cluster) : undefined;
    const authorities = 'replicas' in cluster ? cluster.authorityPems : cluster.authorities;
    const verifier = ports.security.verifier(authorities, limits.clockWindowMs);
    const signer = ports.security.signer(credentials);
    const transport = ports.transport(limits.attemptTimeoutMs, authorities);
    const caller = new SoapCaller({ signer, verifier, transport, clock });
    const suspect = onSuspect === undefined ? {} : { onSuspect };
    const newCaller = (view: ClusterView): VotingCaller =>
      new VotingCaller({ view, caller, signer, limits, clock, ports, log, ...suspect });
    const { writer } = ports.security.identity(credentials);
    const store = ClientStore.open(options.store);
    const participant = new Participant(options, configured, store, limits, newCaller, ports, transport, writer);
    try {
      await participant.#start(signer, verifier);
      return participant;
    } catch (error) {
      await participant.close();
      throw error;
    }
  }

  /** The address that is registered, with the path. */
  get url(): string {
    return this.#url;
  }

  /**
   * Registers for an activity. Resolves when n − f replicas have acknowledged it: only then may work start, so that the initiator's
   * lists have whoever is at work. The same key gives the same enrollment.
   * @param context the context, or the signed message that brought it; without a cluster.json only the latter
   * @throws ConcordatError InvalidParameters, CannotRegisterParticipant if another key took this invitation; NoQuorum (the same
   *   call later carries on); NotAuthorized for a context from no initiator; what f + 1 replicas refuse it with
   */
  async register(context: CoordinationContext | VerifiedMessage, options: RegisterOptions): Promise<Enrollment> {
    const { journal, outbox, records } = this.#parts;
    const { context: found, cluster } = this.#clusterOf(context);
    const place = placeOf(found, this.writer);
    if (options.protocol === 'CoordinatorCompletion' && this.options.handlers.complete === undefined) {
      throw new ConcordatError('InvalidProtocol', 'CoordinatorCompletion needs a handler for complete');
    }
    const record = records.byKey(options.key) ?? this.#enroll(found, place, options, cluster);
    if (record.stream !== place.stream || record.protocol !== options.protocol) {
      throw new ConcordatError('InvalidParameters', `key ${options.key} stands for another registration`);
    }
    const enrollment = this.#enrollment(record);
    const request = journal.find(record.stream, REGISTER);
    if (request === undefined) throw new ConcordatError('StoreCorrupt', `enrollment ${record.key} has no Register`);
    await outbox.answer(request, this.limits.timeoutMs);
    return enrollment;
  }

  /** The enrollments of this database, ended ones included. */
  enrollments(): Enrollment[] {
    return this.#parts.records.all().map((record) => this.#enrollment(record));
  }

  /** Stops listening and sending; waits a while for handlers that are running. The next `open` carries on. */
  async close(): Promise<void> {
    this.#closing.abort();
    await this.#edge?.close();
    this.transport.close();
    await this.#parts.outbox.close();
    const idle = Promise.all([...this.#enrollments.values()].map((enrollment) => enrollment.idle()));
    const waited = new AbortController();
    await Promise.race([idle, pause(this.ports.timers, this.limits.closeWaitMs, waited.signal)]);
    waited.abort();
    this.store.close();
  }

  async #start(signer: MessageSigner, verifier: MessageVerifier): Promise<void> {
    const { listen, publicUrl, tls, onInvalidState } = this.options;
    const { log, journal, statuses } = this.#parts;
    const commands = new Commands({
      find: (id) => this.#find(id),
      statuses,
      limits: this.limits,
      log,
      invalidState: (record, messageId) => {
        const message = journal.requests(record.stream).find(({ request }) => request.messageId === messageId)?.label;
        log.warn({ enrollment: record.key, message, messageId }, 'f + 1 replicas answered InvalidState');
        onInvalidState?.({ enrollment: this.#enrollment(record), message: messageOf(message), messageId });
      },
    });
    // Ended enrollments wait on disk until somebody asks for them.
    const unfinished = this.#parts.records.all().filter(({ state }) => state !== TERMINAL_STATE);
    for (const record of unfinished) this.#enrollment(record);
    this.#edge = await this.ports.startEdge({
      host: listen.host,
      port: listen.port,
      verifier,
      signer,
      paths: new Set([PARTICIPANT_PATH]),
      handle: ({ message }) => Promise.resolve().then(() => commands.take(message)),
      ...(tls === undefined ? {} : { tls }),
      log,
      clock: this.ports.clock,
    });
    this.#url = (publicUrl ?? this.#edge.url).replace(/\/+$/, '') + PARTICIPANT_PATH;
    this.#parts.outbox.resume();
    for (const enrollment of this.#enrollments.values()) enrollment.resume();
  }

  #find(id: string): { enrollment: Enrollment; record: EnrollmentRecord; view: ClusterView } | undefined {
    const record = this.#parts.records.byId(id);
    if (record === undefined) return undefined;
    return { enrollment: this.#enrollment(record), record, view: this.#callerFor(record.cluster).view };
  }

  #enrollment(record: EnrollmentRecord): Enrollment {
    const known = this.#enrollments.get(record.id);
    if (known !== undefined) return known;
    const enrollment = new Enrollment(this.#parts, record);
    this.#forgetEnded();
    this.#enrollments.set(record.id, enrollment);
    return enrollment;
  }

  /** An ended enrollment only repeats what it said; its record on disk is enough for that. */
  #forgetEnded(): void {
    if (this.#enrollments.size < this.limits.maxCachedEnrollments) return;
    for (const [id, { state }] of this.#enrollments) if (state === TERMINAL_STATE) this.#enrollments.delete(id);
  }

  #enroll(
    context: CoordinationContext,
    place: Place,
    { key, protocol }: RegisterOptions,
    cluster: ClusterAddresses | undefined,
  ): EnrollmentRecord {
    const { journal, records } = this.#parts;
    const other = records.byStream(place.stream);
    if (other !== undefined) throw new ConcordatError('CannotRegisterParticipant', `key ${other.key} has used this invitation`);
    const record: EnrollmentRecord = {
      ...place,
      key,
      id: this.ports.uuid(),
      address: this.#url,
      protocol,
      state: INITIAL_STATE,
      ...(cluster === undefined ? {} : { cluster }),
    };
    const draft = registerDraft(context, record, this.ports.uuid());
    // The enrollment is there before Register is sent: a command may overtake the answer.
    journal.transaction(() => {
      records.put(record);
      journal.append(record.stream, REGISTER, draft);
    });
    return record;
  }

  /** The context and, if it says so itself, where its cluster is. */
  #clusterOf(given: CoordinationContext | VerifiedMessage): {
    context: CoordinationContext;
    cluster: ClusterAddresses | undefined;
  } {
    const context = 'raw' in given ? contextOf(given) : given;
    if (this.configured !== undefined) {
      if (!isAddressedTo(this.configured.addresses, context.registrationService.address, 'registration')) {
        throw new ConcordatError(
          'InvalidParameters',
          `the context is of another cluster: ${context.registrationService.address}`,
        );
      }
      return { context, cluster: undefined };
    }
    if (!('raw' in given)) {
      throw new ConcordatError(
        'NotAuthorized',
        'without a cluster.json a context counts only in the signed message that brought it',
      );
    }
    return { context, cluster: viewFromContext(given).addresses };
  }

  /** One view for each cluster, so that a replica keeps its number. */
  #callerFor(cluster: ClusterAddresses | undefined): VotingCaller {
    const name = cluster === undefined ? '' : JSON.stringify([cluster.logical, cluster.replicas]);
    const known = this.#callers.get(name);
    if (known !== undefined) return known;
    const view = cluster === undefined ? this.configured : contextView(cluster);
    if (view === undefined) throw new ConcordatError('ConfigMissing', 'this enrollment was made with a cluster.json');
    const caller = this.newCaller(view);
    this.#callers.set(name, caller);
    return caller;
  }
}

interface Place {
  readonly activity: string;
  readonly matchcode: string;
  readonly stream: string;
  readonly participant: string;
}

/** Where in the cluster a registration with this context stands: its stream, and the id that follows from it. */
function placeOf(context: CoordinationContext, writer: string): Place {
  const references = readReferences(context.registrationService.referenceParameters);
  const activity = context.identifier;
  if (!isActivityId(activity) || references.activity !== activity) {
    throw new ConcordatError('InvalidParameters', 'the context does not name one activity of a Concordat cluster');
  }
  const matchcode = references.invitation ?? '';
  const stream = participantStream(activity, matchcode, writer);
  return { activity, matchcode, stream, participant: participantOfStream(stream) };
}

function registerDraft(context: CoordinationContext, record: EnrollmentRecord, uuid: string): Draft {
  const protocolIdentifier =
    record.protocol === 'ParticipantCompletion'
      ? PROTOCOL_IDENTIFIER.participantCompletion
      : PROTOCOL_IDENTIFIER.coordinatorCompletion;
  return {
    endpoint: 'registration',
    references: context.registrationService.referenceParameters,
    body: encodeRegister({ protocolIdentifier, participantProtocolService: endpointOf(record), extensions: [] }),
    need: 'quorum',
    messageId: `urn:uuid:${uuid}`,
  };
}

function messageOf(label: string | undefined): ParticipantMessage | undefined {
  return label !== undefined && isParticipantMessage(label) ? label : undefined;
}
