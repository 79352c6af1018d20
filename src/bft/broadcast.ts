import { Agreement } from './agreement.js';
import { CodecError } from './codec.js';
import { LogFollower } from './follow.js';
import { decodeFrame, type Frame } from './frames.js';
import { Intake } from './intake.js';
import type { OpenPosition } from './open-position.js';
import type { Wait } from './pending.js';
import type { Delivered, Ready, Submission } from './ports.js';
import { digestOf, encodeRequest } from './request.js';
import { Rejoin } from './rejoin.js';
import { RequestsOnDemand } from './requests-on-demand.js';
import { Retired } from './retired.js';
import { type BroadcastOptions, BroadcastState } from './state.js';
import type { Digest, Evidence, Position, ReplicaId, Request, Round } from './types.js';
import { decodeCertificate, type VoteMark } from './votes.js';

export interface BroadcastStatus {
  /** Undelivered positions that this replica has voted for or holds a certificate of. */
  readonly open: number;
  /** Those, and the ones tracked on peers' word alone. */
  readonly tracked: number;
  /** Requests that may not be voted for yet. */
  readonly pending: number;
  readonly evidenceBeyondLimit: number;
  /** False until enough peers have told which votes of this replica they know. */
  readonly voting: boolean;
  /** Per peer: entries of its delivery log that are not delivered here. */
  readonly backlog: ReadonlyMap<ReplicaId, number>;
}

/** A request that may not be voted for yet. */
export interface PendingView extends Wait {
  readonly domain: string;
  readonly request: Request;
}

/** A replica's undelivered votes and what they were for, as its store gives them back. */
export interface OpenVotes {
  readonly requests: Iterable<{ readonly content: Uint8Array; readonly proof: Uint8Array }>;
  readonly votes: Iterable<Position & { readonly round: Round; readonly digest: Digest }>;
  readonly certificates: Iterable<Uint8Array>;
  readonly evidence: Iterable<Evidence>;
  /** How many votes were ever made. */
  readonly made: number;
  /** The highest marks of peers' votes. */
  readonly heard: Iterable<{ readonly peer: ReplicaId; readonly mark: VoteMark }>;
}

/**
 * Source-ordered reliable broadcast (docs/architecture.md): one replica's part of it, as a pure state machine. `submit`,
 * `receive` and `tick` take events in; `flush` gives out everything that follows from them, to be written and then sent.
 * All calls are safe to repeat.
 */
export class SourceOrderedBroadcast<Effects> {
  readonly #state: BroadcastState<Effects>;
  readonly #agreement: Agreement<Effects>;
  readonly #intake: Intake<Effects>;
  readonly #onDemand: RequestsOnDemand<Effects>;
  readonly #follower: LogFollower;
  readonly #rejoin: Rejoin<Effects>;
  readonly #retired: Retired<Effects>;

  constructor(options: BroadcastOptions<Effects>) {
    this.#state = new BroadcastState(options);
    const mayVote = (): boolean => this.#rejoin.mayVote;
    this.#agreement = new Agreement(this.#state, mayVote);
    this.#intake = new Intake(this.#state, this.#agreement, mayVote);
    this.#rejoin = new Rejoin(this.#state, () => {
      this.#agreement.startVoting();
      this.#intake.startVoting();
    });
    this.#onDemand = new RequestsOnDemand(this.#state, this.#agreement);
    this.#retired = new Retired(this.#state, this.#agreement, (position) => this.#follower.isFollowedTo(position));
    this.#follower = new LogFollower(
      options.history,
      options.limits,
      this.#state.peers,
      (position) => this.isDelivered(position),
      this.#retired,
      (to, frame) => this.#state.turn.send(to, frame),
    );
  }

  // --- coming back ------------------------------------------------------------------------------------------------

  /** Hands a stored delivery to the service again, in log order, before anything else is called. */
  replay(content: Uint8Array): Delivered<Effects> {
    const { request, digest } = this.#state.read(content);
    this.#state.streams.deliver(request, digest);
    const { domains, effects } = this.#state.options.service.deliver(request, digest);
    for (const domain of domains) this.#retired.touched(domain);
    return { stream: request.stream, number: request.number, digest, request, effects };
  }

  /** Takes back this replica's own votes. Call after the replay. */
  restore(open: OpenVotes): void {
    const { streams, options, heard } = this.#state;
    this.#state.made = open.made;
    for (const { peer, mark } of open.heard) heard.set(peer, mark);
    for (const vote of open.votes) if (!this.isDelivered(vote)) streams.open(vote, 0).own.set(vote.round, vote.digest);
    for (const { content, proof } of open.requests) {
      const known = this.#state.read(content, proof);
      if (this.isDelivered(known.request)) continue;
      streams.open(known.request, 0).requests.set(known.digest, known);
      this.#state.countOpen(known.request.writer, 1);
    }
    for (const bytes of open.certificates) {
      const certificate = decodeCertificate(bytes, options.limits, options.n);
      if (!this.isDelivered(certificate)) this.#agreement.adopt(certificate);
    }
    for (const evidence of open.evidence) this.#state.evidence.add(evidence);
  }

  // --- events -----------------------------------------------------------------------------------------------------

  /** A request whose writer's signature was verified. `proof` is the signed message itself. */
  submit(request: Request, proof: Uint8Array, now: number): Submission {
    this.#state.now = now;
    const content = encodeRequest(this.#state.options.cluster, request);
    const submission = this.#intake.consider({ request, digest: digestOf(content), content, proof });
    this.#settle();
    return submission;
  }

  /** A frame from an authenticated peer. Anything malformed is reported and dropped, never thrown. */
  receive(from: ReplicaId, bytes: Uint8Array, now: number): void {
    this.#state.now = now;
    try {
      this.#dispatch(from, decodeFrame(bytes, this.#state.options.limits, this.#state.options.n));
    } catch (error) {
      if (!(error instanceof CodecError)) throw error;
      this.#state.turn.malformed(from, error.message);
    }
    this.#settle();
  }

  /** The link to a peer is up: tell it our open votes and go on with its log. */
  connected(peer: ReplicaId, now: number): void {
    this.#state.now = now;
    for (const position of this.#state.streams.openPositions()) position.resend.hasten(now);
    this.#follower.connected(peer, now);
    this.#rejoin.connected(peer);
  }

  tick(now: number): void {
    this.#state.now = now;
    this.#agreement.tick();
    this.#rejoin.tick();
    for (const position of this.#state.streams.openPositions()) this.#tend(position);
    this.#intake.tick();
    this.#follower.tick(now);
    this.#retired.tick();
    this.#settle();
  }

  /** Signs what is ready under one signature and gives out the turn's results. */
  flush(): Ready<Effects> {
    this.#agreement.sign(() => this.#settle());
    this.#agreement.writeMarks();
    for (const moved of this.#follower.takeMoved()) this.#state.turn.persist({ type: 'followed', ...moved });
    this.#retired.collect();
    return this.#state.turn.take();
  }

  /** The records of these units, of the last flush, are on disk: the units leave memory. Nothing may come in between. */
  forget(units: readonly string[]): void {
    this.#retired.forget(units);
    this.#settle();
  }

  /** What `votesLost` told is written down, and the service abstains from what is old. */
  lossIsKnown(): void {
    this.#rejoin.lossIsKnown();
    this.#settle();
  }

  // --- questions --------------------------------------------------------------------------------------------------

  isDelivered(position: Position): boolean {
    return this.#state.isDelivered(position);
  }

  /** The digest delivered at a position, if one was. */
  deliveredDigest(position: Position): Digest | undefined {
    return this.#state.streams.digest(position);
  }

  /** Begins to find out whether this replica has caught up with what its peers had delivered by then: see `caughtUpSince`. */
  catchUp(since: number): void {
    this.#follower.catchUp(since);
  }

  /**
   * Whether this replica has delivered all that n − f replicas, itself included, had delivered at that time (of the clock that
   * `tick` is given). What n − f replicas had delivered by then is then delivered here, since the two quorums share a correct one.
   */
  caughtUpSince(since: number): boolean {
    const { n, f } = this.#state.options;
    return 1 + this.#follower.caughtUpWith(since) >= n - f;
  }

  /** Whether anything is known of an undelivered position: a request for it, or somebody's vote. */
  isUnderway(position: Position): boolean {
    return this.#state.streams.find(position) !== undefined || this.#state.pending.at(position) !== undefined;
  }

  /** Digests of all that is known and not delivered on the streams that `of` accepts. */
  underway(of: (stream: string) => boolean): Digest[] {
    const { streams, pending } = this.#state;
    const voted = [...streams.openPositions()].flatMap((position) => (of(position.stream) ? position.digests() : []));
    const waiting = [...pending.all()].flatMap(({ known }) => (of(known.request.stream) ? [known.digest] : []));
    return [...voted, ...waiting];
  }

  /** Why a submitted request has not been voted for. */
  waiting(position: Position): Wait | undefined {
    return this.#state.pending.at(position)?.wait;
  }

  /** Submitted requests that have not been voted for, and why: of one domain, or all. */
  pending(domain?: string): readonly PendingView[] {
    const { pending } = this.#state;
    const waiting = domain === undefined ? [...pending.all()] : pending.inDomain(domain);
    return waiting.map(({ known, domain: where, wait }) => ({ domain: where, request: known.request, ...wait }));
  }

  evidence(): readonly Evidence[] {
    return this.#state.evidence.all();
  }

  status(): BroadcastStatus {
    const positions = [...this.#state.streams.openPositions()];
    return {
      open: positions.filter((position) => position.committed).length,
      tracked: positions.length,
      pending: this.#state.pending.size,
      evidenceBeyondLimit: this.#state.evidence.beyond,
      voting: this.#rejoin.mayVote,
      backlog: this.#follower.backlog(),
    };
  }

  // --- inside -----------------------------------------------------------------------------------------------------

  #dispatch(from: ReplicaId, frame: Frame): void {
    switch (frame.type) {
      case 'votes':
        return this.#agreement.onVotes(from, frame.batch, frame.certificates);
      case 'pass-on':
        return this.#state.turn.passedOn(from, frame.proof);
      case 'follow':
        return this.#follower.onFollow(from, frame);
      case 'log':
        return this.#follower.onLog(from, frame, this.#state.now);
      case 'fetch':
        return this.#onDemand.onFetch(from, frame.positions);
      case 'found':
        for (const item of frame.items) this.#onDemand.onFound(item);
        return;
      case 'want':
        return this.#retired.onWant(from, frame);
      case 'vouch':
        return this.#retired.onVouch(from, frame.items);
      case 'probe':
        return this.#rejoin.onProbe(from);
      case 'heard':
        return this.#rejoin.onHeard(from, frame.mark);
      case 'suspect':
        return this.#agreement.onSuspicion(from, frame.statement, frame.attestation);
    }
  }

  /** Whatever waited in a domain that changed is looked at again, until nothing moves. */
  #settle(): void {
    for (const domain of this.#agreement.touched()) {
      this.#retired.touched(domain);
      this.#intake.reconsider(domain);
    }
    this.#follower.poke(this.#state.now);
  }

  /** Keeps an open position moving: repeats our votes, fetches what we lack, shows the request to those who have not voted. */
  #tend(position: OpenPosition): void {
    const { now, peers } = this.#state;
    if (position.own.size > 0 && position.resend.due(now)) this.#agreement.repeat(position);
    if (!position.passOn.due(now)) return;
    this.#onDemand.fetch(position);
    const voted = position.own.get('echo');
    const known = voted && position.requests.get(voted);
    if (known === undefined) return;
    this.#state.passOn(
      known,
      peers.filter((peer) => !position.hasVote(peer, 'echo', known.digest)),
    );
  }
}
