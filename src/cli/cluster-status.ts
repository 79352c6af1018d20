import { acceptedFingerprints } from '../config/index.js';
import type { KeyPair, LoadedCluster, LoadedReplica } from '../config/index.js';
import { ConcordatError } from '../errors.js';
import { askOperator } from '../peers/index.js';
import type { EvidenceReport, ReplicaStatus, WaitingReport } from '../replica/index.js';

export type ReplicaReport =
  | { readonly id: number; readonly url: string; readonly up: true; readonly status: ReplicaStatus }
  | { readonly id: number; readonly url: string; readonly up: false; readonly error: string };

/** A request that cannot take effect yet, and the replicas at which it waits. */
export interface WaitingAt extends WaitingReport {
  readonly replicas: readonly number[];
}

export interface ClusterStatus {
  /** No two replicas hold different states at equal positions. */
  readonly agree: boolean;
  readonly replicas: readonly ReplicaReport[];
  /** What contradicts what, in words. */
  readonly contradictions: readonly string[];
  /** Everybody caught contradicting itself, each once, as any replica reports it. */
  readonly evidence: readonly EvidenceReport[];
  /** Requests that wait, each once, as the first of these replicas reports it: others may be further. */
  readonly waiting: readonly WaitingAt[];
}

/** Under whichever of the certificates that are accepted of it: while its key is being rotated, it may have the one or the other. */
async function askStatus(cluster: LoadedCluster, replica: LoadedReplica, operator: KeyPair): Promise<unknown> {
  const { host, port } = replica.peer;
  const ask = (fingerprint: string): Promise<unknown> =>
    askOperator({
      host,
      port,
      fingerprint,
      credentials: operator,
      authorities: cluster.authorityPems,
      request: { ask: 'status' },
      timeoutMs: cluster.limits.operatorTimeoutMs,
    });
  const [current = '', ...others] = acceptedFingerprints(replica);
  let answer = ask(current);
  for (const other of others) {
    answer = answer.catch((error: unknown) => {
      if (error instanceof ConcordatError && error.code === 'CertificateUntrusted') return ask(other);
      throw error;
    });
  }
  return answer;
}

/** Asks every replica on its operator port. A replica that does not answer is reported as down. */
export async function askClusterStatus(cluster: LoadedCluster, operator: KeyPair): Promise<ClusterStatus> {
  const replicas = await Promise.all(
    cluster.replicas.map(async (replica): Promise<ReplicaReport> => {
      const { id, url } = replica;
      try {
        return { id, url, up: true, status: (await askStatus(cluster, replica, operator)) as ReplicaStatus };
      } catch (error) {
        if (!(error instanceof ConcordatError)) throw error;
        return { id, url, up: false, error: `${error.code}${error.detail === undefined ? '' : ` (${error.detail})`}` };
      }
    }),
  );
  const up = replicas.flatMap((replica) => (replica.up ? [replica.status] : []));
  const contradictions = compare(up);
  return {
    agree: contradictions.length === 0,
    contradictions,
    replicas,
    evidence: distinct(up.flatMap((status) => status.evidence)),
    waiting: uniteWaiting(up),
  };
}

/** Whatever two replicas hold differently at equal positions: as a whole, and activity by activity. */
function compare(statuses: readonly ReplicaStatus[]): string[] {
  const found: string[] = [];
  statuses.forEach((a, i) => {
    for (const b of statuses.slice(i + 1)) {
      if (a.positions === b.positions && a.state !== b.state)
        found.push(`replicas ${a.replica} and ${b.replica}: equally far, different states`);
      const ofB = new Map(b.perActivity.map((print) => [print.id, print]));
      for (const print of a.perActivity) {
        const other = ofB.get(print.id);
        if (other?.positions !== print.positions || other.state === print.state) continue;
        found.push(`replicas ${a.replica} and ${b.replica}: different states of activity ${print.id}`);
      }
    }
  });
  return found;
}

function distinct(reports: readonly EvidenceReport[]): EvidenceReport[] {
  return [...new Map(reports.map((report) => [`${report.who} ${report.stream} ${report.number}`, report])).values()];
}

function uniteWaiting(statuses: readonly ReplicaStatus[]): WaitingAt[] {
  const found = new Map<string, WaitingAt>();
  for (const { replica, waiting } of statuses) {
    for (const one of waiting) {
      const key = JSON.stringify([one.activity, one.stream, one.participant, one.number, one.operation]);
      const known = found.get(key);
      found.set(
        key,
        known === undefined ? { ...one, replicas: [replica] } : { ...known, replicas: [...known.replicas, replica] },
      );
    }
  }
  return [...found.values()];
}
