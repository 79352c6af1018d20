import { expect, test } from '@jest/globals';
import { ATTACKS, message } from './corpus.js';
import { growths, makeYardstick, MAX_GROWTH, MAX_RATIO, ratio } from './cost.js';
import { makeScene, verdict } from './scene.js';

test('every attack on every kind of message is refused, with the code that says why', async () => {
  const scene = await makeScene();
  const messages = ATTACKS.flatMap((attack) => scene.samples.map((sample) => message(attack, sample, scene)));
  const wrong = messages.flatMap(({ attack, sample, raw }) => {
    const said = verdict(scene, raw);
    return said === attack.code ? [] : [`${attack.name} (${sample.name}): ${said}, not ${attack.code}`];
  });
  console.log(`attack corpus: ${messages.length} messages, ${wrong.length} not refused as they should be`);
  expect(messages.length).toBeGreaterThan(4 * 400);
  expect(wrong).toEqual([]);
}, 120_000);

test(`no attack costs more than ${MAX_RATIO} times what a valid message of its size does`, async () => {
  const scene = await makeScene();
  const costly = scene.samples.flatMap((sample, s) => {
    const yardstick = makeYardstick(scene, sample, 500_000);
    const own = ATTACKS.filter((_, i) => i % scene.samples.length === s).map((attack) => message(attack, sample, scene));
    return own.map(({ attack, raw }) => ({ name: attack.name, ratio: ratio(scene, raw, yardstick) }));
  });
  expect(costly).toHaveLength(ATTACKS.length);
  expect(costly.filter((row) => row.ratio > MAX_RATIO)).toEqual([]);
}, 300_000);

test('the largest messages cost in proportion to their size, whatever they are large in', async () => {
  const scene = await makeScene();
  for (const sample of scene.samples.slice(0, 2)) {
    const grown = growths(scene, sample, 250_000, 4, makeYardstick(scene, sample, 1_000_000));
    expect(grown.filter((row) => row.growth > MAX_GROWTH || row.ratio > MAX_RATIO)).toEqual([]);
  }
}, 300_000);
