import { CLIENT_MUTANTS } from './client.js';
import type { Mutant } from './mutant.js';
import { PEER_MUTANTS } from './peers.js';
import { SERVICE_MUTANTS } from './service.js';
import { STORE_MUTANTS } from './store.js';

/** All broken variants; the simulator must catch every one. */
export const MUTANTS: readonly Mutant[] = [...STORE_MUTANTS, ...PEER_MUTANTS, ...SERVICE_MUTANTS, ...CLIENT_MUTANTS];

export const mutantNamed = (name: string): Mutant | undefined => MUTANTS.find((mutant) => mutant.name === name);

export type { Mutant } from './mutant.js';
