import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Participant } from '../../src/client/index.js';
import type { CoordinationContext, Enrollment, Handlers, ParticipantOptions } from '../../src/client/index.js';
import { endpointReference } from '../../src/contract/index.js';
import type { CallResult, EdgeAnswer, VerifiedMessage } from '../../src/soap/index.js';
import { NS, text } from '../../src/soap/index.js';
import {
  decodeRegister,
  encodeActivity,
  encodeInvitation,
  encodeRegisterResponse,
  readReferences,
  readSequence,
} from '../../src/soap/messages/index.js';
import type { Protocol } from '../../src/wsba/index.js';
import { until } from '../support/cluster.js';
import type { Service, FakeCluster } from './fake-cluster.js';
import { QUICK, reply } from './fake-cluster.js';

export const ACTIVITY = 'urn:uuid:11111111-1111-8111-8111-111111111111';

/** Whom a command is for, and where it goes. */
export interface Commanded {
  readonly enrollment: Pick<Enrollment, 'activity' | 'participant'>;
  readonly service: Service;
}

export interface Enrolled extends Commanded {
  readonly enrollment: Enrollment;
}

/** A participant at four fake replicas, which accept what it sends and command what the test says. */
export class ParticipantFixture {
  readonly dir = mkdtempSync(join(tmpdir(), 'concordat-participant-'));
  /** What the default handlers were told. */
  readonly told: string[] = [];
  readonly handlers: Handlers = {
    complete: () => this.#note('complete'),
    close: () => this.#note('close'),
    cancel: () => this.#note('cancel'),
    compensate: () => this.#note('compensate'),
  };
  participant: Participant | undefined;

  private constructor(readonly fakes: FakeCluster) {}

  static async make(fakes: FakeCluster): Promise<ParticipantFixture> {
    const fixture = new ParticipantFixture(fakes);
    await fakes.reset((message) => fixture.answer(message));
    return fixture;
  }

  /** How replicas answer by default. */
  answer(message: VerifiedMessage): EdgeAnswer {
    if (message.body.name !== 'Register') return { kind: 'accepted' };
    const coordinatorProtocolService = endpointReference(this.#addresses(), 'coordinator', [encodeActivity(ACTIVITY)]);
    return reply(
      message,
      `${NS.wscoor}/RegisterResponse`,
      encodeRegisterResponse({ coordinatorProtocolService, extensions: [] }),
    );
  }

  /** @param matchcode '' for the plain context */
  context(matchcode = ''): CoordinationContext {
    const invitation = matchcode === '' ? [] : [encodeInvitation(matchcode)];
    return {
      identifier: ACTIVITY,
      coordinationType: `${NS.wsba}/AtomicOutcome`,
      registrationService: endpointReference(this.#addresses(), 'registration', [encodeActivity(ACTIVITY), ...invitation]),
      extensions: [],
    };
  }

  async open(options: Partial<ParticipantOptions> = {}): Promise<Participant> {
    this.participant = await Participant.open({
      cluster: this.fakes.cluster,
      credentials: this.fakes.keys('participant'),
      store: join(this.dir, 'participant.db'),
      listen: { host: '127.0.0.1', port: 0 },
      handlers: this.handlers,
      limits: QUICK,
      ...options,
    });
    return this.participant;
  }

  /** Opens, and registers with the plain context. */
  async enrolled(options: Partial<ParticipantOptions> = {}, protocol: Protocol = 'ParticipantCompletion'): Promise<Enrolled> {
    const opened = await this.open(options);
    const enrollment = await opened.register(this.context(), { key: 'booking-17', protocol });
    return { enrollment, service: this.registered() };
  }

  /** Opens again at the address that was registered, with the same database, and gives its one enrollment. */
  async reopened(service: Service, options: Partial<ParticipantOptions> = {}): Promise<Enrolled> {
    await this.participant?.close();
    const port = Number(new URL(service.address).port);
    const [enrollment] = (await this.open({ listen: { host: '127.0.0.1', port }, ...options })).enrollments();
    if (enrollment === undefined) throw new Error('the enrollment is gone');
    return { enrollment, service };
  }

  /** What was registered with a matchcode, as replicas heard it. */
  registered(matchcode = ''): Service {
    const register = this.fakes.replicas
      .flatMap(({ heard }) => heard)
      .find(({ body, headers }) => body.name === 'Register' && (readReferences(headers).invitation ?? '') === matchcode);
    const epr = register && decodeRegister(register.body).participantProtocolService;
    const [parameter] = epr?.referenceParameters ?? [];
    if (epr === undefined || parameter === undefined) throw new Error('nobody registered');
    return { address: epr.address, id: text(parameter) };
  }

  /** f + 1 replicas send a command. @returns what the last one is answered: `accepted` or a stable error code */
  async command({ enrollment, service }: Commanded, name: string, ids: readonly number[] = [1, 2]): Promise<string> {
    let last = 'nobody sent it';
    for (const id of ids) last = outcomeOf(await this.fakes.command(id, enrollment, service, name));
    return last;
  }

  heard(id: number, name: string): VerifiedMessage[] {
    return this.fakes.replica(id).heard.filter(({ body }) => body.name === name);
  }

  everywhere(name: string, times = 1): Promise<void> {
    return until(
      () => this.fakes.replicas.every(({ id }) => this.heard(id, name).length >= times),
      `${times} ${name} at every replica`,
    );
  }

  /** Whatever number replicas heard with more than one content: an honest client has none. */
  equivocations(): string[] {
    const contents = new Map<string, Set<string>>();
    for (const message of this.fakes.replicas.flatMap(({ heard }) => heard)) {
      const number = readSequence(message.headers)?.number;
      if (number === undefined) continue;
      const position = `${readReferences(message.headers).invitation ?? ''}#${number}`;
      const content = `${message.body.name} ${message.addressing.messageId} ${JSON.stringify(message.body)}`;
      contents.set(position, (contents.get(position) ?? new Set()).add(content));
    }
    return [...contents].filter(([, set]) => set.size > 1).map(([position, set]) => `${position}: ${[...set].join(' / ')}`);
  }

  async close(): Promise<void> {
    await this.participant?.close();
    rmSync(this.dir, { recursive: true, force: true });
  }

  #addresses(): { logical: string; replicas: string[] } {
    const { config, replicas } = this.fakes.cluster;
    return { logical: config.address, replicas: replicas.map(({ url }) => url) };
  }

  #note(what: string): Promise<void> {
    this.told.push(what);
    return Promise.resolve();
  }
}

/** `accepted`, `reply`, or the stable code of a fault. */
export const outcomeOf = (result: CallResult): string =>
  result.kind === 'fault' ? (result.fault.concordatCode ?? result.fault.code) : result.kind;
