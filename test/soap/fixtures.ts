import { createHash, createSign } from 'node:crypto';
import { ConcordatError } from '../../src/errors.js';
import type { ErrorCode } from '../../src/errors.js';
import { el, NS, referenceParameterHeaders, Signer, TrustStore, Verifier } from '../../src/soap/index.js';
import type { Credentials, OutgoingMessage, SoapVersion, VerifyPolicy } from '../../src/soap/index.js';
import { makeCa } from './pki.js';
import type { Ca } from './pki.js';

export const NOW = Date.now();
export const ACTION = `${NS.wscoor}/Register`;
export const PARTICIPANT = {
  address: 'https://airline.example/ba?x=1&y=2',
  referenceParameters: [el('urn:example:airline', 'Booking', {}, 'B <7> & "co"')],
  extensions: [],
};

export interface Setup {
  readonly ca: Ca;
  readonly rsa: Credentials;
  readonly signer: Signer;
  readonly ecSigner: Signer;
  readonly verifier: Verifier;
}

export async function setup(policy: Partial<VerifyPolicy> = {}): Promise<Setup> {
  const ca = await makeCa();
  const rsa = await ca.issue({ cn: 'airline', ou: ['participant', 'Flights'], keyType: 'rsa' });
  const ec = await ca.issue({ cn: 'agency', ou: ['initiator', 'operator'], keyType: 'ec' });
  const verifier = new Verifier(new TrustStore([ca.pem]), { clockWindowMs: 300_000, ...policy });
  return { ca, rsa, signer: new Signer(rsa), ecSigner: new Signer(ec), verifier };
}

/** A request with every kind of part. */
export function message(soapVersion: SoapVersion = '1.1', changes: Partial<OutgoingMessage> = {}): OutgoingMessage {
  return {
    soapVersion,
    addressing: {
      to: 'https://cluster.example/registration',
      action: ACTION,
      messageId: 'urn:uuid:1',
      replyTo: { address: `${NS.wsa}/anonymous`, referenceParameters: [], extensions: [] },
      from: PARTICIPANT,
    },
    headers: [
      el(NS.concordat, 'Sequence', {}, el(NS.concordat, 'Number', {}, '1')),
      ...referenceParameterHeaders({
        address: 'urn:x',
        referenceParameters: [el(NS.concordat, 'Activity', {}, 'urn:uuid:a')],
        extensions: [],
      }),
    ],
    body: el(
      NS.wscoor,
      'Register',
      {},
      el(NS.wscoor, 'ProtocolIdentifier', {}, `${NS.wsba}/ParticipantCompletion`),
      '\n  \u00e9\u{1F600} \r ',
    ),
    ...changes,
  };
}

/** The code of the ConcordatError that `act` throws; 'none' if it throws nothing. */
export function codeOf(act: () => unknown): ErrorCode | 'none' {
  try {
    act();
  } catch (error) {
    if (error instanceof ConcordatError) return error.code;
    throw error;
  }
  return 'none';
}

/** Replaces and insists that there was something to replace. */
export function swap(text: string, from: string | RegExp, to: string): string {
  const changed = text.replace(from, to);
  if (changed === text) throw new Error(`nothing to replace: ${String(from)}`);
  return changed;
}

/** Signs again, by an RSA key, after a change to the text of SignedInfo: what a sender with a valid key could send. */
export function resign(raw: string, { privateKeyPem }: Credentials, change: (info: string) => string): string {
  const info = /<ds:SignedInfo>.*<\/ds:SignedInfo>/s.exec(raw)?.[0] ?? '';
  const changed = change(info);
  const canonical = changed.replace('<ds:SignedInfo>', `<ds:SignedInfo xmlns:ds="${NS.ds}">`);
  const value = createSign('RSA-SHA256').update(canonical).sign(privateKeyPem, 'base64');
  return raw.replace(info, () => changed).replace(/(<ds:SignatureValue>)[^<]*/, (_all, tag: string) => `${tag}${value}`);
}

export const leaveOut = (raw: string, key: Credentials, id: string): string =>
  resign(raw, key, (info) => swap(info, new RegExp(`<ds:Reference URI="#${id}">.*?</ds:Reference>`, 's'), ''));

/** Puts a new reference, with the digest of the canonical text given. */
export function addReference(raw: string, key: Credentials, id: string, canonical: string, inclusive = ''): string {
  const c14n = 'http://www.w3.org/2001/10/xml-exc-c14n#';
  const list =
    inclusive === '' ? '' : `<ec:InclusiveNamespaces xmlns:ec="${c14n}" PrefixList="${inclusive}"></ec:InclusiveNamespaces>`;
  const reference =
    `<ds:Reference URI="#${id}"><ds:Transforms><ds:Transform Algorithm="${c14n}">${list}</ds:Transform></ds:Transforms>` +
    `<ds:DigestMethod Algorithm="http://www.w3.org/2001/04/xmlenc#sha256"></ds:DigestMethod>` +
    `<ds:DigestValue>${createHash('sha256').update(canonical).digest('base64')}</ds:DigestValue></ds:Reference>`;
  return resign(raw, key, (info) => swap(info, '</ds:SignedInfo>', `${reference}</ds:SignedInfo>`));
}
