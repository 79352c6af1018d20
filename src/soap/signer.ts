import { createPrivateKey, X509Certificate } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { ConcordatError } from '../errors.js';
import { addressingHeaders } from './addressing.js';
import {
  acceptedKeyType,
  allowed,
  DIGEST_ALGORITHMS,
  DIGEST_WITH,
  digestBase64,
  EXCLUSIVE_C14N,
  SIGN_WITH,
  SIGNATURE_ALGORITHMS,
  signBase64,
} from './algorithms.js';
import type { SignatureAlgorithmEntry } from './algorithms.js';
import { envelopeDeclarations, soapPrefix } from './envelope.js';
import type { OutgoingMessage } from './envelope.js';
import type { Credentials } from './identity.js';
import { TIMESTAMP_LIFETIME_MS } from './limits.js';
import { NS } from './namespaces.js';
import { SOAP_NS } from './parse.js';
import { FORBIDDEN_CHARACTER } from './scan.js';
import { BASE64_BINARY, X509V3 } from './wss.js';
import { el, serialize } from './xml.js';
import type { XmlElement } from './xml.js';

/** What signs messages. */
export type MessageSigner = Pick<Signer, 'sign'>;

/** A part of the message, written out, and its reference. `serialize` gives exclusive canonical XML, so the text is what is digested. */
interface SignedPart {
  readonly id: string;
  readonly xml: string;
}

const ID = { body: 'c-body', timestamp: 'c-timestamp', token: 'c-token', header: 'c-header-' } as const;

/**
 * Signs messages with one key: Body, Timestamp and every header block, each by its own reference, the certificate as a
 * BinarySecurityToken (WS-Security X.509 token profile 1.0 §3.2). Everything is written canonically once, so signing parses
 * nothing.
 */
export class Signer {
  private readonly key: KeyObject;
  private readonly tokenBase64: string;
  private readonly algorithmUri: string;
  private readonly algorithm: SignatureAlgorithmEntry;

  /** @throws ConfigInvalid for an unreadable or unsuitable key or certificate, KeyMismatch if they do not belong together */
  constructor(credentials: Credentials) {
    const { certificate, key } = load(credentials);
    if (!certificate.checkPrivateKey(key)) throw new ConcordatError('KeyMismatch', certificate.subject.replaceAll('\n', ','));
    const type = acceptedKeyType(key);
    if (type === undefined) throw new ConcordatError('ConfigInvalid', 'the key is neither RSA of 2048 bits nor on P-256');
    this.key = key;
    this.tokenBase64 = certificate.raw.toString('base64');
    this.algorithmUri = SIGN_WITH[type];
    this.algorithm = allowed(SIGNATURE_ALGORITHMS, this.algorithmUri, 'signature');
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
    const timestamp = part(ID.timestamp, timestampElement(now));
    const security =
      `<wsse:Security xmlns:wsse="${NS.wsse}" ${soap}:mustUnderstand="1">` +
      `${timestamp.xml}${this.token()}${this.signature([timestamp, ...headers, body])}</wsse:Security>`;
    const envelope =
      `<${soap}:Envelope${envelopeDeclarations(message)}><${soap}:Header>${security}${headers.map((header) => header.xml).join('')}</${soap}:Header>` +
      `${body.xml}</${soap}:Envelope>`;
    if (FORBIDDEN_CHARACTER.test(envelope))
      throw new ConcordatError('Internal', 'a text holds a character that XML cannot carry');
    return envelope;
  }

  private token(): string {
    const attributes = [
      { ns: '', name: 'EncodingType', value: BASE64_BINARY },
      { ns: '', name: 'ValueType', value: X509V3 },
      { ns: NS.wsu, name: 'Id', value: ID.token },
    ];
    return serialize(el(NS.wsse, 'BinarySecurityToken', attributes, this.tokenBase64));
  }

  private signature(parts: readonly SignedPart[]): string {
    const info = el(
      NS.ds,
      'SignedInfo',
      {},
      el(NS.ds, 'CanonicalizationMethod', { Algorithm: EXCLUSIVE_C14N }),
      el(NS.ds, 'SignatureMethod', { Algorithm: this.algorithmUri }),
      ...parts.map(referenceElement),
    );
    const value = signBase64(this.algorithm, serialize(info), this.key);
    const token = el(NS.wsse, 'Reference', { URI: `#${ID.token}`, ValueType: X509V3 });
    const keyInfo = el(NS.ds, 'KeyInfo', {}, el(NS.wsse, 'SecurityTokenReference', {}, token));
    return serialize(el(NS.ds, 'Signature', {}, info, el(NS.ds, 'SignatureValue', {}, value), keyInfo));
  }
}

function load(credentials: Credentials): { certificate: X509Certificate; key: KeyObject } {
  try {
    return { certificate: new X509Certificate(credentials.certificatePem), key: createPrivateKey(credentials.privateKeyPem) };
  } catch (error) {
    throw new ConcordatError('ConfigInvalid', 'a certificate or private key is not readable PEM', { cause: error });
  }
}

function part(id: string, element: XmlElement): SignedPart {
  const others = element.attributes.filter((a) => a.ns !== NS.wsu || a.name !== 'Id');
  return { id, xml: serialize({ ...element, attributes: [...others, { ns: NS.wsu, name: 'Id', value: id }] }) };
}

function timestampElement(now: number): XmlElement {
  const time = (ms: number): string => new Date(ms).toISOString();
  return el(
    NS.wsu,
    'Timestamp',
    {},
    el(NS.wsu, 'Created', {}, time(now)),
    el(NS.wsu, 'Expires', {}, time(now + TIMESTAMP_LIFETIME_MS)),
  );
}

function referenceElement(signed: SignedPart): XmlElement {
  const digest = digestBase64(allowed(DIGEST_ALGORITHMS, DIGEST_WITH, 'digest'), signed.xml);
  return el(
    NS.ds,
    'Reference',
    { URI: `#${signed.id}` },
    el(NS.ds, 'Transforms', {}, el(NS.ds, 'Transform', { Algorithm: EXCLUSIVE_C14N })),
    el(NS.ds, 'DigestMethod', { Algorithm: DIGEST_WITH }),
    el(NS.ds, 'DigestValue', {}, digest),
  );
}
