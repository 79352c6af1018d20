import { describe, expect, test } from '@jest/globals';
import { CommandVotes } from '../../src/client/command-votes.js';

const from = (votes: CommandVotes, replica: number, content: string): boolean =>
  votes.add(`cluster ${replica}`, 'cluster ', content, 2);

describe('votes on commands', () => {
  test('count once for every repetition that f + 1 replicas have made', () => {
    const votes = new CommandVotes(10);
    const order = [1, 1, 1, 2, 3, 2, 4, 2, 3, 4];
    expect(order.map((replica) => from(votes, replica, 'Close'))).toEqual([
      false,
      false,
      false,
      true, // 1 and 2, once each
      false,
      true, // 1 and 2, twice
      false,
      true, // 1 and 2, three times
      false,
      false,
    ]);
  });

  test('keep clusters apart', () => {
    const votes = new CommandVotes(10);
    expect(from(votes, 1, 'Close')).toBe(false);
    expect(votes.add('other 2', 'other ', 'Close', 2)).toBe(false);
  });

  test('are bounded for each replica, and a liar pushes out its own only', () => {
    const votes = new CommandVotes(3);
    from(votes, 1, 'Close');
    for (let i = 0; i < 100; i++) from(votes, 4, `lie ${i}`);
    expect(from(votes, 2, 'Close')).toBe(true);
    expect(from(votes, 3, 'lie 0')).toBe(false);
    expect(from(votes, 3, 'lie 99')).toBe(true);
  });
});
