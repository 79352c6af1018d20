import { ConcordatError } from '../errors.js';
import { ADDRESSING_HEADERS, clarkName, isTrue, readAddressing } from './addressing.js';
import type { Addressing } from './addressing.js';
import type { Covered } from './covered.js';
import { attributeOf } from './document/index.js';
import type { SourceElement } from './document/index.js';
import type { Identity } from './identity.js';
import { certificateOf } from './key-info.js';
import type { ParseLimits } from './limits.js';
import { checkMustUnderstand } from './must-understand.js';
import { NS } from './namespaces.js';
import { parseEnvelope } from './parse.js';
import type { ParsedEnvelope, SoapVersion } from './parse.js';
import { mustBeSigned } from './policy.js';
import type { AlgorithmPolicy } from './policy.js';
import { checkSignature, readSignature } from './signature.js';
import { checkTimestamp } from './timestamp.js';
import type { TrustStore } from './trust.js';
import { elements } from './xml.js';
import type { XmlElement } from './xml.js';

export interface VerifyPolicy {
  /** How far Created may be from our clock, either way, in milliseconds. */
  readonly clockWindowMs: number;
  /** How long after its Expires a message is still accepted, for clocks that differ, in milliseconds; default 0. */
  readonly skewMs?: number;
  readonly limits?: Partial<ParseLimits>;
  /** Clark names of further headers that may be marked mustUnderstand. */
  readonly understood?: ReadonlySet<string>;
  /** Algorithms that are accepted; by default all that are implemented. */
  readonly algorithms?: Pick<AlgorithmPolicy, 'check'>;
}

/** A message, built only from bytes that the signature covers. */
export interface VerifiedMessage {
  readonly soapVersion: SoapVersion;
  readonly identity: Identity;
  /** From the Timestamp, milliseconds since the epoch. */
  readonly created: number;
  readonly expires: number;
  readonly addressing: Addressing;
  /**
   * All other signed headers, in their order: reference parameters and extensions such as c:Sequence. Attributes of transport
   * (wsu:Id, SOAP's mustUnderstand, actor and role) are taken off.
   */
  readonly headers: readonly XmlElement[];
  /** The one child of the signed Body. */
  readonly body: XmlElement;
  /** The message as received. */
  readonly raw: string;
}

/** What was found out before a message was refused: for the fault and the log line. */
export interface VerifyTrace {
  soapVersion?: SoapVersion;
  identity?: Identity;
  /** Signed, like everything that is known of the message. */
  messageId?: string;
}

/** What checks messages. */
export type MessageVerifier = Pick<Verifier, 'verify'>;

interface Block {
  readonly source: SourceElement;
  readonly name: string;
  /** Undefined if no reference covers it. */
  readonly signed: XmlElement | undefined;
}

/** Parses and authenticates messages (design: build only from what the signature covers; a reference counts only in its place). */
export class Verifier {
  constructor(
    private readonly trust: TrustStore,
    private readonly policy: VerifyPolicy,
  ) {}

  /**
   * @param now milliseconds since the epoch
   * @param trace filled in as far as the message gets
   * @throws ConcordatError with the code of the first rule that is broken
   */
  verify(raw: string, now: number, trace: VerifyTrace = {}): VerifiedMessage {
    const envelope = parseEnvelope(raw, this.policy.limits);
    trace.soapVersion = envelope.soapVersion;
    const signature = readSignature(envelope);
    this.policy.algorithms?.check(signature);
    const { identity, publicKey } = this.trust.identify(certificateOf(signature.keyInfo, envelope), now);
    const covered = checkSignature(envelope, signature, publicKey);
    trace.identity = identity;

    const blocks = readBlocks(envelope, covered);
    const signed = blocks.flatMap((block) => block.signed ?? []);
    requireSigned(blocks);
    const addressing = readAddressing(signed);
    if (addressing.messageId !== undefined) trace.messageId = addressing.messageId;
    const { created, expires } = checkTimestamp(envelope, covered, now, this.policy);
    const body = readBody(envelope, covered);
    const headerBlocks = blocks.map((block) => ({ source: block.source, isSigned: block.signed !== undefined }));
    checkMustUnderstand(headerBlocks, envelope.soapVersion, this.policy.understood);
    const headers = signed.filter((header) => header.ns !== NS.wsa || !ADDRESSING_HEADERS.has(header.name)).map(withoutTransport);
    return { soapVersion: envelope.soapVersion, identity, created, expires, addressing, headers, body, raw };
  }
}

function readBlocks(envelope: ParsedEnvelope, covered: Covered): Block[] {
  return envelope.blocks
    .filter((block) => block !== envelope.security)
    .map((source) => ({
      source,
      name: clarkName({ ns: source.ns, name: source.local }),
      signed: covered.get(source),
    }));
}

function requireSigned(blocks: readonly Block[]): void {
  for (const { source, name, signed } of blocks) {
    const isReferenceParameter = isTrue(attributeOf(source, NS.wsa, 'IsReferenceParameter')?.trim());
    if (signed === undefined && mustBeSigned({ ns: source.ns, name: source.local, isReferenceParameter }))
      throw new ConcordatError('SignedPartMissing', name);
  }
}

function readBody(envelope: ParsedEnvelope, covered: Covered): XmlElement {
  const body = covered.get(envelope.body);
  if (body === undefined) throw new ConcordatError('SignedPartMissing', 'Body');
  const [content, ...more] = elements(body);
  if (content === undefined || more.length > 0)
    throw new ConcordatError('EnvelopeStructure', 'the signed Body has not one child');
  return content;
}

function withoutTransport(header: XmlElement): XmlElement {
  const attributes = header.attributes.filter(
    (a) => a.ns !== NS.soap11 && a.ns !== NS.soap12 && (a.ns !== NS.wsu || a.name !== 'Id'),
  );
  return { ...header, attributes };
}
