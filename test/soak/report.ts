import type { Result } from './soak.js';

/** The last lines of a soak. */
export function linesOf({ faults, booked, bookedDuringFault, undone, findings }: Result, seed: number): readonly string[] {
  const count = (kind: string): number => findings.filter((finding) => finding.kind === kind).length;
  const list = (counts: ReadonlyMap<string, number>): string =>
    [...counts].map(([name, number]) => `${name} ${number}`).join(', ');
  return [
    ...findings.map(({ text, activity }) => `VIOLATION (seed ${seed}, activity ${activity ?? 'none'}): ${text}`),
    `faults: ${list(faults)}`,
    `trips undone: ${list(undone) || 'none'}`,
    `${bookedDuringFault} bookings acknowledged during a fault`,
    `${booked} bookings, ${count('lost')} lost, ${count('split')} split`,
  ];
}
