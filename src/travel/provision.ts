import { existsSync, readFileSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Owner } from '../config/index.js';
import { CLUSTER_FILE, exportPart, initCluster, isExported, loadCluster, parseCluster } from '../config/index.js';
import { ConcordatError } from '../errors.js';
import { CLIENTS } from './catalog.js';

/** Where the replicas of the container cluster are: names and ports within the containers' network. */
const NETWORK = {
  hosts: ['replica1', 'replica2', 'replica3', 'replica4'],
  port: 8080,
  peerPort: 8443,
} as const;

/** Where the participants are, within that network: replicas send nowhere else. */
const PARTICIPANTS = ['airline:8081', 'hotel:8081'];

/** Who gets keys, by the name of the service. */
const SERVICES: Readonly<Record<string, Owner>> = Object.fromEntries([
  ...NETWORK.hosts.map((host, index): [string, Owner] => [host, { kind: 'replica', id: index + 1 }]),
  ...CLIENTS.map(({ name }): [string, Owner] => [name, { kind: 'client', name }]),
]);

export interface ProvisionResult {
  readonly cluster: string;
  /** Whether the keys were made now, and not before. */
  readonly made: boolean;
  /** Services that got their files now. */
  readonly given: readonly string[];
}

/**
 * Makes the keys of the container cluster unless they are there, and gives each service its own. May be called again at any
 * time, and after a crash at any moment: what is complete stays, what is not is done again.
 * @param authority directory of the authority and of all keys, for no service to see
 * @param parts directory with one directory for each service
 * @throws ConcordatError ConfigInvalid if services have keys of another cluster, or of one whose authority is gone
 */
export async function provision(authority: string, parts: string): Promise<ProvisionResult> {
  const origin = join(authority, 'cluster');
  const made = !existsSync(origin);
  if (made) {
    refuseOrphans(parts);
    await makeCluster(authority, origin);
  }
  const { cluster } = loadCluster(origin).config;
  const given = Object.entries(SERVICES).filter(([service, owner]) => give(origin, cluster, owner, join(parts, service)));
  return { cluster, made, given: given.map(([service]) => service) };
}

/** New keys beside old databases would be a cluster that has forgotten what it signed. */
function refuseOrphans(parts: string): void {
  for (const service of Object.keys(SERVICES)) {
    if (!existsSync(join(parts, service, CLUSTER_FILE))) continue;
    throw new ConcordatError('ConfigInvalid', `${service} has keys, but the authority that made them is gone`);
  }
}

/** The rename makes the whole directory appear at once. */
async function makeCluster(authority: string, origin: string): Promise<void> {
  const unfinished = join(authority, 'unfinished');
  rmSync(unfinished, { recursive: true, force: true });
  await initCluster(unfinished, { ...NETWORK, destinations: PARTICIPANTS, clients: CLIENTS });
  renameSync(unfinished, origin);
}

/** Returns whether there was something to do. cluster.json is written last, so without it the rest is of no use to anybody. */
function give(origin: string, cluster: string, owner: Owner, to: string): boolean {
  if (existsSync(join(to, CLUSTER_FILE))) {
    if (isExported(origin, owner, to)) return false;
    refuseOther(to, cluster);
  }
  empty(to);
  exportPart(origin, owner, to);
  return true;
}

function refuseOther(to: string, cluster: string): void {
  const other = parseCluster(readFileSync(join(to, CLUSTER_FILE), 'utf8')).cluster;
  if (other !== cluster) throw new ConcordatError('ConfigInvalid', `${to} belongs to cluster ${other}, not to ${cluster}`);
}

/** The directory itself stays: it is where a volume is mounted. cluster.json goes first, so that nobody takes the rest for whole. */
function empty(dir: string): void {
  rmSync(join(dir, CLUSTER_FILE), { force: true });
  if (!existsSync(dir)) return;
  for (const name of readdirSync(dir)) rmSync(join(dir, name), { recursive: true, force: true });
}
