import type { Effect, InputRef } from '../../src/wsba/index.js';
import { PARTICIPANTS } from './alphabet.js';

/**
 * What must be equal in every interleaving: whether and how a request was answered, and which notification was passed over.
 * Commands are left out, since they may be repeated; so is what may differ: a refusal's wording and a fault's state.
 */
export function logLine(effect: Effect): readonly string[] {
  if (effect.kind === 'reply') return [`${placeOf(effect.to)} ${effect.result.ok ? 'ok' : effect.result.code}`];
  if (effect.kind === 'fault') return [`${placeOf(effect.to)} fault InvalidState (${effect.message} of ${effect.participant})`];
  return [];
}

/** `control#2`, `P#1`: where a request stands. */
export const placeOf = ({ stream, number }: InputRef): string => `${stream.replace(/^\//, '')}#${number}`;

const CLOSE = 1;
const UNDO = 2;

/** Two bits for each participant: it was told Close; it was told Cancel or Compensate. */
export function toldBy(effects: readonly Effect[]): number {
  let told = 0;
  for (const effect of effects) {
    if (effect.kind !== 'command') continue;
    const shift = 2 * PARTICIPANTS.findIndex((id) => id === effect.participant);
    if (effect.command === 'Close') told |= CLOSE << shift;
    if (effect.command === 'Cancel' || effect.command === 'Compensate') told |= UNDO << shift;
  }
  return told;
}

/** Somebody was told both, in one interleaving or in two. */
export const isSplit = (told: number): boolean => PARTICIPANTS.some((_id, i) => ((told >> (2 * i)) & 3) === (CLOSE | UNDO));
