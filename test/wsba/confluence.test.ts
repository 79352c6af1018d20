import { describe, expect, test } from '@jest/globals';
import { ALL_RULES, createMachine, machine } from '../../src/wsba/index.js';
import type { Rules } from '../../src/wsba/index.js';
import { MODEST, SMALL } from './families.js';
import { explore, setsOf } from './lattice.js';
import type { Family, Finding } from './lattice.js';

function findings(rules: Rules, family: Family): Record<Finding, number> {
  const using = createMachine(rules);
  const count = { 'one state': 0, diverges: 0, split: 0 };
  for (const set of setsOf(family)) count[explore(using, set)] += 1;
  return count;
}

const sizeOf = (family: Family): number => [...setsOf(family)].length;

describe('confluence', () => {
  test('with the three rules every interleaving of every set ends in one state, and nobody is told two outcomes', () => {
    for (const family of [MODEST, SMALL]) {
      expect(findings(ALL_RULES, family)).toEqual({ 'one state': sizeOf(family), diverges: 0, split: 0 });
    }
  });

  const { hold, explicitSet, lateRegistration } = ALL_RULES;
  test.each<[string, Rules]>([
    ['hold', { explicitSet, lateRegistration }],
    ['explicit set', { hold, lateRegistration }],
    ['late registration', { hold, explicitSet }],
  ])('without the rule %s some interleavings disagree, so the check can fail', (_rule, rules) => {
    const found = findings(rules, SMALL);
    expect(found.diverges + found.split).toBeGreaterThan(sizeOf(SMALL) / 10);
  });

  test('the machine that is exported has all three rules', () => {
    const sets = [...setsOf({ ...SMALL, second: [['Completed']] })];
    expect(sets.map((set) => explore(machine, set))).toEqual(sets.map(() => 'one state'));
  });
});
