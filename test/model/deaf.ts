import { CodecError, DEFAULT_BROADCAST_LIMITS, type ReplicaId } from '../../src/bft/index.js';
import { decodeFrame } from '../../src/bft/frames.js';
import type { SimCluster } from '../support/simulation.js';

/**
 * An unkind network, which loses just what brings decisions to some replicas: the votes of the second round, which only control
 * streams have, and what a replica fetches to catch up. Everything else then overtakes the decisions there.
 */
export function loseDecisions<E>(cluster: SimCluster<E>, deaf: ReadonlySet<ReplicaId>): void {
  for (const node of cluster.nodes) {
    const { tamper } = node;
    node.tamper = (to, frame) => {
      const sent = tamper(to, frame);
      return deaf.has(to) ? sent.filter((one) => !bringsDecision(one, cluster.nodes.length)) : sent;
    };
  }
}

function bringsDecision(bytes: Uint8Array, n: number): boolean {
  try {
    const frame = decodeFrame(bytes, DEFAULT_BROADCAST_LIMITS, n);
    return frame.type === 'found' || (frame.type === 'votes' && frame.batch.statements.some(({ round }) => round === 'ready'));
  } catch (error) {
    if (error instanceof CodecError) return false;
    throw error;
  }
}
