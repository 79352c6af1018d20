import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { ALL_RULES, createMachine } from '../../src/wsba/index.js';
import { outcomesHold, type PropertyOptions } from './property.js';

const RUNS = 250;
const SEED = 4;
const TIMEOUT_MS = 120_000;

const { hold, explicitSet, lateRegistration } = ALL_RULES;

/** Systems with one thing wrong each, and what is seen of it. */
const MUTANTS: readonly { readonly what: string; readonly options: PropertyOptions; readonly seen: RegExp }[] = [
  {
    what: 'a machine that holds no message',
    options: { machine: createMachine({ explicitSet, lateRegistration }) },
    seen: /^Violation: (replicas . and . differ|.* InvalidState to .*, which is honest|.* is honest and still)/,
  },
  {
    what: 'a machine whose decisions meet whoever is ready',
    options: { machine: createMachine({ hold, lateRegistration }) },
    seen: /^Violation: (replicas . and . differ|.* was told .*Close|.* named by a close|.* never registered)/,
  },
  {
    what: 'a machine that refuses late registrations and leaves alone whom a close does not name',
    options: { machine: createMachine({ hold, explicitSet }) },
    seen: /^Violation: (replicas . and . differ|.* is honest and still)/,
  },
  {
    what: 'participants that obey a single replica',
    options: { need: 1 },
    seen: /^Violation: .* obeyed .*, which no correct replica has said/,
  },
];

describe('the check notices', () => {
  test.each(MUTANTS)(
    '$what',
    ({ options, seen }) => {
      const found = fc.check(outcomesHold(options), { numRuns: RUNS, seed: SEED, endOnFailure: true });
      expect(String(found.errorInstance)).toMatch(seen);
    },
    TIMEOUT_MS,
  );
});
