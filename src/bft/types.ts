/** A replica's number, 1 … n. */
export type ReplicaId = number;

/** SHA-256 of a request's content, as 64 lower-case hex digits. */
export type Digest = string & { readonly __digest: unique symbol };

/**
 * One request of one stream. Each stream has exactly one writer and is numbered 1, 2, 3 … by it, which is why requests need
 * no order among streams (docs/architecture.md).
 */
export interface Request {
  readonly stream: string;
  readonly number: number;
  /** The identity that signed it: issuer and subject of the certificate. */
  readonly writer: string;
  /** What the service executes. Nothing outside stream, number, writer and payload may influence its state. */
  readonly payload: Uint8Array;
}

export interface Position {
  readonly stream: string;
  readonly number: number;
}

/** echo: the first round, on every stream. ready: the second round, on control streams only. */
export type Round = 'echo' | 'ready';

/** What a replica signs: "at this position I vote, once and for ever, for the request with this digest". */
export interface Statement extends Position {
  readonly round: Round;
  readonly digest: Digest;
}

/** One replica's signature on a statement: over the root of a Merkle tree of which the statement is leaf `index`. */
export interface Attestation {
  readonly replica: ReplicaId;
  readonly index: number;
  readonly path: readonly Buffer[];
  readonly signature: Buffer;
}

/** n − f attestations of one statement. Transferable: it convinces anybody who knows the replicas' keys. */
export interface Certificate extends Statement {
  readonly attestations: readonly Attestation[];
}

/** Two statements by one replica that a correct replica never makes both, each with its signature. */
export interface ReplicaEvidence {
  readonly kind: 'replica';
  readonly replica: ReplicaId;
  readonly first: Statement & { readonly attestation: Attestation };
  readonly second: Statement & { readonly attestation: Attestation };
}

/** Two different requests that a writer validly signed for one position. */
export interface WriterEvidence extends Position {
  readonly kind: 'writer';
  readonly writer: string;
  readonly first: Uint8Array;
  readonly second: Uint8Array;
}

export type Evidence = ReplicaEvidence | WriterEvidence;

export const positionKey = (position: Position): string => `${position.stream}#${position.number}`;
