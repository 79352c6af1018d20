import { ConcordatError } from '../../src/errors.js';
import { canonicalForm } from '../../src/soap/c14n.js';
import { properPart } from '../../src/soap/covered.js';
import { NS } from '../../src/soap/index.js';
import { parseEnvelope } from '../../src/soap/parse.js';
import { checkSignature, readSignature } from '../../src/soap/signature.js';
import type { ParsedEnvelope } from '../../src/soap/parse.js';
import { readDom, referenceSignedXml } from '../support/reference-xml-crypto.js';
import type { SigningKey } from './messages.js';

/** What a judge says of a message: whether it is valid, and the canonical bytes of the parts, by their Ids. */
export interface Judgement {
  readonly isValid: boolean;
  /** Undefined if this judge tells them only of valid messages. */
  readonly parts: ReadonlyMap<string, string> | undefined;
}

/** The references of a message, as far as its shape is right. */
export interface SignedPart {
  readonly id: string;
  readonly prefixes: readonly string[];
}

export interface OurJudgement extends Judgement {
  readonly parts: ReadonlyMap<string, string>;
  readonly references: readonly SignedPart[];
  readonly envelope: ParsedEnvelope;
}

export function judgeOurs(raw: string, { publicKey }: SigningKey): OurJudgement {
  const envelope = parseEnvelope(raw);
  const signature = readSignature(envelope);
  const parts = new Map<string, string>();
  for (const { id, prefixes } of signature.references) parts.set(id, canonicalForm(properPart(envelope, id), prefixes).text);
  const isValid = holds(() => checkSignature(envelope, signature, publicKey));
  return { isValid, parts, references: signature.references, envelope };
}

function holds(check: () => unknown): boolean {
  try {
    check();
    return true;
  } catch (error) {
    if (error instanceof ConcordatError && error.code === 'SignatureInvalid') return false;
    throw error;
  }
}

/** xml-crypto, its orders mended. It throws at much that is merely wrong, and tells canonical bytes of valid messages only. */
export function judgeXmlCrypto(raw: string, { publicKey }: SigningKey, ids: readonly string[]): Judgement {
  const signed = referenceSignedXml({ publicCert: publicKey });
  try {
    const [signature] = Array.from(readDom(raw).getElementsByTagNameNS(NS.ds, 'Signature'));
    if (signature === undefined) return { isValid: false, parts: undefined };
    signed.loadSignature(signature);
    if (!signed.checkSignature(raw)) return { isValid: false, parts: undefined };
  } catch {
    return { isValid: false, parts: undefined };
  }
  const bytes = signed.getSignedReferences();
  return { isValid: true, parts: new Map(ids.map((id, i) => [id, bytes[i] ?? ''])) };
}
