import { afterEach, beforeAll, afterAll, describe, expect, test } from '@jest/globals';
import { ConcordatError } from '../../../src/errors.js';
import { loadClientKeys } from '../../../src/config/index.js';
import { silentLogger } from '../../../src/log.js';
import type { Desk } from '../../../src/travel/desk.js';
import { openDesk } from '../../../src/travel/desk.js';
import { buildView } from '../../../src/travel/page/build.js';
import { readActivities, readReport, readStatus } from '../../../src/travel/page/decode.js';
import { DeskReader } from '../../../src/travel/page/desk-reader.js';
import type { DeskReading } from '../../../src/travel/page/readings.js';
import type { Ask } from '../../../src/travel/page/replica-reader.js';
import { askReplica, ReplicaReader } from '../../../src/travel/page/replica-reader.js';
import type { PageView } from '../../../src/travel/page/view.js';
import { Watch } from '../../../src/travel/page/watch.js';
import type { Place } from '../fixture.js';
import { makePlace } from '../fixture.js';
import { activity, ACTIVITY, answer, booking, PEOPLE, request, silent, status } from './fixture.js';

let place: Place;
beforeAll(async () => {
  place = await makePlace();
}, 30_000);
afterAll(() => place.remove());

const frame = () => ({ cluster: place.cluster, people: PEOPLE, controls: 'buttons' as const });
const emptyDesks: readonly DeskReading[] = [];

describe('answers of replicas', () => {
  const report = {
    ...activity(),
    replica: 1,
    timeline: [request(), { kind: 'command', command: 'Close', participant: 'p', matchcode: 'room' }],
  };

  test('are taken as they are when they are as they should be', () => {
    expect(readStatus(status(1), 'status')).toEqual(status(1));
    expect(readActivities({ activities: [activity()] }, 'activities')).toEqual([activity()]);
    expect(readReport(report, 'activity')).toEqual(report);
  });

  test.each([
    ['nothing', undefined],
    ['a list', []],
    ['a negative number', { ...status(1), deliveries: -1 }],
    ['a text that is too long', { ...status(1), state: 'x'.repeat(2_001) }],
    [
      'a list that is too long',
      { ...status(1), perActivity: Array.from({ length: 2_001 }, () => ({ id: '', positions: '', state: '' })) },
    ],
    [
      'evidence with one statement',
      {
        ...status(1),
        evidence: [{ kind: 'replica', who: 'replica 3', stream: '', number: 1, statements: [{ says: '', signed: '' }] }],
      },
    ],
  ])('%s is refused, naming the part', (_what, value) => {
    expect(() => readStatus(value, 'status')).toThrow(expect.objectContaining({ code: 'InvalidParameters' }));
  });

  test('words that do not exist are refused', () => {
    expect(() => readReport({ ...report, timeline: [{ ...report.timeline[1], command: 'Explode' }] }, 'activity')).toThrow(
      /command/,
    );
    expect(() => readActivities({ activities: [{ ...activity(), outcome: 'Whatever' }] }, 'activities')).toThrow(/outcome/);
  });
});

describe('a replica that is asked', () => {
  const asked: string[] = [];
  let deliveries = 1;
  const ask: Ask = (question) => {
    const text = JSON.stringify(question);
    asked.push(text);
    if (text.includes('"status"')) return Promise.resolve(status(1, { deliveries }));
    if (text.includes('"activities"')) return Promise.resolve({ activities: [activity()] });
    return Promise.resolve({ ...activity(), replica: 1, timeline: [request()] });
  };

  test('is asked for details only when its status has changed', async () => {
    const reader = new ReplicaReader(1, ask);
    await reader.read([ACTIVITY]);
    expect(asked.splice(0)).toHaveLength(3);
    await reader.read([ACTIVITY]);
    expect(asked.splice(0)).toEqual(['{"ask":"status"}']);
    deliveries = 2;
    await reader.read([]);
    expect(asked.splice(0)).toHaveLength(2);
  });

  test('is silent when it answers nonsense, an error, or not at all; an activity it does not know is no error', async () => {
    const why = async (failing: Ask): Promise<unknown> => (await new ReplicaReader(1, failing).read([ACTIVITY])).heard;
    expect(await why(() => Promise.resolve('hello'))).toEqual({ kind: 'silent', why: 'It gave an answer that makes no sense.' });
    expect(await why(() => Promise.reject(new ConcordatError('ReplicaUnreachable', 'x: no answer in 2 ms')))).toMatchObject({
      why: 'It takes no questions in time: paused, or cut off.',
    });
    expect(await why(() => Promise.reject(new ConcordatError('ReplicaUnreachable', 'refused')))).toMatchObject({
      why: 'Nothing runs at its address.',
    });
    expect(await why(() => Promise.reject(new ConcordatError('Busy')))).toMatchObject({ why: 'It answers with an error: Busy.' });
    const unknown: Ask = (question) =>
      JSON.stringify(question).includes('urn:') ? Promise.reject(new ConcordatError('UnknownActivity')) : ask(question);
    expect(await why(unknown)).toMatchObject({ kind: 'answer', reports: new Map() });
  });

  test('is asked with the agency’s own certificate, which nobody needs to be there to refuse', async () => {
    const [replica] = place.cluster.replicas;
    if (replica === undefined) throw new Error('no replica');
    const reader = new ReplicaReader(1, askReplica(place.cluster, replica, loadClientKeys(place.dir, 'agency')));
    expect((await reader.read([])).heard).toEqual({ kind: 'silent', why: 'Nothing runs at its address.' });
  });
});

describe('a desk that is asked', () => {
  let desk: Desk | undefined;
  afterEach(async () => {
    await desk?.close();
    desk = undefined;
  });
  const open = async (stock: unknown, put: (body: unknown) => unknown = () => []): Promise<DeskReader> => {
    const routes = {
      'GET /inventory': () => stock,
      'GET /reservations': () => [],
      'PUT /stock': ({ body }: { body: unknown }) => put(body),
    };
    desk = await openDesk({ host: '127.0.0.1', port: 0, routes, log: silentLogger });
    return new DeskReader('hotel', `${desk.url}/`);
  };

  test('shows its own books, and takes a new stock for everything it sells', async () => {
    const put: unknown[] = [];
    const reader = await open([{ item: 'room Lisboa', capacity: 3, stock: 1 }], (body) => put.push(body));
    expect(await reader.read()).toMatchObject({ heard: { kind: 'answer', stock: [{ stock: 1 }], reservations: [] } });
    await reader.setFull(true);
    expect(put).toEqual([
      { item: 'room Lisboa', stock: 0 },
      { item: 'room Athina', stock: 0 },
      { item: 'room København', stock: 0 },
    ]);
  });

  test('is silent when it answers nonsense or is not there', async () => {
    expect(await (await open({ no: 'list' })).read()).toMatchObject({ heard: { kind: 'silent' } });
    const nobody = new DeskReader('hotel', 'http://127.0.0.1:9');
    expect(await nobody.read()).toEqual({ role: 'hotel', heard: { kind: 'silent', why: 'nothing runs at its address' } });
    await expect(nobody.setFull(true)).rejects.toMatchObject({ code: 'PeerUnreachable' });
  });
});

describe('the view', () => {
  test('shows a replica that does not answer, and says what that means', () => {
    const view = buildView(frame(), {
      replicas: [answer(1), silent(2), answer(3), answer(4)],
      desks: emptyDesks,
      bookings: [booking()],
    });
    expect(view.cluster).toMatchObject({ answering: 3, tone: 'warn' });
    expect(view.replicas[1]).toMatchObject({ id: 2, up: false, says: 'Does not answer', error: 'Nothing runs at its address.' });
    expect(view.happened[0]).toMatchObject({ title: 'Replica 2 does not answer' });
    expect(view.happened[0]?.text).toContain('The others go on without it');
    const two = buildView(frame(), { replicas: [answer(1), silent(2), silent(3), answer(4)], desks: emptyDesks, bookings: [] });
    expect(two.happened[0]?.text).toContain('Too few are left to go on');
    expect(view.trips[0]).toMatchObject({ customer: 'Ada', coordinator: { says: 'Being arranged' } });
  });

  test('believes no proof whose signatures do not hold', () => {
    const evidence = [
      {
        kind: 'replica' as const,
        who: 'replica 3',
        stream: 's',
        number: 1,
        statements: [
          { says: `echo for ${'a'.repeat(64)}`, signed: '{}' },
          { says: `echo for ${'b'.repeat(64)}`, signed: '{}' },
        ] as const,
      },
    ];
    const liar = answer(1, { status: { evidence } });
    expect(
      buildView(frame(), { replicas: [liar, answer(2), answer(3), answer(4)], desks: emptyDesks, bookings: [] }).replicas[2]
        ?.proofs,
    ).toEqual([]);
  });

  test('names a provider that cannot be reached, and a hotel that is full', () => {
    const desks: DeskReading[] = [
      { role: 'airline', heard: { kind: 'silent', why: 'no answer in time' } },
      { role: 'hotel', heard: { kind: 'answer', stock: [{ item: 'room Lisboa', capacity: 2, stock: 0 }], reservations: [] } },
    ];
    const { happened, providers, trips } = buildView(frame(), {
      replicas: [1, 2, 3, 4].map((id) => answer(id)),
      desks,
      bookings: [booking()],
    });
    expect(happened.map(({ title }) => title)).toEqual([
      'The airline cannot be reached',
      'The hotel is full',
      'All replicas agree',
      'Ada: being arranged',
    ]);
    expect(providers).toMatchObject([
      { error: 'no answer in time' },
      { full: true, items: [{ label: 'Room in Lisbon', stock: 0, taken: 2 }] },
    ]);
    expect(trips[0]).toMatchObject({ airline: { says: 'Desk not reachable' }, hotel: { says: 'Nothing' } });
  });

  test('is bounded, whatever there is', () => {
    const bookings = Array.from({ length: 50 }, (_, index) => booking({ id: `trip-${index}` }));
    const timeline = Array.from({ length: 500 }, (_, number) => request({ number }));
    const view = buildView(frame(), {
      replicas: [1, 2, 3, 4].map((id) => answer(id, { timeline })),
      desks: emptyDesks,
      bookings,
    });
    expect([view.trips.length, view.timeline?.lines.length, view.timeline?.omitted]).toEqual([20, 200, 300]);
  });
});

describe('those who watch', () => {
  const watchOn = (answers: Ask) =>
    new Watch({
      frame: frame(),
      replicas: new Map([1, 2, 3, 4].map((id) => [id, new ReplicaReader(id, answers)])),
      desks: [],
      bookings: () => [],
    });

  test('get the view at once, and again when it has changed', async () => {
    const watch = watchOn(() => Promise.resolve('nonsense'));
    const views: PageView[] = [];
    const changed = new Promise<void>((resolve) => {
      watch.subscribe(undefined, (json) => {
        views.push(JSON.parse(json) as PageView);
        if (views.at(-1)?.replicas.every(({ error }) => error !== undefined) === true) resolve();
      });
    });
    expect(views[0]?.replicas[0]).toMatchObject({ says: 'Asking' });
    expect(views[0]?.cluster.says).toBe('Asking the replicas.');
    await changed;
    expect(views.at(-1)?.cluster.says).toContain('No replica answers');
    await watch.stop();
  });

  test('are at most so many, and make room when they go', async () => {
    const watch = watchOn(() => Promise.resolve('nonsense'));
    const leave = Array.from({ length: 16 }, () => watch.subscribe(undefined, () => undefined));
    expect(() => watch.subscribe(undefined, () => undefined)).toThrow(expect.objectContaining({ code: 'Busy' }));
    leave[0]?.();
    expect(() => watch.subscribe(undefined, () => undefined)).not.toThrow();
    await watch.stop();
  });
});
