import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ClientLimits } from '../../src/client/index.js';
import { CLIENT_LIMITS } from '../../src/client/index.js';
import type { KeyPair, LoadedCluster } from '../../src/config/index.js';
import { initCluster, loadClientKeys, loadCluster, loadReplicaKeys } from '../../src/config/index.js';
import { pathOf, SERVED } from '../../src/contract/index.js';
import { silentLogger } from '../../src/log.js';
import type { CallResult, Edge, EdgeAnswer, OutgoingMessage, VerifiedMessage, XmlElement } from '../../src/soap/index.js';
import {
  el,
  HttpTransport,
  NS,
  referenceParameterHeaders,
  Signer,
  SoapCaller,
  startEdge,
  TrustStore,
  Verifier,
} from '../../src/soap/index.js';
import { commandId } from '../../src/wsba/index.js';
import type { Enrollment } from '../../src/client/index.js';

/** Short pauses, so that what is repeated is repeated within a test. */
export const QUICK: Partial<ClientLimits> = {
  retryMinMs: 5,
  retryMaxMs: 20,
  roundMs: 1_000,
  roundPauseMinMs: 5,
  roundPauseMaxMs: 20,
  pollMinMs: 5,
  pollMaxMs: 20,
  handlerRetryMinMs: 5,
  handlerRetryMaxMs: 20,
};
export const LIMITS: ClientLimits = { ...CLIENT_LIMITS, ...QUICK };

export type Script = (message: VerifiedMessage, times: number) => EdgeAnswer | Promise<EdgeAnswer>;

/** The endpoint that an enrollment registered: its address and our reference parameter. */
export interface Service {
  readonly address: string;
  readonly id: string;
}

/** What a request is, whoever signed it when. */
export interface Content {
  readonly messageId: string | undefined;
  readonly headers: readonly XmlElement[];
  readonly body: XmlElement;
}

export const contentOf = ({ addressing, headers, body }: VerifiedMessage): Content => ({
  messageId: addressing.messageId,
  headers,
  body,
});

/** A replica that answers as it is told: the real edge with the real keys, and nothing behind it. */
export class FakeReplica {
  readonly heard: VerifiedMessage[] = [];
  script: Script = () => ({ kind: 'accepted' });
  #edge: Edge | undefined;

  constructor(
    readonly id: number,
    private readonly cluster: LoadedCluster,
    /** Another replica's keys make it sign as that one. */
    public signer: Signer,
  ) {}

  async start(): Promise<void> {
    const listen = this.cluster.replicas[this.id - 1]?.listen;
    if (listen === undefined) throw new RangeError(`no replica ${this.id}`);
    this.#edge = await startEdge({
      ...listen,
      verifier: verifierOf(this.cluster),
      signer: { sign: (message: OutgoingMessage, now: number) => this.signer.sign(message, now) },
      paths: new Set(SERVED.map(pathOf)),
      handle: async ({ message }) => {
        this.heard.push(message);
        const times = this.heard.filter(({ addressing }) => addressing.messageId === message.addressing.messageId).length;
        return this.script(message, times);
      },
      log: silentLogger,
      clock: Date.now,
    });
  }

  async stop(): Promise<void> {
    await this.#edge?.close();
    this.#edge = undefined;
  }
}

export const verifierOf = (cluster: LoadedCluster): Verifier =>
  new Verifier(new TrustStore(cluster.authorityPems), { clockWindowMs: 300_000 });

/** The reply to a message, with this Body. */
export const reply = (message: VerifiedMessage, action: string, body: XmlElement): EdgeAnswer => ({
  kind: 'reply',
  message: {
    soapVersion: message.soapVersion,
    addressing: { action, ...(message.addressing.messageId === undefined ? {} : { relatesTo: message.addressing.messageId }) },
    headers: [],
    body,
  },
});

export class FakeCluster {
  readonly replicas: readonly FakeReplica[];
  readonly #transport = new HttpTransport({ timeoutMs: 5_000 });
  readonly #signers = new Map<number, Signer>();
  readonly #callers = new Map<number, SoapCaller>();

  private constructor(
    readonly dir: string,
    readonly cluster: LoadedCluster,
  ) {
    this.replicas = cluster.replicas.map(({ id }) => new FakeReplica(id, cluster, this.signerOf(id)));
  }

  static async make(): Promise<FakeCluster> {
    const dir = mkdtempSync(join(tmpdir(), 'concordat-fake-'));
    await initCluster(dir);
    return new FakeCluster(dir, loadCluster(dir));
  }

  /** Fresh and all answering by `script`. */
  async reset(script: Script): Promise<void> {
    await Promise.all(this.replicas.map((one) => one.stop()));
    for (const one of this.replicas) {
      one.heard.length = 0;
      one.script = script;
      one.signer = this.signerOf(one.id);
    }
    await Promise.all(this.replicas.map((one) => one.start()));
  }

  replica(id: number): FakeReplica {
    const found = this.replicas[id - 1];
    if (found === undefined) throw new RangeError(`no replica ${id}`);
    return found;
  }

  keys(name: string): KeyPair {
    return loadClientKeys(this.dir, name);
  }

  signerOf(id: number): Signer {
    const signer = this.#signers.get(id) ?? new Signer(loadReplicaKeys(this.cluster, id));
    this.#signers.set(id, signer);
    return signer;
  }

  /** Sends a command to a participant as replica `id`; `changes` make it wrong. */
  command(
    id: number,
    enrollment: Pick<Enrollment, 'activity' | 'participant'>,
    service: Service,
    name: string,
    changes: Partial<OutgoingMessage['addressing']> = {},
  ): Promise<CallResult> {
    const messageId = commandId(enrollment.activity, enrollment.participant, name);
    return this.tell(id, service, el(NS.wsba, name), { messageId, ...changes });
  }

  /** Sends any message to a participant as replica `id`. */
  tell(
    id: number,
    service: Service,
    body: XmlElement,
    addressing: Partial<OutgoingMessage['addressing']> = {},
  ): Promise<CallResult> {
    const { address } = service;
    const reference = { address, referenceParameters: [el(NS.concordat, 'Enrollment', {}, service.id)], extensions: [] };
    return this.#callerOf(id).call(address, {
      soapVersion: '1.1',
      addressing: { to: address, action: `${body.ns}/${body.name}`, ...addressing },
      headers: referenceParameterHeaders(reference),
      body,
    });
  }

  #callerOf(id: number): SoapCaller {
    const known = this.#callers.get(id);
    if (known !== undefined) return known;
    const verifier = verifierOf(this.cluster);
    const caller = new SoapCaller({ signer: this.signerOf(id), verifier, transport: this.#transport, clock: Date.now });
    this.#callers.set(id, caller);
    return caller;
  }

  async close(): Promise<void> {
    await Promise.all(this.replicas.map((one) => one.stop()));
    this.#transport.close();
    rmSync(this.dir, { recursive: true, force: true });
  }
}
