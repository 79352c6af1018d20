import { ConcordatError } from '../errors.js';
import type { EndpointReference } from './addressing.js';
import { clarkName, referenceParameterHeaders } from './addressing.js';
import type { DestinationPolicy } from './destination-policy.js';
import type { EdgeOptions } from './edge.js';
import type { OutgoingMessage } from './envelope.js';
import { MESSAGES, WSA_ANONYMOUS, WSA_NONE } from './messages/index.js';
import { NS } from './namespaces.js';
import type { VerifiedMessage } from './verifier.js';
import { child, is, text } from './xml.js';
import type { XmlElement } from './xml.js';

/** Where an answer goes. */
export type Destination =
  /** Back on the HTTP exchange that brought the message. */
  | { readonly kind: 'exchange'; readonly epr?: EndpointReference }
  /** By an HTTP exchange of its own. */
  | { readonly kind: 'endpoint'; readonly epr: EndpointReference }
  /** To nobody: whoever asked does not want it (wsa:none). */
  | { readonly kind: 'nobody' };

export interface Destinations {
  readonly reply: Destination;
  readonly fault: Destination;
}

export const HERE: Destination = { kind: 'exchange' };

/** Reference parameters become headers of what we sign, so they must not look like headers that mean something of their own. */
const RESERVED: ReadonlySet<string> = new Set([NS.soap11, NS.soap12, NS.wsa, NS.wsse, NS.wsu, NS.ds]);

/** Addresses that mean something instead of naming a place; they look like URLs all the same. */
const SPECIAL: ReadonlySet<string> = new Set([WSA_ANONYMOUS, WSA_NONE]);

/** Whether a message can be posted to this address. Which hosts may be written to is for whoever configures the network. */
export const isPostable = (address: string): boolean =>
  !SPECIAL.has(address) && /^https?:\/\//i.test(address) && URL.canParse(address);

/**
 * Where the answers to a message go (WS-Addressing 1.0 core §3.4). To be asked before anything is done for it.
 * @throws OnlyAnonymousAddressSupported for a ReplyTo or FaultTo that nothing can be posted to; InvalidAddressingHeader for
 *   reference parameters that would be headers of SOAP, WS-Addressing or WS-Security
 */
export function destinationsOf({ addressing, body }: Pick<VerifiedMessage, 'addressing' | 'body'>): Destinations {
  const { replyTo, faultTo, from } = addressing;
  for (const epr of [replyTo, faultTo, from]) if (epr !== undefined) checkReferenceParameters(epr);
  const reply = replyTo === undefined ? undefined : destinationOf('ReplyTo', replyTo);
  const fault = faultTo === undefined ? undefined : destinationOf('FaultTo', faultTo);
  return { reply: reply ?? HERE, fault: fault ?? (isOneWay(body) ? faultOfOneWay(reply, from) : reply) ?? HERE };
}

/** A notification often says in ReplyTo that it wants no reply; its faults then go to From (so does Narayana). */
function faultOfOneWay(reply: Destination | undefined, from: EndpointReference | undefined): Destination | undefined {
  if (reply !== undefined && reply.kind !== 'nobody') return reply;
  return from !== undefined && isPostable(from.address) ? { kind: 'endpoint', epr: from } : undefined;
}

function destinationOf(name: 'ReplyTo' | 'FaultTo', epr: EndpointReference): Destination {
  if (epr.address === WSA_ANONYMOUS) return { kind: 'exchange', epr };
  if (epr.address === WSA_NONE) return { kind: 'nobody' };
  if (isPostable(epr.address)) return { kind: 'endpoint', epr };
  throw new ConcordatError('OnlyAnonymousAddressSupported', `wsa:${name} is ${epr.address}`);
}

function checkReferenceParameters({ referenceParameters }: EndpointReference): void {
  const reserved = referenceParameters.find(({ ns }) => RESERVED.has(ns));
  if (reserved === undefined) return;
  throw new ConcordatError('InvalidAddressingHeader', `the reference parameter ${clarkName(reserved)}`);
}

/**
 * Where something goes that comes after the exchange is over: the first of these references that a message can be posted to.
 * Undefined if there is none.
 */
export const laterDestination = (...candidates: readonly (EndpointReference | undefined)[]): EndpointReference | undefined =>
  candidates.find((epr) => epr !== undefined && isPostable(epr.address));

/**
 * The same edge, which refuses a message that names a place where nothing may be sent before anything is done for it: in ReplyTo or
 * FaultTo, or as the endpoint that it registers. The fault goes back on the exchange.
 */
export function guarded(options: EdgeOptions, policy: () => DestinationPolicy): EdgeOptions {
  return {
    ...options,
    handle: async (request) => {
      for (const address of namedAddresses(request.message)) policy().check(address);
      return options.handle(request);
    },
    // Refused addresses have no room: the fault that says so goes back on the exchange, not there.
    ...(options.deliver === undefined
      ? {}
      : {
          deliver: (message, to) =>
            policy().objection(new URL(to.address)) === undefined && options.deliver?.(message, to) === true,
        }),
  };
}

/** Where a message asks to be answered, and where whoever registers with it wants to be reached. */
function namedAddresses({ addressing, body }: Pick<VerifiedMessage, 'addressing' | 'body'>): string[] {
  const { replyTo, faultTo } = addressing;
  const service = is(body, NS.wscoor, 'Register') ? child(body, NS.wscoor, 'ParticipantProtocolService') : undefined;
  const address = service === undefined ? undefined : child(service, NS.wsa, 'Address');
  const addresses = [replyTo?.address, faultTo?.address, address === undefined ? undefined : text(address).trim()];
  return addresses.filter((named): named is string => named !== undefined && isPostable(named));
}

/** Whether a message of that Body is a notification, which has no reply. */
const isOneWay = (body: XmlElement): boolean =>
  MESSAGES.some((entry) => entry.kind === 'one-way' && is(body, entry.body.ns, entry.body.name));

/** A message as it goes to an endpoint: its reference parameters as headers, wsa:To its address, unless it goes back anonymously. */
export function addressed(message: OutgoingMessage, epr: EndpointReference): OutgoingMessage {
  const to = epr.address === WSA_ANONYMOUS ? {} : { to: epr.address };
  return {
    ...message,
    addressing: { ...message.addressing, ...to },
    headers: [...message.headers, ...referenceParameterHeaders(epr)],
  };
}
