import type { Command } from 'commander';
import { loadClientKeys, loadCluster } from '../config/index.js';
import { describeStanding, stateOf } from './standing.js';
import { askClusterStatus, type ClusterStatus, type ReplicaReport, type WaitingAt } from './cluster-status.js';

export function registerStatus(program: Command): void {
  program
    .command('status')
    .description('ask every replica how it is, and compare what they hold')
    .argument('<dir>', 'directory with cluster.json and the operator’s keys')
    .option('--operator <name>', 'whose keys to ask with', 'operator')
    .option('--json', 'print one JSON object')
    .addHelpText('after', '\nExit code 1 when replicas contradict each other or fewer than n − f answer.')
    .action(async (dir: string, flags: { readonly operator: string; readonly json?: boolean }) => {
      const cluster = loadCluster(dir);
      const status = await askClusterStatus(cluster, loadClientKeys(dir, flags.operator));
      if (flags.json === true) console.log(JSON.stringify(status));
      else for (const line of describe(status)) console.log(line);
      const up = status.replicas.filter((replica) => replica.up).length;
      if (!status.agree || up < cluster.n - cluster.f) process.exitCode = 1;
    });
}

/** The lines of `concordat status`. */
export function describe(status: ClusterStatus): string[] {
  const lines = ['replica  state      deliveries  activities (open)  links  state digest      ', ...status.replicas.map(row)];
  lines.push(status.agree ? 'Replicas that are equally far hold equal states.' : 'REPLICAS CONTRADICT EACH OTHER:');
  lines.push(...status.contradictions.map((contradiction) => `  ${contradiction}`));
  lines.push(...describeStanding(status), ...status.waiting.map(describeWaiting));
  const omitted = status.replicas.reduce((sum, replica) => sum + (replica.up ? replica.status.waitingOmitted : 0), 0);
  if (omitted > 0) lines.push(`Waiting: more than is listed (${omitted} left out by the replicas)`);
  for (const { who, since, stream, number, statements } of status.evidence) {
    const when = since === undefined ? '' : ` (known since ${new Date(since).toISOString()})`;
    lines.push(`Caught: ${who} contradicted itself at ${stream} number ${number}${when}:`);
    for (const { says, signed } of statements) lines.push(`  signed: ${says}\n    ${shorten(signed)}`);
  }
  return lines;
}

/** Names shown of what one request waits for. */
const SHOWN_WAITS = 5;

function describeWaiting({ replicas, operation, stream, participant, number, activity, code, ...rest }: WaitingAt): string {
  const where = `number ${number} of the ${participant === undefined ? `${stream} stream` : `stream of ${participant}`}`;
  const more = rest.waitsFor.length - SHOWN_WAITS + rest.waitsForOmitted;
  const names = [...rest.waitsFor.slice(0, SHOWN_WAITS), ...(more > 0 ? [`${more} more`] : [])].join(', ');
  return `Waiting: ${operation} (${where}) in ${activity}, for ${names} [${code}; at replica ${replicas.join(', ')}]`;
}

function row(replica: ReplicaReport): string {
  if (!replica.up) return `${String(replica.id).padEnd(9)}${'down'.padEnd(11)}${replica.error}`;
  const { status } = replica;
  const links = status.peers.filter((peer) => peer.connected).length;
  return [
    String(replica.id).padEnd(9),
    stateOf(status).padEnd(11),
    String(status.deliveries).padEnd(12),
    `${status.activities.total} (${status.activities.open})`.padEnd(19),
    `${links}/${status.peers.length}`.padEnd(7),
    status.state.slice(0, 16),
  ].join('');
}

const shorten = (text: string): string => (text.length > 160 ? `${text.slice(0, 160)}… (--json shows all)` : text);
