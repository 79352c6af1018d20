export { createAuthority, KEY_ALGORITHMS, MAX_CERTIFICATE_DAYS } from './authority.js';
export type { Authority, CertificateRequest, KeyAlgorithm } from './authority.js';
export { certificateFingerprint, parseCertificate } from './certificate.js';
export {
  acceptedFingerprints,
  CLUSTER_FILE,
  MAX_AUTHORITIES,
  MAX_FORMER_VOTE_KEYS,
  MAX_REPLICAS,
  loadCluster,
  parseCluster,
} from './cluster.js';
export type { ClusterConfig, HostPort, LoadedCluster, LoadedReplica, ReplicaEntry, TlsFiles } from './cluster.js';
export { exportPart, isExported } from './export.js';
export { readText } from './files.js';
export { CLIENT_ROLES, initCluster } from './init.js';
export type { ClientRequest, InitClient, InitOptions, InitReplica, InitResult } from './init.js';
export { issueClient } from './issue.js';
export type { IssueOptions, IssueResult, KeyOptions } from './issue.js';
export { clientPaths, loadClientKeys, loadPkcs12, loadReplicaKeys, loadTlsKeys, replicaPaths } from './keys.js';
export type { KeyPair, ReplicaKeys } from './keys.js';
export { DEFAULT_LIMITS, HOUR_MS, resolveLimits } from './limits.js';
export type { Limits } from './limits.js';
export { fileVersion, revocationLists } from './list-files.js';
export type { Owner } from './owner.js';
export { DEFAULT_BIND, DEFAULT_PEER_PORT, DEFAULT_PORT } from './placement.js';
export { PASSWORD_VARIABLE, readPassword } from './password.js';
export { rekeyReplica } from './rekey.js';
export type { RekeyResult } from './rekey.js';
export { MAX_LIST_DAYS, revokeCertificates } from './revoke.js';
export type { RevokeResult } from './revoke.js';
export { finishRotation, rotateClient, rotateReplica } from './rotate.js';
export type { RotateResult } from './rotate.js';
export type { SecuritySettings } from './security.js';
export { voteVerifier } from './votes.js';
export { MAX_WAIT_SECONDS, waitForKeys } from './wait.js';
