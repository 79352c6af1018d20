import type { ErrorCode } from '../../src/errors.js';
import { el, NS, referenceParameterHeaders, Signer, TrustStore, Verifier } from '../../src/soap/index.js';
import type { Credentials, OutgoingMessage, SoapVersion } from '../../src/soap/index.js';
import { codeOf, message } from '../soap/fixtures.js';
import { KeyUsage, makeCa } from '../soap/pki.js';
import type { Ca } from '../soap/pki.js';
import { selfSigned } from './self-signed.js';

const HOUR_MS = 3_600_000;

export type KeyType = 'rsa' | 'ec';

/** A real message as our signer makes it: what an attacker has before him. */
export interface Sample {
  readonly name: string;
  readonly soapVersion: SoapVersion;
  /** The prefix of SOAP's own elements in it. */
  readonly soap: string;
  readonly keyType: KeyType;
  readonly credentials: Credentials;
  readonly sent: OutgoingMessage;
  readonly raw: string;
}

/** Certificates that a receiver must not believe, by what is wrong with them; and one of another honest client. */
export interface Strangers {
  readonly anotherAuthority: Credentials;
  /** Of an authority that has the very name of the configured one. */
  readonly namesake: Credentials;
  /** Of an authority that has the name of the certificate itself. */
  readonly ownNamesake: Credentials;
  readonly selfSigned: Credentials;
  readonly expired: Credentials;
  readonly notYetValid: Credentials;
  readonly wrongUsage: Credentials;
  readonly authorityItself: Credentials;
  readonly weakKey: Credentials;
  /** Trusted, but not who signed the sample. */
  readonly another: Readonly<Record<KeyType, Credentials>>;
}

export interface Scene {
  readonly now: number;
  readonly ca: Ca;
  readonly verifier: Verifier;
  readonly samples: readonly Sample[];
  readonly strangers: Strangers;
}

/** One way to attack a signed message, and the code it must be refused with: another code means it was refused by luck. */
export interface Attack {
  readonly name: string;
  readonly code: ErrorCode;
  /** True if a receiver that looks parts up anywhere in the document falls for it (see naive.ts). */
  readonly fools?: boolean;
  make(sample: Sample, scene: Scene): string;
}

/** An attack with the sample it was made from. */
export interface AttackMessage {
  readonly attack: Attack;
  readonly sample: Sample;
  readonly raw: string;
}

/** What the verifier says to a message: the code of its refusal, or 'none'. */
export const verdict = ({ verifier, now }: Scene, raw: string): ErrorCode | 'none' => codeOf(() => verifier.verify(raw, now));

/** A request with every kind of part that a signature covers, and a child without a namespace. */
export function fullMessage(soapVersion: SoapVersion): OutgoingMessage {
  const plain = message(soapVersion);
  return {
    ...plain,
    addressing: {
      ...plain.addressing,
      relatesTo: 'urn:uuid:0',
      faultTo: { address: 'https://airline.example/faults', referenceParameters: [], extensions: [] },
    },
    headers: [
      ...plain.headers,
      ...referenceParameterHeaders({
        address: 'urn:x',
        referenceParameters: [el(NS.concordat, 'Participant', {}, 'urn:uuid:p'), el('urn:example', 'Flight', {}, '7')],
        extensions: [],
      }),
    ],
    body: el(
      NS.wscoor,
      'Register',
      {},
      el(NS.wscoor, 'ProtocolIdentifier', {}, `${NS.wsba}/ParticipantCompletion`),
      el('', 'remark', { lang: 'en' }, 'no namespace'),
    ),
  };
}

export async function makeScene(now = Date.now()): Promise<Scene> {
  const ca = await makeCa();
  const [rsa, ec, strangers] = await Promise.all([
    ca.issue({ cn: 'airline', ou: ['participant'], keyType: 'rsa' }),
    ca.issue({ cn: 'agency', ou: ['initiator'], keyType: 'ec' }),
    makeStrangers(ca, now),
  ]);
  const samples = (['1.1', '1.2'] as const).flatMap((soapVersion) => [
    makeSample(soapVersion, 'rsa', rsa, now),
    makeSample(soapVersion, 'ec', ec, now),
  ]);
  const verifier = new Verifier(new TrustStore([ca.pem]), { clockWindowMs: 300_000 });
  return { now, ca, verifier, samples, strangers };
}

function makeSample(soapVersion: SoapVersion, keyType: KeyType, credentials: Credentials, now: number): Sample {
  const sent = fullMessage(soapVersion);
  return {
    name: `SOAP ${soapVersion}, ${keyType.toUpperCase()}`,
    soapVersion,
    soap: soapVersion === '1.1' ? 'soap' : 'soap12',
    keyType,
    credentials,
    sent,
    raw: new Signer(credentials).sign(sent, now),
  };
}

async function makeStrangers(ca: Ca, now: number): Promise<Strangers> {
  const [other, namesake, own] = await Promise.all([makeCa('Another CA'), makeCa(), makeCa('airline')]);
  const client = { cn: 'airline', ou: ['participant'] };
  const at = (hours: number): Date => new Date(now + hours * HOUR_MS);
  return {
    anotherAuthority: await other.issue(client),
    namesake: await namesake.issue(client),
    ownNamesake: await own.issue({ ...client, ou: [] }),
    selfSigned: await selfSigned(client.cn),
    expired: await ca.issue({ ...client, notBefore: at(-2), notAfter: at(-1) }),
    notYetValid: await ca.issue({ ...client, notBefore: at(1), notAfter: at(2) }),
    wrongUsage: await ca.issue({ ...client, usages: KeyUsage.keyEncipherment }),
    authorityItself: await ca.issue({ ...client, usages: KeyUsage.digitalSignature | KeyUsage.keyCertSign, isCa: true }),
    weakKey: await ca.issue({ ...client, keyType: 'weak' }),
    another: {
      rsa: await ca.issue({ cn: 'hotel', ou: ['participant'], keyType: 'rsa' }),
      ec: await ca.issue({ cn: 'rival', ou: ['initiator'], keyType: 'ec' }),
    },
  };
}
