import type { ReplicaStatus } from '../../src/replica/index.js';
import type { ReplicaNode } from './replica-node.js';
import type { World } from './world.js';

/** Compares what correct replicas say of the activities in their memory: equal positions, equal states. */
export function compareStates({ judge, honestReplicas }: World): void {
  for (const node of honestReplicas) {
    if (!node.up) continue;
    for (const { id, positions, state } of node.replica?.status().perActivity ?? []) judge.compared(node, id, positions, state);
  }
}

interface Seen {
  readonly node: ReplicaNode;
  readonly status: ReplicaStatus;
}

const statuses = ({ honestReplicas }: World): Seen[] =>
  honestReplicas.flatMap((node) => (node.replica === undefined ? [] : [{ node, status: node.replica.status() }]));

/** Whether honest clients are through, and honest replicas are equally far. */
export function isQuiet(world: World): boolean {
  if (unfinished(world).length > 0) return false;
  const { honestReplicas } = world;
  if (honestReplicas.some((node) => !node.up)) return false;
  const delivered = new Set(honestReplicas.map(({ platter }) => platter.deliveredCount));
  if (delivered.size > 1) return false;
  const seen = statuses(world);
  return (
    new Set(seen.map(({ status }) => status.positions)).size <= 1 &&
    seen.every(({ status }) => status.commands === 0 || world.hasCrooks)
  );
}

export const unfinished = ({ clients }: World): string[] =>
  clients.filter(({ honest }) => honest).flatMap((client) => client.unfinished().map((what) => `${client.name}: ${what}`));

/** What a schedule comes to, after everything was healed and had time. */
export function judgeEnd(world: World): void {
  const { judge } = world;
  compareStates(world);
  judgeTotality(world);
  const open = unfinished(world);
  if (open.length > 0) judge.violated('termination', `not finished: ${open.join('; ')}`);
  judgeOutcomes(world);
  judgeQueues(world);
}

/** What one delivered, all delivered; and what is equally far is equal. */
function judgeTotality(world: World): void {
  const [first, ...others] = statuses(world);
  if (first === undefined) return;
  for (const { node, status } of others) {
    if (status.positions !== first.status.positions) {
      const missing = [...world.judge.positions.keys()].filter((key) => !isAt(node, key) || !isAt(first.node, key));
      world.judge.violated(
        'totality',
        `${first.node.label} has delivered ${first.status.deliveries}, ${node.label} ${status.deliveries}; not at both: ${missing.slice(0, 3).join(', ')}`,
      );
    } else if (status.state !== first.status.state) {
      world.judge.violated('convergence', `${first.node.label} and ${node.label} delivered the same and hold different states`);
    }
  }
}

function isAt({ platter }: ReplicaNode, key: string): boolean {
  const hash = key.lastIndexOf('#');
  return (platter.lastDelivered().get(key.slice(0, hash)) ?? 0) >= Number(key.slice(hash + 1));
}

/** After a cancel nobody is closed; after a close nobody that it names is undone, and nobody else is closed. */
function judgeOutcomes({ agencies, judge }: World): void {
  for (const { honest, decided } of agencies) {
    if (!honest) continue;
    for (const [activity, { outcome, kind, participants, all, inner }] of decided) {
      if (outcome === 'mixed') continue;
      for (const id of all) {
        const direction = judge.directionOf(id);
        const named = kind === 'close' && participants?.includes(id) === true;
        if (direction === 'close' && !named) judge.violated('outcome', `${id} of ${activity} was closed, which nobody decided`);
        if (direction === 'undo' && named && !inner) judge.violated('outcome', `${id} of ${activity} was closed, and undone`);
      }
    }
  }
}

/** Nothing piles up: what is left open at the end is what crooks left. */
function judgeQueues(world: World): void {
  if (world.hasCrooks) return;
  for (const { node, status } of statuses(world)) {
    if (status.open > 0 || status.pending > 0 || status.commands > 0)
      world.judge.violated(
        'bounded queues',
        `${node.label} is left with ${status.open} open positions, ${status.pending} pending requests, ${status.commands} commands`,
      );
  }
}
