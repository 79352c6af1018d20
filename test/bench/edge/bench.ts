import type { Options } from '../options.js';
import { benchProcessing, paceFor } from './processing.js';
import type { ProcessingResult } from './processing.js';
import { benchServing, WARM_UP_ROUNDS } from './serving.js';
import type { ServingResult } from './serving.js';

export interface EdgeResults {
  readonly processing: readonly ProcessingResult[];
  readonly serving: ServingResult;
}

/** How the time is divided. */
const PROCESSING_SHARE = 0.6;
const SERVERS_IN_TURN = 3;
const SERVING_ROUNDS = { small: 1, full: 9 } as const;

export async function runEdgeBench({ seconds, size }: Pick<Options, 'seconds' | 'size'>): Promise<EdgeResults> {
  const processing = await benchProcessing(paceFor(seconds * PROCESSING_SHARE));
  const rounds = SERVING_ROUNDS[size];
  const roundMs = (seconds * (1 - PROCESSING_SHARE) * 1000) / SERVERS_IN_TURN / (rounds + WARM_UP_ROUNDS);
  const serving = await benchServing({ rounds, roundMs, isApart: size === 'full' });
  return { processing, serving };
}
