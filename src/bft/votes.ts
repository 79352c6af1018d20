import { CodecError, decode, type Reader, Writer } from './codec.js';
import type { BroadcastLimits } from './limits.js';
import { HASH_BYTES, leafHash, MAX_PATH, MerkleTree, rootFromPath } from './merkle.js';
import type { VoteSigner, VoteVerifier } from './ports.js';
import type { Attestation, Certificate, Digest, ReplicaId, Statement } from './types.js';

const STATEMENT_DOMAIN = 'concordat statement 1';
const BATCH_DOMAIN = 'concordat votes 1';
const MARK_DOMAIN = 'concordat votes made 1';
const MAX_SIGNATURE = 128;
const VERIFIED_ROOTS = 4096;
/** Leaves remembered: a statement comes back with the vote of every replica and in certificates. */
const KNOWN_LEAVES = 4096;

/** The statements one replica made in one turn, under one signature over their Merkle root. */
export interface SignedBatch {
  readonly statements: readonly Statement[];
  /** How many votes the replica has ever made, these included: the last leaf of the tree. */
  readonly made: number;
  readonly signature: Buffer;
}

/** A replica's signature on how many votes it has ever made. */
export interface VoteMark {
  readonly made: number;
  readonly attestation: Attestation;
}

export const writeStatement = (writer: Writer, statement: Statement): void => {
  writer
    .u8(statement.round === 'echo' ? 1 : 2)
    .string(statement.stream)
    .u53(statement.number)
    .hex(statement.digest);
};

export function readStatement(reader: Reader, limits: BroadcastLimits): Statement {
  const round = reader.u8();
  if (round !== 1 && round !== 2) throw new CodecError('unknown round');
  const stream = reader.string(limits.maxStreamBytes);
  const number = reader.u53();
  if (number < 1) throw new CodecError('numbers start at 1');
  return { round: round === 1 ? 'echo' : 'ready', stream, number, digest: reader.hex(HASH_BYTES) as Digest };
}

export const writeAttestation = (writer: Writer, attestation: Attestation): void => {
  writer
    .u32(attestation.replica)
    .u32(attestation.index)
    .list(attestation.path, (w, hash) => w.bytes(hash))
    .bytes(attestation.signature);
};

export const readAttestation = (reader: Reader): Attestation => ({
  replica: reader.u32(),
  index: reader.u32(),
  path: reader.list(MAX_PATH, (r) => r.bytes(HASH_BYTES)),
  signature: reader.bytes(MAX_SIGNATURE),
});

export const writeMark = (writer: Writer, { made, attestation }: VoteMark): void => {
  writer.u53(made);
  writeAttestation(writer, attestation);
};

export const readMark = (reader: Reader): VoteMark => ({ made: reader.u53(), attestation: readAttestation(reader) });

export const writeCertificate = (writer: Writer, certificate: Certificate): void => {
  writeStatement(writer, certificate);
  writer.list(certificate.attestations, writeAttestation);
};

export const readCertificate = (reader: Reader, limits: BroadcastLimits, n: number): Certificate => ({
  ...readStatement(reader, limits),
  attestations: reader.list(n, readAttestation),
});

export function encodeCertificate(certificate: Certificate): Buffer {
  const writer = new Writer();
  writeCertificate(writer, certificate);
  return writer.finish();
}

/** @throws CodecError */
export const decodeCertificate = (bytes: Uint8Array, limits: BroadcastLimits, n: number): Certificate =>
  decode(bytes, (reader) => readCertificate(reader, limits, n));

/** Makes and checks signed votes for one cluster. */
export class Votes {
  readonly #verified = new Set<string>();
  readonly #leaves = new Map<string, Buffer>();

  constructor(
    private readonly options: {
      readonly cluster: string;
      readonly n: number;
      readonly f: number;
      readonly verifier: VoteVerifier;
    },
  ) {}

  get quorum(): number {
    return this.options.n - this.options.f;
  }

  /** Signs a batch as `replica`. The tree gives each statement its attestation. */
  sign(
    replica: ReplicaId,
    signer: VoteSigner,
    statements: readonly Statement[],
    made = 0,
  ): { batch: SignedBatch; attestations: Attestation[] } {
    const tree = this.#tree(statements, made);
    const signature = signer.sign(this.#signed(replica, tree.root));
    this.#remember(replica, tree.root, signature);
    return { batch: { statements, made, signature }, attestations: attestationsOf(replica, tree, statements.length, signature) };
  }

  /** Checks a peer's batch. @returns one attestation per statement and the mark, or undefined when the signature is wrong */
  open(replica: ReplicaId, batch: SignedBatch): { attestations: Attestation[]; mark: VoteMark } | undefined {
    const { statements, made, signature } = batch;
    const tree = this.#tree(statements, made);
    if (!this.#check(replica, tree.root, signature)) return undefined;
    const index = statements.length;
    const mark = { made, attestation: { replica, index, path: tree.path(index), signature } };
    return { attestations: attestationsOf(replica, tree, statements.length, signature), mark };
  }

  /** Whether `replica` has signed that it made so many votes. */
  verifyMark(replica: ReplicaId, { made, attestation }: VoteMark): boolean {
    const { index, path, signature } = attestation;
    return attestation.replica === replica && this.#check(replica, rootFromPath(this.#markLeaf(made), index, path), signature);
  }

  verifyAttestation(statement: Statement, attestation: Attestation): boolean {
    const { replica, index, path, signature } = attestation;
    if (replica < 1 || replica > this.options.n) return false;
    return this.#check(replica, rootFromPath(this.#leaf(statement), index, path), signature);
  }

  /** True when n − f different replicas made the statement. */
  verifyCertificate(certificate: Certificate): boolean {
    const replicas = new Set(certificate.attestations.map((attestation) => attestation.replica));
    if (replicas.size < this.quorum || replicas.size !== certificate.attestations.length) return false;
    return certificate.attestations.every((attestation) => this.verifyAttestation(certificate, attestation));
  }

  #tree(statements: readonly Statement[], made: number): MerkleTree {
    return new MerkleTree([...statements.map((statement) => this.#leaf(statement)), this.#markLeaf(made)]);
  }

  #markLeaf(made: number): Buffer {
    return leafHash(new Writer().string(MARK_DOMAIN).string(this.options.cluster).u53(made).finish());
  }

  #leaf(statement: Statement): Buffer {
    const { round, stream, number, digest } = statement;
    const key = `${round} ${number} ${digest} ${stream}`;
    const known = this.#leaves.get(key);
    if (known !== undefined) return known;
    const leaf = this.#leafOf(statement);
    if (this.#leaves.size >= KNOWN_LEAVES) dropOldest(this.#leaves);
    this.#leaves.set(key, leaf);
    return leaf;
  }

  #leafOf(statement: Statement): Buffer {
    const writer = new Writer().string(STATEMENT_DOMAIN).string(this.options.cluster);
    writeStatement(writer, statement);
    return leafHash(writer.finish());
  }

  #signed(replica: ReplicaId, root: Buffer): Buffer {
    return new Writer().string(BATCH_DOMAIN).string(this.options.cluster).u32(replica).raw(root).finish();
  }

  #check(replica: ReplicaId, root: Buffer, signature: Buffer): boolean {
    if (this.#verified.has(cacheKey(replica, root, signature))) return true;
    if (!this.options.verifier.verify(replica, this.#signed(replica, root), signature)) return false;
    this.#remember(replica, root, signature);
    return true;
  }

  /** The same root comes back in every certificate made from a batch: check its signature once. */
  #remember(replica: ReplicaId, root: Buffer, signature: Buffer): void {
    if (this.#verified.size >= VERIFIED_ROOTS) dropOldest(this.#verified);
    this.#verified.add(cacheKey(replica, root, signature));
  }
}

const cacheKey = (replica: ReplicaId, root: Buffer, signature: Buffer): string =>
  `${replica}:${root.toString('latin1')}${signature.toString('latin1')}`;

function dropOldest(from: Pick<Map<string, unknown>, 'keys' | 'delete'>): void {
  const oldest = from.keys().next();
  if (oldest.done !== true) from.delete(oldest.value);
}

const attestationsOf = (replica: ReplicaId, tree: MerkleTree, count: number, signature: Buffer): Attestation[] =>
  Array.from({ length: count }, (_, index) => ({ replica, index, path: tree.path(index), signature }));
