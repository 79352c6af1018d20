import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { ParticipantState } from '../../src/client/index.js';
import { ConcordatError } from '../../src/errors.js';
import { silentLogger } from '../../src/log.js';
import type { BookedActivity, Partner } from '../../src/travel/booking-run.js';
import { BookingRun } from '../../src/travel/booking-run.js';
import { Bookings } from '../../src/travel/bookings.js';
import { trip } from '../../src/travel/catalog.js';

const ID = 'trip-1';
const CONTEXT = {
  identifier: 'urn:uuid:1',
  coordinationType: 'atomic',
  registrationService: { address: 'http://127.0.0.1:1/registration', referenceParameters: [], extensions: [] },
  extensions: [],
};

const partner = (role: 'airline' | 'hotel', matchcode: string): Partner => ({
  role,
  matchcode,
  url: `http://${role}`,
  writer: `CN=${role}`,
});
const PARTNERS = { airline: partner('airline', 'flight'), hotel: partner('hotel', 'room') };

/** A cluster and two providers, as far as a booking sees them. */
class Scene {
  readonly calls: string[] = [];
  readonly bookings = Bookings.open(':memory:', () => 1);
  readonly stopping = new AbortController();
  /** Failures to come, by the name of the call, first one first. */
  readonly failures = new Map<string, Error[]>();
  patienceMs = 60_000;
  /** Whether the hotel has a room. */
  room = true;
  #completed = false;

  constructor() {
    this.bookings.add(ID, trip('Ada'));
  }

  run(): Promise<void> {
    const options = {
      initiator: {
        createActivity: ({ name }: { name: string }) => this.#call(`create ${name}`, () => this.#activity()),
      },
      bookings: this.bookings,
      partners: PARTNERS,
      reserve: ({ role }: Partner) => this.#call(`reserve ${role}`, () => undefined),
      log: silentLogger,
      patienceMs: this.patienceMs,
      signal: this.stopping.signal,
    };
    return new BookingRun(options, ID).carry();
  }

  get state(): string {
    return this.bookings.get(ID).state;
  }

  fail(call: string, ...errors: Error[]): void {
    this.failures.set(call, errors);
  }

  #activity(): BookedActivity {
    return {
      id: 'urn:uuid:1',
      invite: (matchcode) => this.#call(`invite ${matchcode}`, () => CONTEXT),
      participants: () => this.#call('look', () => [this.#participant('flight', true), this.#participant('room', this.room)]),
      complete: () => this.#call('complete', () => void (this.#completed = true)),
      close: () => this.#call('close', () => undefined),
      cancel: () => this.#call('cancel', () => undefined),
      ended: () => this.#call('ended', () => []),
    };
  }

  #participant(matchcode: string, available: boolean): ParticipantState {
    const state = !this.#completed ? 'Active' : available ? 'Completed' : 'Ended';
    return {
      id: `urn:${matchcode}`,
      matchcode,
      writer: matchcode,
      protocol: 'CoordinatorCompletion',
      state,
      agreedState: state,
      ready: state !== 'Active',
      ...(state === 'Ended' ? { endedBy: 'CannotComplete' } : {}),
      waitsFor: [],
    };
  }

  #call<T>(name: string, work: () => T): Promise<T> {
    this.calls.push(name);
    const failure = this.failures.get(name)?.shift();
    if (failure !== undefined) return Promise.reject(failure);
    return Promise.resolve().then(work);
  }
}

let scene: Scene;
beforeEach(() => {
  scene = new Scene();
});
afterEach(() => {
  scene.bookings.close();
});

describe('a booking', () => {
  test('is closed when both have what is asked for', async () => {
    await scene.run();
    expect(scene.state).toBe('booked');
    expect(scene.calls.filter((call) => call !== 'look' && !call.startsWith('create'))).toEqual([
      'invite flight',
      'invite room',
      'reserve airline',
      'reserve hotel',
      'complete',
      'close',
      'ended',
    ]);
    expect(scene.bookings.get(ID).activity).toBe('urn:uuid:1');
  });

  test('is undone as a whole when one of the two cannot complete, and never closed', async () => {
    scene.room = false;
    await scene.run();
    expect(scene.bookings.get(ID)).toMatchObject({ state: 'undone', reason: 'room: CannotComplete' });
    expect(scene.calls).toContain('cancel');
    expect(scene.calls).not.toContain('close');
  });

  test('is undone when a provider refuses it', async () => {
    scene.fail('reserve hotel', new ConcordatError('InvalidParameters', 'no such room'));
    await scene.run();
    expect(scene.state).toBe('undone');
    expect(scene.calls).not.toContain('complete');
  });

  test('goes on after failures that pass, however the step failed', async () => {
    const pass = (): Error => new ConcordatError('NoQuorum');
    scene.fail(`create ${ID}`, pass());
    scene.fail('reserve airline', new ConcordatError('PeerUnreachable'));
    scene.fail('close', pass(), pass());
    scene.fail('ended', pass());
    await scene.run();
    expect(scene.state).toBe('booked');
    expect(scene.calls).not.toContain('cancel');
  });

  test('is undone when its patience with a provider that cannot be reached is over', async () => {
    scene.patienceMs = 0;
    scene.fail('reserve hotel', new ConcordatError('PeerUnreachable', 'the hotel'));
    await scene.run();
    expect(scene.bookings.get(ID)).toMatchObject({ state: 'undone', reason: expect.stringContaining('the hotel') as unknown });
  });

  test('knows no impatience once it is decided', async () => {
    scene.patienceMs = 0;
    scene.fail('close', new ConcordatError('NoQuorum'), new ConcordatError('NoQuorum'));
    await scene.run();
    expect(scene.state).toBe('booked');
  });

  test('stays with its decision when the decided step fails for good', async () => {
    scene.fail('close', new ConcordatError('InvalidState'));
    await scene.run();
    expect(scene.state).toBe('booked');
    expect(scene.calls).not.toContain('cancel');
  });

  test.each([
    ['completing', ['complete', 'close', 'ended'], 'booked'],
    ['closing', ['close', 'ended'], 'booked'],
    ['undoing', ['cancel', 'ended'], 'undone'],
  ] as const)('goes on from "%s" after a crash', async (from, calls, end) => {
    scene.bookings.move(ID, from, 'before the crash');
    await scene.run();
    expect(scene.calls.filter((call) => call !== 'look' && !call.startsWith('create'))).toEqual(calls);
    expect(scene.state).toBe(end);
  });

  test('that is over is left alone', async () => {
    scene.bookings.move(ID, 'booked', 'over');
    await scene.run();
    expect(scene.calls).toEqual([]);
  });

  test('stops in the middle when the agency stops, and keeps its place', async () => {
    scene.fail('close', ...Array.from({ length: 1_000 }, () => new ConcordatError('NoQuorum')));
    const run = scene.run();
    while (scene.state !== 'closing') await new Promise((resolve) => setImmediate(resolve));
    scene.stopping.abort();
    await run;
    expect(scene.state).toBe('closing');
  });
});

describe('the agency’s books', () => {
  test('take the same order again and refuse another under its id', () => {
    expect(scene.bookings.add(ID, trip('Ada')).id).toBe(ID);
    expect(() => scene.bookings.add(ID, trip('Eve'))).toThrow(ConcordatError);
    expect(scene.bookings.unfinished()).toHaveLength(1);
  });

  test('tell the story of a booking in its order', async () => {
    await scene.run();
    expect(scene.bookings.events(ID, 10).map(({ text }) => text)).toEqual([
      'Ada asks for seat VIE-LIS and room Lisboa',
      'the airline and the hotel take part',
      'the airline and the hotel have it: closing',
      'booked',
    ]);
    expect(scene.bookings.events(ID, 1).map(({ text }) => text)).toEqual(['booked']);
    expect(scene.bookings.latest(5).map(({ id }) => id)).toEqual([ID]);
  });
});
