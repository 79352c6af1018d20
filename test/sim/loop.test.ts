import { expect, test } from '@jest/globals';
import { Loop } from './loop.js';

test('events happen in the order of their times, and those of one time in the order in which they were asked for', async () => {
  const loop = new Loop((error) => {
    throw error;
  });
  const seen: string[] = [];
  loop.after(20, () => seen.push('twenty'));
  loop.after(10, () => seen.push('ten'));
  loop.after(10, () => seen.push('ten again'));
  const cancel = loop.after(15, () => seen.push('never'));
  cancel();
  loop.after(5, () => void Promise.resolve().then(() => seen.push('a promise of five')));
  loop.after(5.2, () => seen.push('six'));
  await loop.runUntil(12);
  expect(seen).toEqual(['a promise of five', 'six', 'ten', 'ten again']);
  expect(loop.now).toBe(12);
  await loop.runUntil(30);
  expect(seen.at(-1)).toBe('twenty');
  expect(loop.now).toBe(30);
});

test('an event that throws is told, and the next ones happen', async () => {
  const errors: unknown[] = [];
  const loop = new Loop((error) => void errors.push(error));
  let after = false;
  loop.after(1, () => {
    throw new Error('broken');
  });
  loop.after(2, () => (after = true));
  await loop.runUntil(3);
  expect(errors).toEqual([new Error('broken')]);
  expect(after).toBe(true);
});

test('a thousand events in random order come out sorted', async () => {
  const loop = new Loop(() => undefined);
  const seen: number[] = [];
  for (let i = 0; i < 1_000; i++) {
    const at = (i * 7_919) % 1_009;
    loop.after(at, () => seen.push(at));
  }
  await loop.runUntil(2_000);
  expect(seen).toEqual([...seen].sort((a, b) => a - b));
  expect(seen).toHaveLength(1_000);
});
