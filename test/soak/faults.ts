import type { Random } from '../support/random.js';
import type { Town } from './town.js';

export const FAULT_KINDS = [
  'killed',
  'frozen',
  'restarted',
  'cut off',
  'truncated',
  'scribbled on',
  'older copy',
  'deleted',
] as const;
export type FaultKind = (typeof FAULT_KINDS)[number];

export interface Fault {
  /** After it a copy of the replica's database is there that a later fault can put back. */
  readonly keepsCopy: boolean;
  /** The replica has lost votes, and has to notice. */
  readonly losesVotes: boolean;
  /** @returns undoes it, as far as an operator would: what follows is the replica's own work */
  strike(town: Town, replica: number, random: Random): Promise<() => Promise<void>>;
}

/** Ends a replica, does something to its files, and starts it again later. */
const whileDown = (
  end: 'killReplica' | 'stopReplica',
  work: (files: ReturnType<Town['filesOf']>, random: Random) => void,
): Fault['strike'] => {
  return async (town, replica, random) => {
    await town[end](replica);
    work(town.filesOf(replica), random);
    return () => town.startReplica(replica);
  };
};

export const FAULTS: Readonly<Record<FaultKind, Fault>> = {
  killed: { keepsCopy: true, losesVotes: false, strike: whileDown('killReplica', (files) => files.keepCopy()) },
  frozen: {
    keepsCopy: true,
    losesVotes: false,
    strike: (town, replica) => {
      const wake = town.freezeReplica(replica);
      town.filesOf(replica).keepCopy();
      return Promise.resolve(wake);
    },
  },
  restarted: { keepsCopy: true, losesVotes: false, strike: whileDown('stopReplica', (files) => files.keepCopy()) },
  'cut off': {
    keepsCopy: false,
    losesVotes: false,
    strike: async (town, replica) => {
      await town.wires.cutOff(replica);
      return () => town.wires.mend(replica);
    },
  },
  truncated: {
    keepsCopy: false,
    losesVotes: true,
    strike: whileDown('killReplica', (files, random) => files.truncate(random)),
  },
  'scribbled on': {
    keepsCopy: false,
    losesVotes: true,
    strike: whileDown('killReplica', (files, random) => files.scribble(random)),
  },
  'older copy': { keepsCopy: false, losesVotes: true, strike: whileDown('killReplica', (files) => files.putCopyBack()) },
  deleted: { keepsCopy: false, losesVotes: true, strike: whileDown('killReplica', (files) => files.delete()) },
};
