import type { KeyPair, LoadedCluster } from '../../src/config/index.js';
import { silentLogger } from '../../src/log.js';
import {
  type Addressing,
  type CallResult,
  type Edge,
  el,
  type EndpointReference,
  NS,
  Signer,
  type SoapVersion,
  startEdge,
  TrustStore,
  type VerifiedMessage,
  Verifier,
  type XmlElement,
} from '../../src/soap/index.js';
import { encodeRegister } from '../../src/soap/messages/index.js';
import { text } from '../../src/soap/xml.js';
import { until } from '../support/cluster.js';
import type { PlainClient, RequestParts } from '../support/soap-client.js';
import { bodyOf, PlainParticipant, type Protocol, registering, sendToAll, unanimous } from './plain-activity.js';

const MINE = 'urn:test:inbox';

/** An endpoint that takes whatever is signed by the cluster's authority and keeps it, by the box that a reference parameter names. */
export class Inbox {
  private constructor(
    private readonly edge: Edge,
    private readonly messages: readonly VerifiedMessage[],
  ) {}

  static async open(cluster: LoadedCluster, keys: KeyPair): Promise<Inbox> {
    const messages: VerifiedMessage[] = [];
    const edge = await startEdge({
      host: '127.0.0.1',
      port: 0,
      verifier: new Verifier(new TrustStore(cluster.authorityPems), { clockWindowMs: 300_000 }),
      signer: new Signer(keys),
      paths: new Set(['/inbox']),
      handle: ({ message }) => {
        messages.push(message);
        return Promise.resolve({ kind: 'accepted' });
      },
      log: silentLogger,
      clock: Date.now,
    });
    return new Inbox(edge, messages);
  }

  get url(): string {
    return `${this.edge.url}/inbox`;
  }

  /** A reference to one box. */
  box(name: string): EndpointReference {
    return { address: this.url, referenceParameters: [el(MINE, 'Box', {}, name)], extensions: [] };
  }

  /** What came into a box; only what carries its reference parameter back, marked as one. */
  in(name: string): VerifiedMessage[] {
    return this.messages.filter(({ headers }) =>
      headers.some((header) => header.ns === MINE && text(header) === name && header.attributes.length === 1),
    );
  }

  async expect(name: string, count: number): Promise<VerifiedMessage[]> {
    await until(() => this.in(name).length >= count, `${count} messages in ${name}, of which there are ${this.in(name).length}`);
    return this.in(name);
  }

  close(): Promise<void> {
    return this.edge.close();
  }
}

export const epr = (address: string): EndpointReference => ({ address, referenceParameters: [], extensions: [] });
export const ANONYMOUS = `${NS.wsa}/anonymous`;
export const NONE = `${NS.wsa}/none`;

export interface Extra {
  readonly addressing?: Partial<Addressing>;
  readonly soapVersion?: SoapVersion;
}

/** One signed request with further addressing properties, to each of some replicas. */
export async function sendAddressed(
  client: PlainClient,
  replicas: readonly number[],
  parts: RequestParts,
  { addressing, soapVersion = '1.1' }: Extra = {},
): Promise<CallResult[]> {
  const message = client.message({ ...parts, soapVersion });
  const sent = { ...message, addressing: { ...message.addressing, ...addressing } };
  return Promise.all(replicas.map((id) => client.caller.call(client.url(id, parts.endpoint), sent)));
}

/** Registers a participant with an endpoint reference of its own. */
export async function registerAt(
  client: PlainClient,
  headers: readonly XmlElement[],
  participantProtocolService: EndpointReference,
  protocol: Protocol = 'ParticipantCompletion',
): Promise<PlainParticipant> {
  const protocolIdentifier = `${NS.wsba}/${protocol}`;
  const body = encodeRegister({ protocolIdentifier, participantProtocolService, extensions: [] });
  return PlainParticipant.of(client, bodyOf(unanimous(await sendToAll(client, { ...registering(headers), body }))));
}
