export { ClientStore } from './client.js';
export type { ClientItem } from './client.js';
export type {
  CertificateRecord,
  CommandDoneRecord,
  CursorRecord,
  DeliveryRecord,
  EvidenceRecord,
  LoggedDelivery,
  RequestRecord,
  StoreRecord,
  VoteKind,
  VoteRecord,
} from './records.js';
export { ReplicaStore } from './replica.js';
export type { ReplicaStoreOptions } from './replica.js';
