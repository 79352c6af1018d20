import type { Votes } from '../bft/index.js';
import type { LoadedCluster } from '../config/index.js';
import { loadCluster } from '../config/index.js';
import { createStream, invitationOf } from '../contract/index.js';
import { ConcordatError } from '../errors.js';
import type { Logger } from '../log.js';
import { silentLogger } from '../log.js';
import type { Credentials } from '../soap/index.js';
import { parseCanonical, SoapCaller } from '../soap/index.js';
import type { CoordinationContext } from '../soap/messages/index.js';
import {
  COORDINATION_TYPE,
  decodeCreateCoordinationContextResponse,
  encodeCreateCoordinationContext,
} from '../soap/messages/index.js';
import type { ActivityRecord } from './activity-record.js';
import { getActivity, listActivities, putActivity } from './activity-record.js';
import { InitiatorActivity } from './activity.js';
import { configuredView } from './cluster-view.js';
import type { Draft } from './journal.js';
import { Journal } from './journal.js';
import type { ClientLimits } from './limits.js';
import { CLIENT_LIMITS } from './limits.js';
import { Outbox } from './outbox.js';
import { type ClientPorts, clientPorts, type ClientTransport } from './ports.js';
import { ClientStore } from '../store/index.js';
import type { Suspicion } from './voting.js';
import { VotingCaller } from './voting.js';

export interface InitiatorOptions {
  /** The directory with cluster.json, or what `loadCluster` made of it. */
  readonly cluster: string | LoadedCluster;
  readonly credentials: Credentials;
  /** The file of this initiator's own database, ':memory:' to forget everything when it closes, or a store of yours, which `close` leaves open. */
  readonly store: string | ClientStore;
  readonly timeoutMs?: number;
  readonly limits?: Partial<ClientLimits>;
  readonly log?: Logger;
  readonly clock?: () => number;
  readonly ports?: Partial<ClientPorts>;
  readonly onSuspect?: (suspicion: Suspicion) => void;
}

export interface CreateActivityOptions {
  /** The caller's own key: the same name gives the same activity, also after a crash. */
  readonly name: string;
  readonly outcome: 'atomic' | 'mixed';
  /** Lifetime in milliseconds; by default the cluster's. */
  readonly expiresMs?: number;
  /**
   * The context of an activity of the same cluster, for an atomic activity inside it: closing the inner one reports Completed to
   * the outer one, whose decision then closes or cancels both.
   */
  readonly inside?: CoordinationContext;
}

/** What an initiator and its activities work with. */
export interface InitiatorParts {
  readonly store: ClientStore;
  readonly journal: Journal;
  readonly outbox: Outbox;
  readonly caller: VotingCaller;
  readonly votes: Votes;
  readonly limits: ClientLimits;
  readonly ports: ClientPorts;
}

/**
 * Creates and ends activities at a cluster of which up to f replicas lie: everything it believes, f + 1 replicas said. Every
 * numbered request is on disk before it is sent.
 */
export class Initiator {
  private constructor(
    private readonly parts: InitiatorParts,
    private readonly writer: string,
    private readonly transport: ClientTransport,
  ) {}

  /**
   * Opens the database and starts to send again what has no answer yet.
   * @throws ConcordatError ConfigMissing, ConfigInvalid, KeyMismatch, StoreInUse, StoreCorrupt
   */
  static open(options: InitiatorOptions): Promise<Initiator> {
    return Promise.resolve().then(() => Initiator.#open(options));
  }

  static #open(options: InitiatorOptions): Initiator {
    const { credentials, log = silentLogger, onSuspect } = options;
    const ports = clientPorts(options);
    const { clock } = ports;
    const timeout = options.timeoutMs === undefined ? {} : { timeoutMs: options.timeoutMs };
    const limits: ClientLimits = { ...CLIENT_LIMITS, ...options.limits, ...timeout };
    const cluster = typeof options.cluster === 'string' ? loadCluster(options.cluster) : options.cluster;
    const signer = ports.security.signer(credentials);
    const verifier = ports.security.verifier(cluster.authorityPems, limits.clockWindowMs);
    const { writer } = ports.security.identity(credentials);
    const transport = ports.transport(limits.attemptTimeoutMs, cluster.authorityPems);
    const caller = new VotingCaller({
      view: configuredView(cluster),
      caller: new SoapCaller({ signer, verifier, transport, clock }),
      signer,
      limits,
      clock,
      ports,
      log,
      ...(onSuspect === undefined ? {} : { onSuspect }),
    });
    const store = ClientStore.open(options.store);
    const journal = new Journal(store, limits);
    const outbox = new Outbox({ journal, callerOf: () => caller, limits, ports, log });
    const initiator = new Initiator(
      { store, journal, outbox, caller, votes: ports.security.votes(cluster), limits, ports },
      writer,
      transport,
    );
    initiator.resume();
    return initiator;
  }

  /**
   * Creates an activity, or gives back the one of that name.
   * @throws ConcordatError InvalidParameters if the name stands for an activity of other particulars; NoQuorum (the same call
   *   later carries on); what f + 1 replicas refuse it with
   */
  async createActivity(options: CreateActivityOptions): Promise<InitiatorActivity> {
    const record = getActivity(this.parts.store, options.name) ?? this.#begin(options);
    const { outcome, expiresMs, inside } = options;
    if (record.outcome !== outcome || record.expiresMs !== expiresMs || record.inside !== inside?.identifier) {
      throw new ConcordatError(
        'InvalidParameters',
        `activity ${options.name} exists with another outcome, lifetime or outer activity`,
      );
    }
    try {
      return await this.#created(record);
    } catch (error) {
      if (!this.#isOutdated(record, error)) throw error;
      return this.#created(this.#begin(options));
    }
  }

  /** The activities of this database, in the order of their names; those whose creation is still under way are left out. */
  activities(): InitiatorActivity[] {
    return listActivities(this.parts.store).flatMap((record) => this.#known(record) ?? []);
  }

  /** Sends everything that has no answer yet; done by `open`, and harmless at any time. */
  resume(): void {
    this.parts.outbox.resume();
  }

  /** Stops sending and closes the database. What has no answer is sent again by the next `open`. */
  async close(): Promise<void> {
    this.transport.close();
    await this.parts.outbox.close();
    this.parts.store.close();
  }

  /** Writes a new create down: its stream is named after its MessageID. */
  #begin(options: CreateActivityOptions): ActivityRecord {
    const { store, journal } = this.parts;
    const messageId = `urn:uuid:${this.parts.ports.uuid()}`;
    const { name, outcome, expiresMs, inside } = options;
    const stream = createStream(this.writer, messageId, inside && invitationOf(inside));
    const record: ActivityRecord = {
      name,
      outcome,
      ...(expiresMs === undefined ? {} : { expiresMs }),
      ...(inside === undefined ? {} : { inside: inside.identifier }),
      stream,
      decisions: [],
    };
    const draft = this.#draft(record, messageId, inside);
    journal.transaction(() => {
      putActivity(store, record);
      journal.append(stream, CREATE, draft);
    });
    return record;
  }

  #draft({ outcome, expiresMs }: ActivityRecord, messageId: string, inside: CoordinationContext | undefined): Draft {
    const body = encodeCreateCoordinationContext({
      ...(expiresMs === undefined ? {} : { expires: expiresMs }),
      ...(inside === undefined ? {} : { currentContext: inside }),
      coordinationType: outcome === 'atomic' ? COORDINATION_TYPE.atomicOutcome : COORDINATION_TYPE.mixedOutcome,
      extensions: [],
    });
    return { endpoint: 'activation', references: [], body, need: 'believe', created: this.parts.ports.clock(), messageId };
  }

  async #created(record: ActivityRecord): Promise<InitiatorActivity> {
    const { journal, outbox, limits } = this.parts;
    const request = journal.find(record.stream, CREATE);
    if (request === undefined) throw new ConcordatError('StoreCorrupt', `activity ${record.name} has no create`);
    await outbox.answer(request, limits.timeoutMs);
    const activity = this.#known(record);
    if (activity === undefined) throw new ConcordatError('Internal', `the create of ${record.name} has no context for an answer`);
    return activity;
  }

  #known(record: ActivityRecord): InitiatorActivity | undefined {
    const answer = this.parts.journal.find(record.stream, CREATE)?.answer;
    if (answer?.kind !== 'reply') return undefined;
    const { context } = decodeCreateCoordinationContextResponse(parseCanonical(answer.body));
    return new InitiatorActivity(this.parts, record, context);
  }

  /**
   * A create that lay unsent until its creation time left the replicas' window can take effect no more; its stream had no other
   * request, so another may be begun. If it was delivered after all, that activity has no participants and expires.
   */
  #isOutdated(record: ActivityRecord, error: unknown): boolean {
    const created = this.parts.journal.find(record.stream, CREATE)?.request.sequence?.created ?? 0;
    const expired = error instanceof ConcordatError && error.code === 'MessageExpired';
    return expired && this.parts.ports.clock() - created > this.parts.limits.clockWindowMs / 2;
  }
}

const CREATE = 'create';
