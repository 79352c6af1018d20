import { type KeyObject, sign } from 'node:crypto';
import type { VoteSigner, VoteVerifier } from '../bft/index.js';
import { type LoadedCluster, type ReplicaKeys, voteVerifier } from '../config/index.js';
import { type PeerLinks, type PeerLinksOptions, startPeerLinks } from '../peers/index.js';
import {
  type Edge,
  type EdgeOptions,
  HttpTransport,
  type MessageSigner,
  type MessageVerifier,
  Signer,
  startEdge,
  TrustStore,
  Verifier,
  type VerifyPolicy,
} from '../soap/index.js';
import { type Archive, ReplicaStore, type ReplicaStoreOptions } from '../store/index.js';
import { REAL_TIMERS, type Timers } from '../timers.js';
import { machine, type Machine } from '../wsba/index.js';
import type { SendToParticipant } from './commands.js';
import { type StoreFiles, storeFiles } from './store-files.js';

/**
 * Where a replica touches the world, and what it takes from others. A deployment keeps the defaults; tests and the demo put
 * adapters around them that lose, delay or lie, so that nothing of that kind is in the replica itself.
 */
export interface ReplicaPorts {
  readonly startPeerLinks: (options: PeerLinksOptions) => Promise<PeerLinks>;
  readonly startEdge: (options: EdgeOptions) => Promise<Edge>;
  /** What posts messages. @param timeoutMs of one exchange */
  readonly transport: (timeoutMs: number) => Pick<HttpTransport, 'post' | 'close'>;
  /** Wraps what sends messages to participants, and replies and faults that go to endpoints of their own. */
  readonly participants: (send: SendToParticipant) => SendToParticipant;
  /** @throws ConcordatError StoreInUse, StoreCorrupt */
  readonly openStore: (path: string, options: ReplicaStoreOptions) => ReplicaStorage;
  /** What happens to the database of a folder as files. */
  readonly storeFiles: (dataDir: string) => StoreFiles;
  readonly security: ReplicaSecurity;
  /** The state machine of the activities. */
  readonly machine: Machine;
  readonly timers: Timers;
  /** 0 ≤ r < 1, so that not everything is repeated at the same time. */
  readonly random: () => number;
  /** Milliseconds since 1970. */
  readonly clock: () => number;
  /** Milliseconds of a clock that never goes back: for intervals. */
  readonly steadyClock: () => number;
}

/** What a replica needs of its store; ReplicaStore says what each call promises. */
export type ReplicaStorage = Omit<Pick<ReplicaStore, keyof ReplicaStore>, 'archive' | 'created' | 'vote' | 'deliveriesOf'> & {
  readonly archive: Pick<Archive, keyof Archive>;
};

/** What a replica signs, and what it believes. */
export interface ReplicaSecurity {
  readonly signer: (keys: ReplicaKeys) => MessageSigner;
  /** Verifies what holders of certificates of these authorities (PEM) signed. */
  readonly verifier: (authorities: readonly string[], policy: VerifyPolicy) => MessageVerifier;
  readonly voteSigner: (key: KeyObject) => VoteSigner;
  readonly voteVerifier: (cluster: LoadedCluster) => VoteVerifier;
}

export const REAL_PORTS: ReplicaPorts = {
  startPeerLinks,
  startEdge,
  transport: (timeoutMs) => new HttpTransport({ timeoutMs }),
  participants: (send) => send,
  openStore: (path, options) => ReplicaStore.open(path, options),
  storeFiles,
  security: {
    signer: (keys) => new Signer(keys),
    verifier: (authorities, policy) => new Verifier(new TrustStore(authorities), policy),
    voteSigner: (key) => ({ sign: (data) => sign(null, data, key) }),
    voteVerifier,
  },
  machine,
  timers: REAL_TIMERS,
  random: Math.random,
  clock: Date.now,
  steadyClock: () => performance.now(),
};
