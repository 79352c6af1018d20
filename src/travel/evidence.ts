import type { Digest, Round, Statement } from '../bft/index.js';
import { Votes } from '../bft/index.js';
import type { LoadedCluster } from '../config/index.js';
import type { EvidenceReport } from '../replica/index.js';
import { verify } from 'node:crypto';

/** True if the report proves by two signed votes for one position that replica `id` contradicted itself. */
export function convicts(report: EvidenceReport, id: number, cluster: LoadedCluster): boolean {
  if (report.kind !== 'replica' || report.who !== `replica ${id}`) return false;
  const votes = new Votes({
    cluster: cluster.config.cluster,
    n: cluster.n,
    f: cluster.f,
    verifier: {
      verify: (replica, data, signature) => {
        const key = cluster.replicas.find((candidate) => candidate.id === replica)?.votePublicKey;
        return key !== undefined && verify(null, data, key, signature);
      },
    },
  });
  const [first, second] = report.statements.map(({ says, signed }) => {
    const statement = statementOf(report, says);
    return statement !== undefined && votes.verifyAttestation(statement, { replica: id, ...attestationOf(signed) })
      ? statement
      : undefined;
  });
  return first !== undefined && second !== undefined && first.round === second.round && first.digest !== second.digest;
}

function statementOf({ stream, number }: EvidenceReport, says: string): Statement | undefined {
  const [, round, digest] = /^(echo|ready) for ([0-9a-f]{64})$/.exec(says) ?? [];
  return round === undefined || digest === undefined
    ? undefined
    : { round: round as Round, stream, number, digest: digest as Digest };
}

function attestationOf(signed: string): { index: number; path: Buffer[]; signature: Buffer } {
  const value = JSON.parse(signed) as { index: number; path: string[]; signature: string };
  const bytes = (hex: string): Buffer => Buffer.from(hex, 'hex');
  return { index: value.index, path: value.path.map(bytes), signature: bytes(value.signature) };
}
