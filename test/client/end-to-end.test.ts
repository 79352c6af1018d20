import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CannotUndo, Initiator, Participant } from '../../src/client/index.js';
import type { Enrollment, Handlers, ParticipantOptions } from '../../src/client/index.js';
import { LocalCluster, until } from '../support/cluster.js';

let cluster: LocalCluster;
let dir: string;
let initiator: Initiator;
const opened: { close(): Promise<void> }[] = [];

beforeAll(async () => {
  cluster = await LocalCluster.make({
    clients: [
      { name: 'airline', roles: ['participant'] },
      { name: 'hotel', roles: ['participant'] },
    ],
  });
  dir = mkdtempSync(join(tmpdir(), 'concordat-client-'));
  initiator = await Initiator.open({ cluster: cluster.dir, credentials: cluster.keys('initiator'), store: ':memory:' });
}, 60_000);

afterEach(async () => {
  await Promise.all(opened.splice(0).map((one) => one.close()));
});

afterAll(async () => {
  await initiator.close();
  await cluster.close();
  rmSync(dir, { recursive: true, force: true });
});

/** A participant that keeps what its handlers were told. */
class Service {
  readonly told: string[] = [];
  readonly handlers: Handlers = {
    complete: (e) => this.note('complete', e),
    close: (e) => this.note('close', e),
    cancel: (e) => this.note('cancel', e),
    compensate: (e) => this.note('compensate', e),
  };

  note(what: string, enrollment: Enrollment): Promise<void> {
    this.told.push(`${what} ${enrollment.key}`);
    return Promise.resolve();
  }

  async open(name: string, options: Partial<ParticipantOptions> = {}): Promise<Participant> {
    const participant = await Participant.open({
      cluster: cluster.cluster,
      credentials: cluster.keys(name),
      store: ':memory:',
      listen: { host: '127.0.0.1', port: 0 },
      handlers: this.handlers,
      ...options,
    });
    opened.push(participant);
    return participant;
  }
}

describe('an initiator and participants at four replicas', () => {
  test('close an atomic activity whose participants have completed', async () => {
    const airline = new Service();
    const hotel = new Service();
    const [a, h] = [await airline.open('airline'), await hotel.open('hotel')];
    const activity = await initiator.createActivity({ name: 'trip-close', outcome: 'atomic' });
    const flight = await a.register(await activity.invite('flight'), { key: 'f1', protocol: 'ParticipantCompletion' });
    const room = await h.register(await activity.invite('room'), { key: 'r1', protocol: 'CoordinatorCompletion' });
    await flight.completed();
    await activity.complete();
    await activity.close();
    const final = await activity.ended();
    expect(final.map(({ matchcode, endedBy, resultState }) => [matchcode, endedBy, resultState]).sort()).toEqual([
      ['flight', 'Closed', 'Completed'],
      ['room', 'Closed', 'Completed'],
    ]);
    expect(await flight.ended()).toEqual({ by: 'Closed' });
    expect(await room.ended()).toEqual({ by: 'Closed' });
    expect(airline.told).toEqual(['close f1']);
    expect(hotel.told).toEqual(['complete r1', 'close r1']);
    expect(activity.decision).toMatchObject({ kind: 'close', status: 'agreed' });
    await expect(activity.cancel()).rejects.toMatchObject({ code: 'InvalidState' });
  }, 30_000);

  test('cancel an atomic activity: who has completed is compensated, who cannot undo fails', async () => {
    const airline = new Service();
    const hotel = new Service();
    const [a, h] = [
      await airline.open('airline'),
      await hotel.open('hotel', {
        handlers: { ...hotel.handlers, compensate: () => Promise.reject(new CannotUndo('RoomUsed')) },
      }),
    ];
    const activity = await initiator.createActivity({ name: 'trip-cancel', outcome: 'atomic' });
    const flight = await a.register(await activity.invite('flight'), { key: 'f2', protocol: 'ParticipantCompletion' });
    const room = await h.register(await activity.invite('room'), { key: 'r2', protocol: 'ParticipantCompletion' });
    await room.completed();
    await until(async () => (await activity.participants()).some(({ agreedState }) => agreedState === 'Completed'), 'completed');
    await activity.cancel();
    const final = await activity.ended();
    expect(final.map(({ matchcode, endedBy, exception }) => [matchcode, endedBy, exception]).sort()).toEqual([
      ['flight', 'Canceled', undefined],
      ['room', 'Fail', 'RoomUsed'],
    ]);
    expect([await flight.ended(), await room.ended()]).toEqual([{ by: 'Canceled' }, { by: 'Fail' }]);
  }, 30_000);

  test('decide one by one in a mixed activity, and leave by Exit and CannotComplete', async () => {
    const airline = new Service();
    const a = await airline.open('airline');
    const activity = await initiator.createActivity({ name: 'trip-mixed', outcome: 'mixed' });
    const join = async (matchcode: string): Promise<Enrollment> =>
      a.register(await activity.invite(matchcode), { key: `mixed-${matchcode}`, protocol: 'ParticipantCompletion' });
    const [one, two, three, four] = [await join('one'), await join('two'), await join('three'), await join('four')];
    await Promise.all([one.completed(), two.completed(), three.exit(), four.cannotComplete()]);
    await activity.close([one.participant]);
    await activity.compensate([two.participant]);
    const final = await activity.ended();
    expect(final.map(({ matchcode, endedBy }) => [matchcode, endedBy]).sort()).toEqual([
      ['four', 'CannotComplete'],
      ['one', 'Closed'],
      ['three', 'Exit'],
      ['two', 'Compensated'],
    ]);
    await Promise.all([one, two, three, four].map((enrollment) => enrollment.ended()));
    expect(airline.told.sort()).toEqual(['close mixed-one', 'compensate mixed-two']);
  }, 30_000);

  test('name only who is there, and decide about each once', async () => {
    const airline = new Service();
    const a = await airline.open('airline');
    const activity = await initiator.createActivity({ name: 'trip-names', outcome: 'mixed' });
    const join = async (matchcode: string): Promise<Enrollment> =>
      a.register(await activity.invite(matchcode), { key: `names-${matchcode}`, protocol: 'CoordinatorCompletion' });
    const [one, two] = [await join('one'), await join('two')];
    const nobody = 'urn:uuid:00000000-0000-8000-8000-000000000000';
    const waits = { code: 'NotEnabled', waitsFor: [nobody] };
    const soon = { waitMs: 0 };
    await expect(activity.cancel([one.participant, nobody], soon)).rejects.toMatchObject(waits);
    await expect(activity.complete([nobody], soon)).rejects.toMatchObject(waits);
    await expect(activity.compensate([nobody], soon)).rejects.toMatchObject(waits);
    for (const call of [activity.close([]), activity.close(), activity.cancel([]), activity.cancel(), activity.compensate([])]) {
      await expect(call).rejects.toMatchObject({ code: 'InvalidParameters' });
    }
    expect(activity.decisions).toEqual([]);
    expect(await one.coordinatorStatus()).toBe('Active');

    await activity.cancel([one.participant]);
    await activity.cancel([one.participant]);
    await expect(activity.close([one.participant, two.participant])).rejects.toMatchObject({ code: 'InvalidState' });
    await activity.complete([two.participant]);
    await activity.close([two.participant]);
    await Promise.all([one.ended(), two.ended()]);
    expect((await activity.ended()).map(({ endedBy }) => endedBy).sort()).toEqual(['Canceled', 'Closed']);
    expect(await two.coordinatorStatus()).toBe('Ended');
    expect(activity.decisions).toEqual([
      { kind: 'cancel', participants: [one.participant], status: 'agreed' },
      { kind: 'close', participants: [two.participant], status: 'agreed' },
    ]);
  }, 60_000);

  test('take the replicas from a context that arrived signed by an initiator', async () => {
    const { Signer, createVerifier, contextToXml, NS, el } = await import('../../src/client/index.js');
    const airline = new Service();
    const a = await airline.open('airline', { cluster: { authorities: cluster.cluster.authorityPems } });
    const activity = await initiator.createActivity({ name: 'trip-context', outcome: 'atomic' });
    const context = await activity.invite('flight');
    const send = (by: string) =>
      createVerifier(cluster.cluster.authorityPems).verify(
        new Signer(cluster.keys(by)).sign(
          {
            soapVersion: '1.1',
            addressing: { action: 'urn:book' },
            headers: [contextToXml(context)],
            body: el(NS.concordat, 'Book'),
          },
          Date.now(),
        ),
        Date.now(),
      );
    await expect(a.register(context, { key: 'c1', protocol: 'ParticipantCompletion' })).rejects.toMatchObject({
      code: 'NotAuthorized',
    });
    await expect(a.register(send('hotel'), { key: 'c1', protocol: 'ParticipantCompletion' })).rejects.toMatchObject({
      code: 'NotAuthorized',
    });
    const flight = await a.register(send('initiator'), { key: 'c1', protocol: 'ParticipantCompletion' });
    await flight.completed();
    await activity.close();
    expect(await flight.ended()).toEqual({ by: 'Closed' });
    expect((await activity.ended()).map(({ agreedState }) => agreedState)).toEqual(['Ended']);
  }, 30_000);

  test('carry on with one replica down, and name in their error whom a close waits for', async () => {
    const airline = new Service();
    const a = await airline.open('airline');
    await cluster.stop(4);
    try {
      const activity = await initiator.createActivity({ name: 'trip-three', outcome: 'atomic' });
      const flight = await a.register(await activity.invite('flight'), { key: 'three', protocol: 'ParticipantCompletion' });
      await expect(activity.close(undefined, { waitMs: 100 })).rejects.toMatchObject({
        code: 'NotEnabled',
        detail: expect.stringContaining(`flight (${flight.participant}) is Active`) as unknown,
        waitsFor: [flight.participant],
      });
      expect(activity.decision).toBeUndefined();
      await flight.completed();
      await activity.close();
      expect(await flight.ended()).toEqual({ by: 'Closed' });
      await activity.ended();
    } finally {
      await cluster.start(4);
    }
  }, 30_000);

  test('refuse to close over a participant that failed, and can cancel then', async () => {
    const airline = new Service();
    const a = await airline.open('airline');
    const activity = await initiator.createActivity({ name: 'trip-failed', outcome: 'atomic' });
    const flight = await a.register(await activity.invite('flight'), { key: 'failed', protocol: 'ParticipantCompletion' });
    await flight.fail('NoSeat');
    expect(await flight.ended()).toEqual({ by: 'Fail' });
    await expect(activity.close([flight.participant])).rejects.toMatchObject({ code: 'InvalidState' });
    await activity.cancel();
    expect(await activity.ended()).toMatchObject([{ endedBy: 'Fail', exception: 'NoSeat' }]);
  }, 30_000);

  test('come back from their stores: an open participant closes after both have restarted', async () => {
    const airline = new Service();
    const store = join(dir, 'airline.db');
    const own = { cluster: cluster.dir, credentials: cluster.keys('initiator'), store: join(dir, 'initiator.db') };
    const before = await Initiator.open(own);
    const first = await airline.open('airline', { store });
    const activity = await before.createActivity({ name: 'trip-restart', outcome: 'atomic' });
    const context = await activity.invite('flight');
    await (await first.register(context, { key: 'restart', protocol: 'ParticipantCompletion' })).completed();
    await before.close();
    await first.close();

    const port = Number(new URL(first.url).port);
    const second = await airline.open('airline', { store, listen: { host: '127.0.0.1', port } });
    const after = await Initiator.open(own);
    opened.push(after);
    const [same] = after.activities();
    expect(same?.id).toBe(activity.id);
    expect(await same?.invite('flight')).toEqual(context);
    await same?.close();
    const [flight] = second.enrollments();
    expect(await flight?.ended()).toEqual({ by: 'Closed' });
    expect((await same?.ended())?.map(({ endedBy }) => endedBy)).toEqual(['Closed']);
  }, 30_000);
});
