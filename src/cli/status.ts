import type { Command } from 'commander';
import { loadClientKeys, loadCluster } from '../config/index.js';
import { askClusterStatus, type ClusterStatus, type ReplicaReport } from './cluster-status.js';

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

function describe(status: ClusterStatus): string[] {
  const lines = ['replica  state  deliveries  activities (open)  links  state digest      ', ...status.replicas.map(row)];
  lines.push(status.agree ? 'Replicas that are equally far hold equal states.' : 'REPLICAS CONTRADICT EACH OTHER:');
  lines.push(...status.contradictions.map((contradiction) => `  ${contradiction}`));
  for (const { who, stream, number, statements } of status.evidence) {
    lines.push(`Caught: ${who} contradicted itself at ${stream} number ${number}:`);
    for (const { says, signed } of statements) lines.push(`  signed: ${says}\n    ${shorten(signed)}`);
  }
  return lines;
}

function row(replica: ReplicaReport): string {
  if (!replica.up) return `${String(replica.id).padEnd(9)}down   ${replica.error ?? ''}`;
  const { status } = replica;
  const links = status.peers.filter((peer) => peer.connected).length;
  return [
    String(replica.id).padEnd(9),
    'up     ',
    String(status.deliveries).padEnd(12),
    `${status.activities.total} (${status.activities.open})`.padEnd(19),
    `${links}/${status.peers.length}`.padEnd(7),
    status.state.slice(0, 16),
  ].join('');
}

const shorten = (text: string): string => (text.length > 160 ? `${text.slice(0, 160)}… (--json shows all)` : text);
