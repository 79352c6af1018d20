import { sign, verify } from 'node:crypto';
import { join } from 'node:path';
import {
  type BroadcastLimits,
  decodeRequest,
  DEFAULT_BROADCAST_LIMITS,
  encodeRequest,
  type ReplicaId,
  type Request,
  SourceOrderedBroadcast,
} from '../../src/bft/index.js';
import { DEFAULT_LIMITS } from '../../src/config/index.js';
import { CoordinationService, type ServiceEffect } from '../../src/replica/index.js';
import { Journal } from '../../src/replica/journal.js';
import { plus } from '../../src/replica/prints.js';
import { retiredSums } from '../../src/replica/retired-units.js';
import { ReplicaStore } from '../../src/store/index.js';
import { commandId, machine } from '../../src/wsba/index.js';
import { voteKey } from '../support/simulation.js';
import type { Measure, ReplicaEvent } from './wire.js';

export const CLUSTER = 'endurance';
const N = 4;
const F = 1;
const TICK_MS = 25;

export interface CoreOptions {
  readonly id: ReplicaId;
  /** Folder of its database. */
  readonly folder: string;
  readonly limits?: Partial<BroadcastLimits>;
  /** A record in the archive cannot be read. */
  readonly onCorrupt?: (error: Error) => void;
  readonly onFailure?: (error: unknown) => void;
  readonly send: (to: ReplicaId, frames: readonly Uint8Array[]) => void;
  readonly report: (events: readonly ReplicaEvent[]) => void;
}

/**
 * One replica below the SOAP edge: the shipped broadcast, service, journal and store, put together as src/replica/replica.ts does,
 * with real votes and real files. Participants are told by `report`, which never fails.
 */
export class ReplicaCore {
  readonly store: ReplicaStore;
  readonly journal: Journal;
  readonly service: CoordinationService;
  readonly broadcast: SourceOrderedBroadcast<readonly ServiceEffect[]>;
  readonly #ticker: NodeJS.Timeout;
  #flushing: NodeJS.Immediate | undefined;
  #voting = false;
  /** What it could not write. A replica that cannot write says nothing more. */
  failed: unknown;

  get id(): ReplicaId {
    return this.o.id;
  }

  constructor(private readonly o: CoreOptions) {
    const keys = Array.from({ length: N }, (_, i) => voteKey(`endurance ${i + 1}`));
    const limits = { ...DEFAULT_BROADCAST_LIMITS, ...o.limits };
    const fail = (problem: unknown, text?: string): never => {
      throw new Error(text, { cause: problem });
    };
    this.store = ReplicaStore.open(join(o.folder, 'replica.db'), { onCorrupt: o.onCorrupt ?? fail });
    const done = this.store.commandsDone();
    this.journal = new Journal(this.store, {
      cluster: CLUSTER,
      n: N,
      limits,
      clock: Date.now,
      clockWindowMs: DEFAULT_LIMITS.clockWindowMs,
      packed: (state) => this.service.packed(state),
      forgetCommands: (commands) => commands.forEach((command) => done.delete(command)),
      log: { error: fail },
    });
    this.service = new CoordinationService(DEFAULT_LIMITS, Date.now, machine, {
      units: this.journal.units,
      isOwed: (activity, participant, command) => !done.has(commandId(activity, participant, command)),
      wasSent: (activity, participant, command) => void done.add(commandId(activity, participant, command)),
    });
    this.broadcast = new SourceOrderedBroadcast({
      self: o.id,
      n: N,
      f: F,
      cluster: CLUSTER,
      limits,
      signer: { sign: (data) => sign(null, data, keys[o.id - 1]?.privateKey ?? fail('no key')) },
      verifier: {
        verify: (replica, data, signature) => {
          const key = keys[replica - 1];
          return key !== undefined && verify(null, data, key.publicKey, signature);
        },
      },
      service: this.service,
      history: this.journal,
    });
    this.journal.replayInto(this.broadcast, () => undefined);
    this.#ticker = setInterval(() => this.#turn(() => this.broadcast.tick(performance.now())), TICK_MS);
  }

  submit(requests: readonly Request[]): void {
    this.#turn(() => {
      // What stands for the writer's signed message is the request itself.
      for (const request of requests) this.broadcast.submit(request, encodeRequest(CLUSTER, request), performance.now());
    });
  }

  receive(from: ReplicaId, frames: Iterable<Uint8Array>): void {
    this.#turn(() => {
      for (const frame of frames) this.broadcast.receive(from, frame, performance.now());
    });
  }

  connected(peer: ReplicaId): void {
    this.#turn(() => this.broadcast.connected(peer, performance.now()));
  }

  measure(): Measure {
    const { rss, heapUsed } = process.memoryUsage();
    const { user, system } = process.cpuUsage();
    const activities = this.service.activities();
    const prints = activities.map((activity) => this.service.fingerprint(activity));
    const { members, positions, state } = plus(retiredSums(this.store.archive, this.service), prints);
    const cpu = Math.round((user + system) / 1000);
    return { rss, heap: heapUsed, cpu, activities: activities.length, total: members, positions, state };
  }

  close(): void {
    clearInterval(this.#ticker);
    clearImmediate(this.#flushing);
    this.store.close();
  }

  #turn(work: () => void): void {
    work();
    this.#flushing ??= setImmediate(() => {
      this.#flushing = undefined;
      this.#flush();
    });
  }

  #flush(): void {
    if (this.failed !== undefined) return;
    const ready = this.broadcast.flush();
    try {
      this.journal.append(ready.records);
    } catch (error) {
      this.failed = error;
      this.o.onFailure?.(error);
      return;
    }
    this.broadcast.forget(ready.retired);
    const frames = new Map<ReplicaId, Uint8Array[]>();
    for (const { to, frame } of ready.frames) frames.set(to, [...(frames.get(to) ?? []), frame]);
    for (const [to, list] of frames) this.o.send(to, list);
    for (const { from, reason } of ready.malformed) throw new Error(`replica ${from} sent something malformed: ${reason}`);
    for (const { code, detail } of ready.withdrawn) throw new Error(`a request was withdrawn: ${code} ${detail}`);
    for (const { proof } of ready.passedOn) this.submit([decodeRequest(CLUSTER, proof, DEFAULT_BROADCAST_LIMITS)]);
    this.#report(ready.delivered.flatMap(({ effects }) => effects));
  }

  #report(effects: readonly ServiceEffect[]): void {
    const events = effects.flatMap((effect): ReplicaEvent[] => {
      if (effect.kind === 'answered') return [effect];
      if (effect.kind !== 'command') return [];
      const { kind, activity, participant, command } = effect;
      return [{ kind, activity, participant, command }];
    });
    if (!this.#voting && this.broadcast.status().voting) {
      this.#voting = true;
      events.push({ kind: 'voting' });
    }
    if (events.length > 0) this.o.report(events);
  }
}
