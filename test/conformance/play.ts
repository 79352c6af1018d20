import type { CoordinatorMessage, ParticipantMessage, Protocol, State } from '../../src/wsba/index.js';
import { until } from '../support/cluster.js';
import { answerTo, type Order, ORDERED } from './routes.js';
import { type Actor, Scene, type View } from './scene.js';
import { PATIENCE_MS, type Stage } from './stage.js';
import { type CoordinatorTable, releases } from './tables.js';

/** Scenes played at once: enough to keep the replicas busy, few enough that none waits for a quorum too long. */
const AT_ONCE = 4;

/** What happened to a participant that sent one message in one state. */
export interface Heard {
  readonly answer: string;
  readonly first: View;
  /** After the decision that releases the message, if it was held. */
  readonly released: View | undefined;
  /** After the acknowledgements were let through. */
  readonly last: View;
}

export interface StatePlayed {
  /** Before any message: what the state looks like from outside. */
  readonly status: string;
  /** What became of a Status of the participant's own. */
  readonly toldStatus: string;
  readonly reported: string;
  readonly before: View;
  readonly heard: ReadonlyMap<ParticipantMessage, Heard>;
}

/** Every message that a participant can send, each by a participant of its own in that state. */
export async function playState(stage: Stage, table: CoordinatorTable, protocol: Protocol, state: State): Promise<StatePlayed> {
  const scene = await Scene.open(stage, protocol, table.inbound.length);
  await scene.enter(protocol, state);
  const by = new Map(table.inbound.map((message, index) => [message, actorAt(scene, index)]));
  const entered = await scene.look();
  const toldStatus = await scene.tellStatus(actorAt(scene, 0));
  const reported = await scene.reported();

  const answers = await Promise.all([...by].map(async ([message, actor]) => [message, await scene.say(actor, message)] as const));
  const answered = new Map(answers);
  const first = await scene.look();

  const held = [...by].flatMap(([message, actor]) => {
    const [command] = releases(protocol, state, message);
    const order = command === undefined ? undefined : ORDERED[command];
    return order === undefined ? [] : [{ actor, order }];
  });
  for (const { actor, order } of held) await scene.order(order, [actor]);
  const released = held.length === 0 ? undefined : await scene.look();

  for (const { key } of scene.actors) stage.letThrough(key);
  await settled(scene);
  const last = await scene.look();
  const heard = [...by].map(([message, actor]): [ParticipantMessage, Heard] => [
    message,
    {
      answer: answered.get(message) ?? 'nothing',
      first: viewOf(first.views, actor),
      released: held.some((one) => one.actor === actor) ? released?.views.get(actor) : undefined,
      last: viewOf(last.views, actor),
    },
  ]);
  return {
    status: entered.status,
    toldStatus,
    reported,
    before: viewOf(entered.views, actorAt(scene, 0)),
    heard: new Map(heard),
  };
}

/** What followed from an order of the initiator. */
export interface Ordered {
  readonly answer: string;
  readonly view: View;
}

/** Every order that would make the coordinator send something, each for a participant of its own in that state. */
export async function playOrders(
  stage: Stage,
  table: CoordinatorTable,
  protocol: Protocol,
  state: State,
): Promise<ReadonlyMap<CoordinatorMessage, Ordered>> {
  const messages = table.outbound.filter((message) => ORDERED[message] !== undefined);
  const waits = (message: CoordinatorMessage): boolean => answerTo(state, orderOf(message)) === 'NotEnabled';
  const played = new Map<CoordinatorMessage, Ordered>();
  const play = async (together: readonly CoordinatorMessage[]): Promise<void> => {
    const scene = await Scene.open(stage, protocol, together.length);
    await scene.enter(protocol, state);
    await scene.passOver();
    const answers: string[] = [];
    for (const [index, message] of together.entries()) answers.push(await scene.order(orderOf(message), [actorAt(scene, index)]));
    const { views } = await scene.look();
    for (const [index, message] of together.entries())
      played.set(message, { answer: answers[index] ?? '', view: viewOf(views, actorAt(scene, index)) });
    for (const { key } of scene.actors) stage.letThrough(key);
    await settled(scene);
    await scene.passOver();
  };
  // An order that waits keeps its number, and all later ones behind it: it needs an activity of its own.
  const alone = messages.filter(waits).map((message) => [message]);
  await Promise.all([messages.filter((message) => !waits(message)), ...alone].map(play));
  return played;
}

/** Plays all of `scenes`, a few at once; the promise of a scene that fails rejects where it is looked at. */
export function playAll<Key, Result>(
  keys: readonly Key[],
  play: (key: Key) => Promise<Result>,
): { readonly scenes: ReadonlyMap<Key, Promise<Result>>; readonly over: Promise<unknown> } {
  const queues: Promise<unknown>[] = Array.from({ length: AT_ONCE }, () => Promise.resolve());
  const scenes = new Map<Key, Promise<Result>>();
  for (const [index, key] of keys.entries()) {
    const place = index % AT_ONCE;
    const result = Promise.resolve(queues[place]).then(() => play(key));
    queues[place] = result.catch(() => undefined);
    scenes.set(key, result);
  }
  return { scenes, over: Promise.all(queues) };
}

/** Nothing is held back any more. */
async function settled(scene: Scene): Promise<void> {
  const keys = scene.actors.map(({ key }) => key);
  await until(() => keys.every((key) => scene.stage.heldBack(key).length === 0), 'the acknowledgements to be sent', PATIENCE_MS);
}

function orderOf(message: CoordinatorMessage): Order {
  const order = ORDERED[message];
  if (order === undefined) throw new TypeError(`${message} is not ordered by the initiator`);
  return order;
}

function actorAt(scene: Scene, index: number): Actor {
  const actor = scene.actors[index];
  if (actor === undefined) throw new RangeError(`no participant ${index}`);
  return actor;
}

function viewOf(views: ReadonlyMap<Actor, View>, actor: Actor): View {
  const view = views.get(actor);
  if (view === undefined) throw new RangeError(`participant ${actor.id} was not looked at`);
  return view;
}
