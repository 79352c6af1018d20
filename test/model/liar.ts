import { createHash } from 'node:crypto';
import {
  DEFAULT_BROADCAST_LIMITS,
  type Digest,
  positionKey,
  type ReplicaId,
  type Request,
  requestDigest,
  type Statement,
  Votes,
} from '../../src/bft/index.js';
import { decodeFrame, encodeFrame } from '../../src/bft/frames.js';
import { COORDINATOR_MESSAGES, type CoordinatorMessage } from '../../src/wsba/index.js';
import type { Random } from '../support/random.js';
import type { SimCluster } from '../support/simulation.js';

/** How the liar treats a peer: as it should, not at all, or with votes for whatever else the writer signed. */
export const MANNERS = ['honest', 'silent', 'false'] as const;
export type Manner = (typeof MANNERS)[number];

/** The replica that may do anything: f = 1 of four. */
export interface LiarPlan {
  readonly replica: ReplicaId;
  /** Its manner towards replicas 1, 2, 3 and 4. */
  readonly votes: readonly Manner[];
  /** Whether it tells participants something else than what was decided. */
  readonly words: boolean;
}

export function showLiar(plan: LiarPlan | undefined): string {
  if (plan === undefined) return 'nobody lies';
  const votes = plan.votes
    .map((manner, i) => (i + 1 === plan.replica ? '' : `${manner} to ${i + 1}`))
    .filter((text) => text !== '');
  return `replica ${plan.replica} is ${votes.join(', ')}${plan.words ? ' and lies to participants' : ''}`;
}

/**
 * Makes a replica vote for different things towards different peers. Where a writer signed two requests for one position,
 * the false votes are for the other one: that is how a liar and an equivocating writer together attack agreement.
 */
export function lieInVotes<E>(cluster: SimCluster<E>, plan: LiarPlan, variants: ReadonlyMap<string, readonly Request[]>): void {
  const { options } = cluster;
  const votes = new Votes({ cluster: cluster.cluster, n: options.n ?? 4, f: options.f ?? 1, verifier: { verify: () => true } });
  const liar = cluster.node(plan.replica);
  const other = (statement: Statement): Digest => {
    const digests = (variants.get(positionKey(statement)) ?? []).map((request) => requestDigest(cluster.cluster, request));
    const invented = createHash('sha256').update(statement.digest).digest('hex') as Digest;
    return digests.find((digest) => digest !== statement.digest) ?? invented;
  };
  liar.tamper = (to, frame) => {
    const manner = plan.votes[to - 1] ?? 'honest';
    if (manner === 'silent') return [];
    if (manner === 'honest') return [frame];
    const decoded = decodeFrame(frame, DEFAULT_BROADCAST_LIMITS, cluster.nodes.length);
    if (decoded.type !== 'votes') return [frame];
    const lies = decoded.batch.statements.map((statement) => ({ ...statement, digest: other(statement) }));
    return [encodeFrame({ type: 'votes', batch: votes.sign(plan.replica, liar.signer, lies).batch, certificates: [] })];
  };
}

/** What the liar says where it should say `command`. */
export function lieToParticipant(plan: LiarPlan | undefined, random: Random, command: CoordinatorMessage): CoordinatorMessage {
  return plan?.words === true ? random.pick(COORDINATOR_MESSAGES) : command;
}
