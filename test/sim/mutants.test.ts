import { describe, expect, test } from '@jest/globals';
import { type Mutant, mutantNamed, MUTANTS } from './mutants/index.js';
import { readOptions } from './options.js';
import { runSchedule, type ScheduleResult } from './schedule.js';
import { FAULTS } from './tally.js';

const ENOUGH = 60;

async function hunt(mutant: Mutant): Promise<ScheduleResult | undefined> {
  const uninstall = mutant.install?.();
  try {
    for (let seed = 1; seed <= ENOUGH; seed++) {
      const result = await runSchedule({ seed, mutant });
      if (result.violations.length > 0) return result;
    }
    return undefined;
  } finally {
    uninstall?.();
  }
}

describe('the simulator', () => {
  test.each([
    ['votes-after-lost-disk', ['one vote a position', 'no false accusation']],
    ['hold-off', ['convergence', 'termination']],
    ['command-threshold-lower', ['obedience']],
    ['digest-with-timestamp', ['no false accusation', 'termination']],
    ['sends-before-writing', ['no false accusation', 'termination', 'durability', 'no failure']],
  ])(
    'catches %s',
    async (name, properties) => {
      const mutant = mutantNamed(name);
      const caught = mutant && (await hunt(mutant));
      expect(properties).toContain(caught?.violations[0]?.property);
    },
    120_000,
  );

  test('has mutants of different names, of which each is broken in some way', () => {
    expect(new Set(MUTANTS.map(({ name }) => name)).size).toBe(MUTANTS.length);
    expect(MUTANTS.length).toBeGreaterThanOrEqual(14);
    for (const { replica, client, install, source } of MUTANTS) {
      expect([replica, client, install, source].filter((way) => way !== undefined)).toHaveLength(1);
    }
  });

  test('counts every kind of fault once', () => {
    expect(new Set(FAULTS).size).toBe(FAULTS.length);
  });
});

describe('the arguments of the simulator', () => {
  test('have defaults', () => {
    expect(readOptions([])).toMatchObject({ schedules: 1_000, seed: 1, workers: 2, mutants: false });
    expect(readOptions(['--mutant', 'hold-off'])).toMatchObject({ schedules: 20_000, mutant: 'hold-off' });
    expect(readOptions(['--replay', '12'])).toMatchObject({ replay: 12 });
    expect(readOptions(['--help'])).toBe('help');
  });

  test.each([
    ['--schedules', 'many'],
    ['--schedules', '0'],
    ['--workers', '1000'],
    ['--seed', '-1'],
    ['--else', '1'],
  ])('refuse %s %s', (option, value) => {
    expect(() => readOptions([option, value])).toThrow(option);
  });
});
