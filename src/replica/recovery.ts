import type { LossReason, RecoveryRecord } from '../store/index.js';

/** Times in milliseconds; the clock's since 1970. */
export interface RecoveryClock {
  readonly clock: () => number;
  readonly clockWindowMs: number;
}

/**
 * From now on this replica votes only in activities that are created later than the clock window allows it to have voted on.
 * @param before what the store says already: what it abstained from it goes on abstaining from
 */
export function recoveryRecord(reason: LossReason, time: RecoveryClock, before?: RecoveryRecord): RecoveryRecord {
  const since = time.clock();
  return { type: 'recovery', reason, since, votesFrom: Math.max(since + time.clockWindowMs, before?.votesFrom ?? 0) };
}
