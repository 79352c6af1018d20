import { randomUUID } from 'node:crypto';
import { urlOf, type ServedEndpoint } from '../../src/contract/index.js';
import type { KeyPair, LoadedCluster } from '../../src/config/index.js';
import {
  type CallResult,
  HttpTransport,
  type OutgoingMessage,
  type SoapVersion,
  Signer,
  SoapCaller,
  TrustStore,
  Verifier,
} from '../../src/soap/index.js';
import { encodeSequence, messageAt, type Sequence } from '../../src/soap/messages/index.js';
import type { XmlElement } from '../../src/soap/xml.js';

export interface RequestParts {
  readonly endpoint: ServedEndpoint;
  readonly body: XmlElement;
  readonly headers?: readonly XmlElement[];
  readonly sequence?: Sequence;
  readonly messageId?: string;
  readonly to?: string;
  readonly soapVersion?: SoapVersion;
}

/** A plain SOAP client with one key: builds and signs single messages and sends each to one replica. */
export class PlainClient {
  readonly signer: Signer;
  readonly transport = new HttpTransport({ timeoutMs: 10_000 });
  readonly caller: SoapCaller;

  constructor(
    readonly cluster: LoadedCluster,
    keys: KeyPair,
  ) {
    this.signer = new Signer(keys);
    const verifier = new Verifier(new TrustStore(cluster.authorityPems), { clockWindowMs: 300_000 });
    this.caller = new SoapCaller({ signer: this.signer, verifier, transport: this.transport, clock: Date.now });
  }

  message(parts: RequestParts): OutgoingMessage {
    const action = messageAt(parts.endpoint, parts.body)?.action ?? 'urn:unknown';
    return {
      soapVersion: parts.soapVersion ?? '1.1',
      addressing: {
        to: parts.to ?? urlOf(this.cluster.config.address, parts.endpoint),
        action,
        messageId: parts.messageId ?? `urn:uuid:${randomUUID()}`,
      },
      headers: [...(parts.sequence === undefined ? [] : [encodeSequence(parts.sequence)]), ...(parts.headers ?? [])],
      body: parts.body,
    };
  }

  url(replica: number, endpoint: ServedEndpoint): string {
    return urlOf(this.cluster.replicas[replica - 1]?.url ?? '', endpoint);
  }

  call(replica: number, parts: RequestParts): Promise<CallResult> {
    return this.caller.call(this.url(replica, parts.endpoint), this.message(parts));
  }

  /** The same request, signed once, to every replica. */
  async callAll(parts: RequestParts): Promise<CallResult[]> {
    const message = this.message(parts);
    return Promise.all(this.cluster.replicas.map(({ id }) => this.caller.call(this.url(id, parts.endpoint), message)));
  }

  close(): void {
    this.transport.close();
  }
}

/** The stable code of a fault, or what came instead of one. */
export const codeOf = (result: CallResult): string =>
  result.kind === 'fault' ? (result.fault.concordatCode ?? result.fault.code) : result.kind;
