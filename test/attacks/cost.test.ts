import { beforeAll, describe, expect, test } from '@jest/globals';
import { ATTACKS, messageAt } from './corpus.js';
import { growths, makeYardstick, MAX_GROWTH, MAX_RATIO, ratio } from './cost.js';
import type { Yardstick } from './cost.js';
import { heapInUse } from './measure.js';
import { makeScene, verdict } from './scene.js';
import type { AttackMessage, Sample, Scene } from './scene.js';

let scene: Scene;
let messages: readonly AttackMessage[];
const yardsticks = new Map<Sample, Yardstick>();

beforeAll(async () => {
  scene = await makeScene();
  messages = ATTACKS.map((attack, i) => messageAt(scene, attack, i));
  for (const sample of scene.samples) yardsticks.set(sample, makeYardstick(scene, sample, 500_000));
});

const yardstickOf = (sample: Sample): Yardstick => {
  const yardstick = yardsticks.get(sample);
  if (yardstick === undefined) throw new RangeError('no yardstick');
  return yardstick;
};

describe('an attack', () => {
  test(`costs at most ${MAX_RATIO} times what a valid message of its size does`, () => {
    // A third of them; the long test measures all.
    const ratios = messages
      .filter((_, i) => i % 3 === 0)
      .map(({ attack, sample, raw }) => ({
        name: attack.name,
        ratio: ratio(scene, raw, yardstickOf(sample)),
      }));
    expect(ratios.filter((row) => row.ratio > MAX_RATIO)).toEqual([]);
  }, 120_000);

  test('costs in proportion to its size, whatever it is large in', () => {
    const [sample] = scene.samples;
    if (sample === undefined) throw new RangeError('no samples');
    const grown = growths(scene, sample, 40_000, 4, yardstickOf(sample));
    expect(grown.filter((row) => row.growth > MAX_GROWTH || row.ratio > MAX_RATIO)).toEqual([]);
  }, 120_000);

  test('leaves nothing in memory', () => {
    const bytes = messages.reduce((sum, { raw }) => sum + raw.length, 0);
    const round = (): void => messages.forEach(({ raw }) => void verdict(scene, raw));
    round();
    const before = heapInUse();
    round();
    const grown = heapInUse() - before;
    // What the messages themselves would take if they were kept is many times that.
    const allowed = 4 * 1024 * 1024;
    expect(bytes).toBeGreaterThan(5 * allowed);
    expect(grown).toBeLessThan(allowed);
  }, 120_000);
});
