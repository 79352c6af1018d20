import { randomUUID } from 'node:crypto';
import { ConcordatError } from '../errors.js';
import { LOSS_REASONS, type RecoveryRecord } from './records.js';
import type { Statements } from './statements.js';

/** What the replica's store knows about itself, by name. */
export const META = {
  /** Names our delivery log to the peers. */
  epoch: 'epoch',
  made: 'votes made',
  recovery: 'recovery',
  /** The last retirement whose streams are no longer in this database. */
  retiredUpTo: 'retired up to',
} as const;

/** The name of the delivery log; makes one for a new database. */
export function readEpoch(statements: Statements): string {
  const stored = statements.meta.get(META.epoch)?.value;
  if (stored !== undefined) return stored;
  const epoch = randomUUID();
  statements.putMeta.run(META.epoch, epoch);
  return epoch;
}

/** How many votes were ever made. @throws ConcordatError StoreCorrupt */
export function readMade(statements: Statements, path: string): number {
  const text = statements.meta.get(META.made)?.value ?? '0';
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw new ConcordatError('StoreCorrupt', `${path}: the number of votes made cannot be read`);
}

/** @throws ConcordatError StoreCorrupt */
export function readRecovery(statements: Statements, path: string): RecoveryRecord | undefined {
  const text = statements.meta.get(META.recovery)?.value;
  if (text === undefined) return undefined;
  const { reason, since, votesFrom } = parseObject(text);
  const known = LOSS_REASONS.find((candidate) => candidate === reason);
  if (known === undefined || typeof since !== 'number' || typeof votesFrom !== 'number')
    throw new ConcordatError('StoreCorrupt', `${path}: the recovery record cannot be read`);
  return { type: 'recovery', reason: known, since, votesFrom };
}

/** Whatever the text is, as an object: without fields, if it is none. */
export function parseObject(text: string): Readonly<Record<string, unknown>> {
  try {
    return Object.assign({}, JSON.parse(text)) as Record<string, unknown>;
  } catch {
    return {};
  }
}
