import { resolve } from 'node:path';
import {
  acceptedFingerprints,
  certificateFingerprint,
  CLUSTER_FILE,
  fileVersion,
  type KeyPair,
  loadCluster,
  type LoadedCluster,
  loadReplicaKeys,
  loadTlsKeys,
  parseCertificate,
  type ReplicaKeys,
  replicaPaths,
  revocationLists,
  type SecuritySettings,
} from '../config/index.js';
import { ConcordatError } from '../errors.js';
import type { Logger } from '../log.js';
import { REAL_PORTS, type ReplicaPorts } from '../replica/index.js';
import {
  HttpTransport,
  type MessageSigner,
  type MessageVerifier,
  Signer,
  startEdge,
  TrustStore,
  Verifier,
  type VerifyPolicy,
} from '../soap/index.js';
import { AlgorithmPolicy, DestinationPolicy, guarded, ROLES_BY_OU } from '../soap/policy.js';
import { Renewable, RenewableLinks, RenewableTransport } from './renewable.js';

/** What of its directory a replica is made with. */
interface Loaded {
  readonly cluster: LoadedCluster;
  readonly keys: ReplicaKeys;
  readonly signer: MessageSigner;
  readonly tls: KeyPair | undefined;
  readonly security: SecuritySettings;
  readonly destinations: DestinationPolicy;
  readonly algorithms: AlgorithmPolicy;
}

/** @throws ConcordatError ConfigMissing, ConfigInvalid, KeyMismatch, Usage */
function load(dir: string, id: number): Loaded {
  const cluster = loadCluster(dir);
  const keys = loadReplicaKeys(cluster, id);
  const security = cluster.config.security ?? {};
  // Says now what is wrong with an authority, not when a verifier is made of it.
  void new TrustStore(cluster.authorityPems);
  const { development = false, destinations } = security;
  return {
    cluster,
    keys,
    signer: new Signer(keys),
    tls: loadTlsKeys(cluster, id, keys),
    security,
    destinations: new DestinationPolicy({
      ...(destinations?.allow === undefined ? {} : { allow: destinations.allow }),
      development,
    }),
    algorithms: new AlgorithmPolicy(security.algorithms),
  };
}

/**
 * A replica's directory, as the ports of the replica that runs from it. Keys, certificates, authorities and `security` can be
 * changed while it runs: `reload` reads the directory again, and what the replica holds of it changes underneath.
 */
export class Deployment {
  readonly ports: Partial<ReplicaPorts>;
  #loaded: Loaded;
  #version: string;
  /** What follows a reload. */
  readonly #renewals: (() => Promise<void> | void)[] = [];
  #reloading: Promise<void> = Promise.resolve();

  /** @throws ConcordatError ConfigMissing, ConfigInvalid, KeyMismatch, Usage */
  constructor(
    private readonly dir: string,
    private readonly id: number,
    private readonly log: Logger,
  ) {
    this.#version = this.#versionNow();
    this.#loaded = load(dir, id);
    this.ports = {
      startEdge: (options) => this.#startEdge(options),
      startPeerLinks: (options) => this.#startPeerLinks(options),
      transport: (timeoutMs) => this.#transport(timeoutMs),
      security: {
        ...REAL_PORTS.security,
        signer: () => this.#signer(),
        verifier: (_authorities, policy) => this.#verifier(policy),
      },
    };
    const { development = false, destinations } = this.#loaded.security;
    if (!development && destinations?.allow === undefined) {
      log.warn(
        {},
        'security.destinations.allow is not set: whoever has a key can make this replica send to any host that is not special',
      );
    }
  }

  get cluster(): LoadedCluster {
    return this.#loaded.cluster;
  }

  get keys(): ReplicaKeys {
    return this.#loaded.keys;
  }

  /** Reads the directory again if something in it has changed. Never rejects for what is in the files: then all stays as it was. */
  refresh(): Promise<void> {
    return this.#version === this.#versionNow() ? this.#reloading : this.reload();
  }

  /** Reads the directory again. @throws what keeps a replica from going on: its peer port cannot be opened again */
  reload(): Promise<void> {
    this.#reloading = this.#reloading.then(() => this.#reload());
    return this.#reloading;
  }

  async #reload(): Promise<void> {
    this.#version = this.#versionNow();
    let next: Loaded;
    try {
      next = load(this.dir, this.id);
    } catch (error) {
      if (!(error instanceof ConcordatError)) throw error;
      this.log.error({ code: error.code, detail: error.detail }, 'the changed configuration is not taken over');
      return;
    }
    const fixed = changedAtStartOnly(this.#loaded.cluster, next.cluster);
    if (fixed.length > 0)
      this.log.warn({ fields: fixed }, 'some changes of the configuration take effect at the next start only');
    this.#loaded = next;
    for (const renew of this.#renewals) await renew();
    this.log.info({ certificate: fingerprintOf(next.keys) }, 'the configuration was read again');
  }

  #versionNow(): string {
    const { privateKey, pkcs12 } = replicaPaths(this.id);
    return [CLUSTER_FILE, privateKey, pkcs12].map((path) => fileVersion(resolve(this.dir, path))).join('\n');
  }

  #signer(): MessageSigner {
    return { sign: (message, now) => this.#loaded.signer.sign(message, now) };
  }

  #verifier(policy: VerifyPolicy): MessageVerifier {
    const verifier = new Renewable<MessageVerifier>(() => this.#makeVerifier(policy));
    this.#renewals.push(() => verifier.renew());
    return { verify: (raw, now, trace) => verifier.current.verify(raw, now, trace) };
  }

  #makeVerifier(policy: VerifyPolicy): Verifier {
    const { cluster, security, algorithms } = this.#loaded;
    const { limits } = cluster;
    const trust = new TrustStore(cluster.authorityPems, {
      roles: security.roles ?? ROLES_BY_OU,
      revocation: {
        files: revocationLists(cluster),
        whenUnknown: security.revocation?.whenUnknown ?? 'refuse',
        complain: (list, reason) =>
          this.log.error({ code: 'RevocationUnknown', list, reason }, 'a revocation list cannot be relied upon'),
      },
    });
    const xml = {
      maxDepth: limits.maxXmlDepth,
      maxNodes: limits.maxXmlNodes,
      maxAttributes: limits.maxXmlAttributes,
      maxNamespaces: limits.maxXmlNamespaces,
    };
    return new Verifier(trust, { ...policy, limits: { ...policy.limits, ...xml }, algorithms });
  }

  #transport(timeoutMs: number): ReturnType<ReplicaPorts['transport']> {
    const transport = new RenewableTransport(() => {
      const { cluster, security, destinations } = this.#loaded;
      const { systemRoots = true } = security.destinations ?? {};
      return new HttpTransport({ timeoutMs, authorities: cluster.authorityPems, systemRoots, destinations });
    });
    this.#renewals.push(() => transport.renew());
    return transport;
  }

  async #startEdge(options: Parameters<ReplicaPorts['startEdge']>[0]): ReturnType<ReplicaPorts['startEdge']> {
    const { tls } = this.#loaded;
    const edge = await startEdge(guarded({ ...options, ...(tls === undefined ? {} : { tls }) }, () => this.#loaded.destinations));
    this.#renewals.push(() => {
      try {
        if (this.#loaded.tls !== undefined) edge.renew(this.#loaded.tls);
      } catch (error) {
        this.log.error({ err: error }, 'the certificate for HTTPS is not taken over');
      }
    });
    return edge;
  }

  async #startPeerLinks(options: Parameters<ReplicaPorts['startPeerLinks']>[0]): ReturnType<ReplicaPorts['startPeerLinks']> {
    const links = await RenewableLinks.start(() => {
      const { keys, cluster } = this.#loaded;
      // Where the peers are is as at the start; who they are may change.
      const peers = options.peers.map((peer) => {
        const now = cluster.replicas.find(({ id }) => id === peer.id);
        if (now === undefined) return peer;
        const [fingerprint = '', ...otherFingerprints] = acceptedFingerprints(now);
        return { ...peer, fingerprint, otherFingerprints };
      });
      return { ...options, credentials: keys, authorities: cluster.authorityPems, peers };
    });
    this.#renewals.push(() => links.renew());
    return links;
  }
}

/** What a running replica cannot change: names of fields of cluster.json. */
function changedAtStartOnly(before: LoadedCluster, after: LoadedCluster): string[] {
  const fixed = ({ config, limits }: LoadedCluster): Readonly<Record<string, unknown>> => ({
    cluster: config.cluster,
    f: config.f,
    address: config.address,
    limits,
    replicas: config.replicas.map(({ certificate: _c, otherCertificates: _o, tls, ...rest }) => ({
      ...rest,
      tls: tls !== undefined,
    })),
  });
  const [was, is] = [fixed(before), fixed(after)];
  return Object.keys(was).filter((name) => JSON.stringify(was[name]) !== JSON.stringify(is[name]));
}

const fingerprintOf = ({ certificatePem }: KeyPair): string =>
  certificateFingerprint(parseCertificate(certificatePem, 'the certificate'));
