import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { type Enrollment, Initiator, type InitiatorActivity, Participant, type Protocol } from '../../src/client/index.js';
import { LocalCluster, until } from '../support/cluster.js';

const PARTICIPANTS = ['airline', 'hotel', 'cars', 'trains', 'museum'] as const;
/** Open invitations, each used by all five. */
const ROWS = 10;
const MANY = ROWS * PARTICIPANTS.length;
/** What is asked for together is done one after the other, and the machine may be busy. */
const TIMEOUT_MS = 60_000;

let cluster: LocalCluster;
let initiator: Initiator;
/** Another business, which runs an activity of its own inside the initiator's. */
let agency: Initiator;
const opened: Participant[] = [];

beforeAll(async () => {
  const participants = PARTICIPANTS.map((name) => ({ name, roles: ['participant'] }));
  cluster = await LocalCluster.make({ clients: [...participants, { name: 'agency', roles: ['initiator', 'participant'] }] });
  const initiate = (name: string): Promise<Initiator> =>
    Initiator.open({ cluster: cluster.cluster, credentials: cluster.keys(name), store: ':memory:', timeoutMs: TIMEOUT_MS });
  [initiator, agency] = await Promise.all([initiate('initiator'), initiate('agency')]);
}, 60_000);

afterEach(async () => {
  await Promise.all(opened.splice(0).map((one) => one.close()));
});

afterAll(async () => {
  await Promise.all([initiator.close(), agency.close()]);
  await cluster.close();
});

/** Opens a participant that notes what it is told to do, as `close key`. */
async function open(name: string, told: string[]): Promise<Participant> {
  const note =
    (what: string) =>
    ({ key }: Enrollment): Promise<void> =>
      Promise.resolve(void told.push(`${what} ${key}`));
  const participant = await Participant.open({
    cluster: cluster.cluster,
    credentials: cluster.keys(name),
    store: ':memory:',
    listen: { host: '127.0.0.1', port: 0 },
    timeoutMs: TIMEOUT_MS,
    handlers: { complete: note('complete'), close: note('close'), cancel: note('cancel'), compensate: note('compensate') },
  });
  opened.push(participant);
  return participant;
}

const enroll = async (activity: InitiatorActivity, by: Participant, key: string, protocol: Protocol): Promise<Enrollment> =>
  by.register(await activity.invite(key), { key, protocol });

/** All four replicas have delivered the same, hold the same, and have nothing left to do for the activity. */
async function agree(activity: InitiatorActivity): Promise<void> {
  const prints = () => cluster.running().map((replica) => replica.status().perActivity.find(({ id }) => id === activity.id));
  await until(() => new Set(prints().map((print) => print?.positions)).size === 1, 'equal positions');
  const states = prints().map((print) => print?.state);
  expect(states).toEqual(Array(4).fill(expect.stringMatching(/^[0-9a-f]{64}$/)));
  expect(new Set(states).size).toBe(1);
  await until(() => cluster.running().every((replica) => replica.status().commands === 0), 'no command outstanding');
  for (const replica of cluster.running()) expect(replica.status().evidence).toEqual([]);
}

describe('through four replicas', () => {
  test('a mixed activity of five: two are closed, one is canceled, one compensated, and one has left', async () => {
    const told: string[] = [];
    const [airline, hotel, cars, trains, museum] = await Promise.all(PARTICIPANTS.map((name) => open(name, told)));
    if (!airline || !hotel || !cars || !trains || !museum) throw new RangeError('five participants');
    const activity = await initiator.createActivity({ name: 'journey', outcome: 'mixed' });
    const flight = await enroll(activity, airline, 'flight', 'ParticipantCompletion');
    const room = await enroll(activity, hotel, 'room', 'CoordinatorCompletion');
    const car = await enroll(activity, cars, 'car', 'ParticipantCompletion');
    const train = await enroll(activity, trains, 'train', 'CoordinatorCompletion');
    const tickets = await enroll(activity, museum, 'tickets', 'ParticipantCompletion');

    await Promise.all([flight.completed(), tickets.exit()]);
    await activity.complete([room.participant, train.participant]);
    await activity.close([flight.participant, room.participant]);
    await activity.compensate([train.participant]);
    await activity.cancel([car.participant]);

    const all = [flight, room, car, train, tickets];
    expect(await Promise.all(all.map((one) => one.ended()))).toEqual(
      ['Closed', 'Closed', 'Canceled', 'Compensated', 'Exit'].map((by) => ({ by })),
    );
    const final = await activity.ended();
    expect(final.map(({ matchcode, endedBy, resultState }) => [matchcode, endedBy, resultState]).sort()).toEqual([
      ['car', 'Canceled', 'Active'],
      ['flight', 'Closed', 'Completed'],
      ['room', 'Closed', 'Completed'],
      ['tickets', 'Exit', 'Active'],
      ['train', 'Compensated', 'Completed'],
    ]);
    expect(told.sort()).toEqual([
      'cancel car',
      'close flight',
      'close room',
      'compensate train',
      'complete room',
      'complete train',
    ]);
    await agree(activity);
  }, 120_000);

  test(`an atomic activity of ${MANY}: all are closed`, async () => {
    const told: string[] = [];
    const participants = await Promise.all(PARTICIPANTS.map((name) => open(name, told)));
    const activity = await initiator.createActivity({ name: 'conference', outcome: 'atomic' });
    const rows = await Promise.all(
      Array.from({ length: ROWS }, async (_, row) => ({ row, context: await activity.invite(`row-${row}`) })),
    );
    const enrollments = await Promise.all(
      rows.flatMap(({ row, context }) =>
        participants.map((participant, seat) => {
          const protocol = (row + seat) % 2 === 0 ? 'ParticipantCompletion' : 'CoordinatorCompletion';
          return participant.register(context, { key: `row-${row}-seat-${seat}`, protocol });
        }),
      ),
    );
    expect(new Set(enrollments.map(({ participant }) => participant)).size).toBe(MANY);

    const own = enrollments.filter(({ protocol }) => protocol === 'ParticipantCompletion');
    const asked = enrollments.filter(({ protocol }) => protocol === 'CoordinatorCompletion');
    await Promise.all([...own.map((one) => one.completed()), activity.complete(asked.map(({ participant }) => participant))]);
    await activity.close(enrollments.map(({ participant }) => participant));

    expect(await Promise.all(enrollments.map((one) => one.ended()))).toEqual(Array(MANY).fill({ by: 'Closed' }));
    const final = await activity.ended();
    expect(final.map(({ endedBy, resultState }) => `${String(endedBy)} ${resultState}`)).toEqual(
      Array(MANY).fill('Closed Completed'),
    );
    const keysOf = (list: readonly Enrollment[]): string[] => list.map(({ key }) => key).sort();
    const keysTold = (what: string): string[] =>
      told
        .filter((line) => line.startsWith(`${what} `))
        .map((line) => line.slice(what.length + 1))
        .sort();
    expect(keysTold('complete')).toEqual(keysOf(asked));
    expect(keysTold('close')).toEqual(keysOf(enrollments));
    expect(told).toHaveLength(asked.length + enrollments.length);
    await agree(activity);
  }, 180_000);

  describe('an activity inside another', () => {
    interface Nested {
      readonly told: string[];
      readonly outer: InitiatorActivity;
      readonly inner: InitiatorActivity;
      /** In the inner activity: one has completed its work, one has not. */
      readonly flight: Enrollment;
      readonly room: Enrollment;
      /** In the outer activity itself, and completed. */
      readonly car: Enrollment;
    }

    async function nest(name: string): Promise<Nested> {
      const told: string[] = [];
      const [airline, hotel, cars] = [await open('airline', told), await open('hotel', told), await open('cars', told)];
      const outer = await initiator.createActivity({ name, outcome: 'atomic' });
      const inside = await outer.invite('tour');
      const inner = await agency.createActivity({ name: `${name}-tour`, outcome: 'atomic', inside });
      const flight = await enroll(inner, airline, `${name}-flight`, 'ParticipantCompletion');
      const room = await enroll(inner, hotel, `${name}-room`, 'ParticipantCompletion');
      const car = await enroll(outer, cars, `${name}-car`, 'ParticipantCompletion');
      await Promise.all([flight.completed(), car.completed()]);
      return { told, outer, inner, flight, room, car };
    }

    /** How the inner activity stands in the outer one, once the replicas agree that it stands so. */
    const tourIs = (outer: InitiatorActivity, state: string): Promise<void> =>
      until(
        async () =>
          (await outer.participants()).some(({ matchcode, agreedState }) => matchcode === 'tour' && agreedState === state),
        `the inner activity to be ${state}`,
      );

    const endsOf = async (activity: InitiatorActivity): Promise<unknown[]> =>
      (await activity.ended()).map(({ matchcode, endedBy }) => `${matchcode} ${String(endedBy)}`).sort();

    test('is closed from the outside: nobody in it is closed before', async () => {
      const { told, outer, inner, flight, room, car } = await nest('closed');
      await room.completed();
      await inner.close();
      await tourIs(outer, 'Completed');
      expect(told).toEqual([]);

      await outer.close();
      expect(await Promise.all([flight, room, car].map((one) => one.ended()))).toEqual(Array(3).fill({ by: 'Closed' }));
      expect(await endsOf(inner)).toEqual(['closed-flight Closed', 'closed-room Closed']);
      expect(await endsOf(outer)).toEqual(['closed-car Closed', 'tour Closed']);
      await agree(inner);
      await agree(outer);
    }, 120_000);

    test('is canceled from the outside after its own close: who has completed is compensated', async () => {
      const { told, outer, inner, flight, room, car } = await nest('undone');
      await inner.close([flight.participant]);
      expect(await room.ended()).toEqual({ by: 'Canceled' });
      await tourIs(outer, 'Completed');
      expect(told).toEqual(['cancel undone-room']);

      await outer.cancel();
      expect(await Promise.all([flight, car].map((one) => one.ended()))).toEqual(Array(2).fill({ by: 'Compensated' }));
      expect(await endsOf(inner)).toEqual(['undone-flight Compensated', 'undone-room Canceled']);
      expect(await endsOf(outer)).toEqual(['tour Canceled', 'undone-car Compensated']);
      await agree(inner);
      await agree(outer);
    }, 120_000);

    test('is canceled from the outside before anything was decided in it', async () => {
      const { outer, inner, flight, room, car } = await nest('dropped');
      await outer.cancel();
      expect(await Promise.all([flight, room, car].map((one) => one.ended()))).toEqual(
        ['Compensated', 'Canceled', 'Compensated'].map((by) => ({ by })),
      );
      expect(await endsOf(inner)).toEqual(['dropped-flight Compensated', 'dropped-room Canceled']);
      expect(await endsOf(outer)).toEqual(['dropped-car Compensated', 'tour Canceled']);
      await agree(inner);
      await agree(outer);
    }, 120_000);
  });
});
