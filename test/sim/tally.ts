/** What can go wrong in a schedule; every one is drawn now and then, alone and with others. */
export const FAULTS = [
  // The network.
  'message lost',
  'message duplicated',
  'message overtaken',
  'message delayed',
  'partition',
  'partition healed',
  // Processes and their disks.
  'replica killed',
  'replica killed at a write',
  'batch lost at a kill',
  'replica restarted',
  'client killed',
  'client killed at a write',
  'client restarted',
  'database lost',
  'database unreadable',
  'database rolled back',
  'clock skewed',
  // Replicas that lie.
  'silent replica',
  'slow replica',
  'equivocating echoes',
  'forged certificates',
  'stolen certificates',
  'wrong replies',
  'wrong commands',
  'false state transfer',
  'stale state transfer',
  'requests withheld',
  'one key, two replicas',
  // Clients that lie.
  'two requests for one position',
  'another request to each replica',
  'same position, new timestamp',
  'nonsense',
  'flood',
] as const;

export type Fault = (typeof FAULTS)[number];

export type FaultCounts = { [F in Fault]?: number };

/** Counts what happened in schedules. */
export class FaultTally {
  readonly counts: FaultCounts = {};
  total = 0;

  add(fault: Fault, count = 1): void {
    this.counts[fault] = (this.counts[fault] ?? 0) + count;
    this.total += count;
  }
}
