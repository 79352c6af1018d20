import { CodecError } from './codec.js';
import { contradiction, type KnownRequest, type OpenPosition } from './open-position.js';
import type { StreamInfo } from './ports.js';
import type { BroadcastState } from './state.js';
import type { Attestation, Certificate, Digest, ReplicaId, Round, Statement } from './types.js';
import { decodeCertificate, encodeCertificate, type SignedBatch, type VoteMark } from './votes.js';

/** A peer's contradictions that are shown to the others in one tick. */
const SUSPICIONS_PER_TICK = 8;

/** Votes, certificates and delivery. */
export class Agreement<Effects> {
  /** Streams with certified requests whose domain does not exist here yet. */
  readonly #blocked = new Map<string, Set<string>>();
  readonly #suspected = new Map<ReplicaId, number>();
  readonly #touched = new Set<string>();
  /** Marks of peers' votes that are not on disk yet. */
  readonly #unwritten = new Map<ReplicaId, VoteMark>();

  /** The number of votes made that was last given out to be written. */
  #madeWritten = 0;

  constructor(
    private readonly state: BroadcastState<Effects>,
    private readonly mayVote: () => boolean,
  ) {}

  // --- this replica's own votes -----------------------------------------------------------------------------------

  vote(known: KnownRequest): void {
    const { request, digest, content, proof } = known;
    const { stream, number } = request;
    const position = this.state.streams.open(request, this.state.now);
    position.requests.set(digest, known);
    position.own.set('echo', digest);
    this.state.countOpen(request.writer, 1);
    this.state.made += 1;
    this.state.turn.persist({ type: 'request', digest, content, proof }, { type: 'vote', round: 'echo', stream, number, digest });
    this.state.turn.unsigned.push({ round: 'echo', stream, number, digest });
  }

  /** Signs what this turn has decided to say, in batches, until nothing new follows from it. */
  sign(afterEach: () => void): void {
    const { turn, options, votes, peers } = this.state;
    while (turn.unsigned.length > 0) {
      const statements = turn.unsigned.splice(0, options.limits.batchStatements);
      const { made } = this.state;
      if (made !== this.#madeWritten) turn.persist({ type: 'made', count: made });
      this.#madeWritten = made;
      const { batch, attestations } = votes.sign(options.self, options.signer, statements, made);
      const certificates = statements.flatMap((statement) => this.#justification(statement) ?? []);
      turn.send(peers, { type: 'votes', batch, certificates });
      statements.forEach((statement, i) => this.#count(statement, attestations[i] as Attestation));
      afterEach();
    }
  }

  /** A READY says: I hold this echo certificate. */
  #justification(statement: Statement): Certificate | undefined {
    return statement.round === 'ready' ? this.state.streams.find(statement)?.certificates.get('echo') : undefined;
  }

  /** Says again what this replica has said about a position that stays open. */
  repeat(position: OpenPosition): void {
    const { stream, number } = position;
    for (const [round, digest] of position.own) this.state.turn.unsigned.push({ round, stream, number, digest });
  }

  // --- votes and certificates of others ---------------------------------------------------------------------------

  onVotes(from: ReplicaId, batch: SignedBatch, certificates: readonly Certificate[]): void {
    const opened = this.state.votes.open(from, batch);
    if (opened === undefined) throw new CodecError('wrong signature on votes');
    const { attestations, mark } = opened;
    if (mark.made > (this.state.heard.get(from)?.made ?? 0)) this.#hear(from, mark);
    for (const certificate of certificates) this.onCertificate(certificate);
    batch.statements.forEach((statement, i) => this.#onStatement(from, statement, attestations[i] as Attestation, true));
  }

  #hear(from: ReplicaId, mark: VoteMark): void {
    this.state.heard.set(from, mark);
    this.#unwritten.set(from, mark);
  }

  /** Marks go to disk with whatever else is written: one that a crash loses was on the others' disks, or will come again. */
  writeMarks(): void {
    if (this.#unwritten.size === 0 || !this.state.turn.writes) return;
    for (const [peer, mark] of this.#unwritten) this.state.turn.persist({ type: 'heard', peer, mark });
    this.#unwritten.clear();
  }

  /** A vote that a peer thinks contradicts another one that we may hold. */
  onSuspicion(from: ReplicaId, statement: Statement, attestation: Attestation): void {
    if (!this.state.votes.verifyAttestation(statement, attestation)) throw new CodecError('a suspicion without proof');
    this.#onStatement(from, statement, attestation, false);
  }

  #onStatement(from: ReplicaId, statement: Statement, attestation: Attestation, firstHand: boolean): void {
    const { streams } = this.state;
    const info = this.state.options.service.stream(statement.stream);
    if (info === undefined || (statement.round === 'ready' && !info.control))
      throw new CodecError('a vote for an impossible position');
    if (this.state.isDelivered(statement)) {
      if (streams.digest(statement) !== statement.digest) this.#onLateContradiction(statement, attestation, firstHand);
      return;
    }
    if (!streams.inWindow(statement)) return;
    streams.open(statement, this.state.now, from);
    this.#count(statement, attestation);
  }

  #count(statement: Statement, attestation: Attestation): void {
    const position = this.state.streams.find(statement);
    if (position === undefined) return;
    this.state.keep(position.add(statement, attestation));
    if (position.certificates.has(statement.round)) return;
    const certificate = position.certify(statement.round, statement.digest, this.state.votes.quorum);
    if (certificate !== undefined) this.adopt(certificate);
  }

  onCertificate(certificate: Certificate): void {
    const { streams, options, votes } = this.state;
    if (this.state.isDelivered(certificate) || !streams.inWindow(certificate)) return;
    const info = options.service.stream(certificate.stream);
    if (info === undefined || (certificate.round === 'ready' && !info.control))
      throw new CodecError('a certificate for an impossible position');
    if (streams.find(certificate)?.certificates.has(certificate.round) === true) return;
    if (!votes.verifyCertificate(certificate)) throw new CodecError('a certificate that does not hold');
    this.adopt(certificate);
  }

  /** Takes over a valid certificate: it settles the position whatever this replica voted for. */
  adopt(certificate: Certificate): void {
    const { stream, round, digest } = certificate;
    const position = this.state.streams.open(certificate, this.state.now);
    for (const evidence of position.contradictions(certificate)) this.state.keep(evidence);
    position.certificates.set(round, certificate);
    const pending = this.state.pending.at(certificate);
    if (pending?.known.digest === digest) position.requests.set(digest, pending.known);
    if (round === 'echo') this.#affirm(position, certificate);
    this.advance(stream);
  }

  /** The second round on control streams: READY, once, for what is certified. */
  #affirm(position: OpenPosition, certificate: Certificate): void {
    const { stream, number, digest } = certificate;
    const info = this.state.options.service.stream(stream);
    if (info?.control !== true || info.abstain === true || !this.mayVote() || position.own.has('ready')) return;
    position.own.set('ready', digest);
    this.state.made += 1;
    this.state.turn.persist(
      { type: 'certificate', stream, number, digest, certificate: encodeCertificate(certificate) },
      { type: 'vote', round: 'ready', stream, number, digest },
    );
    this.state.turn.unsigned.push({ round: 'ready', stream, number, digest });
  }

  /** This replica may vote from now on: it says what it could not say before. */
  startVoting(): void {
    for (const position of [...this.state.streams.openPositions()]) {
      const certificate = position.certificates.get('echo');
      if (certificate !== undefined) this.#affirm(position, certificate);
    }
  }

  // --- delivery ---------------------------------------------------------------------------------------------------

  /** Delivers what is certified, known and next in its stream. */
  advance(stream: string): void {
    for (;;) {
      const position = this.state.streams.next(stream);
      if (position === undefined) return;
      const info = this.state.options.service.stream(stream) as StreamInfo;
      const deciding: Round = info.control ? 'ready' : 'echo';
      const certificate = position.certificates.get(deciding);
      const known = certificate && position.requests.get(certificate.digest);
      if (certificate === undefined || known === undefined) return;
      if (!info.ready) {
        this.#blocked.set(info.domain, (this.#blocked.get(info.domain) ?? new Set()).add(stream));
        return;
      }
      this.#deliver(known, certificate, info);
    }
  }

  #deliver(known: KnownRequest, certificate: Certificate, info: StreamInfo): void {
    const { request, digest, content, proof } = known;
    const { stream, number } = request;
    const { turn, streams, pending, options } = this.state;
    const position = streams.find(request);
    // What this replica voted for it has written down already.
    if (position?.own.get('echo') !== digest) turn.persist({ type: 'request', digest, content, proof });
    turn.persist({ type: 'delivery', stream, number, digest, certificate: encodeCertificate(certificate) });
    this.#exposeWriter(digest, position);
    if (position?.own.has('echo') === true) this.state.countOpen(request.writer, -1);
    streams.deliver(request, digest);
    if (pending.at(request)?.known.digest === digest) pending.remove(request);
    const { domains, effects } = options.service.deliver(request, digest);
    turn.delivered({ stream, number, digest, request, effects });
    for (const domain of [...domains, info.domain]) this.#touched.add(domain);
  }

  /** Domains in which something was delivered since the last call; what was blocked there goes on. */
  *touched(): Iterable<string> {
    for (const domain of this.#touched) {
      this.#touched.delete(domain);
      const blocked = this.#blocked.get(domain);
      this.#blocked.delete(domain);
      for (const stream of blocked ?? []) this.advance(stream);
      yield domain;
    }
  }

  /** What was delivered on these streams was taken over from peers: what waited for it goes on. */
  revisit(streams: readonly string[]): void {
    for (const stream of streams) {
      const domain = this.state.options.service.stream(stream)?.domain;
      if (domain !== undefined) this.#touched.add(domain);
      this.advance(stream);
    }
  }

  // --- misbehaviour -----------------------------------------------------------------------------------------------

  /** We voted for another request than the one delivered, so its writer signed both: show ours to those who hold the other. */
  #exposeWriter(delivered: Digest, position: OpenPosition | undefined): void {
    const voted = position?.own.get('echo');
    const known = voted === delivered || voted === undefined ? undefined : position?.requests.get(voted);
    if (known !== undefined) this.state.passOn(known);
  }

  /** A vote against what was delivered. With the culprit's other vote it is proof; otherwise ask who holds that one. */
  #onLateContradiction(statement: Statement, attestation: Attestation, firstHand: boolean): void {
    const { options, peers, turn } = this.state;
    const stored = options.history.delivered(statement);
    if (stored !== undefined) {
      const certificate = decodeCertificate(stored.certificate, options.limits, options.n);
      const other = certificate.attestations.find((candidate) => candidate.replica === attestation.replica);
      const { round, stream, number, digest } = certificate;
      const evidence =
        other && contradiction({ round, stream, number, digest, attestation: other }, { ...statement, attestation });
      if (evidence !== undefined) return this.state.keep(evidence);
    }
    const told = this.#suspected.get(attestation.replica) ?? 0;
    if (!firstHand || told >= SUSPICIONS_PER_TICK) return;
    this.#suspected.set(attestation.replica, told + 1);
    turn.send(
      peers.filter((peer) => peer !== attestation.replica),
      { type: 'suspect', statement, attestation },
    );
  }

  tick(): void {
    this.#suspected.clear();
  }
}
