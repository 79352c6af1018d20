import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { isIP } from 'node:net';
import { join, resolve } from 'node:path';
import { ConcordatError } from '../errors.js';
import { createAuthority } from './authority.js';
import type { CertificateRequest } from './authority.js';
import { BASE_URL_RULE, CLUSTER_FILE, MAX_REPLICAS, isBaseUrl, parseCluster } from './cluster.js';
import type { ClusterConfig, HostPort, ReplicaEntry } from './cluster.js';
import { CreatedFiles } from './created-files.js';
import { CLIENT_NAME, clientPaths, replicaPaths } from './keys.js';
import { makePlacement } from './placement.js';
import type { Placement, PlacementOptions } from './placement.js';

/** What a client certificate may say its holder is. Replicas are made by init alone. */
export const CLIENT_ROLES = ['initiator', 'participant', 'operator'] as const;

export interface InitOptions extends PlacementOptions {
  /** Replicas; 4 by default, or as many as there are `hosts`. */
  readonly n?: number;
  /** Faulty replicas tolerated; by default the most that n allows. */
  readonly f?: number;
  /** The logical address of the cluster, a base URL; by default that of replica 1. */
  readonly address?: string;
  /**
   * Hosts and networks that replicas may send to, where participants are (see docs/configuration.md). A cluster on a loopback address
   * is a development cluster, and needs none.
   */
  readonly destinations?: readonly string[];
  /** Clients beside `initiator`, `participant` and `operator`, which are always made. */
  readonly clients?: readonly ClientRequest[];
}

export interface ClientRequest {
  readonly name: string;
  /** One or more of CLIENT_ROLES. */
  readonly roles: readonly string[];
}

/** Everything init wrote; all paths are absolute. */
export interface InitResult {
  readonly dir: string;
  readonly configPath: string;
  readonly config: ClusterConfig;
  readonly authority: { readonly certificate: string; readonly privateKey: string };
  readonly replicas: readonly InitReplica[];
  readonly clients: readonly InitClient[];
}

export interface InitReplica {
  readonly id: number;
  readonly url: string;
  readonly peer: HostPort;
  readonly certificate: string;
  readonly privateKey: string;
  readonly voteKey: string;
}

export interface InitClient {
  readonly name: string;
  readonly roles: readonly string[];
  readonly certificate: string;
  readonly privateKey: string;
}

/** The files of the authority, relative to the cluster's directory. */
export const AUTHORITY_PATHS = { certificate: 'ca.pem', privateKey: 'ca.key' };

/**
 * Makes a cluster in `dir`: an authority, keys of every replica and client, and cluster.json, which is written last.
 * @throws ConcordatError ConfigInvalid if any of the files is already there (nothing is ever overwritten), Usage for unfit options
 */
export async function initCluster(dir: string, options: InitOptions = {}): Promise<InitResult> {
  const plan = makePlan(options);
  const paths = plannedPaths(plan);
  for (const path of paths) {
    if (existsSync(join(dir, path))) throw new ConcordatError('ConfigInvalid', `${join(dir, path)} is already there`);
  }
  const places = await plan.placement();
  const cluster = randomBytes(16).toString('hex');
  const authority = await createAuthority(`Concordat ${cluster}`, Date.now());
  const files = new CreatedFiles(dir);
  files.pair(AUTHORITY_PATHS, authority);

  const entries = await Promise.all(
    places.map(async (place, index): Promise<ReplicaEntry> => {
      const id = index + 1;
      files.pair(replicaPaths(id), await authority.issue(replicaRequest(id, place.peer.host)));
      const { certificate, voteKey } = replicaPaths(id);
      return { id, ...place, certificate, voteKey: files.voteKey(voteKey) };
    }),
  );
  await Promise.all(
    plan.clients.map(async ({ name, roles }) =>
      files.pair(clientPaths(name), await authority.issue({ commonName: name, roles })),
    ),
  );
  const config: ClusterConfig = {
    version: 1,
    cluster,
    f: plan.f,
    address: plan.address ?? entries[0]?.url ?? '',
    authorities: [AUTHORITY_PATHS.certificate],
    replicas: entries.map((entry) => (options.https === true ? { ...entry, tls: 'own' } : entry)),
    ...securityOf(entries, options),
  };
  const text = `${JSON.stringify(config, null, 2)}\n`;
  parseCluster(text);
  files.publish(CLUSTER_FILE, text);
  return resultOf(resolve(dir), config, plan);
}

function securityOf(replicas: readonly ReplicaEntry[], { destinations }: InitOptions): Pick<ClusterConfig, 'security'> {
  const development = replicas.every(({ peer }) => isLoopback(peer.host));
  if (!development && destinations === undefined) return {};
  return {
    security: {
      ...(development ? { development } : {}),
      ...(destinations === undefined ? {} : { destinations: { allow: destinations } }),
    },
  };
}

const isLoopback = (host: string): boolean =>
  host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));

/** What the certificate of a replica says. */
export const replicaRequest = (id: number, host: string): CertificateRequest => ({
  commonName: `replica-${id}`,
  roles: ['replica'],
  hosts: [...new Set(['localhost', host])],
});

interface Plan {
  readonly f: number;
  readonly ids: readonly number[];
  readonly placement: Placement;
  readonly address: string | undefined;
  readonly clients: readonly ClientRequest[];
}

function makePlan(options: InitOptions): Plan {
  const { hosts, n = hosts?.length ?? 4, f = Math.floor((n - 1) / 3), address, clients = [] } = options;
  if (!Number.isInteger(n) || n < 4 || n > MAX_REPLICAS) usage(`the number of replicas must be 4..${MAX_REPLICAS}`);
  if (!Number.isInteger(f) || f < 1 || n < 3 * f + 1)
    usage(`${n} replicas tolerate 1..${Math.floor((n - 1) / 3)} faulty ones, not ${f}`);
  if (address !== undefined && !isBaseUrl(address)) usage(`the address "${address}" ${BASE_URL_RULE}`);
  const byName = new Map<string, ClientRequest>();
  for (const client of [...CLIENT_ROLES.map((role) => ({ name: role, roles: [role] })), ...clients]) {
    checkClient(client);
    byName.set(client.name, client);
  }
  const ids = Array.from({ length: n }, (_, index) => index + 1);
  return { f, ids, placement: makePlacement(n, options), address, clients: [...byName.values()] };
}

function checkClient({ name, roles }: ClientRequest): void {
  if (!CLIENT_NAME.test(name)) usage(`"${name}" is not fit for the name of a client`);
  const unknown = roles.find((role) => !CLIENT_ROLES.some((known) => known === role));
  if (roles.length === 0 || unknown !== undefined) usage(`the roles of client ${name} must be of ${CLIENT_ROLES.join(', ')}`);
}

function usage(detail: string): never {
  throw new ConcordatError('Usage', detail);
}

function plannedPaths({ ids, clients }: Plan): string[] {
  return [
    CLUSTER_FILE,
    ...Object.values(AUTHORITY_PATHS),
    ...ids.flatMap((id) => Object.values(replicaPaths(id))),
    ...clients.flatMap(({ name }) => Object.values(clientPaths(name))),
  ];
}

function resultOf(dir: string, config: ClusterConfig, plan: Plan): InitResult {
  const pair = (paths: { readonly certificate: string; readonly privateKey: string }) => ({
    certificate: join(dir, paths.certificate),
    privateKey: join(dir, paths.privateKey),
  });
  return {
    dir,
    configPath: join(dir, CLUSTER_FILE),
    config,
    authority: pair(AUTHORITY_PATHS),
    replicas: config.replicas.map(({ id, url, peer }) => ({
      id,
      url,
      peer,
      ...pair(replicaPaths(id)),
      voteKey: join(dir, replicaPaths(id).voteKey),
    })),
    clients: plan.clients.map(({ name, roles }) => ({ name, roles, ...pair(clientPaths(name)) })),
  };
}
