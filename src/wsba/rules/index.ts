import { explicitSet } from './explicit-set.js';
import { hold } from './hold.js';
import type { HoldRule } from './hold.js';
import { lateRegistration } from './late-registration.js';
import type { SettlementRule } from './late-registration.js';
import type { SelectionRule } from './selection.js';

/** The three rules that make the order between streams immaterial. One that is left out: plain reject-or-ignore handling. */
export interface Rules {
  readonly hold?: HoldRule;
  readonly explicitSet?: SelectionRule;
  readonly lateRegistration?: SettlementRule;
}

export const ALL_RULES = { hold, explicitSet, lateRegistration } as const satisfies Rules;
