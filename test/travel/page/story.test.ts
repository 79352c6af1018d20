import { describe, expect, test } from '@jest/globals';
import type { State } from '../../../src/wsba/index.js';
import { STATES } from '../../../src/wsba/index.js';
import type { TripFacts } from '../../../src/travel/page/story.js';
import { reservationStanding, tellParticipant, tellQuorum, tellTrip } from '../../../src/travel/page/story.js';
import { timelineLines } from '../../../src/travel/page/timeline.js';
import { nameOf, replicasInWords, streamInWords } from '../../../src/travel/page/words.js';
import { activity, ACTIVITY, booking, participant, PEOPLE, request, reservation } from './fixture.js';

const facts = (over: Partial<TripFacts> = {}): TripFacts => ({
  booking: booking(),
  activity: { settlement: undefined, ...activity() },
  reservations: {},
  canDecide: true,
  ...over,
});

const ended = (airline: string, hotel: string, settlement: 'close' | 'cancel') => ({
  ...activity({
    ended: true,
    participants: [
      participant('airline', { state: 'Ended', endedBy: airline }),
      participant('hotel', { state: 'Ended', endedBy: hotel }),
    ],
  }),
  settlement,
});

describe('the story of a trip', () => {
  test('booked: both confirmed, and both sold by their own books', () => {
    const reservations = { airline: reservation('confirmed'), hotel: reservation('confirmed') };
    expect(tellTrip(facts({ activity: ended('Closed', 'Closed', 'close'), reservations }))).toEqual({
      tone: 'good',
      title: 'Ada: booked',
      text: 'The airline and the hotel both confirmed. The seat (Vienna to Lisbon) and the room (Room in Lisbon) are sold to Ada.',
    });
  });

  test('the hotel is full: who refused, who decided, who gave back, in that order', () => {
    const reservations = { airline: reservation('released'), hotel: reservation('refused') };
    expect(tellTrip(facts({ activity: ended('Compensated', 'CannotComplete', 'cancel'), reservations }))).toEqual({
      tone: 'quiet',
      title: 'Ada: undone',
      text: 'The hotel says it cannot complete; the agency cancels; the airline compensated what it had done. The seat is back in stock.',
    });
  });

  test('does not say that anything is back in stock before the provider’s book does', () => {
    const { text } = tellTrip(
      facts({ activity: ended('Compensated', 'CannotComplete', 'cancel'), reservations: { airline: reservation('held') } }),
    );
    expect(text).not.toContain('back in stock');
  });

  test('without a quorum it waits, and nothing is lost', () => {
    const waiting = tellTrip(facts({ canDecide: false }));
    expect(waiting).toMatchObject({ tone: 'warn', title: 'Ada: waiting for three replicas' });
    expect(waiting.text).toContain('nothing is lost');
    expect(tellTrip(facts({ canDecide: false, activity: undefined })).text).toContain('nothing is lost');
  });

  test('what the agency believes alone is said to be the agency’s own', () => {
    const alone = facts({ activity: undefined, booking: booking({ state: 'undone', reason: 'NoQuorum' }) });
    expect(tellTrip(alone).text).toBe(
      'The agency’s own book says undone, because of: NoQuorum. Fewer than two replicas confirm that now.',
    );
    expect(tellTrip(alone).title).toBe('Ada: not confirmed now');
    expect(tellTrip({ ...alone, canDecide: false }).title).toBe('Ada: not confirmed now');
  });

  test('has words for every state of a participant and every reservation', () => {
    const words = STATES.map((state: State) => tellParticipant(participant('hotel', { state })));
    expect(words.filter((text) => text === '')).toEqual([]);
    expect(new Set(words).size).toBeGreaterThan(8);
    expect(reservationStanding(undefined, true)).toEqual({ tone: 'warn', says: 'Desk not reachable' });
    expect(reservationStanding(reservation('refused'), false)).toEqual({ tone: 'warn', says: 'None left' });
  });
});

describe('the quorum in words', () => {
  test.each([
    [[1, 2, 3, 4], 'good', 'All 4 replicas answer.'],
    [[1, 2, 4], 'warn', 'No more may be missing.'],
    [[1, 4], 'bad', 'Only replicas 1 and 4 answer. Nothing can be decided until 3 do. Nothing is lost'],
    [[2], 'bad', 'Only replica 2 answers.'],
    [[], 'bad', 'No replica answers.'],
  ])('%j answer', (ids, tone, words) => {
    const story = tellQuorum(ids, 4, 3);
    expect(story.tone).toBe(tone);
    expect(story.says).toContain(words);
  });
});

describe('the timeline in words', () => {
  const votes = (...counts: number[]) => new Map(counts.map((holders, index) => [index + 1, holders]));
  const lineOf = (over: Parameters<typeof request>[0], replicas: number[], counts: number[]) =>
    timelineLines([{ line: request(over), replicas, votes: votes(...counts) }], [1, 2, 3, 4], PEOPLE, 2)[0];

  test('says who signed, and tells votes that two replicas hold from the claim of one', () => {
    expect(lineOf({ control: true }, [1, 2, 3], [3, 2, 1, 0])).toEqual({
      kind: 'request',
      message: 'CreateCoordinationContext',
      says: 'The agency opens an activity for the trip.',
      signer: 'the agency, its number 1',
      votes: ['certain', 'certain', 'claimed', 'none'],
      votesSay: 'Certified by replicas 1 and 2, in two rounds of votes; one replica also holds a vote of replica 3.',
    });
  });

  test('marks what one replica alone says, what is held, and messages it does not know', () => {
    expect(lineOf({ waiting: true, message: 'Surprise', signer: 'CN=mallory' }, [3], [])).toMatchObject({
      says: 'Somebody else (CN=mallory) sends Surprise.',
      note: 'Delivered, and held until the decision makes it legal. So far only replica 3 says so.',
      votesSay: 'No certificate confirmed by two replicas yet.',
    });
  });

  test('shows commands as what each replica says by itself', () => {
    const command = { kind: 'command', command: 'Compensate', participant: 'id', matchcode: 'flight' } as const;
    const [line] = timelineLines([{ line: command, replicas: [1, 4], votes: new Map() }], [1, 2, 3, 4], PEOPLE, 2);
    expect(line).toMatchObject({
      says: 'The coordinator tells the airline: give back what you did.',
      votes: ['certain', 'none', 'none', 'certain'],
      votesSay: 'Replicas 1 and 4 say so; the airline obeys two that say the same.',
    });
  });

  test('is bounded', () => {
    const many = Array.from({ length: 300 }, (_, number) => ({
      line: request({ number }),
      replicas: [1, 2],
      votes: new Map<number, number>(),
    }));
    expect(timelineLines(many, [1, 2, 3, 4], PEOPLE, 2)).toHaveLength(200);
  });
});

describe('names', () => {
  test('of people, replicas and streams', () => {
    expect([nameOf('CN=hotel', PEOPLE), nameOf('CN=x', PEOPLE)]).toEqual(['the hotel', 'somebody else (CN=x)']);
    expect([replicasInWords([2]), replicasInWords([1, 2, 4])]).toEqual(['replica 2', 'replicas 1, 2 and 4']);
    expect(streamInWords(`control/${ACTIVITY}`, PEOPLE)).toBe('the creator’s stream in activity 00000000');
    expect(streamInWords(`participant/${ACTIVITY}/-/CN%3Dairline`, PEOPLE)).toBe('the airline’s stream in activity 00000000');
    expect(streamInWords('nonsense', PEOPLE)).toBe('a stream that cannot be');
  });
});
