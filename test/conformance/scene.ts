import { randomUUID } from 'node:crypto';
import { askOperator } from '../../src/peers/index.js';
import type { ActivityReport } from '../../src/replica/index.js';
import { type CallResult, eprFromXml, NS, referenceParameterHeaders, type XmlElement } from '../../src/soap/index.js';
import {
  decodeCreateCoordinationContextResponse,
  decodeNotification,
  decodeParticipantList,
  decodeRegisterResponse,
  encodeCreateCoordinationContext,
  encodeFail,
  encodeInitiatorRequest,
  encodeNotification,
  encodeRegister,
  encodeStatus,
  type ParticipantEntry,
  readReferences,
} from '../../src/soap/messages/index.js';
import { commandId, type ParticipantMessage, type Protocol, type State } from '../../src/wsba/index.js';
import { until } from '../support/cluster.js';
import { codeOf, type PlainClient } from '../support/soap-client.js';
import { type Order, routeTo } from './routes.js';
import { PATIENCE_MS, type Received, type Stage } from './stage.js';

/** One participant of a scene. */
export interface Actor {
  readonly key: string;
  readonly client: PlainClient;
  readonly id: string;
  readonly coordinator: readonly XmlElement[];
  number: number;
  lastSaid: string;
}

/** How a participant stands at all four replicas, and what each of them has sent it since the last look. */
export interface View {
  readonly state: string;
  readonly sent: readonly string[];
  /** Acknowledgements that are about to be sent. */
  readonly aboutToSend: readonly string[];
  readonly waitsFor: readonly string[];
}

const REPLICAS = [1, 2, 3, 4];

const OPERATIONS = {
  close: 'closeParticipants',
  cancel: 'cancelParticipants',
  compensate: 'compensateParticipants',
  complete: 'completeParticipants',
} as const;

/** What all replicas say; if they differ, what each of them says. */
function agreed(values: readonly string[]): string {
  const different = new Set(values);
  return different.size === 1 ? (values[0] ?? '') : `differs: ${values.join(' / ')}`;
}

const said = (body: string): string[] => (body === '' ? [] : body.split(' '));

/** A mixed activity whose participants are brought into one state together; decisions name whom they concern. */
export class Scene {
  #number = 1;
  readonly #asked = new Set<string>();

  private constructor(
    readonly stage: Stage,
    readonly activity: string,
    readonly actors: readonly Actor[],
    private readonly control: readonly XmlElement[],
  ) {}

  /** Creates the activity and registers `count` participants with its plain context, each with an identity of its own. */
  static async open(stage: Stage, protocol: Protocol, count: number): Promise<Scene> {
    const created = decodeCreateCoordinationContextResponse(
      replyOf(
        await stage.toAll(stage.initiator, {
          endpoint: 'activation',
          body: encodeCreateCoordinationContext({ coordinationType: `${NS.wsba}/MixedOutcome`, extensions: [] }),
          sequence: { number: 1, created: Date.now() },
        }),
      ),
    );
    const { context, extensions } = created;
    const initiatorService = extensions.find((element) => element.name === 'InitiatorService');
    if (initiatorService === undefined) throw new Error('no initiator service');
    const register = async (client: PlainClient): Promise<Actor> => {
      const key = randomUUID();
      const body = encodeRegister({
        protocolIdentifier: `${NS.wsba}/${protocol}`,
        participantProtocolService: stage.service(key),
        extensions: [],
      });
      const headers = referenceParameterHeaders(context.registrationService);
      const results = await stage.toAll(client, { endpoint: 'registration', body, headers, sequence: { number: 1 } });
      const { coordinatorProtocolService } = decodeRegisterResponse(replyOf(results));
      const id = readReferences(coordinatorProtocolService.referenceParameters).participant ?? '';
      const coordinator = referenceParameterHeaders(coordinatorProtocolService);
      return { key, client, id, coordinator, number: 2, lastSaid: '' };
    };
    const actors = await Promise.all(stage.writers.slice(0, count).map(register));
    return new Scene(stage, context.identifier, actors, referenceParameterHeaders(eprFromXml(initiatorService)));
  }

  /** Brings all participants into a state. From here on acknowledgements are held back, unless that state is the end. */
  async enter(protocol: Protocol, state: State): Promise<void> {
    if (state !== 'Ended') for (const { key } of this.actors) this.stage.holdBack(key);
    for (const step of routeTo(protocol, state)) {
      const answers =
        'say' in step
          ? await Promise.all(this.actors.map((actor) => this.say(actor, step.say)))
          : [await this.order(step.order, this.actors)];
      const wrong = answers.find((answer) => answer !== ('say' in step ? 'accepted' : 'reply'));
      if (wrong !== undefined) throw new Error(`on the way to ${state}, ${JSON.stringify(step)} was answered with ${wrong}`);
    }
  }

  /** The initiator orders something for some participants; what all replicas answered. */
  async order(order: Order, actors: readonly Actor[]): Promise<string> {
    const participants = actors.map(({ id }) => ({ participantId: id }));
    const body = encodeInitiatorRequest({ operation: OPERATIONS[order], participants });
    const sequence = { number: this.#number };
    this.#number += 1;
    const { initiator } = this.stage;
    return agreed(
      (await this.stage.toAll(initiator, { endpoint: 'completion', body, headers: this.control, sequence })).map(codeOf),
    );
  }

  /** A participant says something; what all replicas answered. */
  async say(actor: Actor, message: ParticipantMessage): Promise<string> {
    const body = message === 'Fail' ? encodeFail('OutOfSeats') : encodeNotification(message);
    const sequence = { number: actor.number };
    actor.number += 1;
    const { id, answer } = await this.#send(actor, body, sequence);
    actor.lastSaid = id;
    return answer;
  }

  /** The state that all replicas tell a participant that asks them. */
  async #askStatus(actor: Actor): Promise<string> {
    const { id } = await this.#send(actor, encodeNotification('GetStatus'));
    this.#asked.add(id);
    const answers = (): Received[] =>
      this.stage.received(actor.key).filter(({ name, relatesTo }) => name === 'Status' && relatesTo === id);
    await until(
      () => REPLICAS.every((replica) => answers().some((answer) => answer.replica === replica)),
      'every Status',
      PATIENCE_MS,
    );
    return agreed(answers().map(({ body }) => decodeNotification(body).state ?? ''));
  }

  /** Waits for everything that is on its way to the participants, and does not look at it. */
  async passOver(): Promise<void> {
    const keys = this.actors.map(({ key }) => key);
    await this.stage.quiet(keys);
    for (const key of keys) this.stage.fresh(key);
  }

  /** A participant tells its own state, which it may do at any time; what all replicas answered. */
  async tellStatus(actor: Actor): Promise<string> {
    return (await this.#send(actor, encodeStatus('Active'))).answer;
  }

  async #send(actor: Actor, body: XmlElement, sequence?: { number: number }): Promise<{ id: string; answer: string }> {
    const { client, coordinator: headers } = actor;
    const messageId = `urn:uuid:${randomUUID()}`;
    const numbered = sequence === undefined ? {} : { sequence };
    const results = await this.stage.toAll(client, { endpoint: 'coordinator', body, headers, messageId, ...numbered });
    return { id: messageId, answer: agreed(results.map(codeOf)) };
  }

  /** How participants stand, after everything that was on its way to them has arrived; and what the first is told if it asks. */
  async look(): Promise<{ readonly views: ReadonlyMap<Actor, View>; readonly status: string }> {
    const keys = this.actors.map(({ key }) => key);
    // Each replica sends what it sends once in order: when its Status has come, so has every fault before it.
    const [first] = this.actors;
    if (first === undefined) throw new RangeError('a scene without participants');
    const status = await this.#askStatus(first);
    await this.stage.quiet(keys);
    const { initiator } = this.stage;
    const body = encodeInitiatorRequest({ operation: 'listParticipants' });
    const lists = (await this.stage.toAll(initiator, { endpoint: 'completion', body, headers: this.control })).map(
      (result) => decodeParticipantList(replyOf([result])).participants,
    );
    return { views: new Map(this.actors.map((actor) => [actor, this.#view(actor, lists)])), status };
  }

  #view(actor: Actor, lists: readonly (readonly ParticipantEntry[])[]): View {
    const entries = lists.map((list) => list.find(({ participantId }) => participantId === actor.id));
    const fresh = this.stage.fresh(actor.key).filter(({ relatesTo }) => relatesTo === undefined || !this.#asked.has(relatesTo));
    const perReplica = (list: readonly { replica: number }[], name: (index: number) => string): string =>
      agreed(
        REPLICAS.map((replica) =>
          list
            .flatMap((item, index) => (item.replica === replica ? [name(index)] : []))
            .sort()
            .join(' '),
        ),
      );
    const held = this.stage.heldBack(actor.key);
    return {
      state: agreed(entries.map((entry) => entry?.status ?? 'not listed')),
      waitsFor: said(agreed(entries.map((entry) => (entry?.waitsFor ?? []).join(' ')))),
      sent: said(perReplica(fresh, (index) => this.#nameOf(actor, fresh[index]))),
      aboutToSend: said(perReplica(held, (index) => held[index]?.name ?? '')),
    };
  }

  /** A message's name; more if a command has not its own id, or a fault is not about what the participant said last. */
  #nameOf(actor: Actor, message: Received | undefined): string {
    if (message === undefined) return '';
    const { name, messageId, relatesTo } = message;
    const isRight =
      name === 'InvalidState' ? relatesTo === actor.lastSaid : messageId === commandId(this.activity, actor.id, name);
    return isRight ? name : `${name}(${messageId ?? ''},${relatesTo ?? ''})`;
  }

  /** The states in one replica's report to its operator. */
  async reported(replica = 1): Promise<string> {
    const { cluster } = this.stage.local;
    const at = cluster.replicas[replica - 1];
    if (at === undefined) throw new RangeError(`no replica ${replica}`);
    const report = (await askOperator({
      ...at.peer,
      fingerprint: at.fingerprint,
      credentials: this.stage.keys('operator'),
      authorities: cluster.authorityPems,
      request: { ask: 'activity', activity: this.activity },
      timeoutMs: 10_000,
    })) as ActivityReport;
    return agreed(report.participants.map(({ state }) => state));
  }
}

/** The first of four replies. */
function replyOf(results: readonly CallResult[]): XmlElement {
  for (const result of results) if (result.kind !== 'reply') throw new Error(`no reply but ${codeOf(result)}`);
  const [first] = results;
  if (first?.kind !== 'reply') throw new Error('no reply');
  return first.message.body;
}
