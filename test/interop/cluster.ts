import { X509Certificate } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ClusterStatus } from '../../src/cli/cluster-status.js';
import { loadCluster } from '../../src/config/index.js';
import { makeCa } from '../soap/pki.js';
import { concordat, RunningCommand } from '../support/command.js';
import { type AlteringProxy, startAlteringProxy } from './altering-proxy.js';

/** The keys of everybody: RSA-2048 as `concordat init` makes them, or EC on P-256. */
export type KeyType = 'rsa' | 'ec';

/** Four replicas, each a process, all of whose keys are of one type; and replica 1 once more behind somebody who alters its answers. */
export class InteropCluster {
  private constructor(
    readonly root: string,
    readonly dir: string,
    private readonly processes: RunningCommand,
    private readonly proxy: AlteringProxy,
  ) {}

  static async start(keyType: KeyType, clients: readonly string[]): Promise<InteropCluster> {
    const root = mkdtempSync(join(tmpdir(), 'concordat-interop-'));
    const dir = join(root, 'cluster');
    await concordat('init', dir, ...clients.flatMap((name) => ['--client', `${name}=initiator+participant`]));
    if (keyType === 'ec') await replaceKeys(dir);
    const processes = new RunningCommand('cluster', dir);
    await processes.line();
    return new InteropCluster(root, dir, processes, await startAlteringProxy(replicaUrl(dir, 1)));
  }

  /** What a client is given, in a directory of its own; the URL of replica 1 in it is that of the proxy. */
  async exportTo(client: string, name: string): Promise<string> {
    const copy = join(this.root, name);
    await concordat('export', this.dir, '--client', client, '--to', copy);
    const file = join(copy, 'cluster.json');
    const config = JSON.parse(readFileSync(file, 'utf8')) as ClusterFile;
    const replicas = config.replicas.map((one, i) => (i === 0 ? { ...one, url: this.proxy.url } : one));
    writeFileSync(file, JSON.stringify({ ...config, replicas }));
    return copy;
  }

  async status(): Promise<ClusterStatus> {
    return JSON.parse((await concordat('status', this.dir, '--json')).stdout) as ClusterStatus;
  }

  async stop(): Promise<void> {
    await this.proxy.close();
    await this.processes.stop();
    rmSync(this.root, { recursive: true, force: true });
  }
}

/** What cluster.json says, as options for a program that cannot read it. */
export function clusterOptions(dir: string): string[] {
  const { address, f, replicas } = JSON.parse(readFileSync(join(dir, 'cluster.json'), 'utf8')) as ClusterFile;
  return ['--address', address, '--f', String(f), ...replicas.flatMap(({ id, url }) => ['--replica', `${id}=${url}`])];
}

interface ClusterFile {
  readonly address: string;
  readonly f: number;
  readonly replicas: readonly { readonly id: number; readonly url: string }[];
}

const replicaUrl = (dir: string, id: number): string => loadCluster(dir).replicas.find((replica) => replica.id === id)?.url ?? '';

/** Another authority, and new keys and certificates with the same names and roles for all of the directory. */
async function replaceKeys(dir: string): Promise<void> {
  const ca = await makeCa('Elliptic authority');
  for (const file of certificatesBelow(dir)) {
    const { cn, ou } = subjectOf(readFileSync(file, 'utf8'));
    const { certificatePem, privateKeyPem } = await ca.issue({ cn, ou, keyType: 'ec' });
    writeFileSync(file, certificatePem);
    writeFileSync(file.replace(/\.pem$/, '.key'), privateKeyPem);
  }
  writeFileSync(join(dir, 'ca.pem'), ca.pem);
}

function certificatesBelow(dir: string): string[] {
  return readdirSync(dir)
    .filter((name) => name !== 'ca.pem')
    .map((name) => join(dir, name))
    .flatMap((path) => (statSync(path).isDirectory() ? certificatesBelow(path) : path.endsWith('.pem') ? [path] : []));
}

function subjectOf(pem: string): { cn: string; ou: string[] } {
  const parts = new X509Certificate(pem).subject.split('\n').map((part) => part.split('='));
  const valuesOf = (name: string): string[] =>
    parts.flatMap(([key, value]) => (key === name && value !== undefined ? [value] : []));
  return { cn: valuesOf('CN')[0] ?? '', ou: valuesOf('OU') };
}
