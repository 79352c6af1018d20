import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** Processor time of this process for one run of `act`, in milliseconds: a busy machine changes it little. */
function once(act: () => void): number {
  const before = process.cpuUsage();
  act();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

/** The median of several runs, so that a collection of garbage in one of them does not count. */
export function medianCpuMs(act: () => void, runs: number): number {
  const times = Array.from({ length: runs }, () => once(act)).sort((a, b) => a - b);
  return times[Math.floor(runs / 2)] ?? 0;
}

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** Bytes of the heap that are in use after everything that can be collected is. */
export function heapInUse(): number {
  collect();
  collect();
  return process.memoryUsage().heapUsed;
}
