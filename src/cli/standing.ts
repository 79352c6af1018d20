import type { RecoveryReport, ReplicaStatus } from '../replica/index.js';
import type { ClusterStatus } from './cluster-status.js';

/** One word for how a replica that answers is. */
export function stateOf(status: ReplicaStatus): string {
  if (status.diskFull !== undefined) return 'disk full';
  if (status.recovery?.over === false) return 'recovering';
  if (!status.voting) return 'starting';
  return status.lagging === undefined ? 'up' : 'lagging';
}

const REASONS: Readonly<Record<RecoveryReport['reason'], string>> = {
  'votes-lost': 'its database has lost votes that its peers know of (an older copy, or a new one)',
  'store-set-aside': 'its database was damaged and set aside',
  'asked-to': 'its operator said so (--recover)',
};

const time = (ms: number): string => new Date(ms).toISOString();

/** What is to be said about replicas that are not simply up: why, and since when. */
export function describeStanding({ replicas }: Pick<ClusterStatus, 'replicas'>): string[] {
  const up = replicas.flatMap((replica) => (replica.up ? [replica.status] : []));
  return [...up.flatMap(describeOne), ...describeMalformed(up)];
}

function describeOne(status: ReplicaStatus): string[] {
  const { replica, recovery, lagging, diskFull, voting, startedAt } = status;
  const lines: string[] = [];
  if (diskFull !== undefined) {
    lines.push(`Disk full: replica ${replica} since ${time(diskFull.since)}: it neither votes nor answers until there is room`);
  }
  if (!voting)
    lines.push(`Starting: replica ${replica} since ${time(startedAt)}: it asks its peers which of its votes they know`);
  if (recovery?.over === false) lines.push(describeRecovery(replica, recovery));
  if (lagging !== undefined) {
    lines.push(`Lagging: replica ${replica} since ${time(lagging.since)}: it lacks ${lagging.requests} or more requests`);
  }
  return lines;
}

function describeRecovery(replica: number, { reason, since, votesFrom, abstains }: RecoveryReport): string {
  const what = `it votes in activities created after ${time(votesFrom)}, and abstains in ${abstains} that are open`;
  return `Recovering: replica ${replica} since ${time(since)}: ${REASONS[reason]}; ${what}`;
}

/** Replicas that sent others what makes no sense. */
function describeMalformed(statuses: readonly ReplicaStatus[]): string[] {
  const reports = statuses.flatMap(({ replica, peers }) =>
    peers.flatMap((peer) => (peer.malformed > 0 ? [{ of: peer.replica, count: peer.malformed, at: replica }] : [])),
  );
  return [...new Set(reports.map(({ of }) => of))]
    .sort((a, b) => a - b)
    .map((of) => {
      const counts = reports.filter((report) => report.of === of).map(({ count, at }) => `${count} to replica ${at}`);
      return `Malformed: replica ${of} sent frames that make no sense: ${counts.join(', ')}`;
    });
}
