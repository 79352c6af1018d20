import { describe, expect, test } from '@jest/globals';
import type { Belief } from '../../src/client/command-votes.js';
import { CommandVotes } from '../../src/client/command-votes.js';

const from = (votes: CommandVotes, replica: number, content: string): Belief =>
  votes.add(`cluster ${replica}`, 'cluster ', content, 2);

describe('votes on commands', () => {
  test('count once for every repetition that f + 1 replicas have made', () => {
    const votes = new CommandVotes(10);
    const order = [1, 1, 1, 2, 3, 2, 4, 2, 3, 4];
    expect(order.map((replica) => from(votes, replica, 'Close'))).toEqual([
      'unconfirmed',
      'unconfirmed',
      'unconfirmed',
      'anew', // 1 and 2, once each
      'known',
      'anew', // 1 and 2, twice
      'known',
      'anew', // 1 and 2, three times
      'known',
      'known',
    ]);
  });

  test('keep clusters apart', () => {
    const votes = new CommandVotes(10);
    expect(from(votes, 1, 'Close')).toBe('unconfirmed');
    expect(votes.add('other 2', 'other ', 'Close', 2)).toBe('unconfirmed');
  });

  test('are bounded for each replica, and a liar pushes out its own only', () => {
    const votes = new CommandVotes(3);
    from(votes, 1, 'Close');
    for (let i = 0; i < 100; i++) from(votes, 4, `lie ${i}`);
    expect(from(votes, 2, 'Close')).toBe('anew');
    expect(from(votes, 3, 'lie 0')).toBe('unconfirmed');
    expect(from(votes, 3, 'lie 99')).toBe('anew');
  });
});
