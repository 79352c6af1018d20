import { ConcordatError } from '../errors.js';
import { VOTE_KEY_BYTES } from './certificate.js';
import { resolveLimits } from './limits.js';
import type { Limits } from './limits.js';
import { ObjectReader, invalid } from './reader.js';
import { parseSecurity } from './security.js';
import type { SecuritySettings } from './security.js';

export const CLUSTER_FILE = 'cluster.json';
/** Replicas of one cluster, at most: every vote goes to every replica. */
export const MAX_REPLICAS = 31;
/** Vote keys that one replica may have had before, at most: each is tried for a vote that is not the current one's. */
export const MAX_FORMER_VOTE_KEYS = 8;
/** Certificate authorities one cluster trusts, at most. */
export const MAX_AUTHORITIES = 16;
/** Certificates of one replica that are accepted beside its current one, at most. */
export const MAX_OTHER_CERTIFICATES = 4;

export interface HostPort {
  readonly host: string;
  readonly port: number;
}

export interface ReplicaEntry {
  /** 1..n */
  readonly id: number;
  /** SOAP base, as clients reach it: http://127.0.0.1:41001 */
  readonly url: string;
  /** Where SOAP is bound, if that differs from url. */
  readonly listen?: HostPort;
  /** Where peers and operators reach this replica. */
  readonly peer: HostPort;
  /** Where the peer port is bound, if that differs from peer. */
  readonly peerListen?: HostPort;
  /** PEM file, relative to the cluster's directory. */
  readonly certificate: string;
  /** PEM files of certificates that are accepted beside it while keys are being changed: the one before, or the next. */
  readonly otherCertificates?: readonly string[];
  /** Serves HTTPS: with the replica's own certificate, or with another. */
  readonly tls?: 'own' | TlsFiles;
  /** Ed25519 public key, base64 of its raw 32 bytes. */
  readonly voteKey: string;
  /** The public keys that it voted with before, the last one first: votes in older certificates are checked with them. */
  readonly formerVoteKeys?: readonly string[];
}

/** Certificate and key of an HTTPS endpoint, as PEM files relative to the cluster's directory. */
export interface TlsFiles {
  readonly certificate: string;
  readonly privateKey: string;
}

export interface ClusterConfig {
  readonly version: 1;
  /** Random at init; names the cluster in every digest. */
  readonly cluster: string;
  /** How many replicas may be faulty; n ≥ 3f + 1. */
  readonly f: number;
  /** The logical address of the cluster, a base URL; by default replica 1's. */
  readonly address: string;
  /** PEM files of certificate authorities, relative to the cluster's directory. */
  readonly authorities: readonly string[];
  readonly replicas: readonly ReplicaEntry[];
  readonly limits?: Partial<Limits>;
  readonly security?: SecuritySettings;
}

const CLUSTER_FIELDS = ['version', 'cluster', 'f', 'address', 'authorities', 'replicas', 'limits', 'security'];
const REPLICA_FIELDS = [
  ...['id', 'url', 'listen', 'tls', 'peer', 'peerListen'],
  ...['certificate', 'otherCertificates', 'voteKey', 'formerVoteKeys'],
];
const CLUSTER_ID = /^[A-Za-z0-9._-]{1,64}$/;
const HOST = /^[A-Za-z0-9._:-]{1,253}$/;
const RAW_ED25519 = /^[A-Za-z0-9+/]{43}=$/;

/** Checks the text of a cluster.json by itself, without the files it names. */
export function parseCluster(text: string): ClusterConfig {
  const top = ObjectReader.of(parseJson(text), CLUSTER_FILE, CLUSTER_FIELDS);
  if (top.raw('version') !== 1) invalid(top.path('version'), 'must be 1');
  const replicas = top.items('replicas', MAX_REPLICAS).map(({ value, at }) => parseReplica(value, at));
  const limits = top.has('limits') ? { limits: resolveOverrides(top) } : {};
  const config: ClusterConfig = {
    version: 1,
    cluster: top.string('cluster', CLUSTER_ID, 'must be 1 to 64 letters, digits, dots, hyphens or underscores'),
    f: top.integer('f', 1, MAX_REPLICAS),
    address: baseUrl(top, 'address'),
    authorities: top.items('authorities', MAX_AUTHORITIES).map(({ value, at }) => filePath(value, at)),
    replicas,
    ...limits,
    ...(top.has('security') ? { security: parseSecurity(top) } : {}),
  };
  checkMembership(config);
  return config;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new ConcordatError('ConfigInvalid', `${CLUSTER_FILE} is not JSON: ${reason}`, { cause: error });
  }
}

function resolveOverrides(top: ObjectReader): Partial<Limits> {
  const overrides = top.object('limits', 'any').record();
  const resolved = resolveLimits(overrides, top.path('limits'));
  return Object.fromEntries(Object.entries(resolved).filter(([name]) => Object.hasOwn(overrides, name)));
}

function parseReplica(value: unknown, at: string): ReplicaEntry {
  const reader = ObjectReader.of(value, at, REPLICA_FIELDS);
  return {
    id: reader.integer('id', 1, MAX_REPLICAS),
    url: baseUrl(reader, 'url'),
    ...(reader.has('listen') ? { listen: hostPort(reader, 'listen') } : {}),
    ...(reader.has('tls') ? { tls: parseTls(reader) } : {}),
    peer: hostPort(reader, 'peer'),
    ...(reader.has('peerListen') ? { peerListen: hostPort(reader, 'peerListen') } : {}),
    certificate: filePath(reader.raw('certificate'), reader.path('certificate')),
    ...(reader.has('otherCertificates') ? { otherCertificates: otherCertificates(reader) } : {}),
    voteKey: reader.string('voteKey', RAW_ED25519, VOTE_KEY_RULE),
    ...(reader.has('formerVoteKeys') ? { formerVoteKeys: formerVoteKeys(reader) } : {}),
  };
}

function parseTls(reader: ObjectReader): 'own' | TlsFiles {
  if (!reader.string('url').startsWith('https:')) invalid(reader.path('tls'), 'goes with an https url');
  if (reader.raw('tls') === 'own') return 'own';
  const at = reader.path('tls');
  if (typeof reader.raw('tls') === 'string') invalid(at, 'must be "own", or an object with certificate and privateKey');
  const files = reader.object('tls', ['certificate', 'privateKey']);
  return {
    certificate: filePath(files.raw('certificate'), files.path('certificate')),
    privateKey: filePath(files.raw('privateKey'), files.path('privateKey')),
  };
}

const VOTE_KEY_RULE = `must be base64 of ${VOTE_KEY_BYTES} bytes, a raw Ed25519 public key`;

const formerVoteKeys = (reader: ObjectReader): string[] =>
  reader.items('formerVoteKeys', MAX_FORMER_VOTE_KEYS).map(({ value, at }) => {
    if (typeof value !== 'string' || !RAW_ED25519.test(value)) invalid(at, VOTE_KEY_RULE);
    return value;
  });

const otherCertificates = (reader: ObjectReader): string[] =>
  reader.items('otherCertificates', MAX_OTHER_CERTIFICATES).map(({ value, at }) => filePath(value, at));

function hostPort(parent: ObjectReader, name: string): HostPort {
  const reader = parent.object(name, ['host', 'port']);
  return { host: reader.string('host', HOST, 'must be a host name or an IP address'), port: reader.integer('port', 1, 65535) };
}

function filePath(value: unknown, at: string): string {
  if (typeof value !== 'string' || value === '' || value.includes('\0')) invalid(at, 'must be the path of a PEM file');
  return value;
}

/** What a base URL must be, for messages. */
export const BASE_URL_RULE =
  'must be an http or https URL in lower case without a trailing slash, query, fragment or default port';

/** Paths are appended to a base URL as they are, so it has no trailing slash, query or fragment. */
export function isBaseUrl(text: string): boolean {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || (url.protocol !== 'http:' && url.protocol !== 'https:')) return false;
  return `${url.origin}${url.pathname === '/' ? '' : url.pathname}` === text && !text.endsWith('/');
}

function baseUrl(reader: ObjectReader, name: string): string {
  const text = reader.string(name);
  if (!isBaseUrl(text)) invalid(reader.path(name), BASE_URL_RULE);
  return text;
}

function checkMembership({ replicas, f }: ClusterConfig): void {
  const n = replicas.length;
  if (n < 3 * f + 1) {
    throw new ConcordatError('ConfigInvalid', `${CLUSTER_FILE}: f = ${f} needs at least ${3 * f + 1} replicas, there are ${n}`);
  }
  replicas.forEach(({ id }, index) => {
    if (id > n) invalid(`${CLUSTER_FILE}: replicas[${index}].id`, `must be an integer 1..${n}`);
  });
  refuseDuplicates(
    replicas.map(({ id }) => String(id)),
    'id',
  );
  refuseDuplicates(
    replicas.map(({ url }) => url),
    'url',
  );
  refuseDuplicates(
    replicas.map(({ peer }) => `${peer.host}:${peer.port}`),
    'peer',
  );
  // One key at two replicas would give one machine two votes.
  refuseDuplicates(
    replicas.map(({ voteKey }) => voteKey),
    'voteKey',
  );
  const voteKeys = replicas.flatMap(({ voteKey, formerVoteKeys = [] }) => [voteKey, ...formerVoteKeys]);
  const twice = voteKeys.find((key, index) => voteKeys.indexOf(key) < index);
  if (twice !== undefined) throw new ConcordatError('ConfigInvalid', `${CLUSTER_FILE}: the vote key ${twice} is there twice`);
}

export function refuseDuplicates(values: readonly string[], field: string): void {
  values.forEach((value, index) => {
    const first = values.indexOf(value);
    if (first < index) invalid(`${CLUSTER_FILE}: replicas[${index}].${field}`, `is the same as that of replicas[${first}]`);
  });
}
