import { describe, expect, test } from '@jest/globals';
import { Misconduct } from '../../src/peers/misconduct.js';
import { LIMITS } from './fixture.js';

const limits = { ...LIMITS, malformedMax: 3, malformedWithinMs: 1_000, banMinMs: 100, banMaxMs: 1_600 };

/** Misbehaves until it is banned; says for how long. */
function provoke(conduct: Misconduct, peer = 2): number {
  for (;;) {
    const forMs = conduct.note(peer);
    if (forMs !== undefined) return forMs;
  }
}

describe('misconduct', () => {
  test('that stays rare is counted only', () => {
    let now = 0;
    const conduct = new Misconduct(limits, () => now);
    for (; now < 100_000; now += 400) expect(conduct.note(2)).toBeUndefined();
    expect(conduct.total(2)).toBe(250);
    expect(conduct.isBanned(2)).toBe(false);
  });

  test('that goes on keeps a peer away for longer and longer, up to a bound; others are not touched', () => {
    let now = 0;
    const conduct = new Misconduct(limits, () => now);
    const bans: number[] = [];
    for (let round = 0; round < 8; round += 1) {
      const forMs = provoke(conduct);
      expect([conduct.isBanned(2), conduct.isBanned(3)]).toEqual([true, false]);
      bans.push(forMs);
      now += forMs;
      expect(conduct.isBanned(2)).toBe(false);
    }
    bans.forEach((ban, round) => {
      const full = Math.min(limits.banMaxMs, limits.banMinMs * 2 ** round);
      expect(ban).toBeGreaterThan(full / 2 - 1);
      expect(ban).toBeLessThanOrEqual(full);
    });
  });

  test('is forgiven after a long time without any', () => {
    let now = 0;
    const conduct = new Misconduct(limits, () => now);
    for (let round = 0; round < 6; round += 1) now += provoke(conduct);
    now += limits.malformedWithinMs + limits.banMaxMs + 1;
    expect(provoke(conduct)).toBeLessThanOrEqual(limits.banMinMs);
  });
});
