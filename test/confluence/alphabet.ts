/** What the confluence check is made of, as data: the requests of two participants and of an initiator. */

import { OUTCOMES, PARTICIPANT_MESSAGES, PROTOCOLS } from '../../src/wsba/index.js';
import type { ControlRequest, Outcome, ParticipantMessage, Protocol, Request } from '../../src/wsba/index.js';

/** The participants; `Q` sorts after `P`. */
export const P = 'P';
export const Q = 'Q';
export const PARTICIPANTS = [P, Q] as const;

/** The sets of participants that a request may name. */
const SOMEBODY: readonly (readonly string[])[] = [[P], [Q], [P, Q]];

const close = (participants: readonly string[]): ControlRequest => ({ kind: 'close', participants });
const cancel = (participants: readonly string[]): ControlRequest => ({ kind: 'cancel', participants });
const compensate = (participants: readonly string[]): ControlRequest => ({ kind: 'compensate', participants });
const complete = (participants: readonly string[]): ControlRequest => ({ kind: 'complete', participants });
const END: ControlRequest = { kind: 'end' };

/** Every decision with every set it can name. */
const DECISIONS: Readonly<Record<Outcome, readonly ControlRequest[]>> = {
  AtomicOutcome: [{ kind: 'cancel' }, close([]), ...SOMEBODY.map(close)],
  MixedOutcome: [...SOMEBODY.map(close), ...SOMEBODY.map(cancel), ...SOMEBODY.map(compensate)],
};

/** The streams of a family. Every prefix of a stream is a stream of the family, too, the empty one included. */
export interface Alphabet {
  /** Register, then up to so many of these, in every order, repeated ones and nonsense included. */
  readonly messages: readonly ParticipantMessage[];
  readonly longest: Readonly<Record<(typeof PARTICIPANTS)[number], number>>;
  /** What may open the control stream, once. */
  readonly completes: readonly ControlRequest[];
  readonly decisions: Readonly<Record<Outcome, readonly ControlRequest[]>>;
  /** Decisions that may follow one. */
  readonly second: Readonly<Record<Outcome, readonly ControlRequest[]>>;
}

const SMALL: Alphabet = {
  messages: PARTICIPANT_MESSAGES,
  longest: { P: 1, Q: 1 },
  completes: [complete([P, Q])],
  decisions: DECISIONS,
  second: { AtomicOutcome: [], MixedOutcome: [] },
};

/** One of each kind as the second decision: it names as many as the first, fewer, more, or others. */
const FULL: Alphabet = {
  ...SMALL,
  longest: { P: 3, Q: 1 },
  second: { AtomicOutcome: [{ kind: 'cancel' }, close([P])], MixedOutcome: [close([P]), cancel([P, Q]), compensate([Q])] },
};

/** The families that `npm run confluence` knows: for a test among others, for the claim, and for those who have time. */
export const SIZES = {
  small: SMALL,
  full: FULL,
  large: { ...FULL, completes: SOMEBODY.map(complete), second: DECISIONS },
} as const;
export type Size = keyof typeof SIZES;

/** The requests that may follow a control stream: complete, decisions, END; or END and then one decision, as nonsense. */
export function continuations(
  { completes, decisions, second }: Alphabet,
  outcome: Outcome,
  stream: readonly Request[],
): readonly ControlRequest[] {
  const decided = stream.filter(({ kind }) => kind !== 'complete' && kind !== 'end').length;
  const ended = stream.some(({ kind }) => kind === 'end');
  const next = [decisions[outcome], second[outcome]][decided] ?? [];
  if (ended) return decided === 0 ? next : [];
  return [...(stream.length === 0 ? completes : []), ...next, END];
}

export type Pair = readonly [ofP: Protocol, ofQ: Protocol];

/** A part of a family: all sets whose control stream begins with `first`, or is empty. Parts share no set. */
export interface Part {
  readonly outcome: Outcome;
  readonly protocols: Pair;
  readonly first: ControlRequest | undefined;
}

/** The whole family, cut into parts. */
export function partsOf(alphabet: Alphabet): readonly Part[] {
  const pairs = PROTOCOLS.flatMap((ofP) => PROTOCOLS.map((ofQ): Pair => [ofP, ofQ]));
  return OUTCOMES.flatMap((outcome) =>
    pairs.flatMap((protocols) =>
      [undefined, ...continuations(alphabet, outcome, [])].map((first): Part => ({ outcome, protocols, first })),
    ),
  );
}
