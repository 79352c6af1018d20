import type { KeyObject, X509Certificate } from 'node:crypto';
import { join, resolve } from 'node:path';
import { ConcordatError } from '../errors.js';
import { certificateFingerprint, parseCertificate, votePublicKey } from './certificate.js';
import { CLUSTER_FILE, parseCluster, refuseDuplicates } from './cluster-file.js';
import type { ClusterConfig, HostPort, ReplicaEntry } from './cluster-file.js';
import { readText } from './files.js';
import { resolveLimits } from './limits.js';
import type { Limits } from './limits.js';
import { invalid } from './reader.js';

export * from './cluster-file.js';

export interface LoadedReplica extends ReplicaEntry {
  readonly listen: HostPort;
  readonly peerListen: HostPort;
  readonly certificatePem: string;
  /** SHA-256 of the certificate's DER, lower-case hex. */
  readonly fingerprint: string;
  /** Those of its otherCertificates. */
  readonly otherFingerprints?: readonly string[];
  /** Its current vote key, then its former ones. */
  readonly voteKeys: readonly [KeyObject, ...KeyObject[]];
}

export interface LoadedCluster {
  readonly dir: string;
  readonly config: ClusterConfig;
  readonly n: number;
  readonly f: number;
  readonly authorityPems: readonly string[];
  /** In the order of their ids, 1..n. */
  readonly replicas: readonly LoadedReplica[];
  readonly limits: Limits;
}

/**
 * Reads and checks cluster.json in `dir`, and the certificates it names.
 * @throws ConcordatError ConfigMissing without a readable cluster.json; ConfigInvalid, saying which value must be what
 */
export function loadCluster(dir: string): LoadedCluster {
  const config = parseCluster(readText(join(dir, CLUSTER_FILE), join(dir, CLUSTER_FILE), 'ConfigMissing'));
  const authorities = config.authorities.flatMap((path, index) => readBundle(dir, path, `authorities[${index}]`));
  const replicas = config.replicas.map((entry, index) => loadReplica(dir, entry, `replicas[${index}]`, authorities));
  refuseDuplicates(
    replicas.map((replica) => replica.fingerprint),
    'certificate',
  );
  refuseShared(replicas);
  return {
    dir,
    config,
    n: replicas.length,
    f: config.f,
    authorityPems: authorities.map(({ pem }) => pem),
    replicas: replicas.sort((a, b) => a.id - b.id),
    limits: resolveLimits(config.limits ?? {}, `${CLUSTER_FILE}: limits`),
  };
}

/** One certificate at two replicas would make them one. */
function refuseShared(replicas: readonly LoadedReplica[]): void {
  for (const { id, otherFingerprints = [] } of replicas) {
    const other = replicas.find(
      (replica) => replica.id !== id && acceptedFingerprints(replica).some((print) => otherFingerprints.includes(print)),
    );
    if (other !== undefined) {
      throw new ConcordatError('ConfigInvalid', `${CLUSTER_FILE}: replicas ${id} and ${other.id} share a certificate`);
    }
  }
}

/** The fingerprints of all certificates under which a replica is believed, the current one first. */
export const acceptedFingerprints = ({
  fingerprint,
  otherFingerprints = [],
}: Pick<LoadedReplica, 'fingerprint' | 'otherFingerprints'>): readonly string[] => [fingerprint, ...otherFingerprints];

interface ReadCertificate {
  readonly pem: string;
  readonly certificate: X509Certificate;
}

function readCertificate(dir: string, path: string, field: string): ReadCertificate {
  const what = `${CLUSTER_FILE}: ${field}: ${path}`;
  const pem = readText(resolve(dir, path), what, 'ConfigInvalid');
  return { pem, certificate: parseCertificate(pem, what) };
}

const PEM_CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/** A file of authorities may hold several certificates: a root and intermediates, or the old root and the new one. */
function readBundle(dir: string, path: string, field: string): ReadCertificate[] {
  const what = `${CLUSTER_FILE}: ${field}: ${path}`;
  const text = readText(resolve(dir, path), what, 'ConfigInvalid');
  return (text.match(PEM_CERTIFICATE) ?? [text]).map((pem) => ({ pem, certificate: parseCertificate(pem, what) }));
}

function loadReplica(dir: string, entry: ReplicaEntry, field: string, authorities: readonly ReadCertificate[]): LoadedReplica {
  const read = (path: string, name: string): ReadCertificate => {
    const found = readCertificate(dir, path, `${field}.${name}`);
    if (!authorities.some((authority) => issuedBy(found.certificate, authority.certificate))) {
      invalid(`${CLUSTER_FILE}: ${field}.${name}`, 'must be signed by one of the authorities');
    }
    return found;
  };
  const { pem, certificate } = read(entry.certificate, 'certificate');
  const others = (entry.otherCertificates ?? []).map((path, index) => read(path, `otherCertificates[${index}]`));
  return {
    ...entry,
    listen: entry.listen ?? bindOf(entry.url),
    peerListen: entry.peerListen ?? entry.peer,
    certificatePem: pem,
    fingerprint: certificateFingerprint(certificate),
    ...(others.length === 0 ? {} : { otherFingerprints: others.map((other) => certificateFingerprint(other.certificate)) }),
    voteKeys: [publicKey(entry.voteKey), ...(entry.formerVoteKeys ?? []).map(publicKey)],
  };
}

const publicKey = (text: string): KeyObject => votePublicKey(Buffer.from(text, 'base64'));

const issuedBy = (certificate: X509Certificate, authority: X509Certificate): boolean =>
  authority.ca && certificate.checkIssued(authority) && certificate.verify(authority.publicKey);

/** The address a URL names; a bracketed IPv6 host loses its brackets. */
function bindOf(text: string): HostPort {
  const url = new URL(text);
  const port = url.port === '' ? (url.protocol === 'https:' ? 443 : 80) : Number(url.port);
  return { host: url.hostname.replace(/^\[|\]$/g, ''), port };
}
