import { PROTOCOLS } from '../../src/wsba/index.js';
import type { Input, Machine, Protocol } from '../../src/wsba/index.js';
import { P, Q } from './alphabet.js';
import type { Alphabet, Part } from './alphabet.js';
import { isSplit } from './observe.js';
import { controlInputs, participantPrefixes } from './streams.js';
import type { Prefix, StreamSet } from './streams.js';
import { Transitions } from './transitions.js';
import type { End } from './transitions.js';

/** All that the interleavings of one stream set lead to. */
interface Point {
  readonly ends: readonly End[];
  /** Who was told what, in all of them together. */
  readonly told: number;
}

/** With the rules on a point has one end; with more than this, comparing them would take for ever. */
const MOST_ENDS = 10_000;

/** A stream, with its last request as the transitions know it. */
interface Row extends Prefix {
  readonly last: Last | undefined;
  /** Whether its sets are looked at here: who never registers has no protocol, so it does so with the first one only. */
  readonly here: boolean;
}

interface Last {
  readonly input: Input;
  readonly number: number;
}

/** What is found at the point of a set: in how many ways it ends, and whether somebody is told two outcomes. */
export interface Verdict {
  readonly endings: number;
  readonly split: boolean;
}

/** Looks at one stream set; `set` makes it. */
export type Look = (verdict: Verdict, set: () => StreamSet) => void;

/**
 * Looks at every set of a part. An interleaving of a set ends with the last request of one of its streams; what came before is an
 * interleaving of a set of the family that is shorter by this request. So the point of a set follows from those of at most
 * three others, and each is computed once.
 * @throws RangeError if there are more states or ends than it can tell apart.
 */
export function walk(machine: Machine, alphabet: Alphabet, part: Part, look: Look): void {
  new Walker(machine, alphabet, part, look).visitAll();
}

/** The points of one control stream: those of every stream of P with every stream of Q. */
type Layer = readonly Point[];

class Walker {
  private readonly transitions: Transitions;
  private readonly ofP: readonly Row[];
  private readonly ofQ: readonly Row[];

  constructor(
    machine: Machine,
    private readonly alphabet: Alphabet,
    private readonly part: Part,
    private readonly look: Look,
  ) {
    const { messages, longest } = alphabet;
    const [protocolOfP, protocolOfQ] = part.protocols;
    this.transitions = new Transitions(machine, part.outcome);
    this.ofP = this.rows(protocolOfP, participantPrefixes(P, protocolOfP, messages, longest.P));
    this.ofQ = this.rows(protocolOfQ, participantPrefixes(Q, protocolOfQ, messages, longest.Q));
  }

  visitAll(): void {
    const { outcome, first } = this.part;
    const undecided = this.layer([]);
    if (first === undefined) this.lookAt([], undecided);
    const inputs = controlInputs(this.alphabet, outcome, []).filter(({ request }) => request === first);
    for (const input of inputs) this.visit([input], undecided);
  }

  /** Looks at all sets whose control stream begins with `control`; `before` is the layer of all but its last request. */
  private visit(control: readonly Input[], before: Layer): void {
    const layer = this.layer(control, before);
    this.lookAt(control, layer);
    for (const input of controlInputs(this.alphabet, this.part.outcome, control)) this.visit([...control, input], layer);
  }

  private rows(protocol: Protocol, prefixes: readonly Prefix[]): readonly Row[] {
    const here = ({ stream }: Prefix): boolean => stream.length > 0 || protocol === PROTOCOLS[0];
    return prefixes.map((prefix) => ({ ...prefix, last: this.lastOf(prefix.stream), here: here(prefix) }));
  }

  private lastOf(stream: readonly Input[]): Last | undefined {
    const input = stream.at(-1);
    return input && { input, number: this.transitions.numberOf(input) };
  }

  private layer(control: readonly Input[], before?: Layer): Layer {
    const last = this.lastOf(control);
    const width = this.ofQ.length;
    const layer: Point[] = [];
    for (const p of this.ofP) {
      for (const [q, { parent, last: lastOfQ }] of this.ofQ.entries()) {
        const arriving = [
          { from: before?.[layer.length], by: last },
          { from: p.parent === undefined ? undefined : layer[p.parent * width + q], by: p.last },
          { from: parent === undefined ? undefined : layer[layer.length - q + parent], by: lastOfQ },
        ];
        layer.push(this.point(arriving));
      }
    }
    return layer;
  }

  /** The point that is reached from its predecessors; the start, if there is none. */
  private point(arriving: readonly { readonly from: Point | undefined; readonly by: Last | undefined }[]): Point {
    const ends: End[] = [];
    let told = 0;
    for (const { from, by } of arriving) {
      if (from === undefined || by === undefined) continue;
      told |= from.told;
      for (const before of from.ends) {
        const step = this.transitions.step(before, by.input, by.number);
        told |= step.told;
        if (!ends.includes(step.end)) ends.push(step.end);
      }
    }
    if (ends.length > MOST_ENDS) throw new RangeError(`a stream set has more than ${MOST_ENDS} different ends`);
    return { ends: ends.length === 0 ? [this.transitions.start] : ends, told };
  }

  private lookAt(control: readonly Input[], layer: Layer): void {
    const { outcome } = this.part;
    for (const [p, ofP] of this.ofP.entries()) {
      for (const [q, ofQ] of this.ofQ.entries()) {
        const point = layer[p * this.ofQ.length + q];
        if (point === undefined || !ofP.here || !ofQ.here) continue;
        const verdict = { endings: point.ends.length, split: isSplit(point.told) };
        this.look(verdict, () => ({ outcome, streams: [control, ofP.stream, ofQ.stream] }));
      }
    }
  }
}
