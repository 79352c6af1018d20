import { contest, CONTESTANTS, OPERATIONS } from './contestants.js';
import type { ContestantName, Operation } from './contestants.js';
import { KEY_TYPES, makeParty, REFERENCES } from './messages.js';
import type { KeyType, ReferenceCount } from './messages.js';
import { measure, median, medianRatio, WARM_UP_ROUNDS } from './rounds.js';

/** One line of the table: rates are operations per second on one core. */
export interface ProcessingResult {
  readonly keyType: KeyType;
  readonly references: ReferenceCount;
  readonly bytes: number;
  readonly operation: Operation;
  readonly rates: Readonly<Record<ContestantName, number>>;
  readonly toXmlCrypto: number;
  readonly toFloor: number;
}

/** How often each contestant has its turn, and for how long, in milliseconds. */
export interface Pace {
  readonly rounds: number;
  readonly roundMs: number;
}

/** A slow contestant needs so long for a few operations. */
const SHORTEST_ROUND_MS = 40;
const MOST_ROUNDS = 15;

/** Kinds of keys, of messages, operations and contestants. */
const TURNS_A_ROUND = 2 * 2 * 3 * 3;

/** So many rounds that all of it takes about so long. */
export const paceFor = (seconds: number): Pace => {
  const turnMs = (seconds * 1000) / TURNS_A_ROUND;
  const rounds = Math.min(MOST_ROUNDS, Math.max(2, Math.floor(turnMs / SHORTEST_ROUND_MS) - WARM_UP_ROUNDS));
  return { rounds, roundMs: Math.max(1, turnMs / (rounds + WARM_UP_ROUNDS)) };
};

export async function benchProcessing({ rounds, roundMs }: Pace): Promise<ProcessingResult[]> {
  const results: ProcessingResult[] = [];
  for (const keyType of KEY_TYPES) {
    const party = await makeParty(keyType);
    for (const references of REFERENCES) {
      const { bytes, contestants } = contest(party, references);
      for (const operation of OPERATIONS) {
        const tasks = CONTESTANTS.map((name) => contestants[name][operation]);
        const [ours = [], xmlCrypto = [], floor = []] = measure(tasks, rounds, roundMs);
        results.push({
          keyType,
          references,
          bytes,
          operation,
          rates: { ours: median(ours), 'xml-crypto': median(xmlCrypto), floor: median(floor) },
          toXmlCrypto: medianRatio(ours, xmlCrypto),
          toFloor: medianRatio(ours, floor),
        });
      }
    }
  }
  return results;
}
