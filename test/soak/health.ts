import type { ClusterStatus, ReplicaReport } from '../../src/cli/cluster-status.js';
import type { ReplicaStatus } from '../../src/replica/index.js';
import { Violation } from './violation.js';

/** What is wrong with a status whatever happens to at most f replicas. @throws Violation */
export function checkHonest({ contradictions, evidence, replicas }: ClusterStatus): void {
  if (contradictions.length > 0) throw new Violation(contradictions.join('; '));
  const [caught] = evidence;
  if (caught !== undefined) {
    const { who, stream, number, statements } = caught;
    const said = statements.map(({ says }) => says).join('; ');
    throw new Violation(`evidence against ${who}, which is honest: ${stream} number ${number}: ${said}`);
  }
  for (const report of replicas) {
    const accused = report.up ? report.status.peers.find(({ malformed }) => malformed > 0) : undefined;
    if (accused !== undefined) throw new Violation(`replica ${report.id} finds malformed what replica ${accused.replica} sends`);
  }
}

export interface Lost {
  readonly replica: number;
  /** When its database was taken from it, in milliseconds since 1970. */
  readonly at: number;
}

/**
 * Why not all replicas vote in everything, if they do not.
 * @param least requests that each must have delivered
 * @param lost who must have noticed a loss of votes
 */
export function whatAils({ replicas }: ClusterStatus, least: number, lost?: Lost): string | undefined {
  const complaints = replicas.flatMap((report) => {
    const complaint = complaintOf(report, least, lost?.replica === report.id ? lost.at : undefined);
    return complaint === undefined ? [] : [`replica ${report.id} ${complaint}`];
  });
  return complaints.length === 0 ? undefined : complaints.join('; ');
}

function complaintOf(report: ReplicaReport, least: number, lostAt: number | undefined): string | undefined {
  if (!report.up) return `is down: ${report.error}`;
  const { status } = report;
  const unlinked = status.peers.filter(({ connected }) => !connected).map(({ replica }) => replica);
  if (!status.voting) return 'does not vote yet';
  if (lostAt !== undefined && (status.recovery?.since ?? 0) < lostAt) return 'has not noticed that its votes are lost';
  if (status.recovery?.over === false) return `is recovering and abstains in ${status.recovery.abstains} activities`;
  if (status.diskFull !== undefined) return 'says that its disk is full';
  if (unlinked.length > 0) return `has no link to ${unlinked.join(', ')}`;
  if (status.lagging !== undefined) return `lacks ${status.lagging.requests} requests or more`;
  if (status.deliveries < least) return `has delivered ${status.deliveries} of ${least}`;
  return undefined;
}

/** What f + 1 replicas have delivered: everybody will. */
export function deliveredBySome({ replicas }: ClusterStatus, f: number): number {
  const deliveries = replicas.flatMap((report) => (report.up ? [report.status.deliveries] : []));
  return deliveries.sort((a, b) => b - a)[f] ?? 0;
}

/** Why the replicas do not all hold the same, with nothing open, if they do not. */
export function whatDiffers({ replicas }: ClusterStatus): string | undefined {
  const statuses = replicas.flatMap((report) => (report.up ? [report.status] : []));
  const same = (of: (status: ReplicaStatus) => string): boolean => new Set(statuses.map(of)).size === 1;
  const said = (of: (status: ReplicaStatus) => unknown): string =>
    statuses.map((status) => `${status.replica}: ${String(of(status))}`).join(', ');
  if (statuses.length < replicas.length) return `only ${statuses.length} replicas answer`;
  if (statuses.some(({ activities }) => activities.open > 0))
    return `activities are open (${said(({ activities }) => activities.open)})`;
  if (!same(({ positions }) => positions)) return `the replicas are not equally far (${said(({ deliveries }) => deliveries)})`;
  if (!same(({ state }) => state)) return `the replicas hold different states (${said(({ state }) => state)})`;
  return undefined;
}
