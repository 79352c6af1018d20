import type { Request } from '../../src/bft/index.js';
import { encodeOperation } from '../../src/replica/operation.js';
import { NS, parseCanonical } from '../../src/soap/index.js';
import {
  encodeCreateCoordinationContext,
  encodeFail,
  encodeInitiatorRequest,
  encodeInvitation,
  encodeNotification,
  encodeRegister,
} from '../../src/soap/messages/index.js';
import { el, serialize, type XmlElement } from '../../src/soap/xml.js';
import type { Outcome, ParticipantMessage, Protocol } from '../../src/wsba/index.js';

/** What an initiator may ask of the replicas. Only they may say END; a client that tries speaks no known operation. */
export type Order =
  | { readonly kind: 'invite'; readonly matchcode: string; readonly identity?: string }
  | { readonly kind: 'complete' | 'close' | 'compensate' | 'cancel'; readonly participants: readonly string[] }
  | { readonly kind: 'cancelAll' }
  | { readonly kind: 'END' };

const SERVICE = { address: 'http://participant.invalid/', referenceParameters: [], extensions: [] };

function numbered(
  stream: string,
  number: number,
  writer: string,
  body: XmlElement,
  extra: { readonly created?: number; readonly references?: readonly XmlElement[] } = {},
): Request {
  const messageId = `urn:message:${stream}#${number}`;
  // As it reads at a replica: QNames in texts are resolved.
  const normal = parseCanonical(serialize(body));
  const payload = encodeOperation({ action: 'urn:model', messageId, references: [], body: normal, ...extra });
  return { stream, number, writer, payload };
}

/** @param created milliseconds of the simulated clock */
export function createRequest(stream: string, writer: string, outcome: Outcome, created: number): Request {
  const body = encodeCreateCoordinationContext({ coordinationType: `${NS.wsba}/${outcome}`, extensions: [] });
  return numbered(stream, 1, writer, body, { created });
}

export const orderRequest = (stream: string, number: number, writer: string, outcome: Outcome, order: Order): Request =>
  numbered(stream, number, writer, orderBody(outcome, order));

function orderBody(outcome: Outcome, order: Order): XmlElement {
  const atomic = outcome === 'AtomicOutcome';
  switch (order.kind) {
    case 'invite': {
      const { matchcode, identity } = order;
      return encodeInitiatorRequest({
        operation: 'getCoordinationContextWithMatchcode',
        matchcode,
        ...(identity === undefined ? {} : { identity }),
      });
    }
    case 'complete':
      return naming('completeParticipants', order.participants);
    case 'close':
      return naming(atomic ? 'closeAllParticipants' : 'closeParticipants', order.participants);
    case 'compensate':
      return naming('compensateParticipants', order.participants);
    case 'cancel':
      return naming('cancelParticipants', order.participants);
    case 'cancelAll':
      return encodeInitiatorRequest({ operation: 'cancelOrCompensateAllParticipants' });
    case 'END':
      return el(NS.wsbai, 'end', {});
  }
}

function naming(
  operation:
    'completeParticipants' | 'closeAllParticipants' | 'closeParticipants' | 'compensateParticipants' | 'cancelParticipants',
  ids: readonly string[],
): XmlElement {
  return encodeInitiatorRequest({ operation, participants: ids.map((participantId) => ({ participantId })) });
}

/** @param matchcode '' for the plain context */
export function registerRequest(stream: string, writer: string, protocol: Protocol, matchcode: string): Request {
  const body = encodeRegister({
    protocolIdentifier: `${NS.wsba}/${protocol}`,
    participantProtocolService: SERVICE,
    extensions: [],
  });
  return numbered(stream, 1, writer, body, { references: matchcode === '' ? [] : [encodeInvitation(matchcode)] });
}

export function notifyRequest(stream: string, number: number, writer: string, message: ParticipantMessage): Request {
  const body = message === 'Fail' ? encodeFail('wsba:Fail') : encodeNotification(message);
  return numbered(stream, number, writer, body);
}

/** The simulated writer's signature: the request itself, readable. Simulated clients cannot forge one another's names. */
export const proofOf = (request: Request): Uint8Array =>
  Buffer.from(JSON.stringify({ ...request, payload: Buffer.from(request.payload).toString('base64') }));

export function readProof(proof: Uint8Array): Request {
  const read = JSON.parse(Buffer.from(proof).toString()) as Omit<Request, 'payload'> & { readonly payload: string };
  return { ...read, payload: Buffer.from(read.payload, 'base64') };
}
