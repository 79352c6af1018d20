import type {
  Attestation,
  Certificate,
  Digest,
  Position,
  ReplicaEvidence,
  ReplicaId,
  Request,
  Round,
  Statement,
} from './types.js';

/** A request as it is known here: decoded, its canonical bytes, and the writer's signed message where we have it. */
export interface KnownRequest {
  readonly request: Request;
  readonly digest: Digest;
  readonly content: Uint8Array;
  readonly proof: Uint8Array;
}

interface Vote {
  readonly digest: Digest;
  readonly attestation: Attestation;
}

/** A deadline that moves away in doubling steps while nothing happens. */
export class Backoff {
  #interval: number;
  #due: number;

  constructor(
    now: number,
    private readonly first: number,
    private readonly max: number,
  ) {
    this.#interval = first;
    this.#due = now + first;
  }

  /** True once per interval. */
  due(now: number): boolean {
    if (now < this.#due) return false;
    this.#interval = Math.min(this.#interval * 2, this.max);
    this.#due = now + this.#interval;
    return true;
  }

  hasten(now: number): void {
    this.#interval = this.first;
    this.#due = now;
  }
}

/** All that is known about one position that is not delivered yet. */
export class OpenPosition implements Position {
  readonly requests = new Map<Digest, KnownRequest>();
  /** This replica's own votes: at most one a round, ever. */
  readonly own = new Map<Round, Digest>();
  readonly certificates = new Map<Round, Certificate>();
  readonly #votes: Record<Round, Map<ReplicaId, Vote>> = { echo: new Map(), ready: new Map() };

  constructor(
    readonly stream: string,
    readonly number: number,
    readonly resend: Backoff,
    readonly passOn: Backoff,
  ) {}

  /** Whether this replica itself has a stake here, so that the position may not be forgotten. */
  get committed(): boolean {
    return this.own.size > 0 || this.certificates.size > 0;
  }

  /** Counts a verified vote. A replica's second, different vote does not count: it comes back as evidence. */
  add(statement: Statement, attestation: Attestation): ReplicaEvidence | undefined {
    const votes = this.#votes[statement.round];
    const earlier = votes.get(attestation.replica);
    if (earlier === undefined) {
      votes.set(attestation.replica, { digest: statement.digest, attestation });
      return undefined;
    }
    return contradiction(
      { ...statement, digest: earlier.digest, attestation: earlier.attestation },
      { ...statement, attestation },
    );
  }

  /** What was voted for here, by anybody. */
  digests(): Digest[] {
    const voted = Object.values(this.#votes).flatMap((votes) => [...votes.values()].map((vote) => vote.digest));
    return [...new Set([...this.requests.keys(), ...this.own.values(), ...voted])];
  }

  hasVote(replica: ReplicaId, round: Round, digest: Digest): boolean {
    return this.#votes[round].get(replica)?.digest === digest;
  }

  /** The certificate that the counted votes make, once `quorum` replicas agree. */
  certify(round: Round, digest: Digest, quorum: number): Certificate | undefined {
    const attestations = [...this.#votes[round].values()]
      .filter((vote) => vote.digest === digest)
      .map((vote) => vote.attestation);
    if (attestations.length < quorum) return undefined;
    return { round, stream: this.stream, number: this.number, digest, attestations: attestations.slice(0, quorum) };
  }

  /** Votes counted here that contradict a certificate that came from elsewhere. */
  contradictions(certificate: Certificate): ReplicaEvidence[] {
    return certificate.attestations.flatMap((attestation) => this.add(certificate, attestation) ?? []);
  }
}

type SignedStatement = Statement & { readonly attestation: Attestation };

/** Evidence, if the two statements by one replica are about the same position and round but different requests. */
export function contradiction(first: SignedStatement, second: SignedStatement): ReplicaEvidence | undefined {
  const samePlace = first.round === second.round && first.stream === second.stream && first.number === second.number;
  if (!samePlace || first.digest === second.digest || first.attestation.replica !== second.attestation.replica) return undefined;
  return { kind: 'replica', replica: first.attestation.replica, first, second };
}
