import { randomUUID, X509Certificate } from 'node:crypto';
import type { KeyPair } from '../../src/config/index.js';
import { type CallResult, eprFromXml, identityOf, NS, referenceParameterHeaders, type XmlElement } from '../../src/soap/index.js';
import {
  decodeCreateCoordinationContextResponse,
  decodeParticipantList,
  decodeRegisterResponse,
  encodeCreateCoordinationContext,
  encodeInitiatorRequest,
  encodeNotification,
  encodeRegister,
  type InitiatorRequest,
  type ParticipantListResponse,
} from '../../src/soap/messages/index.js';
import { codeOf, type PlainClient, type RequestParts } from '../support/soap-client.js';

export type Outcome = 'AtomicOutcome' | 'MixedOutcome';
export type Protocol = 'ParticipantCompletion' | 'CoordinatorCompletion';
type Notice = Parameters<typeof encodeNotification>[0];

export const identityIn = ({ certificatePem }: KeyPair): string => identityOf(new X509Certificate(certificatePem)).writer;

/** A request to create an activity; sent again it is the same request. */
export const creation = (outcome: Outcome = 'AtomicOutcome'): RequestParts => ({
  endpoint: 'activation',
  body: encodeCreateCoordinationContext({ coordinationType: `${NS.wsba}/${outcome}`, extensions: [] }),
  sequence: { number: 1, created: Date.now() },
  messageId: `urn:uuid:${randomUUID()}`,
});

/** Answers that only say: too early, as a busy machine may make them. What is sent again is the same request. */
const TOO_EARLY: ReadonlySet<string> = new Set(['NoQuorum', 'PredecessorMissing', 'Starting']);
const MAX_ATTEMPTS = 10;

/** Sends one signed request to those replicas, again to each that was too slow to have it certified in time. */
export async function sendTo(client: PlainClient, replicas: readonly number[], parts: RequestParts): Promise<CallResult[]> {
  const message = client.message(parts);
  const ask = async (id: number): Promise<CallResult> => {
    for (let attempt = 1; ; attempt += 1) {
      const result = await client.caller.call(client.url(id, parts.endpoint), message);
      if (attempt === MAX_ATTEMPTS || !TOO_EARLY.has(codeOf(result))) return result;
    }
  };
  return Promise.all(replicas.map(ask));
}

export const sendToAll = (client: PlainClient, parts: RequestParts): Promise<CallResult[]> =>
  sendTo(
    client,
    client.cluster.replicas.map(({ id }) => id),
    parts,
  );

/** What all replicas answered alike. */
export function unanimous(results: readonly CallResult[]): CallResult {
  const [first] = results;
  const kinds = [...new Set(results.map(codeOf))];
  if (first === undefined || kinds.length !== 1) throw new Error(`the replicas differ: ${kinds.join(', ')}`);
  return first;
}

export function bodyOf(result: CallResult): XmlElement {
  if (result.kind === 'reply') return result.message.body;
  throw new Error(result.kind === 'fault' ? `${codeOf(result)}: ${result.fault.detail ?? ''}` : 'no reply');
}

/** An activity and its initiator, who speaks signed SOAP to the replicas and counts its requests itself. */
export class PlainActivity {
  #number = 0;

  private constructor(
    readonly initiator: PlainClient,
    readonly id: string,
    /** Reference parameters of the completion service. */
    readonly control: readonly XmlElement[],
    /** Reference parameters of the registration service, for participants without an invitation. */
    readonly registration: readonly XmlElement[],
  ) {}

  static async create(initiator: PlainClient, outcome?: Outcome): Promise<PlainActivity> {
    return PlainActivity.of(initiator, bodyOf(unanimous(await sendToAll(initiator, creation(outcome)))));
  }

  static of(initiator: PlainClient, response: XmlElement): PlainActivity {
    const { context, extensions } = decodeCreateCoordinationContextResponse(response);
    const service = extensions.find(({ name }) => name === 'InitiatorService');
    if (service === undefined) throw new Error('no initiator service');
    const control = referenceParameterHeaders(eprFromXml(service));
    return new PlainActivity(initiator, context.identifier, control, referenceParameterHeaders(context.registrationService));
  }

  /** The next request of the control stream, or one of a given number. */
  request(request: InitiatorRequest, number = this.#number + 1): RequestParts {
    this.#number = Math.max(this.#number, number);
    return { endpoint: 'completion', body: encodeInitiatorRequest(request), headers: this.control, sequence: { number } };
  }

  async ask(request: InitiatorRequest): Promise<CallResult> {
    return unanimous(await sendToAll(this.initiator, this.request(request)));
  }

  async decide(request: InitiatorRequest): Promise<ParticipantListResponse> {
    return decodeParticipantList(bodyOf(await this.ask(request)));
  }

  /** @returns reference parameters of the registration service, with the invitation */
  async invite(matchcode: string, identity?: string): Promise<readonly XmlElement[]> {
    const operation = 'getCoordinationContextWithMatchcode';
    const answer = await this.ask({ operation, matchcode, ...(identity === undefined ? {} : { identity }) });
    return referenceParameterHeaders(decodeCreateCoordinationContextResponse(bodyOf(answer)).context.registrationService);
  }

  /** A question: it has no number. */
  question(): RequestParts {
    return { endpoint: 'completion', body: encodeInitiatorRequest({ operation: 'listParticipants' }), headers: this.control };
  }

  async list(replica = 1): Promise<ParticipantListResponse> {
    return decodeParticipantList(bodyOf(await this.initiator.call(replica, this.question())));
  }
}

export const registering = (headers: readonly XmlElement[], protocol: Protocol = 'ParticipantCompletion'): RequestParts => ({
  endpoint: 'registration',
  body: encodeRegister({
    protocolIdentifier: `${NS.wsba}/${protocol}`,
    participantProtocolService: { address: 'http://127.0.0.1:9/participant', referenceParameters: [], extensions: [] },
    extensions: [],
  }),
  headers,
  sequence: { number: 1 },
});

/** A participant that reports by signed SOAP and takes no commands. */
export class PlainParticipant {
  #number = 1;

  private constructor(
    readonly client: PlainClient,
    readonly id: string,
    /** Reference parameters of the coordinator's service. */
    readonly coordinator: readonly XmlElement[],
  ) {}

  static async register(client: PlainClient, headers: readonly XmlElement[], protocol?: Protocol): Promise<PlainParticipant> {
    return PlainParticipant.of(client, bodyOf(unanimous(await sendToAll(client, registering(headers, protocol)))));
  }

  static of(client: PlainClient, response: XmlElement): PlainParticipant {
    const coordinator = referenceParameterHeaders(decodeRegisterResponse(response).coordinatorProtocolService);
    const id = coordinator.find(({ name }) => name === 'Participant')?.children[0];
    if (typeof id !== 'string') throw new Error('no participant id');
    return new PlainParticipant(client, id, coordinator);
  }

  report(message: Notice, number = this.#number + 1): RequestParts {
    this.#number = Math.max(this.#number, number);
    return { endpoint: 'coordinator', body: encodeNotification(message), headers: this.coordinator, sequence: { number } };
  }

  async notify(message: Notice): Promise<void> {
    const answer = unanimous(await sendToAll(this.client, this.report(message)));
    if (answer.kind !== 'accepted') throw new Error(`${message}: ${codeOf(answer)}`);
  }
}
