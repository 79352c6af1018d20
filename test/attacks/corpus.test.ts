import { beforeAll, describe, expect, test } from '@jest/globals';
import { ATTACKS, FAMILIES, messageAt } from './corpus.js';
import { makeScene, verdict } from './scene.js';
import type { Scene } from './scene.js';

let scene: Scene;
beforeAll(async () => {
  scene = await makeScene();
});

for (const [family, attacks] of Object.entries(FAMILIES)) {
  describe(`refused, with the code that says why: ${family}`, () => {
    attacks.forEach((attack, i) => {
      // On one of the four kinds of message, in turn; the long test takes all of them.
      test(`${attack.name}: ${attack.code}`, () => {
        const { sample, raw } = messageAt(scene, attack, i);
        expect([sample.name, verdict(scene, raw)]).toEqual([sample.name, attack.code]);
      });
    });
  });
}

describe('the corpus', () => {
  test('has at least 400 messages, no two of them alike', () => {
    const messages = ATTACKS.map((attack, i) => messageAt(scene, attack, i).raw);
    console.log(`attack corpus: ${messages.length} messages`);
    expect(messages.length).toBeGreaterThanOrEqual(400);
    expect(new Set(messages).size).toBe(messages.length);
  });

  test('has no two attacks of one name', () => {
    expect(new Set(ATTACKS.map(({ name }) => name)).size).toBe(ATTACKS.length);
  });
});
