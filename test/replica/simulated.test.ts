import { describe, expect, test } from '@jest/globals';
import type { ReplicaId, Request } from '../../src/bft/index.js';
import { requestDigest } from '../../src/bft/index.js';
import { controlStream, createStream, participantOfStream, participantStream } from '../../src/contract/index.js';
import { CoordinationService, type ServiceEffect } from '../../src/replica/index.js';
import { encodeOperation } from '../../src/replica/operation.js';
import { NS } from '../../src/soap/index.js';
import {
  encodeCreateCoordinationContext,
  encodeInitiatorRequest,
  encodeInvitation,
  encodeNotification,
  encodeRegister,
  type NotificationName,
} from '../../src/soap/messages/index.js';
import type { XmlElement } from '../../src/soap/xml.js';
import { activityId, type CoordinatorMessage, participants } from '../../src/wsba/index.js';
import { SimCluster } from '../support/simulation.js';

const LIMITS = { clockWindowMs: 300_000, maxActivitiesPerWriter: 100, maxParticipantsPerActivity: 100 };
const ATOMIC = `${NS.wsba}/AtomicOutcome`;
const SERVICE = { address: 'http://127.0.0.1:9/participant', referenceParameters: [], extensions: [] };

let messageIds = 0;
function request(
  stream: string,
  number: number,
  writer: string,
  body: XmlElement,
  extra: { created?: number; references?: XmlElement[] } = {},
): Request {
  const payload = encodeOperation({
    action: 'urn:test',
    messageId: `urn:m:${messageIds++}`,
    references: extra.references ?? [],
    body,
    ...(extra.created === undefined ? {} : { created: extra.created }),
  });
  return { stream, number, writer, payload };
}

const proof = (r: Request): Uint8Array =>
  Buffer.from(JSON.stringify({ ...r, payload: Buffer.from(r.payload).toString('base64') }));
const readProof = (bytes: Uint8Array): Request => {
  const read = JSON.parse(Buffer.from(bytes).toString()) as Omit<Request, 'payload'> & { payload: string };
  return { ...read, payload: Buffer.from(read.payload, 'base64') };
};

/** One activity of an honest initiator with participants that obey what f + 1 replicas tell them. */
class Activity {
  readonly create: Request;
  readonly id: string;
  readonly writers: readonly string[];
  readonly told = new Map<string, Map<CoordinatorMessage, Set<ReplicaId>>>();
  readonly obeyed = new Map<string, CoordinatorMessage[]>();
  readonly #next = new Map<string, number>();

  constructor(
    readonly cluster: SimCluster<readonly ServiceEffect[]>,
    private readonly need: number,
    size: number,
  ) {
    const body = encodeCreateCoordinationContext({ coordinationType: ATOMIC, extensions: [] });
    this.create = request(createStream('initiator', `urn:create:${cluster.options.seed}`), 1, 'initiator', body, { created: 0 });
    this.id = activityId(requestDigest(cluster.cluster, this.create));
    this.writers = Array.from({ length: size }, (_, i) => `participant ${i + 1}`);
  }

  invite(k: number): Request {
    const body = encodeInitiatorRequest({ operation: 'getCoordinationContextWithMatchcode', matchcode: `m${k}` });
    return request(controlStream(this.id), k, 'initiator', body);
  }

  stream = (writer: string): string => participantStream(this.id, `m${this.writers.indexOf(writer) + 1}`, writer);
  participant = (writer: string): string => participantOfStream(this.stream(writer));

  register(writer: string): Request {
    const body = encodeRegister({
      protocolIdentifier: `${NS.wsba}/ParticipantCompletion`,
      participantProtocolService: SERVICE,
      extensions: [],
    });
    this.#next.set(writer, 2);
    return request(this.stream(writer), 1, writer, body, {
      references: [encodeInvitation(`m${this.writers.indexOf(writer) + 1}`)],
    });
  }

  notify(writer: string, message: NotificationName): Request {
    const number = this.#next.get(writer) ?? 2;
    this.#next.set(writer, number + 1);
    return request(this.stream(writer), number, writer, encodeNotification(message));
  }

  close(writers: readonly string[], number: number): Request {
    const named = writers.map((writer) => ({ participantId: this.participant(writer) }));
    return request(
      controlStream(this.id),
      number,
      'initiator',
      encodeInitiatorRequest({ operation: 'closeAllParticipants', participants: named }),
    );
  }

  cancel(number: number): Request {
    return request(
      controlStream(this.id),
      number,
      'initiator',
      encodeInitiatorRequest({ operation: 'cancelOrCompensateAllParticipants' }),
    );
  }

  send(r: Request, to: readonly ReplicaId[]): void {
    for (const id of to) this.cluster.submit(id, r, proof(r));
  }

  /** A replica tells a participant something; at f + 1 the participant does it and says so. */
  tell(from: ReplicaId, participant: string, command: CoordinatorMessage): void {
    const writer = this.writers.find((candidate) => this.participant(candidate) === participant);
    if (writer === undefined) throw new Error('a command for nobody');
    const heard = this.told.get(writer) ?? new Map<CoordinatorMessage, Set<ReplicaId>>();
    this.told.set(writer, heard);
    heard.set(command, (heard.get(command) ?? new Set<ReplicaId>()).add(from));
    const done = this.obeyed.get(writer) ?? [];
    if (heard.get(command)?.size !== this.need || done.includes(command)) return;
    this.obeyed.set(writer, [...done, command]);
    const answer = (
      { Close: 'Closed', Cancel: 'Canceled', Compensate: 'Compensated' } as Partial<Record<CoordinatorMessage, NotificationName>>
    )[command];
    if (answer === undefined) return;
    const r = this.notify(writer, answer);
    this.cluster.after(this.cluster.random.below(50), () => this.send(r, everyone(this.cluster)));
  }
}

const everyone = (cluster: SimCluster<readonly ServiceEffect[]>): ReplicaId[] => cluster.nodes.map((node) => node.id);

function makeCluster(
  seed: number,
  n: number,
  f: number,
): { cluster: SimCluster<readonly ServiceEffect[]>; activity: (size: number) => Activity } {
  const holder: { activity?: Activity } = {};
  const cluster: SimCluster<readonly ServiceEffect[]> = new SimCluster<readonly ServiceEffect[]>({
    seed,
    n,
    f,
    makeService: () => new CoordinationService(LIMITS, () => cluster.now),
    verifyProof: readProof,
    onDelivered: (node, delivered) => {
      for (const effect of delivered.effects)
        if (effect.kind === 'command') holder.activity?.tell(node, effect.participant, effect.command);
    },
  });
  return { cluster, activity: (size) => (holder.activity = new Activity(cluster, f + 1, size)) };
}

const services = (cluster: SimCluster<readonly ServiceEffect[]>): CoordinationService[] =>
  cluster.nodes.map((node) => node.service as CoordinationService);

function sameEverywhere(cluster: SimCluster<readonly ServiceEffect[]>, id: string): void {
  const prints = services(cluster).map((service) => {
    const activity = service.activity(id);
    return activity && service.fingerprint(activity);
  });
  expect(prints[0]).toBeDefined();
  for (const print of prints) expect(print).toEqual(prints[0]);
}

const endings = (cluster: SimCluster<readonly ServiceEffect[]>, id: string): (string | undefined)[] => {
  const activity = services(cluster)[0]?.activity(id);
  return activity === undefined ? [] : participants(activity).map((participant) => participant.endedBy);
};

describe('a whole cluster on a simulated network and clock', () => {
  test.each([
    [4, 1],
    [7, 2],
  ])('n = %i, f = %i: an atomic activity closes everybody it names', (n, f) => {
    const { cluster, activity: make } = makeCluster(n, n, f);
    const activity = make(2);
    const all = everyone(cluster);
    activity.send(activity.create, all);
    for (const k of [1, 2]) activity.send(activity.invite(k), all);
    for (const writer of activity.writers) activity.send(activity.register(writer), all);
    for (const writer of activity.writers) activity.send(activity.notify(writer, 'Completed'), all);
    activity.send(activity.close(activity.writers, 3), all);
    cluster.run(2_000);
    expect(endings(cluster, activity.id)).toEqual(['Closed', 'Closed']);
    sameEverywhere(cluster, activity.id);
  });

  test('a participant that the close does not name is compensated', () => {
    const { cluster, activity: make } = makeCluster(1, 4, 1);
    const activity = make(2);
    const all = everyone(cluster);
    activity.send(activity.create, all);
    for (const k of [1, 2]) activity.send(activity.invite(k), all);
    for (const writer of activity.writers) activity.send(activity.register(writer), all);
    for (const writer of activity.writers) activity.send(activity.notify(writer, 'Completed'), all);
    cluster.run(500);
    activity.send(activity.close(activity.writers.slice(0, 1), 3), all);
    cluster.run(2_000);
    expect(activity.obeyed.get('participant 1')).toEqual(['Close']);
    expect(activity.obeyed.get('participant 2')).toEqual(['Compensate']);
    sameEverywhere(cluster, activity.id);
  });

  test.each(Array.from({ length: 25 }, (_, i) => i + 1))(
    'seed %i: whatever is lost, delayed or restarted, one outcome everywhere',
    (seed) => {
      const n = seed % 6 === 0 ? 7 : 4;
      const { cluster, activity: make } = makeCluster(seed, n, n === 7 ? 2 : 1);
      const { random } = cluster;
      const activity = make(3);
      cluster.network = { loss: 0.15, duplicate: 0.1, minDelay: 1, maxDelay: 80 };
      const close = seed % 2 === 0;
      const sent: Request[] = [activity.create, activity.invite(1), activity.invite(2), activity.invite(3)];
      for (const writer of activity.writers) sent.push(activity.register(writer));
      const finished = close ? activity.writers : activity.writers.filter(() => random.chance(0.6));
      for (const writer of finished) sent.push(activity.notify(writer, random.chance(0.8) || close ? 'Completed' : 'Exit'));
      sent.push(close ? activity.close(activity.writers, 4) : activity.cancel(4));
      for (const r of sent) {
        cluster.after(random.below(1_500), () => {
          activity.send(
            r,
            everyone(cluster).filter(() => random.chance(0.6)),
          );
        });
      }
      for (let i = 0; i < 6; i++) {
        const victim = random.pick(everyone(cluster));
        cluster.crash(victim);
        cluster.run(150 + random.below(200));
        cluster.restart(victim);
      }
      cluster.heal();
      for (const r of sent) activity.send(r, everyone(cluster));
      cluster.run(30_000);
      // What participants did not hear because a replica was down when it sent, the real replica repeats: say it again here.
      resendCommands(cluster, activity);
      cluster.run(15_000);
      resendCommands(cluster, activity);
      cluster.run(15_000);
      sameEverywhere(cluster, activity.id);
      for (const done of activity.obeyed.values())
        expect(done.includes('Close') && (done.includes('Cancel') || done.includes('Compensate'))).toBe(false);
      const ends = endings(cluster, activity.id);
      expect(ends).toHaveLength(3);
      if (close) expect(ends).toEqual(['Closed', 'Closed', 'Closed']);
      else expect(ends.every((end) => end === 'Canceled' || end === 'Compensated' || end === 'Exit')).toBe(true);
    },
  );
});

const COMMAND_OF: Readonly<Record<string, CoordinatorMessage>> = {
  Canceling: 'Cancel',
  Closing: 'Close',
  Compensating: 'Compensate',
};

function resendCommands(cluster: SimCluster<readonly ServiceEffect[]>, activity: Activity): void {
  services(cluster).forEach((service, i) => {
    const state = service.activity(activity.id);
    for (const participant of state === undefined ? [] : participants(state)) {
      const command = COMMAND_OF[participant.state];
      if (command !== undefined) activity.tell(i + 1, participant.id, command);
    }
  });
}
