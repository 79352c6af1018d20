/** Every message as data: where it goes, what its Body holds, and its action URI (WS-TX: namespace + '/' + element). */
import { NS } from '../namespaces.js';
import type { QName } from './fields.js';
import { COORDINATOR_NOTIFICATIONS, PARTICIPANT_NOTIFICATIONS } from './wsba.js';
import { INITIATOR_OPERATIONS } from './wsbai.js';

/** Where a message is sent to: an endpoint of the coordinator, or a participant's. Each has a WSDL of that name. */
export const ENDPOINTS = ['activation', 'registration', 'coordinator', 'completion', 'participant'] as const;
export type Endpoint = (typeof ENDPOINTS)[number];

export type Direction = 'to-coordinator' | 'from-coordinator';

export interface MessageName {
  readonly body: QName;
  readonly action: string;
}

interface Entry extends MessageName {
  readonly endpoint: Endpoint;
  readonly direction: Direction;
  /** The WSDL operation. */
  readonly operation: string;
}

/** `response` is what answers a request; a one-way message is answered with HTTP 202 alone. */
export type MessageEntry =
  (Entry & { readonly kind: 'request'; readonly response: MessageName }) | (Entry & { readonly kind: 'one-way' });

function wscoor(endpoint: Endpoint, name: string): MessageEntry {
  const response = `${name}Response`;
  return {
    kind: 'request',
    endpoint,
    direction: 'to-coordinator',
    operation: `${name}Operation`,
    body: { ns: NS.wscoor, name },
    action: `${NS.wscoor}/${name}`,
    response: { body: { ns: NS.wscoor, name: response }, action: `${NS.wscoor}/${response}` },
  };
}

/** The two operations that wsba.wsdl names without the suffix. */
const WITHOUT_SUFFIX: ReadonlySet<string> = new Set(['CannotComplete', 'NotCompleted']);

const wsba = (endpoint: Endpoint, direction: Direction, name: string): MessageEntry => ({
  kind: 'one-way',
  endpoint,
  direction,
  operation: WITHOUT_SUFFIX.has(name) ? name : `${name}Operation`,
  body: { ns: NS.wsba, name },
  action: `${NS.wsba}/${name}`,
});

/** WS-BA-I actions: namespace + operation; an invitation is answered with a context, all else with a list (decision 003). */
const wsbai = (name: string): MessageEntry => ({
  kind: 'request',
  endpoint: 'completion',
  direction: 'to-coordinator',
  operation: name,
  body: { ns: NS.wsbai, name },
  action: NS.wsbai + name,
  response: {
    body:
      name === 'getCoordinationContextWithMatchcode'
        ? { ns: NS.wscoor, name: 'CreateCoordinationContextResponse' }
        : { ns: NS.wsbai, name: `${name}Response` },
    action: `${NS.wsbai}${name}Response`,
  },
});

export const MESSAGES: readonly MessageEntry[] = [
  wscoor('activation', 'CreateCoordinationContext'),
  wscoor('registration', 'Register'),
  ...[...PARTICIPANT_NOTIFICATIONS, 'Fail', 'GetStatus', 'Status'].map((name) => wsba('coordinator', 'to-coordinator', name)),
  ...[...COORDINATOR_NOTIFICATIONS, 'GetStatus', 'Status'].map((name) => wsba('participant', 'from-coordinator', name)),
  ...INITIATOR_OPERATIONS.map(wsbai),
];

const key = (endpoint: Endpoint, { ns, name }: QName): string => `${endpoint} ${ns} ${name}`;

const BY_BODY: ReadonlyMap<string, MessageEntry> = new Map(MESSAGES.map((entry) => [key(entry.endpoint, entry.body), entry]));

/** The message whose Body child has that name at that endpoint; undefined if the endpoint knows no such message. */
export const messageAt = (endpoint: Endpoint, body: QName): MessageEntry | undefined => BY_BODY.get(key(endpoint, body));
