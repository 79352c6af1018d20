import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { askOperator } from '../../src/peers/index.js';
import { Acknowledgements } from '../../src/replica/acknowledgements.js';
import type { ActivityReport, ReplicaPorts, SendToParticipant, ServiceEffect } from '../../src/replica/index.js';
import { readFault, type VerifiedMessage } from '../../src/soap/index.js';
import { encodeNotification } from '../../src/soap/messages/index.js';
import {
  type Activity,
  createActivity,
  type CoordinatorMessage,
  machine,
  PARTICIPANT_MESSAGES,
  type ParticipantMessage,
  type Protocol,
  type State,
  TABLES,
} from '../../src/wsba/index.js';
import { LocalCluster, until } from '../support/cluster.js';
import { PlainClient } from '../support/soap-client.js';
import { Inbox, registerAt, sendAddressed } from './inbox.js';
import { PlainActivity, type PlainParticipant } from './plain-activity.js';

const ALL = [1, 2, 3, 4];

describe('while its acknowledgement is unsent, a participant’s messages are answered by its transient row', () => {
  const STREAM = 'p';
  const ID = 'urn:uuid:participant';

  /** One replica's view of an activity with one participant, whose messages are delivered one by one. */
  class View {
    activity: Activity;
    readonly messages: (ParticipantMessage | undefined)[] = [undefined];
    readonly unsent = new Acknowledgements({
      activity: () => this.activity,
      notification: (_stream, number) => this.messages[number - 1],
    });

    constructor(protocol: Protocol) {
      const empty = createActivity({ id: 'urn:uuid:activity', outcome: 'MixedOutcome', creator: 'creator', created: 0 });
      const request = { kind: 'register', participant: ID, protocol, invitation: '', writer: 'w', service: '' } as const;
      this.activity = machine.deliver(empty, { stream: STREAM, number: 1, request }).activity;
    }

    /** What is done about a message: commands by name, faults by the number of their message. */
    deliver(message: ParticipantMessage): (string | number)[] {
      this.messages.push(message);
      const number = this.messages.length;
      return this.#follow({ stream: STREAM, number, request: { kind: 'notify', message } });
    }

    decide(kind: 'cancel' | 'compensate' | 'complete', number = 1): (string | number)[] {
      return this.#follow({ stream: 'control', number, request: { kind, participants: [ID] } });
    }

    get state(): State {
      const record = this.activity.participants.get(ID);
      if (record === undefined) throw new RangeError('nobody');
      return this.unsent.stateOf(this.activity.id, record);
    }

    #follow(input: Parameters<typeof machine.deliver>[1]): (string | number)[] {
      const { activity, effects } = machine.deliver(this.activity, input);
      this.activity = activity;
      const seen = effects.flatMap((effect): ServiceEffect[] => {
        if (effect.kind === 'command') return [{ ...effect, activity: activity.id }];
        if (effect.kind === 'fault') return [{ kind: 'fault', activity: activity.id, participant: ID, ...effect.to }];
        return [{ kind: 'ended', activity: activity.id }];
      });
      // A delivered notification says so, whatever comes of it.
      const followed = this.unsent.observe([{ kind: 'ended', activity: activity.id }, ...seen]);
      return followed.flatMap((effect): (string | number)[] => {
        if (effect.kind === 'command') return [effect.command];
        return effect.kind === 'fault' ? [effect.number] : [];
      });
    }
  }

  const SETUPS: readonly [Protocol, State, CoordinatorMessage, (view: View) => (string | number)[]][] = [
    ['ParticipantCompletion', 'Exiting', 'Exited', (view) => view.deliver('Exit')],
    ['ParticipantCompletion', 'NotCompleting', 'NotCompleted', (view) => view.deliver('CannotComplete')],
    ['ParticipantCompletion', 'Failing-Active', 'Failed', (view) => view.deliver('Fail')],
    ['ParticipantCompletion', 'Failing-Canceling', 'Failed', (view) => (view.decide('cancel'), view.deliver('Fail'))],
    [
      'ParticipantCompletion',
      'Failing-Compensating',
      'Failed',
      (view) => (view.deliver('Completed'), view.decide('compensate'), view.deliver('Fail')),
    ],
    ['CoordinatorCompletion', 'Exiting', 'Exited', (view) => view.deliver('Exit')],
    ['CoordinatorCompletion', 'NotCompleting', 'NotCompleted', (view) => view.deliver('CannotComplete')],
    ['CoordinatorCompletion', 'Failing-Active', 'Failed', (view) => view.deliver('Fail')],
    ['CoordinatorCompletion', 'Failing-Canceling', 'Failed', (view) => (view.decide('cancel'), view.deliver('Fail'))],
    ['CoordinatorCompletion', 'Failing-Completing', 'Failed', (view) => (view.decide('complete'), view.deliver('Fail'))],
    [
      'CoordinatorCompletion',
      'Failing-Compensating',
      'Failed',
      (view) => (view.decide('complete'), view.deliver('Completed'), view.decide('compensate', 2), view.deliver('Fail')),
    ],
  ];

  test.each(SETUPS)('%s, %s: shown until %s was tried', (protocol, state, command, setUp) => {
    const view = new View(protocol);
    expect(setUp(view)).toEqual([command]);
    expect(view.state).toBe(state);
    for (const message of PARTICIPANT_MESSAGES) {
      const cell = TABLES[protocol].coordinator.receive.get(state)?.get(message);
      const done = view.deliver(message);
      expect([message, done]).toEqual([message, cell?.kind === 'InvalidState' ? [view.messages.length] : []]);
    }
    view.unsent.attempted(view.activity.id, ID);
    expect(view.state).toBe('Ended');
    expect(view.deliver('Exit')).toEqual(['Exited']);
    expect(view.deliver('Closed')).toEqual([]);
  });

  test('messages that were held behind the one that ends it are looked at, too, when they are released', () => {
    const view = new View('ParticipantCompletion');
    view.deliver('Completed');
    expect(view.deliver('Fail')).toEqual([]);
    expect(view.deliver('Exit')).toEqual([]);
    expect(view.deliver('Fail')).toEqual([]);
    expect(view.decide('compensate')).toEqual(['Compensate', 'Failed', 4]);
    expect(view.state).toBe('Failing-Compensating');
  });

  test('after a restart the state comes back unless its acknowledgement was sent', () => {
    for (const isSent of [true, false]) {
      const view = new View('ParticipantCompletion');
      view.deliver('Exit');
      view.deliver('Completed');
      const again = new Acknowledgements({ activity: () => view.activity, notification: (_s, n) => view.messages[n - 1] });
      const exited = { activity: view.activity.id, participant: ID, command: 'Exited', state: 'Exiting' } as const;
      again.replay([{ kind: 'command', ...exited }]);
      again.resume((activity, participant, command) => {
        expect({ activity, participant, command }).toEqual({ activity: view.activity.id, participant: ID, command: 'Exited' });
        return isSent;
      });
      const record = view.activity.participants.get(ID);
      if (record === undefined) throw new RangeError('nobody');
      expect(again.stateOf(view.activity.id, record)).toBe(isSent ? 'Ended' : 'Exiting');
      // What was delivered before the restart was answered before it.
      expect(again.observe([{ kind: 'ended', activity: view.activity.id }])).toEqual([
        { kind: 'ended', activity: view.activity.id },
      ]);
    }
  });
});

describe('four replicas that cannot send', () => {
  let cluster: LocalCluster;
  let initiator: PlainClient;
  let client: PlainClient;
  let inbox: Inbox;
  let activity: PlainActivity;
  let participant: PlainParticipant;
  let open: () => void = () => undefined;
  let gate: Promise<void> = Promise.resolve();

  /** Holds acknowledgements back until the gate opens; everything else goes through. */
  const participants = (send: SendToParticipant): SendToParticipant => {
    return async (url, message, signal) => {
      const aborted = new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
      if (message.addressing.action.endsWith('/Exited')) await Promise.race([gate, aborted]);
      return send(url, message, signal);
    };
  };
  const ports: Partial<ReplicaPorts> = { participants };
  const shut = (): void => {
    gate = new Promise((resolve) => (open = resolve));
  };

  beforeAll(async () => {
    cluster = await LocalCluster.make({}, () => ports);
    initiator = new PlainClient(cluster.cluster, cluster.keys('initiator'));
    client = new PlainClient(cluster.cluster, cluster.keys('participant'));
    inbox = await Inbox.open(cluster.cluster, cluster.keys('participant'));
    activity = await PlainActivity.create(initiator);
    participant = await registerAt(client, activity.registration, inbox.box('exits'));
    shut();
    await participant.notify('Exit');
  }, 30_000);

  afterAll(async () => {
    open();
    initiator.close();
    client.close();
    await inbox.close();
    await cluster.close();
  });

  const named = (name: string): VerifiedMessage[] => inbox.in('exits').filter(({ body }) => body.name === name);
  const shown = async (replica: number): Promise<string | undefined> => (await activity.list(replica)).participants[0]?.status;
  const reported = async (replica: number): Promise<string | undefined> => {
    const { peer, fingerprint } = cluster.cluster.replicas[replica - 1] ?? {};
    if (peer === undefined || fingerprint === undefined) throw new RangeError('no replica');
    const credentials = cluster.keys('operator');
    const where = { ...peer, fingerprint, credentials, authorities: cluster.cluster.authorityPems };
    const request = { ask: 'activity', activity: activity.id };
    return ((await askOperator({ ...where, request, timeoutMs: 5_000 })) as ActivityReport).participants[0]?.state;
  };
  const asked = async (replica: number): Promise<string> => {
    const name = `status ${replica} ${inbox.in('exits').length}`;
    const body = encodeNotification('GetStatus');
    const question = { endpoint: 'coordinator' as const, body, headers: participant.coordinator };
    await sendAddressed(client, [replica], question, { addressing: { replyTo: inbox.box(name) } });
    const [status] = await inbox.expect(name, 1);
    return JSON.stringify(status?.body.children);
  };

  test('show the participant as Exiting, whoever asks; their state says Ended', async () => {
    for (const replica of ALL) {
      expect([await shown(replica), await reported(replica)]).toEqual(['Exiting', 'Exiting']);
      expect(await asked(replica)).toContain('}Exiting');
    }
    expect(new Set(cluster.running().map((replica) => replica.status().state)).size).toBe(1);
  });

  test('refuse its Completed, and say nothing to another Exit', async () => {
    await participant.notify('Completed');
    await until(() => named('Fault').length === 4, 'InvalidState from all');
    for (const { body } of named('Fault')) expect(readFault(body)?.concordatCode).toBe('InvalidState');
    await participant.notify('Exit');
    expect(named('Exited')).toEqual([]);
  });

  test('show it so also after a restart', async () => {
    await cluster.stop(2);
    await cluster.start(2, ports);
    await until(async () => (await shown(2)) === 'Exiting', 'replica 2 shows it as Exiting');
  });

  test('send one Exited each once they can; then it is Ended, and another Exit is answered again', async () => {
    open();
    await until(() => named('Exited').length === 4, 'Exited from all');
    for (const replica of ALL) {
      await until(async () => (await shown(replica)) === 'Ended', 'it is shown as Ended');
      expect(await reported(replica)).toBe('Ended');
      expect(await asked(replica)).toContain('}Ended');
    }
    expect(named('Exited')).toHaveLength(4);
    await participant.notify('Exit');
    await until(() => named('Exited').length === 8, 'Exited from all again');
  });
});
