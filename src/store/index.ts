export type { Archive, ArchivedUnit, ArchiveTotals, LoggedRetirement } from './archive.js';
export { SqliteClientStore } from './client.js';
export { ClientStore } from './client-store.js';
export type { ClientItem } from './client-store.js';
export { DigestSum } from './digest-sum.js';
export { MemoryClientStore } from './memory-client.js';
export { LOSS_REASONS } from './records.js';
export type {
  CertificateRecord,
  CommandDoneRecord,
  CursorRecord,
  DeliveryRecord,
  EvidenceRecord,
  LoggedDelivery,
  LossReason,
  RecoveryRecord,
  RequestRecord,
  RetiredRecord,
  StoreRecord,
  VoteKind,
  VoteRecord,
} from './records.js';
export { ARCHIVE_FILE, ReplicaStore } from './replica.js';
export type { ReplicaStoreOptions } from './replica.js';
