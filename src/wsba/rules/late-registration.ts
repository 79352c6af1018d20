import type { Settlement } from '../activity.js';
import type { Decision, ParticipantId } from '../types.js';

/** What a settlement means for a participant; undefined: nothing. */
export type SettlementRule = (settlement: Settlement, participant: ParticipantId) => Decision | undefined;

/**
 * Rule 3. Whoever the settlement does not name is canceled, whether it registered before or registers later: so it does not
 * matter which of the two happened.
 */
export const lateRegistration: SettlementRule = (settlement, participant) =>
  settlement.kind === 'close' && settlement.named.includes(participant) ? 'close' : 'cancel';

/** Without rule 3: a close concerns those it names only; and registration ends with the settlement. */
export const namedOnly: SettlementRule = (settlement, participant) => {
  if (settlement.kind !== 'close') return 'cancel';
  return settlement.named.includes(participant) ? 'close' : undefined;
};
