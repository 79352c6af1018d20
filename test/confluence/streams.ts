import type { Input, Outcome, Protocol } from '../../src/wsba/index.js';
import { control, notify, register } from '../wsba/support.js';
import { continuations } from './alphabet.js';
import type { Alphabet } from './alphabet.js';

/** The streams of one activity. Every interleaving of them is a possible history of a correct replica. */
export interface StreamSet {
  readonly outcome: Outcome;
  /** The control stream, P's and Q's. */
  readonly streams: readonly [control: readonly Input[], ofP: readonly Input[], ofQ: readonly Input[]];
}

/** How many requests it has. */
export const lengthOf = ({ streams }: StreamSet): number => streams.reduce((sum, stream) => sum + stream.length, 0);

/** A stream of a family. */
export interface Prefix {
  readonly stream: readonly Input[];
  /** Index of the stream that is shorter by the last request; absent for the empty one. */
  readonly parent?: number;
}

/** All streams of a participant, each after its parent: nothing, Register, and Register with up to `longest` messages. */
export function participantPrefixes(
  id: string,
  protocol: Protocol,
  messages: Alphabet['messages'],
  longest: number,
): readonly Prefix[] {
  const prefixes: Prefix[] = [{ stream: [] }];
  // The list grows while it is read, until no stream can be made longer.
  for (const [parent, { stream }] of prefixes.entries()) {
    if (stream.length > longest) continue;
    const number = stream.length + 1;
    const next = number === 1 ? [register(id, protocol)] : messages.map((message) => notify(id, number, message));
    for (const last of next) prefixes.push({ stream: [...stream, last], parent });
  }
  return prefixes;
}

/** The inputs that may follow a control stream of the family. */
export function controlInputs(alphabet: Alphabet, outcome: Outcome, stream: readonly Input[]): readonly Input[] {
  const next = continuations(
    alphabet,
    outcome,
    stream.map(({ request }) => request),
  );
  return next.map((request) => control(stream.length + 1, request));
}
