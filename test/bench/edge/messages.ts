import { el, NS, Signer, TrustStore, Verifier } from '../../../src/soap/index.js';
import type { Credentials, OutgoingMessage, XmlElement } from '../../../src/soap/index.js';
import { makeCa } from '../../soap/pki.js';

export type KeyType = 'rsa' | 'ec';
export const KEY_TYPES: readonly KeyType[] = ['rsa', 'ec'];
export const REFERENCES = [3, 8] as const;
export type ReferenceCount = (typeof REFERENCES)[number];

/** The namespace of what is echoed. */
export const BENCH = 'urn:concordat:bench';
export const ECHO_ACTION = `${BENCH}:Echo`;
export const ECHO_REPLY_ACTION = `${BENCH}:EchoResponse`;

/** Everything one kind of key needs to sign and to be believed. */
export interface Party {
  readonly keyType: KeyType;
  readonly caPem: string;
  readonly credentials: Credentials;
  readonly signer: Signer;
  readonly verifier: Verifier;
}

/** A bench may take long, and signs its messages once. */
const CLOCK_WINDOW_MS = 12 * 3_600_000;

export async function makeParty(keyType: KeyType): Promise<Party> {
  const ca = await makeCa('Bench CA');
  return partyOf(keyType, ca.pem, await ca.issue({ cn: 'bench', ou: ['initiator'], keyType }));
}

export function partyOf(keyType: KeyType, caPem: string, credentials: Credentials): Party {
  const verifier = new Verifier(new TrustStore([caPem]), { clockWindowMs: CLOCK_WINDOW_MS, skewMs: CLOCK_WINDOW_MS });
  return { keyType, caPem, credentials, signer: new Signer(credentials), verifier };
}

const text = (name: string, value: string): XmlElement => el(BENCH, name, {}, value);

/** Timestamp, Action and Body; then To, MessageID, ReplyTo, the stream header and a reference parameter, as a request of ours has. */
export function benchMessage(references: ReferenceCount, filling: string): OutgoingMessage {
  const body = el(BENCH, 'Echo', {}, text('text', filling));
  if (references === 3) return { soapVersion: '1.1', addressing: { action: ECHO_ACTION }, headers: [], body };
  return {
    soapVersion: '1.1',
    addressing: {
      to: 'https://cluster.example/coordinator',
      action: ECHO_ACTION,
      messageId: 'urn:uuid:00000000-0000-4000-8000-000000000001',
      replyTo: { address: `${NS.wsa}/anonymous`, referenceParameters: [], extensions: [] },
    },
    headers: [
      el(NS.concordat, 'Sequence', {}, el(NS.concordat, 'Number', {}, '1')),
      el(NS.concordat, 'Activity', [{ ns: NS.wsa, name: 'IsReferenceParameter', value: 'true' }], 'urn:uuid:a'),
    ],
    body,
  };
}

/** What a message should weigh, in bytes; with RSA, or with many references, its signature alone may weigh more. */
export const MESSAGE_BYTES = 3_500;

/** A message of about that size, and it signed. */
export function signedMessage(party: Party, references: ReferenceCount): { message: OutgoingMessage; raw: string } {
  const bare = party.signer.sign(benchMessage(references, ''), Date.now()).length;
  const message = benchMessage(references, 'x'.repeat(Math.max(MIN_FILLING, MESSAGE_BYTES - bare)));
  return { message, raw: party.signer.sign(message, Date.now()) };
}

const MIN_FILLING = 64;
