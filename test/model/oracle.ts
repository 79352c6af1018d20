import { positionKey, type ReplicaId, requestDigest } from '../../src/bft/index.js';
import { type Activity, heldCount, isEnded, type ParticipantRecord, participants } from '../../src/wsba/index.js';
import type { Initiator, SentOrder } from './initiator.js';
import type { Participant } from './participant.js';
import type { Model } from './model.js';
import type { Stage } from './stage.js';
import { Violation, type World } from './world.js';

/**
 * What must hold after quiet, told from what clients signed, what they were told and what they were answered. It knows no
 * state tables and no rules; two states of a participant, Completed and Ended, are all it reads in a replica.
 */
export function judge(stage: Stage, model: Model): void {
  const { world } = stage;
  allAreEqual(world);
  onlyTheWritersWereHeard(stage);
  nobodyHonestIsBlamed(stage);
  for (const initiator of stage.initiators.values()) judgeActivity(world, initiator, model);
}

function must(holds: boolean, otherwise: () => string): void {
  if (!holds) throw new Violation(otherwise());
}

// --- the cluster ------------------------------------------------------------------------------------------------------

/** Totality and convergence: the same requests at all correct replicas, and the same states. */
function allAreEqual(world: World): void {
  for (const id of world.correct) {
    for (const position of world.delivered.keys()) {
      const [stream = '', number] = position.split('#');
      const there = world.cluster.node(id).broadcast.isDelivered({ stream, number: Number(number) });
      must(there, () => `replica ${id} has not delivered ${position}`);
    }
  }
  const [first = 0, ...rest] = world.correct;
  for (const id of rest) {
    const equal = world.state(id) === world.state(first);
    must(equal, () => `replicas ${first} and ${id} differ: ${outline(world, first)} and ${outline(world, id)}`);
  }
}

/** A replica's states, short enough to read; what differs may also lie deeper. */
function outline(world: World, id: ReplicaId): string {
  const show = (activity: Activity): string => {
    const waiting = activity.held.size > 0 ? `, ${activity.held.size} streams wait` : '';
    const each = participants(activity).map(
      ({ writer, state, endedBy }) => `${writer} ${state}${endedBy ? ` by ${endedBy}` : ''}`,
    );
    return `${activity.creator}: ${activity.settlement?.kind ?? 'open'} (${each.join(', ')}${waiting})`;
  };
  return `[${world.service(id).activities().map(show).sort().join('; ')}]`;
}

/** Everything delivered was signed by the writer of its stream; END by nobody. */
function onlyTheWritersWereHeard(stage: Stage): void {
  const signed = new Map<string, Set<string>>();
  const writers = [...stage.initiators.values(), ...stage.guests];
  for (const request of writers.flatMap((writer) => writer.sent)) {
    const position = positionKey(request);
    signed.set(position, (signed.get(position) ?? new Set()).add(requestDigest(stage.world.cluster.cluster, request)));
  }
  for (const [position, digest] of stage.world.delivered) {
    if (position.startsWith('create/')) continue;
    must(signed.get(position)?.has(digest) === true, () => `${position} was delivered, which its writer has not signed`);
  }
  for (const initiator of stage.initiators.values()) {
    const ended = initiator.orders.find((sent) => sent.order.kind === 'END' && isDelivered(stage.world, sent));
    must(ended === undefined, () => `an END of the initiator of ${initiator.slot} was delivered`);
  }
}

/** Evidence names the liar, or a client that signed two requests for one position. */
function nobodyHonestIsBlamed(stage: Stage): void {
  const { world } = stage;
  for (const id of world.correct) {
    for (const item of world.cluster.node(id).broadcast.evidence()) {
      if (item.kind === 'replica')
        must(item.replica === world.liar?.replica, () => `replica ${id} blames replica ${item.replica}, which is correct`);
      else must(equivocates(stage, item.stream), () => `replica ${id} blames ${item.writer} for ${item.stream}, who is honest`);
    }
  }
}

const equivocates = (stage: Stage, stream: string): boolean =>
  [...stage.initiators.values()].some((initiator) => initiator.stream === stream && !initiator.plan.honest) ||
  [...stage.guests].some((guest) => guest.stream === stream && !guest.character.honest);

// --- one activity -----------------------------------------------------------------------------------------------------

function judgeActivity(world: World, initiator: Initiator, model: Model): void {
  const accepted = initiator.orders.filter((sent) => isDelivered(world, sent) && answerTo(world, sent) === 'ok');
  if (initiator.plan.outcome === 'AtomicOutcome') decidesOnce(initiator, accepted);
  const named = new Set(accepted.flatMap(({ order }) => (order.kind === 'close' ? [...order.participants] : [])));
  for (const guest of initiator.guests) {
    if (named.has(guest.id)) isClosed(world, guest);
    else isNotClosed(world, guest);
    if (guest.character.honest) agreesWithReplicas(world, initiator, guest);
  }
  namesNobodyElse(initiator, named);
  invitationsWereObeyed(world, initiator, model);
  if (initiator.plan.honest) hasEnded(world, initiator);
}

export const isDelivered = (world: World, { request }: SentOrder): boolean =>
  world.delivered.get(positionKey(request)) === requestDigest(world.cluster.cluster, request);

/** The answer that all correct replicas give: ok, or the code of a refusal. */
export function answerTo(world: World, { request }: SentOrder): string {
  const digest = requestDigest(world.cluster.cluster, request);
  const answers = world.correct.map((id) => {
    const outcome = world.service(id).outcome(request, digest);
    return outcome === undefined ? 'no answer' : outcome.ok ? 'ok' : outcome.error.code;
  });
  const [answer = 'no answer'] = answers;
  must(
    answer !== 'no answer' && answers.every((other) => other === answer),
    () => `${positionKey(request)} was answered ${answers.join(', ')}`,
  );
  return answer;
}

/** The first decision of an atomic activity is final. */
function decidesOnce(initiator: Initiator, accepted: readonly SentOrder[]): void {
  const decisions = accepted.filter(({ order }) => order.kind === 'close' || order.kind === 'cancelAll');
  must(decisions.length <= 1, () => `${initiator.slot} accepted ${decisions.length} decisions`);
}

/** Whoever an accepted close names is closed, unless it had left before. */
function isClosed(world: World, guest: Participant): void {
  const told = world.told.get(guest.id)?.has('Close') === true;
  must(told || guest.said.has('Exit'), () => `${guest.name} was named by a close and not told`);
  if (!guest.character.honest) return;
  must(
    guest.endedBy === 'Closed' || guest.endedBy === 'Exit',
    () => `${guest.name} was named by a close and ended by ${guest.endedBy ?? 'nothing'}`,
  );
}

function isNotClosed(world: World, guest: Participant): void {
  must(world.told.get(guest.id)?.has('Close') !== true, () => `${guest.name} was told Close, and no accepted close names it`);
  must(!guest.character.honest || guest.endedBy !== 'Closed', () => `${guest.name} closed, and no accepted close names it`);
}

/** An accepted close waited for all that it names: so they all take part. */
function namesNobodyElse(initiator: Initiator, named: ReadonlySet<string>): void {
  const known = new Set(initiator.guests.map((guest) => guest.id));
  must(
    [...named].every((id) => known.has(id)),
    () => `${initiator.slot} closed somebody who never registered`,
  );
}

/** What an honest participant knows of itself is what the replicas hold of it, and it was never told that it was wrong. */
function agreesWithReplicas(world: World, initiator: Initiator, guest: Participant): void {
  const fault = world.faults.find(({ participant }) => participant === guest.id);
  must(fault === undefined, () => `replica ${fault?.replica} answered InvalidState to ${guest.name}, which is honest`);
  for (const id of world.correct) {
    const record = recordOf(world, id, initiator, guest);
    if (record === undefined || !guest.isThrough) continue;
    must(
      record.endedBy === guest.endedBy && record.completed === guest.said.has('Completed'),
      () =>
        `replica ${id} says that ${guest.name} ended by ${record.endedBy ?? 'nothing'}; it did by ${guest.endedBy ?? 'nothing'}`,
    );
  }
}

const recordOf = (world: World, id: number, initiator: Initiator, guest: Participant): ParticipantRecord | undefined =>
  world.service(id).activity(initiator.activity)?.participants.get(guest.id);

/** Nobody takes part by an invitation that an honest initiator meant for another. */
function invitationsWereObeyed(world: World, initiator: Initiator, model: Model): void {
  if (!initiator.plan.honest) return;
  const invited = model.activities.get(initiator.slot)?.invited;
  for (const guest of initiator.guests) {
    if (guest.matchcode === '') continue;
    const invitation = invited?.get(guest.matchcode);
    const registered = world.correct.some((id) => recordOf(world, id, initiator, guest) !== undefined);
    must(
      !registered || (invitation !== undefined && [undefined, guest.name].includes(invitation.guest)),
      () => `${guest.name} registered by an invitation that is not its own`,
    );
  }
}

/** With an honest initiator every honest participant ends, whatever the others do; with honest ones only, the activity. */
function hasEnded(world: World, initiator: Initiator): void {
  must(initiator.isThrough, () => `not all orders of the honest initiator of ${initiator.slot} were delivered`);
  for (const guest of initiator.guests.filter((candidate) => candidate.character.honest)) {
    must(guest.isOver, () => `${guest.name} of ${initiator.slot} is honest and still ${guest.state}`);
  }
  const allHonest = initiator.guests.every((guest) => guest.character.honest);
  for (const id of world.correct) {
    const state = world.service(id).activity(initiator.activity);
    must(state !== undefined && heldCount(state) === 0, () => `replica ${id} holds an order of ${initiator.slot}`);
    const over =
      state !== undefined &&
      (initiator.plan.outcome === 'AtomicOutcome'
        ? isEnded(state)
        : [...state.participants.values()].every((p) => p.state === 'Ended'));
    must(over || !allHonest, () => `${initiator.slot} is honest and has not ended at replica ${id}`);
  }
}
