import { createHash } from 'node:crypto';
import type { BroadcastStatus, Evidence, ReplicaEvidence } from '../bft/index.js';
import type { PeerStatus } from '../peers/index.js';
import { isEnded } from '../wsba/index.js';
import type { CoordinationService } from './service.js';

/** What a replica tells its operator about itself; the answer to `{ "ask": "status" }` on the operator port. */
export interface ReplicaStatus {
  readonly replica: number;
  readonly cluster: string;
  /** Requests delivered since the database was made. */
  readonly deliveries: number;
  readonly activities: { readonly total: number; readonly open: number };
  /** Digest of how far each stream is. Two replicas with equal positions must have equal state digests. */
  readonly positions: string;
  readonly state: string;
  /** The same for each activity, so that replicas that are not equally far can be compared on what they share. */
  readonly perActivity: readonly { readonly id: string; readonly positions: string; readonly state: string }[];
  readonly perActivityOmitted: number;
  /** Positions voted for or certified, but not delivered; requests that may not be voted for yet; commands without an answer. */
  readonly open: number;
  readonly pending: number;
  readonly commands: number;
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
/** Proofs listed in a status; the store keeps more. */
const MAX_EVIDENCE = 20;

export interface StatusSources {
  readonly replica: number;
  readonly cluster: string;
  readonly deliveries: number;
  readonly service: CoordinationService;
  readonly broadcast: BroadcastStatus;
  readonly evidence: readonly Evidence[];
  readonly links: readonly PeerStatus[];
  readonly commands: number;
}

export function reportStatus(sources: StatusSources): ReplicaStatus {
  const { service, broadcast } = sources;
  const activities = service.activities();
  const prints = activities
    .map((activity) => ({ id: activity.id, ...service.fingerprint(activity) }))
    .sort((a, b) => (a.id < b.id ? -1 : 1))
    .map(({ id, positions, digest }) => ({ id, positions: hash([positions]), state: digest }));
  return {
    replica: sources.replica,
    cluster: sources.cluster,
    deliveries: sources.deliveries,
    activities: { total: activities.length, open: activities.filter((activity) => !isEnded(activity)).length },
    positions: hash(prints.flatMap((print) => [print.id, print.positions])),
    state: hash(prints.flatMap((print) => [print.id, print.state])),
    perActivity: prints.slice(0, MAX_LISTED),
    perActivityOmitted: Math.max(0, prints.length - MAX_LISTED),
    open: broadcast.open,
    pending: broadcast.pending,
    commands: sources.commands,
    peers: sources.links.map(({ peer, connected, malformed }) => ({
      replica: peer,
      connected,
      behind: broadcast.backlog.get(peer) ?? 0,
      malformed,
    })),
    evidence: sources.evidence.slice(0, MAX_EVIDENCE).map(reportEvidence),
    evidenceBeyondLimit: broadcast.evidenceBeyondLimit + Math.max(0, sources.evidence.length - MAX_EVIDENCE),
  };
}

function hash(parts: readonly string[]): string {
  const sum = createHash('sha256');
  for (const part of parts) sum.update(`${part.length}:${part}`);
  return sum.digest('hex');
}

function reportEvidence(evidence: Evidence): EvidenceReport {
  if (evidence.kind === 'replica') {
    const { stream, number } = evidence.first;
    return {
      kind: 'replica',
      who: `replica ${evidence.replica}`,
      stream,
      number,
      statements: [reportVote(evidence.first), reportVote(evidence.second)],
    };
  }
  const { writer, stream, number, first, second } = evidence;
  return { kind: 'writer', who: writer, stream, number, statements: [reportRequest(first), reportRequest(second)] };
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
