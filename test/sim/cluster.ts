import { DEFAULT_LIMITS, type Limits, type LoadedCluster, type ReplicaKeys } from '../../src/config/index.js';
import { siteOf } from './links.js';
import { voteKeyOf } from './notary.js';

/** Intervals that suit simulated time: a schedule is over when the last of them is. */
export const SIM_LIMITS: Partial<Limits> = {
  requestWaitMs: 1_000,
  commandRetryMinMs: 200,
  commandRetryMaxMs: 1_500,
  retireMinMs: 1_000,
  retireMaxMs: 5_000,
  syncEveryMs: 3_000,
  passOnAfterMs: 400,
};

/** A cluster as its members know it, without any files. */
export function makeCluster(n: number, limits: Partial<Limits>, fingerprintOf: (site: string) => string): LoadedCluster {
  const f = Math.floor((n - 1) / 3);
  const nowhere = { host: 'nowhere', port: 1 };
  const replicas = Array.from({ length: n }, (_, i) => {
    const id = i + 1;
    return {
      id,
      url: `http://${siteOf(id)}`,
      peer: nowhere,
      listen: nowhere,
      peerListen: nowhere,
      certificate: '',
      certificatePem: siteOf(id),
      voteKey: '',
      voteKeys: [voteKeyOf(id)] as const,
      fingerprint: fingerprintOf(siteOf(id)),
    };
  });
  return {
    dir: '',
    config: { version: 1, cluster: 'simulated', f, address: 'http://cluster', authorities: [], replicas },
    n,
    f,
    authorityPems: [],
    replicas,
    limits: { ...DEFAULT_LIMITS, ...SIM_LIMITS, ...limits },
  };
}

/** The keys of a replica are its name. */
export const keysOf = (id: number): ReplicaKeys => ({
  certificatePem: siteOf(id),
  privateKeyPem: '',
  voteKey: voteKeyOf(id),
});

export const credentialsOf = (name: string): { certificatePem: string; privateKeyPem: string } => ({
  certificatePem: name,
  privateKeyPem: '',
});
