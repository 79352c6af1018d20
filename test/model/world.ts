import { positionKey, type ReplicaId, type Request } from '../../src/bft/index.js';
import { CoordinationService, type ServiceEffect } from '../../src/replica/index.js';
import {
  type Activity,
  activityDigest,
  COORDINATOR_MESSAGES,
  type CoordinatorMessage,
  type Machine,
  machine as concordatMachine,
  outstandingCommand,
  participants,
  type ParticipantMessage,
  type ParticipantRecord,
} from '../../src/wsba/index.js';
import { SimCluster } from '../support/simulation.js';
import { loseDecisions } from './deaf.js';
import { type LiarPlan, lieInVotes, lieToParticipant } from './liar.js';
import { proofOf, readProof } from './requests.js';

const LIMITS = { clockWindowMs: 3_600_000, maxActivitiesPerWriter: 100, maxParticipantsPerActivity: 100 };
/** How long a message between a client and a replica may take; unequal delays reorder. */
const CLIENT_LATENCY_MS = 40;
/** How often a replica repeats its unanswered commands. */
const REPEAT_MS = 250;
/** Votes and requests that are stuck come again at least so often, so that quiet comes soon. */
const RESEND_MAX_MS = 1_000;
/** Chance that a liar, whenever replicas repeat their commands, tells a participant something out of the blue. */
const SLANDER = 0.1;

export interface Setup {
  readonly seed: number;
  /** How long a frame between replicas may take at first, ms. */
  readonly maxDelay: number;
  /** Chance that a frame is lost at first. */
  readonly loss: number;
  readonly liar: LiarPlan | undefined;
}

/** What a test may replace in order to show that the check notices. */
export interface Substitutes {
  readonly machine?: Machine;
  /** How many replicas must say the same before a participant obeys: f + 1. */
  readonly need?: number;
}

export interface Listener {
  hear(replica: ReplicaId, command: CoordinatorMessage): void;
}

export interface Fault {
  readonly replica: ReplicaId;
  readonly participant: string;
  readonly stream: string;
  readonly number: number;
}

/** Something that must hold does not. */
export class Violation extends Error {
  override readonly name = 'Violation';
}

const ACKNOWLEDGEMENT: { readonly [M in ParticipantMessage]?: CoordinatorMessage } = {
  Exit: 'Exited',
  Fail: 'Failed',
  CannotComplete: 'NotCompleted',
};

/**
 * Four replicas of the real service on the simulated network, and the wires between them and their clients. It notes what
 * clients could witness: what correct replicas deliver, tell and fault.
 */
export class World {
  readonly n = 4;
  readonly f = 1;
  readonly need: number;
  readonly cluster: SimCluster<readonly ServiceEffect[]>;
  readonly liar: LiarPlan | undefined;
  readonly listeners = new Map<string, Listener>();
  /** What correct replicas told each participant, and which of them. */
  readonly told = new Map<string, Map<CoordinatorMessage, Set<ReplicaId>>>();
  readonly faults: Fault[] = [];
  /** Everything that some client signed, by digest; the sends of one position are its variants. */
  readonly variants = new Map<string, Request[]>();
  /** What correct replicas delivered, by position. */
  readonly delivered = new Map<string, string>();
  /** When each replica delivered each position: counted over all deliveries of all replicas. */
  readonly deliveredAt = new Map<ReplicaId, Map<string, number>>();
  deliveries = 0;
  /** Chance that a message between a client and a replica is lost. */
  clientLoss = 0;
  /** Replicas that no decision reaches. */
  readonly deaf = new Set<ReplicaId>();
  /** Acknowledgements that a replica's HTTP exchange showed to have arrived: it sends them no more. */
  readonly #accepted = new Set<string>();
  readonly #beforeCrash = new Map<ReplicaId, string>();

  constructor(setup: Setup, substitutes: Substitutes = {}) {
    this.need = substitutes.need ?? this.f + 1;
    this.liar = setup.liar;
    const using = substitutes.machine ?? concordatMachine;
    this.cluster = new SimCluster<readonly ServiceEffect[]>({
      seed: setup.seed,
      n: this.n,
      f: this.f,
      limits: { resendVotesMaxMs: RESEND_MAX_MS },
      signatures: 'hash',
      makeService: () => new CoordinationService(LIMITS, () => this.cluster.now, using),
      verifyProof: readProof,
      onDelivered: (replica, { stream, number, digest, effects }) => {
        const position = positionKey({ stream, number });
        const before = this.deliveredAt.get(replica) ?? new Map<string, number>();
        this.deliveredAt.set(replica, before.set(position, this.deliveries++));
        this.#agree(replica, position, digest);
        for (const effect of effects) this.#act(replica, effect);
      },
    });
    this.cluster.network = { loss: setup.loss, duplicate: 0, minDelay: 1, maxDelay: setup.maxDelay };
    if (this.liar !== undefined) lieInVotes(this.cluster, this.liar, this.variants);
    loseDecisions(this.cluster, this.deaf);
    for (const id of this.replicas) this.#repeat(id);
  }

  get replicas(): readonly ReplicaId[] {
    return this.cluster.nodes.map((node) => node.id);
  }

  /** Those that do not lie; a crash does not make a replica incorrect. */
  get correct(): readonly ReplicaId[] {
    return this.replicas.filter((id) => id !== this.liar?.replica);
  }

  service(id: ReplicaId): CoordinationService {
    const { service } = this.cluster.node(id);
    if (!(service instanceof CoordinationService)) throw new TypeError('the replicas run the coordination service');
    return service;
  }

  /** How many correct replicas hold this of an activity. */
  holding(activity: string, predicate: (state: Activity) => boolean): number {
    return this.correct.filter((id) => {
      const state = this.service(id).activity(activity);
      return state !== undefined && predicate(state);
    }).length;
  }

  // --- what clients do ----------------------------------------------------------------------------------------------

  /** A client's signed request leaves for some replicas. */
  submit(request: Request, to: readonly ReplicaId[]): void {
    const position = positionKey(request);
    const known = this.variants.get(position) ?? [];
    if (!known.includes(request)) this.variants.set(position, [...known, request]);
    for (const id of to) this.#carry(() => this.cluster.submit(id, request, proofOf(request)));
  }

  /** Whether every correct replica has delivered something at the request's position. */
  isThrough(request: Request): boolean {
    return this.correct.every((id) => this.cluster.node(id).broadcast.isDelivered(request));
  }

  // --- what happens to replicas -------------------------------------------------------------------------------------

  crash(id: ReplicaId): void {
    this.#beforeCrash.set(id, this.state(id));
    this.cluster.crash(id);
  }

  /** Comes back from its disk, which must give the same state again. */
  restart(id: ReplicaId): void {
    const before = this.#beforeCrash.get(id);
    this.#beforeCrash.delete(id);
    this.cluster.restart(id);
    if (before !== undefined && this.state(id) !== before)
      throw new Violation(`replica ${id} came back with another state than it had`);
  }

  /** All activities of a replica with the digests of their states, which cover how far each stream is. */
  state(id: ReplicaId): string {
    const digests = this.service(id)
      .activities()
      .map((activity) => `${activity.id} ${activityDigest(activity)}`);
    return digests.sort().join('; ');
  }

  /** All links work again and lose nothing. */
  heal(): void {
    this.clientLoss = 0;
    this.deaf.clear();
    this.cluster.heal();
  }

  /** From now on nothing is lost, every link works and every replica is up. A liar goes on lying. */
  calm(): void {
    this.cluster.network = { loss: 0, duplicate: 0, minDelay: 1, maxDelay: 10 };
    for (const id of this.replicas) if (!this.cluster.node(id).up) this.restart(id);
    this.heal();
  }

  // --- inside -------------------------------------------------------------------------------------------------------

  #carry(arrive: () => void): void {
    const { random } = this.cluster;
    if (random.chance(this.clientLoss)) return;
    this.cluster.after(random.below(CLIENT_LATENCY_MS), arrive);
  }

  #isCorrect(id: ReplicaId): boolean {
    return id !== this.liar?.replica;
  }

  #agree(replica: ReplicaId, position: string, digest: string): void {
    if (!this.#isCorrect(replica)) return;
    const other = this.delivered.get(position) ?? digest;
    if (other !== digest) throw new Violation(`replica ${replica} delivered another request at ${position}`);
    this.delivered.set(position, digest);
  }

  #act(replica: ReplicaId, effect: ServiceEffect): void {
    if (effect.kind === 'command') this.#tell(replica, effect.participant, effect.command);
    if (effect.kind === 'fault' && this.#isCorrect(replica)) this.faults.push({ ...effect, replica });
  }

  #tell(replica: ReplicaId, participant: string, command: CoordinatorMessage): void {
    if (this.#isCorrect(replica)) this.#note(replica, participant, command);
    const said = this.#isCorrect(replica) ? command : lieToParticipant(this.liar, this.cluster.random, command);
    this.#carry(() => {
      this.listeners.get(participant)?.hear(replica, said);
      this.#accepted.add(`${replica} ${participant} ${said}`);
    });
  }

  /** No participant is told both to keep its work and to undo it. */
  #note(replica: ReplicaId, participant: string, command: CoordinatorMessage): void {
    const heard = this.told.get(participant) ?? new Map<CoordinatorMessage, Set<ReplicaId>>();
    this.told.set(participant, heard);
    heard.set(command, (heard.get(command) ?? new Set()).add(replica));
    if (heard.has('Close') && (heard.has('Cancel') || heard.has('Compensate')))
      throw new Violation(`participant ${participant} was told ${[...heard.keys()].join(', ')}`);
  }

  /** As src/replica does: what is unanswered is sent again, an acknowledgement until it arrived. */
  #repeat(replica: ReplicaId): void {
    this.cluster.after(REPEAT_MS, () => {
      if (this.cluster.node(replica).up) {
        for (const activity of this.service(replica).activities()) {
          for (const record of participants(activity)) this.#remind(replica, record);
        }
        if (!this.#isCorrect(replica)) this.#slander(replica);
      }
      this.#repeat(replica);
    });
  }

  #remind(replica: ReplicaId, record: ParticipantRecord): void {
    const command = outstandingCommand(record) ?? (record.endedBy && ACKNOWLEDGEMENT[record.endedBy]);
    if (command !== undefined && !this.#isDone(replica, record.id, command)) this.#tell(replica, record.id, command);
  }

  /** The liar commands participants that nothing was decided about. */
  #slander(replica: ReplicaId): void {
    if (this.liar?.words !== true) return;
    for (const listener of this.listeners.values()) {
      const command = this.cluster.random.pick(COORDINATOR_MESSAGES);
      if (this.cluster.random.chance(SLANDER)) this.#carry(() => listener.hear(replica, command));
    }
  }

  #isDone(replica: ReplicaId, participant: string, command: CoordinatorMessage): boolean {
    const unanswered = command === 'Exited' || command === 'Failed' || command === 'NotCompleted';
    return unanswered && this.#accepted.has(`${replica} ${participant} ${command}`);
  }
}
