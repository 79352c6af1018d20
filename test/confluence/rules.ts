import { ALL_RULES } from '../../src/wsba/index.js';
import type { Rules } from '../../src/wsba/index.js';

/** The rules by the names of the command line. */
const RULES = {
  hold: { hold: ALL_RULES.hold },
  set: { explicitSet: ALL_RULES.explicitSet },
  late: { lateRegistration: ALL_RULES.lateRegistration },
} as const satisfies Record<string, Rules>;
export type RuleName = keyof typeof RULES;
export const RULE_NAMES: readonly RuleName[] = ['hold', 'set', 'late'];

/** The composition of `createMachine` with these rules' functions left out. */
export const rulesWithout = (left: readonly RuleName[]): Rules =>
  RULE_NAMES.filter((name) => !left.includes(name)).reduce<Rules>((rules, name) => ({ ...rules, ...RULES[name] }), {});
