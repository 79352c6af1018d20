import { sign, verify } from 'node:crypto';
import { join } from 'node:path';
import { type BroadcastLimits, DEFAULT_BROADCAST_LIMITS, type Ready, SourceOrderedBroadcast } from '../bft/index.js';
import type { Limits, LoadedCluster, ReplicaKeys } from '../config/index.js';
import { type ClusterAddresses, pathOf, SERVED } from '../contract/index.js';
import { ConcordatError } from '../errors.js';
import type { Logger } from '../log.js';
import type { PeerLinks } from '../peers/index.js';
import { type Edge, HttpTransport, Signer, SoapCaller, TrustStore, Verifier } from '../soap/index.js';
import { ReplicaStore } from '../store/index.js';
import { Answers } from './answers.js';
import { Commands } from './commands.js';
import { Front } from './front.js';
import { type Interpretation, interpret } from './interpret.js';
import { Journal } from './journal.js';
import { REAL_PORTS, type ReplicaPorts } from './ports.js';
import { CoordinationService, type ServiceEffect } from './service.js';
import { answerOperator, type OperatorSources } from './operator.js';
import { type ReplicaStatus, reportStatus } from './status.js';
import { VerifiedMessages } from './verified-messages.js';
import { Waiters } from './waiters.js';

export interface ReplicaOptions {
  readonly cluster: LoadedCluster;
  readonly id: number;
  readonly keys: ReplicaKeys;
  /** Folder of this replica's database. */
  readonly dataDir: string;
  readonly log: Logger;
  readonly ports?: Partial<ReplicaPorts>;
}

const TICK_MS = 25;
/** Messages of one peer that are verified in one tick. */
const PASSED_ON_PER_TICK = 16;
const COMPLAIN_EVERY_MS = 60_000;
/** A participant has this long to take a message. */
const PARTICIPANT_TIMEOUT_MS = 10_000;

const broadcastLimits = (limits: Limits): BroadcastLimits => ({
  ...DEFAULT_BROADCAST_LIMITS,
  maxOpenPositionsPerPeer: limits.maxOpenPositionsPerPeer,
  maxPendingRequests: limits.maxPendingRequests,
  maxPendingPerWriter: limits.maxPendingPerWriter,
  passOnAfterMs: limits.passOnAfterMs,
  resendVotesAfterMs: limits.resendVotesAfterMs,
  syncEveryMs: limits.syncEveryMs,
  evidenceMax: limits.evidenceMax,
  maxProofBytes: limits.maxMessageBytes,
});

/**
 * One replica: the broadcast and the coordination service between a signed SOAP edge, the links to the peers, the store and
 * the participants. What it does with one request is told in docs/architecture.md.
 */
export class Replica {
  readonly #o: ReplicaOptions;
  readonly #ports: ReplicaPorts;
  readonly #limits: Limits;
  readonly #addresses: ClusterAddresses;
  readonly #store: ReplicaStore;
  readonly #journal: Journal;
  readonly #service: CoordinationService;
  readonly #broadcast: SourceOrderedBroadcast<readonly ServiceEffect[]>;
  readonly #answers: Answers;
  readonly #verifier: Verifier;
  readonly #signer: Signer;
  readonly #transport: HttpTransport;
  readonly #commands: Commands;
  readonly #front: Front;
  readonly #waiters = new Waiters();
  readonly #verified: VerifiedMessages;
  readonly #passedOn = new Map<number, number>();
  readonly #complained = new Map<number, number>();
  #edge: Edge | undefined;
  #links: PeerLinks | undefined;
  #ticker: NodeJS.Timeout | undefined;
  #flushing: NodeJS.Immediate | undefined;
  #stopped = false;

  private constructor(options: ReplicaOptions) {
    const { cluster, id, keys } = options;
    this.#o = options;
    this.#ports = { ...REAL_PORTS, ...options.ports };
    this.#limits = cluster.limits;
    this.#addresses = { logical: cluster.config.address, replicas: cluster.replicas.map((replica) => replica.url) };
    const clock = this.#ports.clock;
    this.#store = ReplicaStore.open(join(options.dataDir, 'replica.db'), { evidenceMax: this.#limits.evidenceMax });
    const limits = broadcastLimits(this.#limits);
    this.#journal = new Journal(this.#store, { cluster: cluster.config.cluster, n: cluster.n, limits, clock });
    this.#service = new CoordinationService(this.#limits, clock);
    const voteKeys = cluster.replicas.map((replica) => replica.votePublicKey);
    this.#broadcast = new SourceOrderedBroadcast({
      self: id,
      n: cluster.n,
      f: cluster.f,
      cluster: cluster.config.cluster,
      limits,
      signer: { sign: (data) => sign(null, data, keys.voteKey) },
      verifier: {
        verify: (replica, data, signature) => {
          const key = voteKeys[replica - 1];
          return key !== undefined && verify(null, data, key, signature);
        },
      },
      service: this.#service,
      history: this.#journal,
    });
    this.#answers = new Answers(this.#addresses, (stream) => this.#journal.certificateText(stream, 1));
    this.#signer = new Signer(keys);
    this.#verifier = new Verifier(new TrustStore(cluster.authorityPems), {
      clockWindowMs: this.#limits.clockWindowMs,
      limits: { maxBytes: this.#limits.maxMessageBytes },
    });
    this.#verified = new VerifiedMessages((raw) => this.#verifier.verify(raw, clock()));
    this.#transport = new HttpTransport({ timeoutMs: PARTICIPANT_TIMEOUT_MS });
    const caller = new SoapCaller({ signer: this.#signer, verifier: this.#verifier, transport: this.#transport, clock });
    this.#commands = new Commands({
      addresses: this.#addresses,
      send: this.#ports.participants((url, message, signal) => caller.call(url, message, signal)),
      activity: (activity) => this.#service.activity(activity),
      done: this.#store.commandsDone(),
      markDone: (command) => this.#store.append([{ type: 'command-done', command }]),
      limits: this.#limits,
      log: options.log,
    });
    this.#front = new Front({
      cluster: cluster.config.cluster,
      addresses: this.#addresses,
      url: cluster.replicas[id - 1]?.url ?? '',
      requestWaitMs: this.#limits.requestWaitMs,
      broadcast: this.#broadcast,
      service: this.#service,
      answers: this.#answers,
      commands: this.#commands,
      waiters: this.#waiters,
      isStored: ({ stream, number }) => this.#store.delivery(stream, number) !== undefined,
      submit: (request, message) => {
        this.#verified.remember(message);
        return this.#turn(() => this.#broadcast.submit(request, Buffer.from(message.raw, 'utf8'), this.#ports.steadyClock()));
      },
    });
  }

  /**
   * Opens the store, comes back to where this replica stopped, and takes part.
   * @throws ConcordatError StoreInUse, StoreCorrupt, PortInUse, ConfigInvalid, KeyMismatch
   */
  static async start(options: ReplicaOptions): Promise<Replica> {
    const replica = new Replica(options);
    try {
      await replica.#start();
      return replica;
    } catch (error) {
      await replica.stop();
      throw error;
    }
  }

  async #start(): Promise<void> {
    const { cluster, id, keys, log } = this.#o;
    const own = cluster.replicas[id - 1];
    if (own === undefined) throw new ConcordatError('Usage', `there is no replica ${id}`);
    const replayed = this.#journal.replayInto(this.#broadcast);
    this.#links = await this.#ports.startPeerLinks({
      self: id,
      listen: own.peerListen,
      credentials: keys,
      authorities: cluster.authorityPems,
      peers: cluster.replicas
        .filter((peer) => peer.id !== id)
        .map((peer) => ({ id: peer.id, host: peer.peer.host, port: peer.peer.port, fingerprint: peer.fingerprint })),
      cluster: cluster.config.cluster,
      limits: {
        frameBytes: this.#limits.peerFrameBytes,
        queueBytes: this.#limits.peerQueueBytes,
        reconnectMinMs: this.#limits.peerReconnectMinMs,
        reconnectMaxMs: this.#limits.peerReconnectMaxMs,
        pingEveryMs: this.#limits.peerPingEveryMs,
        pingTimeoutMs: this.#limits.peerPingTimeoutMs,
        handshakeMs: this.#limits.peerHandshakeMs,
      },
      onFrame: (from, frame) => this.#turn(() => this.#broadcast.receive(from, frame, this.#ports.steadyClock())),
      onConnect: (peer) => this.#turn(() => this.#broadcast.connected(peer, this.#ports.steadyClock())),
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
      handle: (request) => this.#front.handle(request),
      get: (path, query) => this.#front.describe(path, query),
      log,
      clock: this.#ports.clock,
      limits: { maxBytes: this.#limits.maxMessageBytes, maxConcurrent: this.#limits.maxConcurrentRequests },
    });
    this.#ticker = setInterval(() => this.#tick(), TICK_MS);
    this.#commands.resume(this.#service.activities());
    log.info({ replica: id, url: own.url, deliveries: replayed }, 'the replica is up');
  }

  /** Stops taking part. Everything acknowledged is on disk already. */
  async stop(): Promise<void> {
    this.#stopped = true;
    clearInterval(this.#ticker);
    clearImmediate(this.#flushing);
    this.#commands.close();
    await Promise.all([this.#edge?.close(), this.#links?.close()]);
    this.#transport.close();
    this.#store.close();
  }

  status(): ReplicaStatus {
    return reportStatus({
      replica: this.#o.id,
      cluster: this.#o.cluster.config.cluster,
      deliveries: this.#store.deliveredCount,
      service: this.#service,
      broadcast: this.#broadcast.status(),
      evidence: this.#broadcast.evidence(),
      links: this.#links?.status() ?? [],
      commands: this.#commands.outstanding,
    });
  }

  // --- turns ------------------------------------------------------------------------------------------------------

  /** Does something to the broadcast; what follows from all that happens in this turn of the event loop goes out together. */
  #turn<Result>(work: () => Result): Result {
    const result = work();
    this.#flushing ??= setImmediate(() => {
      this.#flushing = undefined;
      if (!this.#stopped) this.#flush();
    });
    return result;
  }

  #tick(): void {
    this.#passedOn.clear();
    this.#turn(() => this.#broadcast.tick(this.#ports.steadyClock()));
  }

  #flush(): void {
    const ready = this.#broadcast.flush();
    this.#journal.append(ready.records);
    for (const { to, frame } of ready.frames) this.#links?.send(to, frame);
    for (const { from, reason } of ready.malformed) this.#complain(from, reason);
    this.#reportEvidence(ready);
    for (const { effects } of ready.delivered) for (const effect of effects) this.#act(effect);
    for (const withdrawn of ready.withdrawn) {
      this.#waiters.settle(withdrawn, withdrawn.digest, { kind: 'withdrawn', code: withdrawn.code, detail: withdrawn.detail });
    }
    for (const { from, proof } of ready.passedOn) this.#acceptPassedOn(from, proof);
  }

  /** At most one line a minute for each peer, whatever it sends. */
  #complain(peer: number, reason: string): void {
    const now = this.#ports.steadyClock();
    const silentSince = this.#complained.get(peer);
    if (silentSince !== undefined && now - silentSince < COMPLAIN_EVERY_MS) return;
    this.#complained.set(peer, now);
    this.#o.log.warn({ peer, reason }, 'dropped what a peer sent');
  }

  #reportEvidence(ready: Ready<readonly ServiceEffect[]>): void {
    for (const record of ready.records) {
      if (record.type !== 'evidence') continue;
      const { evidence } = record;
      const who = evidence.kind === 'replica' ? { replica: evidence.replica } : { writer: evidence.writer };
      const { stream, number } = evidence.kind === 'replica' ? evidence.first : evidence;
      this.#o.log.error({ ...who, stream, number }, 'two signed statements contradict each other');
    }
  }

  #act(effect: ServiceEffect): void {
    switch (effect.kind) {
      case 'answered': {
        const digest = this.#broadcast.deliveredDigest(effect);
        if (digest !== undefined) this.#waiters.settle(effect, digest, { kind: 'answered' });
        return;
      }
      case 'command':
        return this.#commands.command(effect.activity, effect.participant, effect.command);
      case 'fault': {
        const stored = this.#journal.read(effect.stream, effect.number);
        if (stored !== undefined) this.#commands.fault(effect.activity, effect.participant, stored.payload);
        return;
      }
      case 'ended':
        return this.#o.log.info({ activity: effect.activity }, 'an activity has ended');
    }
  }

  /** A peer passes on what a client signed: it counts as if the client had come here. */
  #acceptPassedOn(from: number, proof: Uint8Array): void {
    const before = this.#passedOn.get(from) ?? 0;
    this.#passedOn.set(from, before + 1);
    // Verifying costs milliseconds, and a faulty peer may send anything. What is dropped here, an honest one passes on again.
    if (before >= PASSED_ON_PER_TICK) return;
    let interpretation: Interpretation;
    try {
      interpretation = interpret(this.#verified.check(Buffer.from(proof).toString('utf8')), this.#addresses);
    } catch (error) {
      return this.#complain(from, `a request that it passed on: ${String(error)}`);
    }
    if (interpretation.kind !== 'ordered') return this.#complain(from, 'it passed a question on');
    const { request } = interpretation;
    this.#turn(() => this.#broadcast.submit(request, proof, this.#ports.steadyClock()));
  }

  // --- the operator -----------------------------------------------------------------------------------------------

  #operatorSources(): OperatorSources {
    return {
      replica: this.#o.id,
      service: this.#service,
      delivery: (stream, number) => this.#journal.read(stream, number),
      status: () => this.status(),
    };
  }
}
