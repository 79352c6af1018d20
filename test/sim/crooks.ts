import type { ClientTransport } from '../../src/client/ports.js';
import { clarkName, type OutgoingMessage, type VerifiedMessage, type XmlElement, is, NS } from '../../src/soap/index.js';
import { pathOf, SERVED } from '../../src/contract/index.js';
import {
  encodeInitiatorRequest,
  encodeNotification,
  encodeSequence,
  messageAt,
  readSequence,
} from '../../src/soap/messages/index.js';
import type { ClientNode } from './client-node.js';
import type { Fault } from './tally.js';

/** How a client lies: it is the shipped one inside, with its own key, and what it sends is altered on the way. */
export const CROOKED = [
  'two requests for one position',
  'another request to each replica',
  'same position, new timestamp',
  'nonsense',
  'flood',
] as const satisfies readonly Fault[];
export type Crookedness = (typeof CROOKED)[number];

/** Sends the same request under ever new timestamps, and is honest for all that. */
export const isHarmless = (kind: Crookedness): boolean => kind === 'same position, new timestamp';
/** Signs two requests for one position. */
export const isEquivocator = (kind: Crookedness): boolean =>
  kind === 'two requests for one position' ||
  kind === 'another request to each replica' ||
  kind === 'nonsense' ||
  kind === 'flood';

const FLOOD = 40;

/** What another request at the same position may say. */
const OTHER: Readonly<Record<string, (message: VerifiedMessage) => XmlElement>> = {
  closeAllParticipants: () => encodeInitiatorRequest({ operation: 'cancelOrCompensateAllParticipants' }),
  cancelOrCompensateAllParticipants: () => encodeInitiatorRequest({ operation: 'closeAllParticipants', participants: [] }),
  Completed: () => encodeNotification('Exit'),
  Exit: () => encodeNotification('Completed'),
  Closed: () => encodeNotification('CannotComplete'),
  Canceled: () => encodeNotification('Completed'),
  Compensated: () => encodeNotification('Closed'),
};

export function crookedTransport(kind: Crookedness, real: ClientTransport, client: ClientNode): ClientTransport {
  const { world } = client;
  const signer = world.security.signer(client.name);
  let posts = 0;
  return {
    ...real,
    post: async (url, message, signal) => {
      const original = world.security.peek(message.xml);
      const sign = (changed: Partial<OutgoingMessage>, atMs = 0): { xml: string } => ({
        xml: signer.sign(altered(original, changed, actionAt(url)), (client.process?.clock() ?? 0) + atMs),
      });
      posts += 1;
      switch (kind) {
        case 'same position, new timestamp':
          world.faults.add(kind);
          return real.post(url, { ...message, ...sign({}, -(posts % 50)) }, signal);
        case 'two requests for one position':
        case 'another request to each replica': {
          const isOther = kind === 'two requests for one position' ? siteNumber(url) % 2 === 0 : true;
          const other = isOther ? otherOf(original, kind === 'two requests for one position' ? 0 : siteNumber(url)) : undefined;
          if (other === undefined) return real.post(url, message, signal);
          world.faults.add(kind);
          const action = other.body === undefined ? message.action : actionAt(url)(other.body);
          return real.post(url, { ...message, action, ...sign(other) }, signal);
        }
        case 'nonsense':
          world.faults.add(kind);
          if (posts % 2 === 0)
            void real.post(url, { ...message, ...sign(nonsense(original, posts)) }, signal).catch(() => undefined);
          return real.post(url, message, signal);
        case 'flood':
          if (posts % 16 === 0) {
            for (let i = 0; i < FLOOD; i++) {
              world.faults.add(kind);
              void real.post(url, { ...message, ...sign(ahead(original, i)) }, signal).catch(() => undefined);
            }
          }
          return real.post(url, message, signal);
      }
    },
  };
}

const siteNumber = (url: string): number => Number(/replica-(\d+)/.exec(url)?.[1] ?? 0);

/** The action of a Body at the endpoint of a URL. */
const actionAt =
  (url: string) =>
  (body: XmlElement): string =>
    SERVED.flatMap((endpoint) => (url.endsWith(pathOf(endpoint)) ? (messageAt(endpoint, body)?.action ?? []) : []))[0] ?? NS.wsba;

function altered(
  { soapVersion, addressing, headers, body }: VerifiedMessage,
  changed: Partial<OutgoingMessage>,
  actionOf: (body: XmlElement) => string,
): OutgoingMessage {
  const message = { soapVersion, addressing, headers, body, ...changed };
  if (message.body.name === body.name) return message;
  return { ...message, addressing: { ...message.addressing, action: actionOf(message.body) } };
}

/** Another request for the same position: another Body, or at least another name. */
function otherOf(message: VerifiedMessage, salt: number): Partial<OutgoingMessage> | undefined {
  if (readSequence(message.headers) === undefined) return undefined;
  const body = OTHER[message.body.name]?.(message);
  const { messageId = '' } = message.addressing;
  // A create is named after its MessageID, so another one would be another stream.
  if (message.body.name === 'CreateCoordinationContext') return undefined;
  const addressing = { ...message.addressing, messageId: `${messageId.slice(0, -4)}${String(salt).padStart(4, 'e')}` };
  return { addressing, ...(body === undefined || salt % 2 === 1 ? {} : { body }) };
}

const isSequence = (header: XmlElement): boolean => is(header, NS.concordat, 'Sequence');

function renumbered(message: VerifiedMessage, number: number): Partial<OutgoingMessage> {
  const headers = message.headers.map((header) => (isSequence(header) ? encodeSequence({ number }) : header));
  return { headers, addressing: { ...message.addressing, messageId: `${message.addressing.messageId ?? ''}-${number}` } };
}

function nonsense(message: VerifiedMessage, salt: number): Partial<OutgoingMessage> {
  const number = readSequence(message.headers)?.number ?? 1;
  switch (salt % 5) {
    case 0:
      return { body: encodeNotification('Completed') };
    case 1:
      return { headers: message.headers.filter((header) => !isSequence(header)) };
    case 2:
      return renumbered(message, number + 1_000_000);
    case 3:
      return {
        headers: [...message.headers].reverse(),
        body: { ...message.body, name: `${clarkName(message.body)}?`.slice(-9, -1) },
      };
    default:
      return renumbered(message, number + 1);
  }
}

const ahead = (message: VerifiedMessage, i: number): Partial<OutgoingMessage> =>
  renumbered(message, (readSequence(message.headers)?.number ?? 1) + 1 + i);
