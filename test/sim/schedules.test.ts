import { describe, expect, test } from '@jest/globals';
import { describeViolated, median } from './report.js';
import { runSchedule, type ScheduleResult } from './schedule.js';

const SEEDS_EACH = 20;

async function runRange(first: number): Promise<ScheduleResult[]> {
  const results: ScheduleResult[] = [];
  for (let seed = first; seed < first + SEEDS_EACH; seed++) results.push(await runSchedule({ seed }));
  return results;
}

describe('simulated clusters', () => {
  test.each([1, 1_001, 2_001, 3_001, 4_001, 5_001])(
    'hold to every property in schedules from seed %i',
    async (first) => {
      const results = await runRange(first);
      expect(results.flatMap(describeViolated)).toEqual([]);
      expect(median(results.map(({ faultTotal }) => faultTotal))).toBeGreaterThanOrEqual(4);
    },
    120_000,
  );

  test('run the same way from the same seed, and another way from another', async () => {
    const first = await runSchedule({ seed: 7 });
    const again = await runSchedule({ seed: 7 });
    const other = await runSchedule({ seed: 8 });
    expect(again).toEqual(first);
    expect(other.hash).not.toBe(first.hash);
  });

  test('tell what happens, without its changing anything', async () => {
    const lines: string[] = [];
    const told = await runSchedule({ seed: 7, tell: (line) => void lines.push(line) });
    expect(told.hash).toBe((await runSchedule({ seed: 7 })).hash);
    expect(lines.length).toBeGreaterThan(100);
    expect(lines.some((line) => line.includes('delivers'))).toBe(true);
  });
});
