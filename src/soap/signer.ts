import { createPrivateKey, X509Certificate } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { ConcordatError } from '../errors.js';
import { addressingHeaders } from './addressing.js';
import {
  allowed,
  DIGEST_ALGORITHMS,
  DIGEST_WITH,
  digestBase64,
  EXCLUSIVE_C14N,
  SIGNATURE_ALGORITHMS,
  signatureAlgorithmFor,
  signBase64,
} from './algorithms.js';
import type { SignatureAlgorithmEntry } from './algorithms.js';
import { FORBIDDEN_CHARACTER } from './document/index.js';
import { envelopeDeclarations, soapPrefix } from './envelope.js';
import type { OutgoingMessage } from './envelope.js';
import type { Credentials } from './identity.js';
import { TIMESTAMP_LIFETIME_MS } from './limits.js';
import { NS } from './namespaces.js';
import { SOAP_NS } from './parse.js';
import { BASE64_BINARY, X509V3 } from './wss.js';
import { el, serialize } from './xml.js';
import type { XmlElement } from './xml.js';

/** What signs messages. */
export type MessageSigner = Pick<Signer, 'sign'>;

/** A part of the message, written out, and its reference. What is written is exclusive canonical XML, so the text is what is digested. */
interface SignedPart {
  readonly id: string;
  readonly xml: string;
}

const ID = { body: 'c-body', timestamp: 'c-timestamp', token: 'c-token', header: 'c-header-' } as const;

const DIGEST = allowed(DIGEST_ALGORITHMS, DIGEST_WITH, 'digest');

/** What is the same in all signatures by one key, written once. All of it is in canonical form. */
interface Template {
  /** What SignedInfo begins with: its methods. */
  readonly methods: string;
  readonly token: string;
  readonly keyInfo: string;
}

/**
 * Signs messages with one key: Body, Timestamp and every header block, each by its own reference, the certificate as a
 * BinarySecurityToken (WS-Security X.509 token profile 1.0 §3.2). Everything is written canonically once, so signing parses
 * nothing.
 */
export class Signer {
  private readonly key: KeyObject;
  private readonly algorithm: SignatureAlgorithmEntry;
  private readonly template: Template;

  /** @throws ConfigInvalid for an unreadable or unsuitable key or certificate, KeyMismatch if they do not belong together */
  constructor(credentials: Credentials) {
    const { certificate, key } = load(credentials);
    if (!certificate.checkPrivateKey(key)) throw new ConcordatError('KeyMismatch', certificate.subject.replaceAll('\n', ','));
    const algorithmUri = signatureAlgorithmFor(key);
    if (algorithmUri === undefined)
      throw new ConcordatError('ConfigInvalid', 'the key is neither RSA of 2048 bits nor on P-256 or P-384');
    this.key = key;
    this.algorithm = allowed(SIGNATURE_ALGORITHMS, algorithmUri, 'signature');
    this.template = templateOf(certificate, algorithmUri);
  }

  /**
   * The complete envelope as text, valid for five minutes.
   * @param now milliseconds since the epoch
   * @throws Internal if a text holds a character that XML cannot carry
   */
  sign(message: OutgoingMessage, now: number): string {
    const soap = soapPrefix(message.soapVersion);
    const body = part(ID.body, el(SOAP_NS[message.soapVersion], 'Body', {}, message.body));
    const headers = [...addressingHeaders(message.addressing), ...message.headers].map((header, i) =>
      part(`${ID.header}${i + 1}`, header),
    );
    const timestamp = { id: ID.timestamp, xml: timestampXml(now) };
    const security =
      `<wsse:Security xmlns:wsse="${NS.wsse}" ${soap}:mustUnderstand="1">` +
      `${timestamp.xml}${this.template.token}${this.signature([timestamp, ...headers, body])}</wsse:Security>`;
    const envelope =
      `<${soap}:Envelope${envelopeDeclarations(message)}><${soap}:Header>${security}${headers.map((header) => header.xml).join('')}</${soap}:Header>` +
      `${body.xml}</${soap}:Envelope>`;
    if (FORBIDDEN_CHARACTER.test(envelope))
      throw new ConcordatError('Internal', 'a text holds a character that XML cannot carry');
    return envelope;
  }

  private signature(parts: readonly SignedPart[]): string {
    const content = `${this.template.methods}${parts.map(referenceXml).join('')}</ds:SignedInfo>`;
    const value = signBase64(this.algorithm, `<ds:SignedInfo xmlns:ds="${NS.ds}">${content}`, this.key);
    return (
      `<ds:Signature xmlns:ds="${NS.ds}"><ds:SignedInfo>${content}` +
      `<ds:SignatureValue>${value}</ds:SignatureValue>${this.template.keyInfo}</ds:Signature>`
    );
  }
}

function load(credentials: Credentials): { certificate: X509Certificate; key: KeyObject } {
  try {
    return { certificate: new X509Certificate(credentials.certificatePem), key: createPrivateKey(credentials.privateKeyPem) };
  } catch (error) {
    throw new ConcordatError('ConfigInvalid', 'a certificate or private key is not readable PEM', { cause: error });
  }
}

function templateOf(certificate: X509Certificate, algorithmUri: string): Template {
  return {
    methods:
      `<ds:CanonicalizationMethod Algorithm="${EXCLUSIVE_C14N}"></ds:CanonicalizationMethod>` +
      `<ds:SignatureMethod Algorithm="${algorithmUri}"></ds:SignatureMethod>`,
    token:
      `<wsse:BinarySecurityToken xmlns:wsse="${NS.wsse}" xmlns:wsu="${NS.wsu}" EncodingType="${BASE64_BINARY}" ValueType="${X509V3}"` +
      ` wsu:Id="${ID.token}">${certificate.raw.toString('base64')}</wsse:BinarySecurityToken>`,
    keyInfo:
      `<ds:KeyInfo><wsse:SecurityTokenReference xmlns:wsse="${NS.wsse}"><wsse:Reference URI="#${ID.token}" ValueType="${X509V3}">` +
      `</wsse:Reference></wsse:SecurityTokenReference></ds:KeyInfo>`,
  };
}

function part(id: string, element: XmlElement): SignedPart {
  const others = element.attributes.filter((a) => a.ns !== NS.wsu || a.name !== 'Id');
  return { id, xml: serialize({ ...element, attributes: [...others, { ns: NS.wsu, name: 'Id', value: id }] }) };
}

function timestampXml(now: number): string {
  const time = (ms: number): string => new Date(ms).toISOString();
  return (
    `<wsu:Timestamp xmlns:wsu="${NS.wsu}" wsu:Id="${ID.timestamp}"><wsu:Created>${time(now)}</wsu:Created>` +
    `<wsu:Expires>${time(now + TIMESTAMP_LIFETIME_MS)}</wsu:Expires></wsu:Timestamp>`
  );
}

const REFERENCE_METHODS =
  `<ds:Transforms><ds:Transform Algorithm="${EXCLUSIVE_C14N}"></ds:Transform></ds:Transforms>` +
  `<ds:DigestMethod Algorithm="${DIGEST_WITH}"></ds:DigestMethod>`;

const referenceXml = ({ id, xml }: SignedPart): string =>
  `<ds:Reference URI="#${id}">${REFERENCE_METHODS}<ds:DigestValue>${digestBase64(DIGEST, xml)}</ds:DigestValue></ds:Reference>`;
