import type { BroadcastStatus, Evidence, ReplicaEvidence } from '../bft/index.js';
import type { PeerStatus } from '../peers/index.js';
import { isEnded } from '../wsba/index.js';
import { type MemberSums, plus } from './prints.js';
import type { CoordinationService } from './service.js';
import type { Standing } from './standing.js';
import type { WaitingReport, WaitingRequests } from './waiting.js';

/** What a replica tells its operator about itself; the answer to `{ "ask": "status" }` on the operator port. */
export interface ReplicaStatus extends Standing {
  readonly replica: number;
  readonly cluster: string;
  /** Requests delivered since the database was made. */
  readonly deliveries: number;
  readonly activities: { readonly total: number; readonly open: number };
  /** Digest of how far each stream of each activity is. Two replicas with equal positions must have equal state digests. */
  readonly positions: string;
  readonly state: string;
  /** The same for each activity in memory, so that replicas that are not equally far can be compared on what they share. */
  readonly perActivity: readonly { readonly id: string; readonly positions: string; readonly state: string }[];
  readonly perActivityOmitted: number;
  /** Positions voted for or certified, but not delivered; requests that may not be voted for yet; commands without an answer. */
  readonly open: number;
  readonly pending: number;
  readonly commands: number;
  /** Requests that cannot take effect yet, each with what it waits for. */
  readonly waiting: readonly WaitingReport[];
  readonly waitingOmitted: number;
  readonly peers: readonly {
    readonly replica: number;
    readonly connected: boolean;
    readonly behind: number;
    readonly malformed: number;
  }[];
  readonly evidence: readonly EvidenceReport[];
  readonly evidenceBeyondLimit: number;
}

/** A proof that somebody contradicted itself: two statements, both with its signature. */
export interface EvidenceReport {
  readonly kind: 'replica' | 'writer';
  /** `replica 3`, or the writer's identity. */
  readonly who: string;
  /** When it was found out, in milliseconds since 1970. */
  readonly since?: number;
  readonly stream: string;
  readonly number: number;
  readonly statements: readonly [SignedStatement, SignedStatement];
}

export interface SignedStatement {
  /** What was said, in words. */
  readonly says: string;
  /** A replica's vote: its Merkle path and Ed25519 signature. A writer's request: the signed SOAP message. */
  readonly signed: string;
}

/** Activities listed one by one in a status. */
const MAX_LISTED = 500;
/** Waiting requests listed in a status. */
const MAX_WAITING = 100;
/** Proofs listed in a status; the store keeps more. */
const MAX_EVIDENCE = 20;

export interface StatusSources {
  readonly replica: number;
  readonly cluster: string;
  readonly deliveries: number;
  /** Activities that have left memory, and are not back. */
  readonly retired: MemberSums;
  readonly service: CoordinationService;
  readonly broadcast: BroadcastStatus;
  readonly evidence: readonly Evidence[];
  readonly links: readonly PeerStatus[];
  readonly commands: number;
  readonly waiting: WaitingRequests;
  readonly standing: Standing;
  /** When a proof was found. */
  readonly since: (evidence: Evidence) => number | undefined;
}

export function reportStatus(sources: StatusSources): ReplicaStatus {
  const { service, broadcast } = sources;
  const activities = service.activities();
  const waiting = sources.waiting.all(activities, MAX_WAITING);
  const prints = activities.map((activity) => service.fingerprint(activity)).sort((a, b) => (a.id < b.id ? -1 : 1));
  const sums = plus(sources.retired, prints);
  return {
    ...sources.standing,
    replica: sources.replica,
    cluster: sources.cluster,
    deliveries: sources.deliveries,
    activities: { total: sums.members, open: activities.filter((activity) => !isEnded(activity)).length },
    positions: sums.positions,
    state: sums.state,
    perActivity: prints.slice(0, MAX_LISTED).map(({ id, positions, digest }) => ({ id, positions, state: digest })),
    perActivityOmitted: Math.max(0, prints.length - MAX_LISTED),
    open: broadcast.open,
    pending: broadcast.pending,
    commands: sources.commands,
    waiting: waiting.listed,
    waitingOmitted: waiting.omitted,
    peers: sources.links.map(({ peer, connected, malformed }) => ({
      replica: peer,
      connected,
      behind: broadcast.backlog.get(peer) ?? 0,
      malformed,
    })),
    evidence: sources.evidence.slice(0, MAX_EVIDENCE).map((evidence) => reportEvidence(evidence, sources.since(evidence))),
    evidenceBeyondLimit: broadcast.evidenceBeyondLimit + Math.max(0, sources.evidence.length - MAX_EVIDENCE),
  };
}

function reportEvidence(evidence: Evidence, at: number | undefined): EvidenceReport {
  const since = at === undefined ? {} : { since: at };
  if (evidence.kind === 'replica') {
    const { stream, number } = evidence.first;
    return {
      kind: 'replica',
      who: `replica ${evidence.replica}`,
      ...since,
      stream,
      number,
      statements: [reportVote(evidence.first), reportVote(evidence.second)],
    };
  }
  const { writer, stream, number, first, second } = evidence;
  return { kind: 'writer', who: writer, ...since, stream, number, statements: [reportRequest(first), reportRequest(second)] };
}

const reportVote = (vote: ReplicaEvidence['first']): SignedStatement => ({
  says: `${vote.round} for ${vote.digest}`,
  signed: JSON.stringify({
    index: vote.attestation.index,
    path: vote.attestation.path.map((sibling) => sibling.toString('hex')),
    signature: vote.attestation.signature.toString('hex'),
  }),
});

const reportRequest = (message: Uint8Array): SignedStatement => ({
  says: `a request of ${message.length} bytes`,
  signed: Buffer.from(message).toString('utf8'),
});
