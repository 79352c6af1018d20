import { CodecError } from './codec.js';
import { EvidenceBook } from './evidence.js';
import { LogFollower } from './follow.js';
import { decodeFrame, encodeFrame, type FoundItem, type Frame } from './frames.js';
import type { BroadcastLimits } from './limits.js';
import { contradiction, type KnownRequest, type OpenPosition } from './open-position.js';
import { PendingRequests } from './pending.js';
import type {
  Delivered,
  History,
  PersistRecord,
  Ready,
  ReplicatedService,
  StreamInfo,
  Submission,
  VoteSigner,
  VoteVerifier,
  Withdrawn,
} from './ports.js';
import { decodeRequest, digestOf, encodeRequest } from './request.js';
import { Streams } from './streams.js';
import type { Attestation, Certificate, Digest, Evidence, Position, ReplicaId, Request, Round, Statement } from './types.js';
import { decodeCertificate, encodeCertificate, Votes } from './votes.js';

export interface BroadcastOptions<Effects> {
  readonly self: ReplicaId;
  /** Replicas in all, and how many of them may be arbitrarily faulty: n ≥ 3f + 1. */
  readonly n: number;
  readonly f: number;
  /** The cluster's id; part of everything hashed and signed. */
  readonly cluster: string;
  readonly limits: BroadcastLimits;
  readonly signer: VoteSigner;
  readonly verifier: VoteVerifier;
  readonly service: ReplicatedService<Effects>;
  readonly history: History;
}

export interface BroadcastStatus {
  /** Undelivered positions that this replica has voted for or holds a certificate of. */
  readonly open: number;
  /** Those, and the ones tracked on peers' word alone. */
  readonly tracked: number;
  /** Requests that may not be voted for yet. */
  readonly pending: number;
  readonly evidenceBeyondLimit: number;
  /** Per peer: entries of its delivery log that are not delivered here. */
  readonly backlog: ReadonlyMap<ReplicaId, number>;
}

/**
 * Source-ordered reliable broadcast (docs/architecture.md): one replica's part of it, as a pure state machine. `submit`,
 * `receive` and `tick` take events in; `flush` gives out everything that follows from them, to be written and then sent.
 */
export class SourceOrderedBroadcast<Effects> {
  readonly #o: BroadcastOptions<Effects>;
  readonly #votes: Votes;
  readonly #streams: Streams;
  readonly #pending: PendingRequests;
  readonly #evidence: EvidenceBook;
  readonly #follower: LogFollower;
  readonly #peers: readonly ReplicaId[];

  /** Certified positions whose domain does not exist here yet. */
  readonly #blocked = new Map<string, Set<string>>();
  readonly #suspected = new Map<ReplicaId, number>();
  #now = 0;

  // What the current turn has produced.
  #records: PersistRecord[] = [];
  #frames: { to: ReplicaId; frame: Uint8Array }[] = [];
  #delivered: Delivered<Effects>[] = [];
  #withdrawn: Withdrawn[] = [];
  #passedOn: { from: ReplicaId; proof: Uint8Array }[] = [];
  #malformed: { from: ReplicaId; reason: string }[] = [];
  #unsigned: Statement[] = [];

  constructor(options: BroadcastOptions<Effects>) {
    if (options.n < 3 * options.f + 1) throw new RangeError(`n = ${options.n} replicas cannot mask f = ${options.f}: n ≥ 3f + 1`);
    this.#o = options;
    this.#votes = new Votes(options);
    this.#streams = new Streams(options.limits);
    this.#pending = new PendingRequests(options.limits);
    this.#evidence = new EvidenceBook(options.limits);
    this.#peers = Array.from({ length: options.n }, (_, i) => i + 1).filter((id) => id !== options.self);
    this.#follower = new LogFollower(
      options.history,
      options.limits,
      (position) => this.isDelivered(position),
      (to, frame) => this.#send(to, frame),
    );
  }

  // --- coming back ------------------------------------------------------------------------------------------------

  /** Hands a stored delivery to the service again, in log order, before anything else is called. */
  replay(content: Uint8Array): Delivered<Effects> {
    const known = this.#decode(content, NO_PROOF);
    this.#streams.deliver(known.request, known.digest);
    const { effects } = this.#o.service.deliver(known.request, known.digest);
    return { stream: known.request.stream, number: known.request.number, digest: known.digest, request: known.request, effects };
  }

  /** Takes back this replica's own votes and what they were for. Call after the replay. */
  restore(open: {
    readonly requests: Iterable<{ readonly content: Uint8Array; readonly proof: Uint8Array }>;
    readonly votes: Iterable<Position & { readonly round: Round; readonly digest: Digest }>;
    readonly certificates: Iterable<Uint8Array>;
    readonly evidence: Iterable<Evidence>;
  }): void {
    for (const vote of open.votes) if (!this.isDelivered(vote)) this.#streams.open(vote, 0).own.set(vote.round, vote.digest);
    for (const { content, proof } of open.requests) {
      const known = this.#decode(content, proof);
      if (!this.isDelivered(known.request)) this.#streams.open(known.request, 0).requests.set(known.digest, known);
    }
    for (const bytes of open.certificates) {
      const certificate = decodeCertificate(bytes, this.#o.limits, this.#o.n);
      if (!this.isDelivered(certificate)) this.#adopt(certificate);
    }
    for (const evidence of open.evidence) this.#evidence.add(evidence);
  }

  // --- events -----------------------------------------------------------------------------------------------------

  /** A request whose writer's signature was verified. `proof` is the signed message itself. */
  submit(request: Request, proof: Uint8Array, now: number): Submission {
    this.#now = now;
    const content = encodeRequest(this.#o.cluster, request);
    const known: KnownRequest = { request, digest: digestOf(content), content, proof };
    const submission = this.#consider(known);
    this.#reexamine();
    return submission;
  }

  /** A frame from an authenticated peer. Anything malformed is counted and dropped, never thrown. */
  receive(from: ReplicaId, bytes: Uint8Array, now: number): void {
    this.#now = now;
    try {
      this.#dispatch(from, decodeFrame(bytes, this.#o.limits, this.#o.n));
      this.#reexamine();
    } catch (error) {
      if (!(error instanceof CodecError)) throw error;
      this.#malformed.push({ from, reason: error.message });
    }
  }

  /** The link to a peer is up: tell it our open votes and go on with its log. */
  connected(peer: ReplicaId, now: number): void {
    this.#now = now;
    for (const position of this.#streams.openPositions()) position.resend.hasten(now);
    this.#follower.connected(peer, now);
  }

  tick(now: number): void {
    this.#now = now;
    this.#suspected.clear();
    for (const position of this.#streams.openPositions()) this.#tend(position);
    for (const pending of [...this.#pending.all()]) {
      if (pending.until <= now) this.#withdraw(pending.known, pending.code, pending.waitsFor.join(', '));
      else if (pending.known.proof.length > 0 && pending.passOn.due(now)) this.#passOn(pending.known, this.#peers);
    }
    this.#follower.tick(now);
    this.#reexamine();
  }

  /** Signs what is ready under one signature and gives out the turn's results. */
  flush(): Ready<Effects> {
    while (this.#unsigned.length > 0) {
      this.#signBatch(this.#unsigned.splice(0, this.#o.limits.batchStatements));
      this.#reexamine();
    }
    for (const moved of this.#follower.takeMoved()) this.#records.push({ type: 'followed', ...moved });
    const ready: Ready<Effects> = {
      records: this.#records,
      frames: this.#frames,
      delivered: this.#delivered,
      withdrawn: this.#withdrawn,
      passedOn: this.#passedOn,
      malformed: this.#malformed,
    };
    this.#records = [];
    this.#frames = [];
    this.#delivered = [];
    this.#withdrawn = [];
    this.#passedOn = [];
    this.#malformed = [];
    return ready;
  }

  // --- questions --------------------------------------------------------------------------------------------------

  isDelivered(position: Position): boolean {
    return position.number <= this.#streams.delivered(position.stream);
  }

  deliveredCount(stream: string): number {
    return this.#streams.delivered(stream);
  }

  /** The digest delivered at a position, if it was. */
  deliveredDigest(position: Position): Digest | undefined {
    return this.#streams.digest(position);
  }

  /** Why a submitted request has not been voted for. */
  waiting(position: Position): { readonly code: string; readonly waitsFor: readonly string[] } | undefined {
    const pending = this.#pending.at(position);
    return pending && { code: pending.code, waitsFor: pending.waitsFor };
  }

  /** Looks again at requests that wait in a domain, after something outside the broadcast changed there. */
  reconsider(domain: string): void {
    this.#touched.add(domain);
    this.#reexamine();
  }

  evidence(): readonly Evidence[] {
    return this.#evidence.all();
  }

  status(): BroadcastStatus {
    let open = 0;
    let tracked = 0;
    for (const position of this.#streams.openPositions()) {
      tracked += 1;
      if (position.committed) open += 1;
    }
    return {
      open,
      tracked,
      pending: this.#pending.size,
      evidenceBeyondLimit: this.#evidence.beyond,
      backlog: this.#follower.backlog(),
    };
  }

  // --- requests ---------------------------------------------------------------------------------------------------

  #consider(known: KnownRequest): Submission {
    const { request, digest } = known;
    const info = this.#o.service.stream(request.stream);
    if (info === undefined) return { outcome: 'refused', code: 'InvalidSequenceHeader', detail: 'there is no such stream' };
    if (info.writer === undefined) return this.#wait(known, info, { code: 'UnknownActivity', waitsFor: [info.domain] });
    if (info.writer !== request.writer)
      return { outcome: 'refused', code: 'NotTheWriter', detail: `the stream is written by ${info.writer}` };

    const settled = this.#streams.digest(request);
    if (settled !== undefined)
      return settled === digest ? { outcome: 'delivered' } : this.#conflict(known, this.#deliveredProof(request));
    const open = this.#streams.find(request);
    const voted = open?.own.get('echo');
    if (voted !== undefined && voted !== digest) return this.#conflict(known, open?.requests.get(voted)?.proof);
    const pending = this.#pending.at(request);
    if (pending !== undefined && pending.known.digest !== digest) return this.#conflict(known, pending.known.proof);

    if (open !== undefined && (voted === digest || open.certificates.get('echo')?.digest === digest)) {
      if ((open.requests.get(digest)?.proof.length ?? 0) === 0) open.requests.set(digest, known);
      this.#advance(request.stream);
      return this.isDelivered(request) ? { outcome: 'delivered' } : { outcome: 'open' };
    }
    return this.#tryToVote(known, info);
  }

  #tryToVote(known: KnownRequest, info: StreamInfo): Submission {
    const { request } = known;
    if (request.number !== this.#streams.delivered(request.stream) + 1) {
      return this.#wait(known, info, { code: 'PredecessorMissing', waitsFor: [`${request.stream}#${request.number - 1}`] });
    }
    const admission = this.#o.service.admit(request);
    switch (admission.verdict) {
      case 'admit':
        this.#pending.remove(request);
        this.#vote(known);
        return { outcome: 'open' };
      case 'wait':
        return this.#wait(known, info, admission);
      case 'refuse':
        this.#pending.remove(request);
        return { outcome: 'refused', code: admission.code, detail: admission.detail };
    }
  }

  #wait(
    known: KnownRequest,
    info: StreamInfo,
    wait: { readonly code: string; readonly waitsFor: readonly string[] },
  ): Submission {
    const pending = this.#pending.at(known.request);
    if (pending !== undefined) {
      pending.code = wait.code;
      pending.waitsFor = wait.waitsFor;
    } else if (!this.#pending.add(known, info.domain, wait, this.#now)) {
      return { outcome: 'refused', code: 'Busy', detail: 'too many requests are waiting' };
    }
    return { outcome: 'open', waiting: { code: wait.code, waitsFor: wait.waitsFor } };
  }

  #conflict(known: KnownRequest, earlier: Uint8Array | undefined): Submission {
    const { stream, number, writer } = known.request;
    if (known.proof.length > 0 && earlier !== undefined && earlier.length > 0) {
      this.#keep({ kind: 'writer', stream, number, writer, first: earlier, second: known.proof });
    }
    return { outcome: 'refused', code: 'NumberAlreadyUsed', detail: `${stream} number ${number}` };
  }

  #deliveredProof(position: Position): Uint8Array | undefined {
    return this.#o.history.delivered(position)?.proof;
  }

  #withdraw(known: KnownRequest, code: string, detail: string): void {
    this.#pending.remove(known.request);
    this.#withdrawn.push({ stream: known.request.stream, number: known.request.number, digest: known.digest, code, detail });
  }

  // --- votes ------------------------------------------------------------------------------------------------------

  #vote(known: KnownRequest): void {
    const { request, digest, content, proof } = known;
    const { stream, number } = request;
    const position = this.#streams.open(request, this.#now);
    position.requests.set(digest, known);
    position.own.set('echo', digest);
    this.#records.push({ type: 'request', digest, content, proof }, { type: 'vote', round: 'echo', stream, number, digest });
    this.#unsigned.push({ round: 'echo', stream, number, digest });
  }

  #signBatch(statements: readonly Statement[]): void {
    const { batch, attestations } = this.#votes.sign(this.#o.self, this.#o.signer, statements);
    const certificates = statements.flatMap((statement) => {
      if (statement.round !== 'ready') return [];
      return this.#streams.find(statement)?.certificates.get('echo') ?? [];
    });
    const frame = encodeFrame({ type: 'votes', batch, certificates });
    for (const to of this.#peers) this.#frames.push({ to, frame });
    statements.forEach((statement, i) => this.#count(statement, attestations[i] as Attestation));
  }

  #onVotes(from: ReplicaId, frame: Frame & { type: 'votes' }): void {
    const attestations = this.#votes.open(from, frame.batch);
    if (attestations === undefined) throw new CodecError('wrong signature on votes');
    for (const certificate of frame.certificates) this.#onCertificate(certificate);
    frame.batch.statements.forEach((statement, i) => this.#onStatement(from, statement, attestations[i] as Attestation, true));
  }

  #onStatement(from: ReplicaId, statement: Statement, attestation: Attestation, firstHand: boolean): void {
    const info = this.#o.service.stream(statement.stream);
    if (info === undefined || (statement.round === 'ready' && !info.control))
      throw new CodecError('a vote for an impossible position');
    if (this.isDelivered(statement)) {
      if (this.#streams.digest(statement) !== statement.digest) this.#onLateContradiction(statement, attestation, firstHand);
      return;
    }
    if (!this.#streams.inWindow(statement)) return;
    this.#streams.open(statement, this.#now, from);
    this.#count(statement, attestation);
  }

  #count(statement: Statement, attestation: Attestation): void {
    const position = this.#streams.find(statement);
    if (position === undefined) return;
    this.#keep(position.add(statement, attestation));
    if (position.certificates.has(statement.round)) return;
    const certificate = position.certify(statement.round, statement.digest, this.#votes.quorum);
    if (certificate !== undefined) this.#adopt(certificate);
  }

  #onCertificate(certificate: Certificate): void {
    if (this.isDelivered(certificate) || !this.#streams.inWindow(certificate)) return;
    if (this.#o.service.stream(certificate.stream) === undefined)
      throw new CodecError('a certificate for an impossible position');
    if (this.#streams.find(certificate)?.certificates.has(certificate.round) === true) return;
    if (!this.#votes.verifyCertificate(certificate)) throw new CodecError('a certificate that does not hold');
    this.#adopt(certificate);
  }

  /** Takes over a valid certificate: it settles the position whatever this replica voted for. */
  #adopt(certificate: Certificate): void {
    const { stream, number, round, digest } = certificate;
    const position = this.#streams.open(certificate, this.#now);
    for (const evidence of position.contradictions(certificate)) this.#keep(evidence);
    position.certificates.set(round, certificate);
    const pending = this.#pending.at(certificate);
    if (pending?.known.digest === digest) position.requests.set(digest, pending.known);
    const control = this.#o.service.stream(stream)?.control === true;
    if (round === 'echo' && control && !position.own.has('ready')) {
      position.own.set('ready', digest);
      this.#records.push(
        { type: 'certificate', stream, number, digest, certificate: encodeCertificate(certificate) },
        { type: 'vote', round: 'ready', stream, number, digest },
      );
      this.#unsigned.push({ round: 'ready', stream, number, digest });
    }
    this.#advance(stream);
  }

  // --- delivery ---------------------------------------------------------------------------------------------------

  readonly #touched = new Set<string>();

  /** Delivers what is certified, known and next in its stream. */
  #advance(stream: string): void {
    for (;;) {
      const position = this.#streams.next(stream);
      if (position === undefined) return;
      const info = this.#o.service.stream(stream) as StreamInfo;
      const certificate = position.certificates.get(info.control ? 'ready' : 'echo');
      const known = certificate && position.requests.get(certificate.digest);
      if (certificate === undefined || known === undefined) return;
      if (!info.ready) {
        this.#blocked.set(info.domain, (this.#blocked.get(info.domain) ?? new Set()).add(stream));
        return;
      }
      this.#deliver(known, certificate);
    }
  }

  #deliver(known: KnownRequest, certificate: Certificate): void {
    const { request, digest, content, proof } = known;
    const { stream, number } = request;
    this.#records.push(
      { type: 'request', digest, content, proof },
      { type: 'delivery', stream, number, digest, certificate: encodeCertificate(certificate) },
    );
    this.#exposeWriter(digest, this.#streams.find(request));
    this.#streams.deliver(request, digest);
    const pending = this.#pending.remove(request);
    const { domain, effects } = this.#o.service.deliver(request, digest);
    this.#delivered.push({ stream, number, digest, request, effects });
    this.#touched.add(domain);
    if (pending !== undefined && pending.known.digest !== digest) {
      this.#conflict(pending.known, proof);
      this.#withdraw(pending.known, 'NumberAlreadyUsed', `${stream} number ${number}`);
    }
  }

  /** Whatever waited in a domain that changed is looked at again, until nothing moves. */
  #reexamine(): void {
    for (;;) {
      const next = this.#touched.values().next();
      if (next.done === true) break;
      const domain = next.value;
      this.#touched.delete(domain);
      const blocked = this.#blocked.get(domain);
      this.#blocked.delete(domain);
      for (const stream of blocked ?? []) this.#advance(stream);
      for (const { known } of this.#pending.inDomain(domain)) this.#retry(known);
    }
    this.#follower.poke(this.#now);
  }

  #retry(known: KnownRequest): void {
    const submission = this.#consider(known);
    if (submission.outcome === 'refused') this.#withdraw(known, submission.code, submission.detail);
  }

  // --- keeping open positions moving ------------------------------------------------------------------------------

  #tend(position: OpenPosition): void {
    if (position.own.size > 0 && position.resend.due(this.#now)) {
      for (const [round, digest] of position.own) {
        this.#unsigned.push({ round, stream: position.stream, number: position.number, digest });
      }
    }
    if (!position.passOn.due(this.#now)) return;
    const certificate = position.certificates.get('echo') ?? position.certificates.get('ready');
    if (certificate !== undefined && !position.requests.has(certificate.digest)) {
      for (const { replica } of certificate.attestations) {
        if (replica !== this.#o.self)
          this.#send(replica, { type: 'fetch', positions: [{ stream: position.stream, number: position.number }] });
      }
    }
    const voted = position.own.get('echo');
    const known = voted && position.requests.get(voted);
    if (known === undefined || known.proof.length === 0) return;
    this.#passOn(
      known,
      this.#peers.filter((peer) => !position.hasVote(peer, 'echo', known.digest)),
    );
  }

  #passOn(known: KnownRequest, peers: readonly ReplicaId[]): void {
    for (const peer of peers) this.#send(peer, { type: 'pass-on', proof: known.proof });
  }

  // --- what peers ask and tell ------------------------------------------------------------------------------------

  #dispatch(from: ReplicaId, frame: Frame): void {
    switch (frame.type) {
      case 'votes':
        return this.#onVotes(from, frame);
      case 'pass-on':
        this.#passedOn.push({ from, proof: frame.proof });
        return;
      case 'follow':
        return this.#follower.onFollow(from, frame);
      case 'log':
        return this.#follower.onLog(from, frame, this.#now);
      case 'fetch':
        return this.#onFetch(from, frame.positions);
      case 'found':
        for (const item of frame.items) this.#onFound(item);
        return;
      case 'suspect':
        if (!this.#votes.verifyAttestation(frame.statement, frame.attestation)) throw new CodecError('a suspicion without proof');
        return this.#onStatement(from, frame.statement, frame.attestation, false);
    }
  }

  #onFetch(from: ReplicaId, positions: readonly Position[]): void {
    const items: FoundItem[] = [];
    let bytes = 0;
    for (const position of positions) {
      const item = this.#find(position);
      if (item === undefined) continue;
      bytes += item.content.length;
      if (items.length > 0 && bytes > this.#o.limits.fetchBytes) break;
      items.push(item);
    }
    if (items.length > 0) this.#send(from, { type: 'found', items });
  }

  #find(position: Position): FoundItem | undefined {
    const stored = this.#o.history.delivered(position);
    if (stored !== undefined) {
      return { content: stored.content, certificate: decodeCertificate(stored.certificate, this.#o.limits, this.#o.n) };
    }
    const open = this.#streams.find(position);
    const certificate = open?.certificates.get('ready') ?? open?.certificates.get('echo');
    const digest = certificate?.digest ?? open?.own.get('echo');
    const known = digest && open?.requests.get(digest);
    return known && { content: known.content, certificate };
  }

  #onFound(item: FoundItem): void {
    const known = this.#decode(item.content, NO_PROOF);
    const { request, digest } = known;
    if (this.isDelivered(request) || !this.#streams.inWindow(request)) return;
    const certificate = item.certificate;
    if (certificate !== undefined) {
      const fits =
        certificate.stream === request.stream && certificate.number === request.number && certificate.digest === digest;
      if (!fits) throw new CodecError('a certificate for something else');
      this.#onCertificate(certificate);
    }
    const position = this.#streams.find(request);
    const certified = position && [...position.certificates.values()].some((held) => held.digest === digest);
    if (position === undefined || certified !== true) return;
    if (!position.requests.has(digest)) position.requests.set(digest, known);
    this.#advance(request.stream);
  }

  // --- misbehaviour -----------------------------------------------------------------------------------------------

  /** A vote against what was delivered. With the culprit's other vote it is proof; otherwise ask who holds that one. */
  #onLateContradiction(statement: Statement, attestation: Attestation, firstHand: boolean): void {
    const stored = this.#o.history.delivered(statement);
    if (stored !== undefined) {
      const certificate = decodeCertificate(stored.certificate, this.#o.limits, this.#o.n);
      const other = certificate.attestations.find((candidate) => candidate.replica === attestation.replica);
      const { round, stream, number, digest } = certificate;
      const evidence =
        other && contradiction({ round, stream, number, digest, attestation: other }, { ...statement, attestation });
      if (evidence !== undefined) return this.#keep(evidence);
    }
    const told = this.#suspected.get(attestation.replica) ?? 0;
    if (!firstHand || told >= SUSPICIONS_PER_TICK) return;
    this.#suspected.set(attestation.replica, told + 1);
    for (const peer of this.#peers)
      if (peer !== attestation.replica) this.#send(peer, { type: 'suspect', statement, attestation });
  }

  /** We voted for another request than the one delivered, so its writer signed both: show ours to those who hold the other. */
  #exposeWriter(delivered: Digest, position: OpenPosition | undefined): void {
    const voted = position?.own.get('echo');
    const known = voted === delivered || voted === undefined ? undefined : position?.requests.get(voted);
    if (known !== undefined && known.proof.length > 0) this.#passOn(known, this.#peers);
  }

  #keep(evidence: Evidence | undefined): void {
    if (evidence !== undefined && this.#evidence.add(evidence)) this.#records.push({ type: 'evidence', evidence });
  }

  #decode(content: Uint8Array, proof: Uint8Array): KnownRequest {
    return { request: decodeRequest(this.#o.cluster, content, this.#o.limits), digest: digestOf(content), content, proof };
  }

  #send(to: ReplicaId, frame: Frame): void {
    this.#frames.push({ to, frame: encodeFrame(frame) });
  }
}

const NO_PROOF = new Uint8Array(0);
const SUSPICIONS_PER_TICK = 8;
