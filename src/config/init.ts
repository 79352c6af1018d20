import { generateKeyPairSync, randomBytes } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { ConcordatError } from '../errors.js';
import { createAuthority } from './authority.js';
import { votePublicKeyText } from './certificate.js';
import { CLUSTER_FILE, MAX_REPLICAS, parseCluster } from './cluster.js';
import type { ClusterConfig, HostPort, ReplicaEntry } from './cluster.js';
import { systemCode } from './files.js';
import { CLIENT_NAME, clientPaths, replicaPaths } from './keys.js';
import type { KeyPair } from './keys.js';
import { freePorts } from './ports.js';

/** What a client certificate may say its holder is. Replicas are made by init alone. */
export const CLIENT_ROLES = ['initiator', 'participant', 'operator'] as const;

export interface InitOptions {
  /** Replicas; 4 by default. */
  readonly n?: number;
  /** Faulty replicas tolerated; by default the most that n allows. */
  readonly f?: number;
  /** Where the replicas serve; 127.0.0.1 by default. */
  readonly host?: string;
  /** SOAP takes n ports from here, the peer links the next n. Without it, ports that are free now are taken. */
  readonly basePort?: number;
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

const AUTHORITY_PATHS = { certificate: 'ca.pem', privateKey: 'ca.key' };
const SECRET_MODE = 0o600;
const PUBLIC_MODE = 0o644;

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
  const { n, host } = plan;
  const ports = options.basePort === undefined ? await freePorts(2 * n, host) : portsFrom(options.basePort, 2 * n);
  const cluster = randomBytes(16).toString('hex');
  const authority = await createAuthority(`Concordat ${cluster}`, Date.now());
  const files = new CreatedFiles(dir);
  files.pair(AUTHORITY_PATHS, authority);

  const hosts = [...new Set(['localhost', host])];
  const entries = await Promise.all(
    plan.ids.map(async (id): Promise<ReplicaEntry> => {
      files.pair(replicaPaths(id), await authority.issue({ commonName: `replica-${id}`, roles: ['replica'], hosts }));
      return {
        id,
        url: `http://${host.includes(':') ? `[${host}]` : host}:${ports[id - 1]}`,
        peer: { host, port: ports[n + id - 1] ?? 0 },
        certificate: replicaPaths(id).certificate,
        voteKey: files.voteKey(replicaPaths(id).voteKey),
      };
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
    address: entries[0]?.url ?? '',
    authorities: [AUTHORITY_PATHS.certificate],
    replicas: entries,
  };
  const text = `${JSON.stringify(config, null, 2)}\n`;
  parseCluster(text);
  files.write(CLUSTER_FILE, text, PUBLIC_MODE);
  return resultOf(resolve(dir), config, plan);
}

interface Plan {
  readonly n: number;
  readonly f: number;
  readonly ids: readonly number[];
  readonly host: string;
  readonly clients: readonly ClientRequest[];
}

function makePlan({ n = 4, f = Math.floor((n - 1) / 3), host = '127.0.0.1', clients = [] }: InitOptions): Plan {
  if (!Number.isInteger(n) || n < 4 || n > MAX_REPLICAS) usage(`the number of replicas must be 4..${MAX_REPLICAS}`);
  if (!Number.isInteger(f) || f < 1 || n < 3 * f + 1)
    usage(`${n} replicas tolerate 1..${Math.floor((n - 1) / 3)} faulty ones, not ${f}`);
  const byName = new Map<string, ClientRequest>();
  for (const client of [...CLIENT_ROLES.map((role) => ({ name: role, roles: [role] })), ...clients]) {
    checkClient(client);
    byName.set(client.name, client);
  }
  return { n, f, ids: Array.from({ length: n }, (_, index) => index + 1), host, clients: [...byName.values()] };
}

function checkClient({ name, roles }: ClientRequest): void {
  if (!CLIENT_NAME.test(name)) usage(`"${name}" is not fit for the name of a client`);
  const unknown = roles.find((role) => !CLIENT_ROLES.some((known) => known === role));
  if (roles.length === 0 || unknown !== undefined) usage(`the roles of client ${name} must be of ${CLIENT_ROLES.join(', ')}`);
}

function portsFrom(basePort: number, count: number): number[] {
  if (!Number.isInteger(basePort) || basePort < 1 || basePort + count - 1 > 65_535) {
    usage(`the base port must leave room for ${count} ports in 1..65535`);
  }
  return Array.from({ length: count }, (_, index) => basePort + index);
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

/** Writes files that must not exist yet, keys readable by their owner only. */
class CreatedFiles {
  constructor(private readonly dir: string) {}

  write(path: string, text: string, mode: number): void {
    const full = join(this.dir, path);
    try {
      mkdirSync(dirname(full), { recursive: true });
      writeFileSync(full, text, { mode, flag: 'wx' });
    } catch (error) {
      throw new ConcordatError('ConfigInvalid', `cannot write ${full} (${systemCode(error)})`, { cause: error });
    }
  }

  pair(paths: { readonly certificate: string; readonly privateKey: string }, pair: KeyPair): void {
    this.write(paths.certificate, pair.certificatePem, PUBLIC_MODE);
    this.write(paths.privateKey, pair.privateKeyPem, SECRET_MODE);
  }

  /** Makes an Ed25519 key, writes its private half and returns its public half as cluster.json has it. */
  voteKey(path: string): string {
    const { privateKey }: { privateKey: KeyObject } = generateKeyPairSync('ed25519');
    this.write(path, privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(), SECRET_MODE);
    return votePublicKeyText(privateKey);
  }
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
