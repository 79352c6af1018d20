import { type Request, requestDigest } from '../../src/bft/index.js';
import { controlStream, createStream, participantOfStream, participantStream } from '../../src/contract/index.js';
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
import { type XmlElement } from '../../src/soap/xml.js';
import { activityId } from '../../src/wsba/index.js';
import { CLUSTER } from './core.js';

const PARTICIPANTS = ['C=AT,O=Airline,CN=airline', 'C=AT,O=Hotel,CN=hotel'];
const INITIATORS = 8;
const MATCHCODE = 'trip';

function request(writer: string, stream: string, number: number, action: string, body: XmlElement, more = {}): Request {
  const messageId = `urn:uuid:${stream}:${number}`.slice(0, 200);
  const payload = encodeOperation({ action: `${NS.wsba}/${action}`, messageId, references: [], body, ...more });
  return { stream, number, writer, payload };
}

/** The requests of one activity with two participants, as an honest initiator and participants make them. */
export class ActivityRequests {
  readonly create: Request;
  readonly id: string;
  readonly #writer: string;

  constructor(serial: number) {
    this.#writer = `C=AT,O=Travel agency,CN=initiator ${serial % INITIATORS}`;
    const body = encodeCreateCoordinationContext({ coordinationType: `${NS.wsba}/AtomicOutcome`, extensions: [] });
    const stream = createStream(this.#writer, `urn:uuid:endurance-${serial}`);
    this.create = request(this.#writer, stream, 1, 'CreateCoordinationContext', body, { created: Date.now() });
    this.id = activityId(requestDigest(CLUSTER, this.create));
  }

  invite(): Request {
    const body = encodeInitiatorRequest({ operation: 'getCoordinationContextWithMatchcode', matchcode: MATCHCODE });
    return request(this.#writer, controlStream(this.id), 1, 'Invite', body);
  }

  registers(): Request[] {
    return PARTICIPANTS.map((writer, i) => {
      const participantProtocolService = {
        address: `https://participant-${i}.example/wsba`,
        referenceParameters: [],
        extensions: [],
      };
      const body = encodeRegister({
        protocolIdentifier: `${NS.wsba}/ParticipantCompletion`,
        participantProtocolService,
        extensions: [],
      });
      return request(writer, this.#stream(writer), 1, 'Register', body, { references: [encodeInvitation(MATCHCODE)] });
    });
  }

  completed(): Request[] {
    return PARTICIPANTS.map((writer) => this.#notify(writer, 2, 'Completed'));
  }

  close(): Request {
    const named = PARTICIPANTS.map((writer) => ({ participantId: participantOfStream(this.#stream(writer)) }));
    const body = encodeInitiatorRequest({ operation: 'closeAllParticipants', participants: named });
    return request(this.#writer, controlStream(this.id), 2, 'Close', body);
  }

  /** @param participant who was told to close */
  closed(participant: string): Request {
    const writer = PARTICIPANTS.find((candidate) => participantOfStream(this.#stream(candidate)) === participant);
    if (writer === undefined) throw new Error(`a command for nobody: ${participant}`);
    return this.#notify(writer, 3, 'Closed');
  }

  /** What a latecomer answers that was told to cancel. */
  canceled(activity: string, writer: string): Request {
    return request(writer, participantStream(activity, MATCHCODE, writer), 2, 'Canceled', encodeNotification('Canceled'));
  }

  get participants(): number {
    return PARTICIPANTS.length;
  }

  #notify(writer: string, number: number, name: NotificationName): Request {
    return request(writer, this.#stream(writer), number, name, encodeNotification(name));
  }

  #stream(writer: string): string {
    return participantStream(this.id, MATCHCODE, writer);
  }
}
