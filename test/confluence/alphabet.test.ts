import { describe, expect, test } from '@jest/globals';
import { OUTCOMES, machine } from '../../src/wsba/index.js';
import type { Input, Outcome } from '../../src/wsba/index.js';
import { SIZES, partsOf } from './alphabet.js';
import type { Alphabet, Size } from './alphabet.js';
import { controlInputs, participantPrefixes } from './streams.js';
import { walk } from './walk.js';

const NAMES = Object.keys(SIZES) as Size[];
const PC = 'ParticipantCompletion';

/** All control streams of a family. */
function controls(alphabet: Alphabet, outcome: Outcome, stream: readonly Input[] = []): readonly (readonly Input[])[] {
  const longer = controlInputs(alphabet, outcome, stream).map((input) => [...stream, input]);
  return [stream, ...longer.flatMap((next) => controls(alphabet, outcome, next))];
}

const texts = (streams: readonly (readonly Input[])[]): readonly string[] =>
  streams.map((stream) =>
    stream
      .map(({ request }) => `${request.kind} ${'participants' in request ? request.participants?.join('') : ''}`.trim())
      .join(', '),
  );

describe('a family', () => {
  test.each(NAMES)('%s: no control stream and no stream of a participant occurs twice', (size) => {
    const alphabet = SIZES[size];
    for (const outcome of OUTCOMES) {
      const streams = texts(controls(alphabet, outcome));
      expect(new Set(streams).size).toBe(streams.length);
    }
    const prefixes = participantPrefixes('P', PC, alphabet.messages, alphabet.longest.P).map(({ stream }) =>
      JSON.stringify(stream),
    );
    expect(new Set(prefixes).size).toBe(prefixes.length);
  });

  test('no set is looked at twice, those included in which somebody never registers', () => {
    const sets = new Set<string>();
    let looked = 0;
    const alphabet: Alphabet = { ...SIZES.small, longest: { P: 1, Q: 0 } };
    for (const part of partsOf(alphabet)) {
      walk(machine, alphabet, part, (_verdict, set) => {
        looked += 1;
        sets.add(JSON.stringify(set()));
      });
    }
    expect(sets.size).toBe(looked);
    expect(looked).toBeGreaterThan(4_000);
  });

  test('a participant sends Register and every sequence of up to three of the seven messages', () => {
    const prefixes = participantPrefixes('P', PC, SIZES.full.messages, SIZES.full.longest.P);
    expect(prefixes).toHaveLength(1 + 1 + 7 + 7 ** 2 + 7 ** 3);
    for (const { stream, parent } of prefixes.slice(1)) expect(prefixes[parent ?? NaN]?.stream).toEqual(stream.slice(0, -1));
  });

  test('the initiator of the full family takes every decision with every set, after complete, before a second one and END', () => {
    const atomic = texts(controls(SIZES.full, 'AtomicOutcome'));
    for (const decision of ['cancel', 'close', 'close P', 'close Q', 'close PQ']) {
      for (const before of ['', 'complete PQ, ']) {
        expect(atomic).toContain(`${before}${decision}`);
        expect(atomic).toContain(`${before}${decision}, end`);
        expect(atomic).toContain(`${before}end, ${decision}`);
        for (const second of ['cancel', 'close P']) expect(atomic).toContain(`${before}${decision}, ${second}, end`);
      }
    }
    const mixed = texts(controls(SIZES.full, 'MixedOutcome'));
    for (const kind of ['close', 'cancel', 'compensate']) {
      for (const set of ['P', 'Q', 'PQ']) {
        for (const second of ['close P', 'cancel PQ', 'compensate Q']) {
          expect(mixed).toContain(`complete PQ, ${kind} ${set}, ${second}, end`);
        }
      }
    }
    expect([atomic.length, mixed.length]).toEqual([74, 166]);
  });
});
