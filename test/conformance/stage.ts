import type { KeyPair, Limits } from '../../src/config/index.js';
import { ConcordatError } from '../../src/errors.js';
import { silentLogger } from '../../src/log.js';
import type { SendToParticipant } from '../../src/replica/commands.js';
import type { ReplicaPorts } from '../../src/replica/index.js';
import {
  type CallResult,
  type Edge,
  type EdgeAnswer,
  type EdgeOptions,
  type EdgeRequest,
  el,
  type OutgoingMessage,
  Signer,
  startEdge,
  TrustStore,
  type VerifiedMessage,
  Verifier,
  type XmlElement,
} from '../../src/soap/index.js';
import { readFault } from '../../src/soap/faults.js';
import type { Epr } from '../../src/soap/messages/index.js';
import { is, text } from '../../src/soap/xml.js';
import { LocalCluster, until } from '../support/cluster.js';
import { codeOf, PlainClient, type RequestParts } from '../support/soap-client.js';
import { LEFT_BY } from './routes.js';

const NAMESPACE = 'urn:conformance';
const PATH = '/participant';
/** As many identities as there are messages of a participant. */
const WRITERS = ['one', 'two', 'three', 'four', 'five', 'six', 'seven'];
const ACKNOWLEDGEMENTS: ReadonlySet<string> = new Set(Object.values(LEFT_BY));
const MAX_ATTEMPTS = 5;
/** For what must happen soon, on a machine that may be busy with other things. */
export const PATIENCE_MS = 30_000;

/** A message that arrived at a participant's endpoint, signed by a replica. */
export interface Received {
  readonly replica: number;
  /** The Body's name; of a fault its stable code. */
  readonly name: string;
  readonly messageId: string | undefined;
  readonly relatesTo: string | undefined;
  readonly body: XmlElement;
}

/** What is on its way to one participant. */
interface Traffic {
  readonly received: Received[];
  /** How many of them were looked at. */
  looked: number;
  sending: number;
  /** Acknowledgements that wait until they are let through, as `replica name`. */
  readonly waiting: { readonly replica: number; readonly name: string }[];
  open: Promise<void>;
  letThrough: () => void;
}

/**
 * Four real replicas, an initiator and participants that speak plain signed SOAP, and one endpoint that keeps what the replicas send
 * to each of the participants. Acknowledgements can be held back, so that the states before them can be seen.
 */
export class Stage {
  readonly writers: readonly PlainClient[];
  readonly #traffic = new Map<string, Traffic>();

  private constructor(
    readonly local: LocalCluster,
    readonly initiator: PlainClient,
    private readonly portsOf: (replica: number) => Partial<ReplicaPorts>,
    private readonly handle: EdgeOptions['handle'],
    private endpoint: Edge,
  ) {
    this.writers = WRITERS.map((name) => new PlainClient(local.cluster, local.keys(name)));
  }

  static async make(limits: Partial<Limits> = {}): Promise<Stage> {
    // The replicas are there before the stage that watches them.
    const made: { stage?: Stage } = {};
    const portsOf = (replica: number): Partial<ReplicaPorts> => ({
      participants: (send) => (url, message, signal) =>
        made.stage === undefined ? send(url, message, signal) : made.stage.#pass(replica, send, url, message, signal),
    });
    const handle = ({ message }: EdgeRequest): Promise<EdgeAnswer> => {
      if (made.stage !== undefined) made.stage.#receive(message);
      return Promise.resolve({ kind: 'accepted' });
    };
    const clients = WRITERS.map((name) => ({ name, roles: ['participant'] }));
    const local = await LocalCluster.make({ clients }, portsOf, limits);
    const initiator = new PlainClient(local.cluster, local.keys('initiator'));
    made.stage = new Stage(local, initiator, portsOf, handle, await listen(local, handle, 0));
    return made.stage;
  }

  keys(name: string): KeyPair {
    return this.local.keys(name);
  }

  /** The endpoint reference of the participant of that key. */
  service(key: string): Epr {
    return {
      address: this.endpoint.url + PATH,
      referenceParameters: [el(NAMESPACE, 'Key', {}, key)],
      extensions: [],
    };
  }

  /** Everything that arrived for a participant. */
  received(key: string): readonly Received[] {
    return this.#of(key).received;
  }

  /** What has arrived for a participant since the last call. */
  fresh(key: string): readonly Received[] {
    const traffic = this.#of(key);
    const fresh = traffic.received.slice(traffic.looked);
    traffic.looked = traffic.received.length;
    return fresh;
  }

  /** What has arrived for any participant and nobody looked at. */
  leftOver(): readonly Received[] {
    return [...this.#traffic.values()].flatMap(({ received, looked }) => received.slice(looked));
  }

  /** Acknowledgements to a participant wait from now on. */
  holdBack(key: string): void {
    const traffic = this.#of(key);
    traffic.open = new Promise((resolve) => (traffic.letThrough = resolve));
  }

  /** Lets the acknowledgements to a participant through, those that wait and those to come. */
  letThrough(key: string): void {
    this.#of(key).letThrough();
  }

  /** The acknowledgements that replicas are about to send to a participant and that are held back. */
  heldBack(key: string): readonly { readonly replica: number; readonly name: string }[] {
    return this.#of(key).waiting;
  }

  /** Resolves when nothing is on its way to these participants, but for what is held back. */
  async quiet(keys: readonly string[]): Promise<void> {
    await until(() => keys.every((key) => this.#of(key).sending === 0), 'everything to have arrived', PATIENCE_MS);
  }

  /** The same signed request to every replica, again where too few replicas confirmed it in time. */
  async toAll(client: PlainClient, parts: RequestParts): Promise<CallResult[]> {
    const message = client.message(parts);
    const xml = client.signer.sign(message, Date.now());
    const { action, messageId = '' } = message.addressing;
    const ask = async (replica: number): Promise<CallResult> => {
      const url = client.url(replica, parts.endpoint);
      for (let attempt = 1; ; attempt += 1) {
        const result = await client.caller.send(url, xml, action, message.soapVersion, { messageId });
        if (codeOf(result) !== 'NoQuorum' || attempt === MAX_ATTEMPTS) return result;
      }
    };
    return Promise.all(this.local.cluster.replicas.map(({ id }) => ask(id)));
  }

  /** The participants' endpoint is gone; it comes back at the same address. */
  async takeDown(): Promise<void> {
    await this.endpoint.close();
  }

  async bringBack(): Promise<void> {
    this.endpoint = await listen(this.local, this.handle, this.endpoint.port);
  }

  /** All replicas stop, and then start again from their stores. */
  async restartReplicas(): Promise<void> {
    const ids = this.local.cluster.replicas.map(({ id }) => id);
    await Promise.all(ids.map((id) => this.local.stop(id)));
    await Promise.all(ids.map((id) => this.local.start(id, this.portsOf(id))));
  }

  async close(): Promise<void> {
    for (const traffic of this.#traffic.values()) traffic.letThrough();
    for (const client of [this.initiator, ...this.writers]) client.close();
    await this.local.close();
    await this.endpoint.close();
  }

  #of(key: string): Traffic {
    const known = this.#traffic.get(key);
    if (known !== undefined) return known;
    const made: Traffic = {
      received: [],
      looked: 0,
      sending: 0,
      waiting: [],
      open: Promise.resolve(),
      letThrough: () => undefined,
    };
    this.#traffic.set(key, made);
    return made;
  }

  /** What a replica sends goes through here: counted, and held back if it is such an acknowledgement. */
  async #pass(replica: number, send: SendToParticipant, ...call: Parameters<SendToParticipant>): Promise<CallResult> {
    const [, message] = call;
    const key = keyOf(message);
    // A participant of the client library has its own endpoint.
    if (key === undefined) return send(...call);
    const traffic = this.#of(key);
    const entry = { replica, name: message.body.name };
    if (ACKNOWLEDGEMENTS.has(entry.name)) {
      traffic.waiting.push(entry);
      await traffic.open;
      traffic.waiting.splice(traffic.waiting.indexOf(entry), 1);
    }
    traffic.sending += 1;
    try {
      return await send(...call);
    } finally {
      traffic.sending -= 1;
    }
  }

  #receive(message: VerifiedMessage): void {
    const { identity, addressing, body } = message;
    if (!identity.roles.has('replica')) throw new ConcordatError('NotAuthorized', identity.name);
    const key = keyOf(message);
    if (key === undefined) throw new ConcordatError('InvalidAddressingHeader', 'the reference parameter is missing');
    this.#of(key).received.push({
      replica: Number(identity.name.replace('replica-', '')),
      name: readFault(body)?.concordatCode ?? body.name,
      messageId: addressing.messageId,
      relatesTo: addressing.relatesTo,
      body,
    });
  }
}

function keyOf({ headers }: Pick<OutgoingMessage, 'headers'>): string | undefined {
  const key = headers.find((header) => is(header, NAMESPACE, 'Key'));
  return key && text(key);
}

function listen(local: LocalCluster, handle: EdgeOptions['handle'], port: number): Promise<Edge> {
  return startEdge({
    host: '127.0.0.1',
    port,
    verifier: new Verifier(new TrustStore(local.cluster.authorityPems), { clockWindowMs: 300_000 }),
    signer: new Signer(local.keys('participant')),
    paths: new Set([PATH]),
    handle,
    log: silentLogger,
    clock: Date.now,
  });
}
