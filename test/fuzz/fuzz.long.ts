import { expect, test } from '@jest/globals';
import { fuzz } from './fuzz.js';
import { makePool } from './pool.js';

test('in a minute of changed messages none is accepted that means what nobody signed', async () => {
  const pool = await makePool();
  const end = performance.now() + 60_000;
  // Another one each day, and known from the report.
  const seed = (Math.floor(Date.now() / 86_400_000) * 10_000_000) % 2 ** 32;
  const { violation, accepted, messages, byCode } = fuzz(pool, { seed, goesOn: () => performance.now() < end });
  console.log(`fuzz: seed ${seed}, ${messages} messages, ${accepted} accepted as what was signed`, Object.fromEntries(byCode));
  expect(violation).toBeUndefined();
  expect(accepted).toBeGreaterThan(100);
}, 120_000);
