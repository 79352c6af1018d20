import { type Position, type Ready, type Request, requestDigest, SourceOrderedBroadcast, type Submission } from '../bft/index.js';
import { HOUR_MS, type Limits, type LoadedCluster, type ReplicaKeys } from '../config/index.js';
import { type ClusterAddresses, pathOf, SERVED } from '../contract/index.js';
import { ConcordatError, ERRORS, type ErrorCode } from '../errors.js';
import type { Logger } from '../log.js';
import type { PeerLinks } from '../peers/index.js';
import type { Edge, EdgeAnswer, EdgeRequest, MessageSigner, MessageVerifier, VerifiedMessage } from '../soap/index.js';
import type { Cancel } from '../timers.js';
import { commandId } from '../wsba/index.js';
import { Answers } from './answers.js';
import { Disk } from './disk.js';
import { EventLog } from './event-log.js';
import { Front } from './front.js';
import { Instances } from './instances.js';
import { Journal } from './journal.js';
import { isDamage, openStore } from './open-store.js';
import { Outbound } from './outbound.js';
import { PassedOn } from './passed-on.js';
import { retiredSums } from './retired-units.js';
import { REAL_PORTS, type ReplicaPorts, type ReplicaStorage } from './ports.js';
import { CoordinationService, type ServiceEffect } from './service.js';
import { answerOperator, type OperatorSources } from './operator.js';
import { StandingWatch } from './standing.js';
import { type ReplicaStatus, reportStatus } from './status.js';
import { broadcastLimits, peerLimits } from './tuning.js';
import { VerifiedMessages } from './verified-messages.js';
import { Waiters } from './waiters.js';
import { WaitingRequests } from './waiting.js';

export interface ReplicaOptions {
  readonly cluster: LoadedCluster;
  readonly id: number;
  readonly keys: ReplicaKeys;
  /** Folder of this replica's database. */
  readonly dataDir: string;
  readonly log: Logger;
  readonly ports?: Partial<ReplicaPorts>;
  /** Votes of this replica are lost, its operator says: it abstains from whatever is older than this start. */
  readonly recover?: boolean;
  /** The replica could not go on, and has stopped. By default the error is thrown where nobody catches it, which ends the process. */
  readonly onFailure?: (error: unknown) => void;
}

const TICK_MS = 25;
const SWEEP_EVERY_MS = 1_000;
/** Records. */
const SWEPT_AT_ONCE = 100;
/** After these the store, or what it lies on, is not to be relied upon. */
const STORE_FAILURES: ReadonlySet<ErrorCode> = new Set(['StoreCorrupt', 'StoreFailed', 'StoreDenied']);

/**
 * One replica: the broadcast and the coordination service between a signed SOAP edge, the links to the peers, the store and
 * the participants. What it does with one request is told in docs/architecture.md.
 */
export class Replica {
  readonly #o: ReplicaOptions;
  readonly #ports: ReplicaPorts;
  readonly #limits: Limits;
  readonly #addresses: ClusterAddresses;
  readonly #store: ReplicaStorage;
  readonly #journal: Journal;
  readonly #service: CoordinationService;
  readonly #broadcast: SourceOrderedBroadcast<readonly ServiceEffect[]>;
  readonly #waiting: WaitingRequests;
  readonly #answers: Answers;
  readonly #verifier: MessageVerifier;
  readonly #signer: MessageSigner;
  readonly #outbound: Outbound;
  readonly #front: Front;
  readonly #waiters: Waiters;
  readonly #verified: VerifiedMessages;
  readonly #passedOn: PassedOn;
  readonly #disk: Disk;
  readonly #standing: StandingWatch;
  readonly #events: EventLog;
  /** Peers whose links came up while nothing could be written. */
  readonly #missed = new Set<number>();
  #edge: Edge | undefined;
  #links: PeerLinks | undefined;
  #cancelTicks: Cancel | undefined;
  #cancelFlush: Cancel | undefined;
  #stopping: Promise<void> | undefined;
  #sweptAt = 0;

  private constructor(options: ReplicaOptions, store: ReplicaStorage) {
    const { cluster, id, keys } = options;
    this.#o = options;
    this.#ports = portsOf(options);
    this.#limits = cluster.limits;
    this.#addresses = { logical: cluster.config.address, replicas: cluster.replicas.map((replica) => replica.url) };
    const { clock, steadyClock, security } = this.#ports;
    this.#waiters = new Waiters(this.#ports.timers);
    this.#store = store;
    this.#events = new EventLog(options.log);
    this.#disk = new Disk({ log: options.log, clock, steadyClock, retryMs: this.#limits.diskRetryMs });
    const limits = broadcastLimits(this.#limits);
    const done = this.#store.commandsDone();
    this.#journal = new Journal(this.#store, {
      cluster: cluster.config.cluster,
      n: cluster.n,
      limits,
      clock,
      clockWindowMs: this.#limits.clockWindowMs,
      packed: (state) => this.#service.packed(state),
      forgetCommands: (commands) => commands.forEach((command) => done.delete(command)),
      log: options.log,
    });
    this.#service = new CoordinationService(this.#limits, clock, this.#ports.machine, {
      units: this.#journal.units,
      isOwed: (activity, participant, command) => !done.has(commandId(activity, participant, command)),
      wasSent: (activity, participant, command) => void done.add(commandId(activity, participant, command)),
    });
    this.#broadcast = new SourceOrderedBroadcast({
      self: id,
      n: cluster.n,
      f: cluster.f,
      cluster: cluster.config.cluster,
      limits,
      signer: security.voteSigner(keys.voteKey),
      verifier: security.voteVerifier(cluster),
      service: this.#service,
      history: this.#journal,
    });
    this.#waiting = new WaitingRequests({
      pending: (activity) => this.#broadcast.pending(activity),
      delivered: (stream, number) => this.#journal.read(stream, number)?.payload,
    });
    this.#answers = new Answers(
      this.#addresses,
      (stream) => this.#journal.certificateText(stream, 1),
      (activity) => this.#waiting.of(activity),
      (activity, participant) => this.#outbound.stateOf(activity, participant),
    );
    this.#signer = security.signer(keys);
    this.#verifier = security.verifier(cluster.authorityPems, {
      clockWindowMs: this.#limits.clockWindowMs,
      limits: { maxBytes: this.#limits.maxMessageBytes },
    });
    this.#verified = new VerifiedMessages((raw) => this.#verifier.verify(raw, clock()));
    this.#outbound = new Outbound({
      addresses: this.#addresses,
      soap: { signer: this.#signer, verifier: this.#verifier, clock },
      ports: this.#ports,
      service: this.#service,
      payload: (stream, number) => this.#journal.read(stream, number)?.payload,
      digest: (position) => this.#broadcast.deliveredDigest(position),
      done,
      markDone: (command) => this.#disk.write(() => this.#store.append([{ type: 'command-done', command }])),
      limits: this.#limits,
      log: options.log,
    });
    this.#passedOn = new PassedOn({
      verified: this.#verified,
      addresses: this.#addresses,
      complain: (peer, reason) => this.#links?.malformed(peer, reason),
      submit: (request, message, proof) => void this.#submit(request, message, proof),
    });
    const startedAt = steadyClock();
    this.#standing = new StandingWatch({
      f: cluster.f,
      clock,
      recovery: () => this.#store.recovery(),
      hasCaughtUp: () => this.#broadcast.caughtUpSince(startedAt),
      activities: () => this.#service.activities(),
      diskFullSince: () => this.#disk.fullSince,
    });
    this.#front = new Front({
      cluster: cluster.config.cluster,
      addresses: this.#addresses,
      url: cluster.replicas[id - 1]?.url ?? '',
      requestWaitMs: this.#limits.requestWaitMs,
      broadcast: this.#broadcast,
      service: this.#service,
      answers: this.#answers,
      notices: this.#outbound.notices,
      instances: new Instances({ service: this.#service, broadcast: this.#broadcast }),
      waiters: this.#waiters,
      now: this.#ports.steadyClock,
      isStored: (position) => this.#journal.isStored(position),
      submit: (request, message) => {
        this.#verified.remember(message);
        return this.#submit(request, message, Buffer.from(message.raw, 'utf8'));
      },
    });
  }

  /**
   * Opens the store, comes back to where this replica stopped, and takes part. A damaged store is set aside, and the replica
   * comes back from what its peers know.
   * @throws ConcordatError StoreInUse, StoreDenied, StoreVersion, StoreFailed, DiskFull, PortInUse, ConfigInvalid, KeyMismatch
   */
  static async start(options: ReplicaOptions): Promise<Replica> {
    try {
      return await Replica.#comeBack(options);
    } catch (error) {
      if (!isDamage(error)) throw error;
      // It could be opened, but not read.
      portsOf(options).storeFiles(options.dataDir).noteDamage(error.message);
      return Replica.#comeBack(options);
    }
  }

  static async #comeBack(options: ReplicaOptions): Promise<Replica> {
    const { log, dataDir, cluster, recover = false } = options;
    const { openStore: open, storeFiles, clock } = portsOf(options);
    const { limits } = cluster;
    let replica: Replica | undefined;
    const store = openStore({
      dataDir,
      open,
      files: storeFiles(dataDir),
      store: {
        evidenceMax: limits.evidenceMax,
        onCorrupt: (error) => log.error({ err: error }, 'a record in the archive cannot be read'),
        // Before it takes part, whoever starts it is told.
        onDamage: (error) => {
          if (replica !== undefined) replica.#fail(error);
        },
      },
      storesSetAside: limits.storesSetAside,
      recover,
      clock,
      clockWindowMs: limits.clockWindowMs,
      log,
    });
    try {
      const coming = new Replica(options, store);
      coming.#replay();
      replica = coming;
      await coming.#start();
      return coming;
    } catch (error) {
      if (replica === undefined) store.close();
      else await replica.stop();
      throw error;
    }
  }

  /** Brings memory to where the store is. */
  #replay(): void {
    const recovery = this.#store.recovery();
    if (recovery !== undefined) {
      const { reason, since, votesFrom } = recovery;
      this.#service.abstainBefore(votesFrom);
      const times = { since: new Date(since).toISOString(), votesFrom: new Date(votesFrom).toISOString() };
      this.#o.log.warn({ reason, ...times }, 'the replica has lost votes: it abstains from activities created before votesFrom');
    }
    const replayed = this.#journal.replayInto(this.#broadcast, (effects) => this.#outbound.replay(effects));
    if (recovery !== undefined) this.#broadcast.catchUp(this.#ports.steadyClock());
    this.#o.log.info({ replica: this.#o.id, deliveries: replayed }, 'the replica has read its store');
  }

  async #start(): Promise<void> {
    const { cluster, id, keys, log } = this.#o;
    const own = cluster.replicas[id - 1];
    if (own === undefined) throw new ConcordatError('Usage', `there is no replica ${id}`);
    this.#links = await this.#ports.startPeerLinks({
      self: id,
      listen: own.peerListen,
      credentials: keys,
      authorities: cluster.authorityPems,
      peers: cluster.replicas
        .filter((peer) => peer.id !== id)
        .map((peer) => ({ id: peer.id, host: peer.peer.host, port: peer.peer.port, fingerprint: peer.fingerprint })),
      cluster: cluster.config.cluster,
      limits: peerLimits(this.#limits),
      onFrame: (from, frame) => {
        // What is not taken in while the disk is full comes again.
        if (!this.#disk.isFull) this.#turn(() => this.#broadcast.receive(from, frame, this.#ports.steadyClock()));
      },
      onConnect: (peer) => this.#connected(peer),
      onDisconnect: (peer) => log.info({ peer }, 'the link to a peer is down'),
      operator: (request) => Promise.resolve(answerOperator(request, this.#operatorSources())),
      log,
    });
    this.#edge = await this.#ports.startEdge({
      host: own.listen.host,
      port: own.listen.port,
      verifier: this.#verifier,
      signer: this.#signer,
      paths: new Set(SERVED.map(pathOf)),
      handle: (request) => this.#handle(request),
      get: (path, query) => this.#front.describe(path, query),
      deliver: (message, to) => this.#outbound.deliver(message, to),
      log,
      clock: this.#ports.clock,
      limits: { maxBytes: this.#limits.maxMessageBytes, maxConcurrent: this.#limits.maxConcurrentRequests },
    });
    this.#cancelTicks = this.#ports.timers.every(TICK_MS, () => this.#orFail(() => this.#tick()));
    this.#outbound.resume();
    log.info({ replica: id, url: own.url }, 'the replica is up');
  }

  /** Stops taking part. Everything acknowledged is on disk already. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  async #stop(): Promise<void> {
    this.#cancelTicks?.();
    this.#cancelFlush?.();
    this.#outbound.close();
    await Promise.all([this.#edge?.close(), this.#links?.close()]);
    this.#store.close();
  }

  /** It cannot go on: it stops, and comes back from its store at the next start. */
  #fail(error: unknown): void {
    if (this.#stopping !== undefined) return;
    if (isDamage(error)) this.#ports.storeFiles(this.#o.dataDir).noteDamage(error.message);
    this.#o.log.error({ err: error }, 'the replica stops');
    const tell = (): void => (this.#o.onFailure ?? throwUncaught)(error);
    void this.stop().then(tell, tell);
  }

  /** What goes wrong with the store while `work` is done is nobody else's fault: the replica stops. */
  #relying<Result>(work: () => Result): Result {
    try {
      return work();
    } catch (error) {
      if (error instanceof ConcordatError && STORE_FAILURES.has(error.code)) this.#fail(error);
      throw error;
    }
  }

  status(): ReplicaStatus {
    const broadcast = this.#broadcast.status();
    return reportStatus({
      replica: this.#o.id,
      cluster: this.#o.cluster.config.cluster,
      deliveries: this.#store.deliveredCount,
      retired: retiredSums(this.#store.archive, this.#service),
      service: this.#service,
      broadcast,
      evidence: this.#broadcast.evidence(),
      links: this.#links?.status() ?? [],
      commands: this.#outbound.outstanding,
      waiting: this.#waiting,
      standing: this.#standing.report(broadcast),
      since: (evidence) => this.#journal.evidenceSince(evidence),
    });
  }

  // --- requests ---------------------------------------------------------------------------------------------------

  async #handle(request: EdgeRequest): Promise<EdgeAnswer> {
    this.#refuseIfFull();
    try {
      return await this.#front.handle(request);
    } catch (error) {
      if (!(error instanceof ConcordatError)) throw error;
      if (STORE_FAILURES.has(error.code)) {
        this.#fail(error);
        throw new ConcordatError('Internal', undefined, { cause: error });
      }
      if (ERRORS[error.code].retryable) this.#refuseIfFull();
      throw error;
    }
  }

  /** What is delivered in memory only must not be told, either. */
  #refuseIfFull(): void {
    if (this.#disk.isFull) throw new ConcordatError('DiskFull');
  }

  #connected(peer: number): void {
    if (this.#disk.isFull) this.#missed.add(peer);
    else this.#turn(() => this.#broadcast.connected(peer, this.#ports.steadyClock()));
  }

  // --- turns ------------------------------------------------------------------------------------------------------

  /** Does something to the broadcast; what follows from all that happens in this turn of the event loop goes out together. */
  #turn<Result>(work: () => Result): Result {
    const result = this.#relying(work);
    this.#cancelFlush ??= this.#ports.timers.soon(() => {
      this.#cancelFlush = undefined;
      this.#orFail(() => this.#flush());
    });
    return result;
  }

  /** What nobody waits for must not be lost with its error. */
  #orFail(work: () => void): void {
    if (this.#stopping !== undefined) return;
    try {
      work();
    } catch (error) {
      this.#fail(error);
    }
  }

  #tick(): void {
    this.#disk.tick();
    if (this.#disk.isFull) return;
    for (const peer of this.#missed) this.#connected(peer);
    this.#missed.clear();
    this.#passedOn.tick();
    this.#sweep();
    this.#standing.tick(() => this.#broadcast.status().backlog);
    this.#turn(() => this.#broadcast.tick(this.#ports.steadyClock()));
  }

  /** Forgets records that are older than they need be kept, a few at a time. */
  #sweep(): void {
    const now = this.#ports.steadyClock();
    if (now - this.#sweptAt < SWEEP_EVERY_MS) return;
    this.#sweptAt = now;
    const before = this.#ports.clock() - this.#limits.archiveRetentionHours * HOUR_MS;
    this.#disk.write(() => this.#store.archive.sweep(before, SWEPT_AT_ONCE));
  }

  #flush(): void {
    if (this.#disk.isFull) return;
    const ready = this.#broadcast.flush();
    this.#disk.write(
      () => this.#journal.append(ready.records),
      () => this.#follow(ready),
    );
  }

  /** What a turn led to is on disk: now it may be known. */
  #follow(ready: Ready<readonly ServiceEffect[]>): void {
    this.#broadcast.forget(ready.retired);
    for (const { to, frame } of ready.frames) this.#links?.send(to, frame);
    for (const { from, reason } of ready.malformed) this.#links?.malformed(from, reason);
    this.#events.turn(ready);
    if (ready.votesLost.length > 0) this.#admitLoss(ready);
    for (const { effects } of ready.delivered) {
      this.#outbound.follow(effects);
      for (const effect of effects) if (effect.kind === 'answered') this.#answered(effect);
    }
    for (const withdrawn of ready.withdrawn) {
      this.#waiters.settle(withdrawn, withdrawn.digest, { kind: 'withdrawn', code: withdrawn.code, detail: withdrawn.detail });
    }
    for (const { from, proof } of ready.passedOn) this.#passedOn.accept(from, proof);
    this.#waiters.poke();
  }

  /** Peers know more of this replica's votes than it does itself. */
  #admitLoss({ votesLost }: Ready<readonly ServiceEffect[]>): void {
    const recovery = this.#store.recovery();
    if (recovery === undefined) throw new ConcordatError('StoreCorrupt', 'what was written about lost votes is not there');
    const toldBy = votesLost.map((lost) => lost.toldBy);
    const { reason, votesFrom } = recovery;
    this.#o.log.error(
      { reason, toldBy, votesFrom: new Date(votesFrom).toISOString() },
      'the database has lost votes of this replica: it abstains from activities created before votesFrom',
    );
    this.#service.abstainBefore(votesFrom);
    this.#broadcast.catchUp(this.#ports.steadyClock());
    this.#broadcast.lossIsKnown();
  }

  #submit(request: Request, message: VerifiedMessage, proof: Uint8Array): Submission {
    this.#outbound.correspondence.remember(request, requestDigest(this.#o.cluster.config.cluster, request), message);
    return this.#turn(() => this.#broadcast.submit(request, proof, this.#ports.steadyClock()));
  }

  #answered(position: Position): void {
    const digest = this.#broadcast.deliveredDigest(position);
    if (digest !== undefined) this.#waiters.settle(position, digest, { kind: 'answered' });
  }

  // --- the operator -----------------------------------------------------------------------------------------------

  #operatorSources(): OperatorSources {
    return {
      replica: this.#o.id,
      service: this.#service,
      delivery: (stream, number) => this.#journal.read(stream, number),
      stateOf: (activity, participant) => this.#outbound.stateOf(activity, participant),
      status: () => this.status(),
    };
  }
}

const portsOf = (options: ReplicaOptions): ReplicaPorts => ({ ...REAL_PORTS, ...options.ports });

const throwUncaught = (error: unknown): void =>
  queueMicrotask(() => {
    throw error;
  });
