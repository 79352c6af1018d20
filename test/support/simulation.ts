import { createHash, createPrivateKey, createPublicKey, type KeyObject, sign, verify } from 'node:crypto';
import {
  type BroadcastLimits,
  DEFAULT_BROADCAST_LIMITS,
  type Delivered,
  type DeliveryEntry,
  type Digest,
  type Evidence,
  type History,
  type LogEntry,
  type PersistRecord,
  type Position,
  positionKey,
  type ReplicatedService,
  type ReplicaId,
  type Request,
  type RetiredRecord,
  SourceOrderedBroadcast,
  type Submission,
  type VoteSigner,
} from '../../src/bft/index.js';
import { Random } from './random.js';

/** A disk of one replica: what its broadcast persisted, in the order in which it did. It outlives crashes. */
export class MemoryDisk implements History {
  /** By position; retired deliveries leave gaps. */
  readonly #log = new Map<number, LogEntry>();
  /** Live deliveries by their positions in streams. */
  readonly #index = new Map<string, DeliveryEntry & { readonly certificate: Uint8Array }>();
  readonly #units = new Map<string, RetiredRecord & { readonly position: number }>();
  /** Deliveries of retired units that a peer may lack. */
  readonly #kept = new Map<string, { content: Uint8Array; proof: Uint8Array; certificate: Uint8Array }>();
  readonly #retiredStreams = new Map<string, readonly Digest[]>();
  head = 0;
  readonly #requests = new Map<Digest, { content: Uint8Array; proof: Uint8Array }>();
  readonly #votes = new Map<string, Extract<PersistRecord, { type: 'vote' }>>();
  readonly #certificates = new Map<string, Extract<PersistRecord, { type: 'certificate' }>>();
  readonly #followed = new Map<ReplicaId, { epoch: string; position: number }>();
  readonly #evidence: Evidence[] = [];
  readonly #records: PersistRecord[] = [];
  readonly #heard = new Map<ReplicaId, Extract<PersistRecord, { type: 'heard' }>>();
  #made = 0;
  /** A peer proved that this disk has forgotten votes. */
  votesLost = false;

  constructor(readonly epoch: string) {}

  append(records: readonly PersistRecord[]): void {
    for (const record of records) this.#append(record);
    this.#records.push(...records);
  }

  /** How much was ever written. */
  get length(): number {
    return this.#records.length;
  }

  /** A backup: the disk as it was when that many records were written. */
  backup(records = this.length): MemoryDisk {
    const copy = new MemoryDisk(`${this.epoch} of ${records}`);
    copy.append(this.#records.slice(0, records));
    return copy;
  }

  #append(record: PersistRecord): void {
    switch (record.type) {
      case 'request':
        if (!this.#requests.has(record.digest)) this.#requests.set(record.digest, record);
        break;
      case 'vote': {
        const key = `${record.round} ${positionKey(record)}`;
        const earlier = this.#votes.get(key);
        if (earlier !== undefined && earlier.digest !== record.digest) throw new Error(`two votes for ${key}`);
        this.#votes.set(key, record);
        break;
      }
      case 'certificate':
        this.#certificates.set(positionKey(record), record);
        break;
      case 'delivery': {
        const key = positionKey(record);
        if (this.#isDelivered(record)) throw new Error(`delivered twice: ${key}`);
        const entry = { ...record, kind: 'delivery', position: ++this.head } as const;
        this.#log.set(entry.position, entry);
        this.#index.set(key, entry);
        break;
      }
      case 'retired':
        this.#retire(record);
        break;
      case 'evidence':
        this.#evidence.push(record.evidence);
        break;
      case 'followed':
        this.#followed.set(record.peer, record);
        break;
      case 'made':
        this.#made = record.count;
        break;
      case 'heard':
        this.#heard.set(record.peer, record);
        break;
      case 'votes-lost':
        this.votesLost = true;
        break;
    }
  }

  #isDelivered(position: Position): boolean {
    const retired = this.#retiredStreams.get(position.stream)?.length ?? 0;
    return position.number <= retired || this.#index.has(positionKey(position));
  }

  #retire(record: RetiredRecord): void {
    const before = this.#units.get(record.unit);
    if (before !== undefined) this.#log.delete(before.position);
    const position = ++this.head;
    this.#units.set(record.unit, { ...record, position });
    this.#log.set(position, { kind: 'retired', position, unit: record.unit, hash: record.hash });
    for (const { stream, digests } of record.streams) {
      const known = this.#retiredStreams.get(stream) ?? [];
      if (known.some((digest, i) => digests[i] !== digest)) throw new Error(`a record of another past of ${stream}`);
      this.#retiredStreams.set(stream, digests);
      for (let number = 1; number <= digests.length; number++) this.#drop({ stream, number }, digests[number - 1], record.keep);
    }
  }

  #drop(position: Position, digest: Digest | undefined, keep: boolean): void {
    const key = positionKey(position);
    const delivered = this.delivered(position);
    if (keep && delivered !== undefined) this.#kept.set(key, delivered);
    else if (!keep) this.#kept.delete(key);
    const live = this.#index.get(key);
    if (live !== undefined && live.digest !== digest) throw new Error(`a record that contradicts ${key}`);
    if (live !== undefined) this.#log.delete(live.position);
    this.#index.delete(key);
    for (const round of ['echo', 'ready']) {
      const vote = this.#votes.get(`${round} ${key}`);
      if (vote !== undefined) this.#requests.delete(vote.digest);
      this.#votes.delete(`${round} ${key}`);
    }
    if (digest !== undefined) this.#requests.delete(digest);
    this.#certificates.delete(key);
  }

  log(from: number, limit: number): readonly LogEntry[] {
    if (from > this.head) return [];
    const entries: LogEntry[] = [];
    for (const [position, entry] of this.#log) {
      if (entries.length >= limit) break;
      if (position >= from) entries.push(entry);
    }
    return entries;
  }

  stream(name: string): readonly Digest[] | undefined {
    return this.#retiredStreams.get(name);
  }

  record(unit: string): Uint8Array | undefined {
    return this.#units.get(unit)?.record;
  }

  recordHash(unit: string): Digest | undefined {
    return this.#units.get(unit)?.hash;
  }

  /** The names of retired units. */
  units(): string[] {
    return [...this.#units.keys()];
  }

  /** What is kept of requests that are not retired. */
  get live(): { readonly deliveries: number; readonly requests: number; readonly votes: number } {
    return { deliveries: this.#index.size, requests: this.#requests.size, votes: this.#votes.size };
  }

  delivered(position: Position): { content: Uint8Array; proof: Uint8Array; certificate: Uint8Array } | undefined {
    const entry = this.#index.get(positionKey(position));
    const request = entry && this.#requests.get(entry.digest);
    if (entry === undefined || request === undefined) return this.#kept.get(positionKey(position));
    return { ...request, certificate: entry.certificate };
  }

  followed(peer: ReplicaId): { epoch: string; position: number } | undefined {
    return this.#followed.get(peer);
  }

  /** Starts a broadcast from what is on the disk. */
  recoverInto(broadcast: SourceOrderedBroadcast<unknown>): void {
    for (const entry of this.#log.values()) {
      if (entry.kind === 'retired') continue;
      const request = this.#requests.get(entry.digest);
      if (request === undefined) throw new Error('a delivery without its request');
      broadcast.replay(request.content);
    }
    const open = (position: Position): boolean => !this.#isDelivered(position);
    const votes = [...this.#votes.values()].filter(open);
    broadcast.restore({
      votes,
      requests: votes.flatMap((vote) => this.#requests.get(vote.digest) ?? []),
      certificates: [...this.#certificates.values()].filter(open).map((record) => record.certificate),
      evidence: this.#evidence,
      made: this.#made,
      heard: this.#heard.values(),
    });
  }
}

/** Ed25519 vote keys that follow from the seed. */
export function voteKey(seed: string): { privateKey: KeyObject; publicKey: KeyObject } {
  const raw = createHash('sha256').update(seed).digest();
  const privateKey = createPrivateKey({
    key: Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), raw]),
    format: 'der',
    type: 'pkcs8',
  });
  return { privateKey, publicKey: createPublicKey(privateKey) };
}

/** One replica's votes: its signature, and how others check it. */
interface VoteKey {
  readonly sign: (data: Uint8Array) => Buffer;
  readonly verify: (data: Uint8Array, signature: Uint8Array) => boolean;
}

const SIGNATURES = {
  ed25519: (seed: string): VoteKey => {
    const { privateKey, publicKey } = voteKey(seed);
    return {
      sign: (data) => sign(null, data, privateKey),
      verify: (data, signature) => verify(null, data, publicKey, signature),
    };
  },
  /** Stands in for a signature where nobody forges one: many times faster. */
  hash: (seed: string): VoteKey => {
    const tag = (data: Uint8Array): Buffer => createHash('sha256').update(seed).update(data).digest();
    return { sign: tag, verify: (data, signature) => tag(data).equals(signature) };
  },
} as const;

export interface SimNode<Effects> {
  readonly id: ReplicaId;
  disk: MemoryDisk;
  readonly signer: VoteSigner;
  broadcast: SourceOrderedBroadcast<Effects>;
  service: ReplicatedService<Effects>;
  up: boolean;
  malformed: number;
  /** What a lying replica does to the frames it sends; honest ones leave them alone. */
  tamper: (to: ReplicaId, frame: Uint8Array) => readonly Uint8Array[];
}

export interface SimOptions<Effects> {
  readonly n?: number;
  readonly f?: number;
  readonly seed: number;
  readonly makeService: (id: ReplicaId) => ReplicatedService<Effects>;
  /** Reads a request back from the proof it was submitted with; undefined when the signature does not hold. */
  readonly verifyProof?: (proof: Uint8Array) => Request | undefined;
  readonly limits?: Partial<BroadcastLimits>;
  /** How votes are signed: ed25519 unless told otherwise. */
  readonly signatures?: keyof typeof SIGNATURES;
  /** A replica learnt that it has forgotten votes: its service must abstain from now on. */
  readonly onVotesLost?: (node: ReplicaId) => void;
  readonly onDelivered?: (node: ReplicaId, delivered: Delivered<Effects>) => void;
}

interface Event {
  readonly at: number;
  readonly order: number;
  readonly run: () => void;
}

const TICK_MS = 20;

/** A whole cluster on a simulated network, disk and clock, from one seed. */
export class SimCluster<Effects> {
  readonly nodes: SimNode<Effects>[];
  readonly random: Random;
  readonly cluster = 'simulated';
  now = 0;
  /** Chance that a frame is lost, and bounds of its delay in milliseconds: unequal delays reorder. */
  network = { loss: 0, duplicate: 0, minDelay: 1, maxDelay: 5 };
  /** Pairs of replicas that cannot reach each other. */
  readonly cut = new Set<string>();
  #events: Event[] = [];
  #order = 0;

  constructor(readonly options: SimOptions<Effects>) {
    this.random = new Random(options.seed);
    const n = options.n ?? 4;
    const makeKey = SIGNATURES[options.signatures ?? 'ed25519'];
    const keys = Array.from({ length: n }, (_, i) => makeKey(`${options.seed} ${i + 1}`));
    const verifier = {
      verify: (replica: ReplicaId, data: Uint8Array, signature: Uint8Array) => {
        const key = keys[replica - 1];
        return key !== undefined && key.verify(data, signature);
      },
    };
    this.#verifier = verifier;
    this.nodes = keys.map((key, i) => {
      const id = i + 1;
      const disk = new MemoryDisk(`epoch-${id}`);
      const signer = { sign: key.sign };
      const service = options.makeService(id);
      return {
        id,
        disk,
        signer,
        service,
        broadcast: this.#broadcast(id, disk, signer, service),
        up: true,
        malformed: 0,
        tamper: (_to, frame) => [frame],
      } satisfies SimNode<Effects>;
    });
    for (const node of this.nodes) this.#scheduleTick(node);
    for (const node of this.nodes) for (const peer of this.nodes) if (peer !== node) node.broadcast.connected(peer.id, 0);
    // Replicas that start ask each other which votes they know; a cluster in these tests is one that has.
    for (const node of this.nodes) this.#flush(node);
    this.run(2 * this.network.maxDelay + 1);
  }

  readonly #verifier: { verify(replica: ReplicaId, data: Uint8Array, signature: Uint8Array): boolean };

  node(id: ReplicaId): SimNode<Effects> {
    const node = this.nodes[id - 1];
    if (node === undefined) throw new RangeError(`no replica ${id}`);
    return node;
  }

  /** A client's signed request arrives at one replica. */
  submit(id: ReplicaId, request: Request, proof: Uint8Array): Submission | undefined {
    const node = this.node(id);
    if (!node.up) return undefined;
    const submission = node.broadcast.submit(request, proof, this.now);
    this.#flush(node);
    return submission;
  }

  after(ms: number, run: () => void): void {
    this.#events.push({ at: this.now + ms, order: this.#order++, run });
  }

  /** Runs for that much simulated time. */
  run(ms: number): void {
    const end = this.now + ms;
    for (;;) {
      let next: Event | undefined;
      for (const event of this.#events) {
        if (next === undefined || event.at < next.at || (event.at === next.at && event.order < next.order)) next = event;
      }
      if (next === undefined || next.at > end) break;
      this.#events.splice(this.#events.indexOf(next), 1);
      this.now = next.at;
      next.run();
    }
    this.now = end;
  }

  crash(id: ReplicaId): void {
    this.node(id).up = false;
  }

  /** @param disk another than it had: a backup, or an empty one */
  restart(id: ReplicaId, disk?: MemoryDisk): void {
    const node = this.node(id);
    node.disk = disk ?? node.disk;
    node.service = this.options.makeService(id);
    node.broadcast = this.#broadcast(id, node.disk, node.signer, node.service);
    node.disk.recoverInto(node.broadcast);
    node.up = true;
    for (const peer of this.nodes) {
      if (peer === node) continue;
      node.broadcast.connected(peer.id, this.now);
      if (peer.up) peer.broadcast.connected(id, this.now);
    }
    this.#flush(node);
  }

  cutLink(a: ReplicaId, b: ReplicaId): void {
    this.cut.add(`${Math.min(a, b)}-${Math.max(a, b)}`);
  }

  heal(): void {
    this.cut.clear();
    this.network = { ...this.network, loss: 0, duplicate: 0 };
    for (const node of this.nodes) {
      if (!node.up) continue;
      for (const peer of this.nodes) if (peer !== node) node.broadcast.connected(peer.id, this.now);
    }
  }

  #broadcast(
    id: ReplicaId,
    disk: MemoryDisk,
    signer: VoteSigner,
    service: ReplicatedService<Effects>,
  ): SourceOrderedBroadcast<Effects> {
    const { n = 4, f = 1 } = this.options;
    const limits = { ...DEFAULT_BROADCAST_LIMITS, ...this.options.limits };
    return new SourceOrderedBroadcast({
      self: id,
      n,
      f,
      cluster: this.cluster,
      limits,
      signer,
      verifier: this.#verifier,
      service,
      history: disk,
    });
  }

  #scheduleTick(node: SimNode<Effects>): void {
    this.after(TICK_MS, () => {
      if (node.up) {
        node.broadcast.tick(this.now);
        this.#flush(node);
      }
      this.#scheduleTick(node);
    });
  }

  #flush(node: SimNode<Effects>): void {
    const ready = node.broadcast.flush();
    node.disk.append(ready.records);
    node.broadcast.forget(ready.retired);
    node.malformed += ready.malformed.length;
    for (const delivered of ready.delivered) this.options.onDelivered?.(node.id, delivered);
    for (const { to, frame } of ready.frames) for (const sent of node.tamper(to, frame)) this.send(node.id, to, sent);
    if (ready.votesLost.length > 0) this.options.onVotesLost?.(node.id);
    if (ready.votesLost.length > 0) node.broadcast.lossIsKnown();
    for (const { proof } of ready.passedOn) {
      const request = this.options.verifyProof?.(proof);
      if (request !== undefined) node.broadcast.submit(request, proof, this.now);
    }
    if (ready.passedOn.length > 0) this.#flush(node);
  }

  send(from: ReplicaId, to: ReplicaId, frame: Uint8Array): void {
    const link = `${Math.min(from, to)}-${Math.max(from, to)}`;
    if (this.cut.has(link) || this.random.chance(this.network.loss)) return;
    const copies = this.random.chance(this.network.duplicate) ? 2 : 1;
    for (let i = 0; i < copies; i++) {
      const delay = this.network.minDelay + this.random.next() * (this.network.maxDelay - this.network.minDelay);
      this.after(delay, () => {
        const node = this.node(to);
        if (!node.up || this.cut.has(link)) return;
        node.broadcast.receive(from, frame, this.now);
        this.#flush(node);
      });
    }
  }
}
