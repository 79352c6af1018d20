import { describe, expect, test } from '@jest/globals';
import { memoized } from '../src/memoized.js';

function counted(most: number): { readonly of: (text: string) => string; readonly calls: string[] } {
  const calls: string[] = [];
  const of = memoized(most, (text) => {
    calls.push(text);
    return text.toUpperCase();
  });
  return { of, calls };
}

describe('memoized', () => {
  test('computes what it knows once', () => {
    const { of, calls } = counted(2);
    expect([of('a'), of('a'), of('b'), of('a')]).toEqual(['A', 'A', 'B', 'A']);
    expect(calls).toEqual(['a', 'b']);
  });

  test('remembers at least so many, and not more than twice as many', () => {
    const { of, calls } = counted(2);
    for (const text of ['a', 'b', 'c', 'd', 'c', 'b', 'a']) of(text);
    expect(calls).toEqual(['a', 'b', 'c', 'd']);
    of('e');
    expect(of('a')).toBe('A');
    expect(calls).toEqual(['a', 'b', 'c', 'd', 'e', 'a']);
  });
});
