import { createPrivateKey, X509Certificate } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { allowed, DIGEST_ALGORITHMS, digestBase64, SIGNATURE_ALGORITHMS, signBase64 } from '../../src/soap/algorithms.js';
import { canonicalize } from '../../src/soap/c14n.js';
import { childElements } from '../../src/soap/document/index.js';
import type { SourceElement } from '../../src/soap/document/index.js';
import { NS } from '../../src/soap/index.js';
import type { Credentials } from '../../src/soap/index.js';
import { parseEnvelope } from '../../src/soap/parse.js';
import type { Random } from '../support/random.js';
import { makeCa } from '../soap/pki.js';
import { damage } from './damage.js';
import { HostileWriter, PREFIXES } from './hostile.js';
import type { HostileOptions } from './hostile.js';

/** A key and the algorithms that all three judges know for it. */
export interface SigningKey {
  readonly credentials: Credentials;
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
  readonly certificateBase64: string;
  readonly algorithms: readonly string[];
}

const MORE = 'http://www.w3.org/2001/04/xmldsig-more#';
const ECDSA = [`${MORE}ecdsa-sha256`, `${MORE}ecdsa-sha384`, `${MORE}ecdsa-sha512`];
const ALGORITHMS_OF = { rsa: [`${MORE}rsa-sha256`, `${MORE}rsa-sha384`, `${MORE}rsa-sha512`], ec: ECDSA, p384: ECDSA } as const;

export async function makeKeys(): Promise<SigningKey[]> {
  const ca = await makeCa();
  return Promise.all(
    (['rsa', 'ec', 'p384'] as const).map(async (keyType) => {
      const credentials = await ca.issue({ cn: keyType, ou: [], keyType });
      const certificate = new X509Certificate(credentials.certificatePem);
      return {
        credentials,
        privateKey: createPrivateKey(credentials.privateKeyPem),
        publicKey: certificate.publicKey,
        certificateBase64: certificate.raw.toString('base64'),
        algorithms: ALGORITHMS_OF[keyType],
      };
    }),
  );
}

export interface Sample {
  readonly raw: string;
  readonly key: SigningKey;
  /** What was done to it after it was signed. */
  readonly damage: string;
  readonly isValid: boolean;
}

/** One part that is signed, and the prefixes its reference lists. */
interface Part {
  readonly id: string;
  readonly prefixes: readonly string[];
}

const EXCLUSIVE = 'http://www.w3.org/2001/10/xml-exc-c14n#';
const SIGNATURE_HERE = '<signature/>';

/** A signed message full of what canonicalizers get wrong; every other one is then damaged. */
export function makeSample(random: Random, keys: readonly SigningKey[]): Sample {
  const key = random.pick(keys);
  const parts: Part[] = [];
  const unsigned = unsignedEnvelope(random, key, (id) => parts.push({ id, prefixes: inclusiveList(random) }));
  const signed = signedEnvelope(random, key, unsigned, parts);
  return { key, ...(random.chance(0.5) ? damage(random, signed) : { raw: signed, damage: 'none', isValid: true }) };
}

function inclusiveList(random: Random): string[] {
  if (random.chance(0.02)) return ['#default'];
  if (random.chance(0.6)) return [];
  return [...new Set(Array.from({ length: 1 + random.below(3) }, () => random.pick([...PREFIXES, 'soap', 'unknown'])))];
}

function unsignedEnvelope(random: Random, key: SigningKey, sign: (id: string) => void): string {
  const writer = new HostileWriter(random);
  const soap = random.pick([NS.soap11, NS.soap12]);
  const { declarations, inForce } = writer.declarations(new Map(), 3);
  const prefixes = new Map([...inForce, ['soap', soap], ['wsse', NS.wsse], ['u', NS.wsu]]);
  const fixed = [`xmlns:soap="${soap}"`, `xmlns:wsse='${NS.wsse}'`, `xmlns:u="${NS.wsu}"`];
  const blank = (): string => random.pick(['', '', '\n', ' \t', '\r\n']);
  const identified = (id: string, options: HostileOptions = {}): string => {
    sign(id);
    return writer.element(prefixes, { ...options, attributes: [`u:Id="${id}"`] });
  };
  const headers = Array.from({ length: 1 + random.below(3) }, (_, i) => identified(`h${i}`)).join(blank());
  const token = `<wsse:BinarySecurityToken u:Id="token">${key.certificateBase64}</wsse:BinarySecurityToken>`;
  const timestamp = identified('time', { name: 'u:Timestamp', hasComments: false });
  const security = `<wsse:Security>${timestamp}${blank()}${token}${SIGNATURE_HERE}</wsse:Security>`;
  sign('body');
  const body = `<soap:Body u:Id="body"${blankBefore(random)}>${writer.element(prefixes)}</soap:Body>`;
  return (
    `<soap:Envelope ${[...fixed, ...declarations].join(writer.gap())}>${blank()}` +
    `<soap:Header>${blank()}${security}${headers}</soap:Header>${blank()}${body}${blank()}</soap:Envelope>`
  );
}

const blankBefore = (random: Random): string => random.pick(['', ' ', '\n']);

/** Puts the signature in its place. It is itself hostile: any prefix or none, white space, lists of inclusive prefixes. */
function signedEnvelope(random: Random, key: SigningKey, unsigned: string, parts: readonly Part[]): string {
  const algorithm = random.pick(key.algorithms);
  const prefix = random.pick(['', 'ds:', 'D:']);
  const white = random.pick(['', '\n', '  ']);
  const { ids } = parseEnvelope(unsigned.replace(SIGNATURE_HERE, ''));
  const references = parts.map((part) => referenceTo(part, ids.get(part.id), random.pick(Object.keys(DIGEST_ALGORITHMS)), white));
  const infoPrefixes = inclusiveList(random);
  const info = signedInfo(algorithm, infoPrefixes, references, white);
  const inPlace = (value: string): string =>
    unsigned.replace(SIGNATURE_HERE, () => signature(info, value).replaceAll('ds:', prefix).replace('xmlns:ds', xmlns(prefix)));
  const canonical = canonicalize(signedInfoOf(inPlace('')), infoPrefixes);
  return inPlace(signBase64(allowed(SIGNATURE_ALGORITHMS, algorithm, 'signature'), canonical, key.privateKey));
}

const xmlns = (prefix: string): string => (prefix === '' ? 'xmlns' : `xmlns:${prefix.slice(0, -1)}`);

function referenceTo({ id, prefixes }: Part, element: SourceElement | undefined, digestUri: string, white: string): string {
  if (element === undefined) throw new Error(`there is no part ${id}`);
  const digest = digestBase64(allowed(DIGEST_ALGORITHMS, digestUri, 'digest'), canonicalize(element, prefixes));
  return [
    `<ds:Reference URI="#${id}"><ds:Transforms>`,
    `<ds:Transform Algorithm="${EXCLUSIVE}">${parameter(prefixes)}</ds:Transform></ds:Transforms>`,
    `<ds:DigestMethod Algorithm="${digestUri}"/>`,
    `<ds:DigestValue>${digest}</ds:DigestValue></ds:Reference>`,
  ].join(white);
}

const signedInfo = (algorithm: string, prefixes: readonly string[], references: readonly string[], white: string): string =>
  [
    '<ds:SignedInfo>',
    `<ds:CanonicalizationMethod Algorithm="${EXCLUSIVE}">${parameter(prefixes)}</ds:CanonicalizationMethod>`,
    `<ds:SignatureMethod Algorithm="${algorithm}"/>`,
    ...references,
    '</ds:SignedInfo>',
  ].join(white);

const signature = (info: string, value: string): string =>
  `<ds:Signature xmlns:ds="${NS.ds}">${info}<ds:SignatureValue>${value}</ds:SignatureValue>` +
  '<ds:KeyInfo><wsse:SecurityTokenReference><wsse:Reference URI="#token"/></wsse:SecurityTokenReference></ds:KeyInfo></ds:Signature>';

const parameter = (prefixes: readonly string[]): string =>
  prefixes.length === 0 ? '' : `<ec:InclusiveNamespaces xmlns:ec="${EXCLUSIVE}" PrefixList="${prefixes.join(' ')}"/>`;

function signedInfoOf(raw: string): SourceElement {
  const { security } = parseEnvelope(raw);
  const signature = security === undefined ? undefined : childElements(security).find(({ ns }) => ns === NS.ds);
  const info = signature === undefined ? undefined : childElements(signature)[0];
  if (info === undefined) throw new Error('there is no SignedInfo');
  return info;
}
