import { createActivity, deliverLinked, encodeActivity, machine, openLinked } from '../../src/wsba/index.js';
import type { Activity, ControlRequest, Input, LinkedStep, Outcome, ParticipantMessage, Protocol } from '../../src/wsba/index.js';
import { control, CREATED, notify, register } from './support.js';

export const OUTER = 'urn:outer';
export const INNER = 'urn:inner';
/** The inner activity as a participant of the outer one, an ordinary participant beside it, and one of the inner activity. */
export const I = 'I';
export const Q = 'Q';
export const P = 'P';

export type World = ReadonlyMap<string, Activity>;
export type Event = { readonly open: true } | { readonly activity: string; readonly input: Input };

export const newWorld = (outcome: Outcome): World =>
  new Map([[OUTER, createActivity({ id: OUTER, outcome, creator: 'CN=Agency', created: CREATED })]]);

const inner = createActivity({
  id: INNER,
  outcome: 'AtomicOutcome',
  creator: 'CN=Sub',
  created: CREATED,
  outer: { activity: OUTER, participant: I },
});

export function happen(world: World, event: Event): { world: World; effects: LinkedStep['effects'] } {
  const find = (id: string): Activity | undefined => world.get(id);
  const { activities, effects } =
    'open' in event
      ? openLinked(machine, find, inner, { writer: 'CN=Sub', invitation: '', stream: 'create/sub' })
      : deliverLinked(machine, find, event.activity, event.input);
  return { world: new Map([...world, ...activities]), effects };
}

export const outerControl = (...requests: ControlRequest[]): Event[] =>
  requests.map((request, i) => ({ activity: OUTER, input: control(i + 1, request) }));
export const innerControl = (...requests: ControlRequest[]): Event[] =>
  requests.map((request, i) => ({ activity: INNER, input: control(i + 1, request) }));
export const participant = (
  activity: string,
  id: string,
  messages: readonly ParticipantMessage[],
  protocol: Protocol = 'ParticipantCompletion',
): Event[] => [
  { activity, input: register(id, protocol) },
  ...messages.map((message, i): Event => ({ activity, input: notify(id, i + 2, message) })),
];
export const close = (...participants: string[]): ControlRequest => ({ kind: 'close', participants });
export const cancel: ControlRequest = { kind: 'cancel' };

export const OPEN: Event = { open: true };

/** Every interleaving of the streams; equal worlds at equal positions are merged. Returns how many ends there are, and who was told both. */
function explore(outcome: Outcome, streams: readonly (readonly Event[])[]): { ends: number; split: boolean } {
  interface Node {
    readonly at: readonly number[];
    readonly world: World;
    readonly log: readonly string[];
  }
  let layer = new Map<string, Node>([['', { at: streams.map(() => 0), world: newWorld(outcome), log: [] }]]);
  const told = new Set<string>();
  for (;;) {
    const next: typeof layer = new Map();
    for (const { at, world, log } of layer.values()) {
      for (const [s, stream] of streams.entries()) {
        const event = stream[at[s] ?? 0];
        if (event === undefined || ('activity' in event && !world.has(event.activity))) continue;
        const step = happen(world, event);
        for (const { effect } of step.effects) {
          if (effect.kind === 'command')
            told.add(
              `${effect.participant} ${effect.command === 'Close' ? 'Close' : effect.command === 'Complete' ? '' : 'Undo'}`,
            );
        }
        const node: Node = {
          at: at.map((count, index) => (index === s ? count + 1 : count)),
          world: step.world,
          log: [...log, ...step.effects.flatMap(lineOf)].sort(),
        };
        next.set(JSON.stringify([node.at, [...node.world.values()].map(encodeActivity), node.log]), node);
      }
    }
    if (next.size === 0) {
      const split = [P, Q].some((id) => told.has(`${id} Close`) && told.has(`${id} Undo`));
      return { ends: layer.size, split };
    }
    layer = next;
  }
}

function lineOf({ activity, effect }: LinkedStep['effects'][number]): string[] {
  if (effect.kind === 'reply') return [JSON.stringify([activity, effect.to, effect.result.ok ? 'ok' : effect.result.code])];
  return effect.kind === 'fault' ? [JSON.stringify([activity, effect.to, effect.message])] : [];
}

const end: ControlRequest = { kind: 'end' };
const cancelOf = (...participants: string[]): ControlRequest => ({ kind: 'cancel', participants });
const outers: Readonly<Record<Outcome, readonly (readonly ControlRequest[])[]>> = {
  AtomicOutcome: [[], [close(I)], [close(I, Q)], [close(Q)], [close()], [cancel], [end], [close(I), cancel], [close(I), end]],
  MixedOutcome: [
    [close(I)],
    [cancelOf(I)],
    [{ kind: 'compensate', participants: [I] }],
    [cancelOf(I), close(I)],
    [close(I, Q), end],
    [close(Q), cancelOf(I)],
  ],
};
const inners: readonly (readonly ControlRequest[])[] = [
  [],
  [close(P)],
  [close()],
  [cancel],
  [close(P), cancel],
  [cancel, close(P)],
  [end, close(P)],
  [{ kind: 'complete', participants: [P] }],
  [{ kind: 'complete', participants: [P] }, cancel],
  [{ kind: 'complete', participants: [P] }, close(P), end],
];

/** Throws at the first set of streams whose interleavings differ. @returns how many sets there were */
export function checkInner(
  outcome: Outcome,
  messages: readonly (readonly ParticipantMessage[])[],
  protocol: Protocol = 'ParticipantCompletion',
): number {
  let sets = 0;
  for (const ofOuter of outers[outcome])
    for (const ofInner of inners)
      for (const ofP of messages) {
        const streams = [
          [OPEN],
          outerControl(...ofOuter),
          innerControl(...ofInner),
          participant(INNER, P, ofP, protocol),
          participant(OUTER, Q, ['Completed']),
        ];
        const { ends, split } = explore(outcome, streams);
        if (ends !== 1 || split) throw new Error(`${ends} ends, split ${split}: ${JSON.stringify(streams)}`);
        sets += 1;
      }
  return sets;
}
