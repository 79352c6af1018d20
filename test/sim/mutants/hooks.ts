import type { LoadHook } from 'node:module';
import type { SourceChange } from './mutant.js';

/** Where these hooks are, for `register`. */
export const HOOKS = import.meta.url;

let change: SourceChange | undefined;

/** Module hooks run in a thread of their own; this is told it what to change. */
export function initialize(given: SourceChange): void {
  change = given;
}

/** Gives a module with its text changed in one place. */
export const load: LoadHook = async (url, context, next) => {
  const loaded = await next(url, context);
  if (change === undefined || !url.endsWith(change.module)) return loaded;
  const source = Buffer.from(loaded.source as Uint8Array).toString('utf8');
  const parts = source.split(change.from);
  if (parts.length !== 2) throw new Error(`${change.module} has "${change.from}" not once: the mutant does not fit any more`);
  return { ...loaded, source: parts.join(change.to) };
};
