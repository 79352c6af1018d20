import type { Attestation, Digest, Statement } from '../bft/index.js';
import { Votes } from '../bft/index.js';
import { type LoadedCluster, voteVerifier } from '../config/index.js';
import type { EvidenceReport } from '../replica/index.js';
import { asObject } from './desk.js';

/** True if the report proves by two signed votes for one position that replica `id` contradicted itself. */
export function convicts(report: EvidenceReport, id: number, cluster: LoadedCluster): boolean {
  if (report.kind !== 'replica' || report.who !== `replica ${id}`) return false;
  const votes = new Votes({
    cluster: cluster.config.cluster,
    n: cluster.n,
    f: cluster.f,
    verifier: voteVerifier(cluster),
  });
  const [first, second] = report.statements.map(({ says, signed }) => {
    const statement = statementOf(report, says);
    const attestation = attestationOf(id, signed);
    if (statement === undefined || attestation === undefined) return undefined;
    return votes.verifyAttestation(statement, attestation) ? statement : undefined;
  });
  return first !== undefined && second !== undefined && first.round === second.round && first.digest !== second.digest;
}

function statementOf({ stream, number }: EvidenceReport, says: string): Statement | undefined {
  const [, round, digest] = /^(echo|ready) for ([0-9a-f]{64})$/.exec(says) ?? [];
  if ((round !== 'echo' && round !== 'ready') || digest === undefined) return undefined;
  return { round, stream, number, digest: digest as Digest };
}

/** A replica that reports evidence may be a liar itself: what it sends may be anything. */
function attestationOf(replica: number, signed: string): Attestation | undefined {
  try {
    const { index, path, signature } = asObject(JSON.parse(signed));
    if (typeof index !== 'number' || !Array.isArray(path) || typeof signature !== 'string') return undefined;
    return {
      replica,
      index,
      path: path.map((hash) => Buffer.from(String(hash), 'hex')),
      signature: Buffer.from(signature, 'hex'),
    };
  } catch {
    return undefined;
  }
}
