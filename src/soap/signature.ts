import type { KeyObject } from 'node:crypto';
import { ConcordatError } from '../errors.js';
import {
  acceptedKeyType,
  allowed,
  DIGEST_ALGORITHMS,
  digestBase64,
  EXCLUSIVE_C14N,
  SIGNATURE_ALGORITHMS,
  verifyBase64,
} from './algorithms.js';
import type { DigestName, SignatureAlgorithmEntry } from './algorithms.js';
import { canonicalForm } from './c14n.js';
import { properPart, securityParts } from './covered.js';
import type { Covered } from './covered.js';
import { attributeOf, childElements, isNamed, textOf } from './document/index.js';
import type { SourceElement } from './document/index.js';
import { MAX_INCLUSIVE_PREFIXES, MAX_REFERENCES } from './limits.js';
import { NS } from './namespaces.js';
import type { ParsedEnvelope } from './parse.js';
import { attribute, elements, is, text } from './xml.js';
import type { XmlElement } from './xml.js';

/**
 * XML Signature's core validation (§3.2), for the narrow form that WS-Security needs. The element that is digested is the very
 * element whose place was checked, and what the message means is built in the walk that writes the digested bytes.
 */
export interface SignatureParts {
  readonly keyInfo: SourceElement;
  /** Canonical SignedInfo: what SignatureValue signs. */
  readonly info: string;
  readonly value: string;
  readonly algorithm: SignatureAlgorithmEntry;
  readonly references: readonly Reference[];
}

export interface Reference {
  readonly id: string;
  /** Of its list of inclusive namespaces. */
  readonly prefixes: readonly string[];
  readonly hash: DigestName;
  /** Base64. */
  readonly digest: string;
}

const SIGNATURE_PARTS = ['SignedInfo', 'SignatureValue', 'KeyInfo'] as const;

const malformed = (detail: string): ConcordatError => new ConcordatError('SignatureInvalid', detail);

/**
 * Finds the one signature of the envelope and checks its form and algorithms against the tables. What it says is read from the
 * canonical bytes of SignedInfo.
 * @throws Unsigned, SignatureInvalid, AlgorithmRefused
 */
export function readSignature(envelope: ParsedEnvelope): SignatureParts {
  if (envelope.security === undefined) throw new ConcordatError('Unsigned', 'there is no wsse:Security header');
  const [element, ...more] = securityParts(envelope, NS.ds, 'Signature');
  if (element === undefined) throw new ConcordatError('Unsigned', 'the Security header has no ds:Signature');
  if (more.length > 0) throw malformed('more than one Signature');
  refuseComments(envelope.security);
  const children = childElements(element);
  const inOrder = SIGNATURE_PARTS.every((name, i) => children[i] !== undefined && isNamed(children[i], NS.ds, name));
  const [info, value, keyInfo] = children;
  if (!inOrder || children.length !== 3 || info === undefined || value === undefined || keyInfo === undefined) {
    throw malformed(`Signature must hold exactly ${SIGNATURE_PARTS.join(', ')}`);
  }
  if (childElements(value).length > 0) throw malformed('SignatureValue must hold text');
  return { keyInfo, value: base64(textOf(value)), ...readSignedInfo(info) };
}

function readSignedInfo(source: SourceElement): Pick<SignatureParts, 'info' | 'algorithm' | 'references'> {
  const { text: info, tree } = canonicalForm(source, signedInfoPrefixes(source));
  const [canonicalization, signatureMethod, ...references] = elements(tree);
  if (canonicalization === undefined || !is(canonicalization, NS.ds, 'CanonicalizationMethod'))
    throw malformed('CanonicalizationMethod');
  if (signatureMethod === undefined || !is(signatureMethod, NS.ds, 'SignatureMethod')) throw malformed('SignatureMethod');
  readC14n(canonicalization, 'canonicalization');
  const algorithm = allowed(SIGNATURE_ALGORITHMS, algorithmOf(signatureMethod), 'signature');
  if (elements(signatureMethod).length > 0) throw new ConcordatError('AlgorithmRefused', 'a parameter of the signature method');
  if (references.length === 0 || references.length > MAX_REFERENCES) throw malformed(`${references.length} references`);
  const read = references.map(readReference);
  if (new Set(read.map(({ id }) => id)).size !== read.length) throw malformed('two references to one part');
  return { info, algorithm, references: read };
}

/** How SignedInfo is to be written must be known before it is: if this is not what it then says, it is refused. */
function signedInfoPrefixes(source: SourceElement): readonly string[] {
  const [method] = childElements(source);
  const [parameter] = method === undefined ? [] : childElements(method);
  return parameter === undefined ? [] : prefixList(attributeOf(parameter, '', 'PrefixList') ?? '');
}

function readReference(reference: XmlElement): Reference {
  const [transforms, method, value, ...more] = elements(reference);
  const inOrder =
    is(reference, NS.ds, 'Reference') &&
    transforms !== undefined &&
    is(transforms, NS.ds, 'Transforms') &&
    method !== undefined &&
    is(method, NS.ds, 'DigestMethod') &&
    value !== undefined &&
    is(value, NS.ds, 'DigestValue');
  if (!inOrder || more.length > 0) throw malformed('a Reference must hold exactly Transforms, DigestMethod, DigestValue');
  const [transform, ...others] = elements(transforms);
  if (transform === undefined || others.length > 0 || !is(transform, NS.ds, 'Transform')) {
    throw new ConcordatError('AlgorithmRefused', 'exactly one transform, exclusive C14N, is accepted');
  }
  const uri = attribute(reference, '', 'URI') ?? '';
  if (!/^#[^\s#]+$/.test(uri)) throw malformed(`the reference "${uri}" is not to an Id in the message`);
  return {
    id: uri.slice(1),
    prefixes: readC14n(transform, 'transform'),
    hash: allowed(DIGEST_ALGORITHMS, algorithmOf(method), 'digest'),
    digest: base64(text(value)),
  };
}

/** Insists on exclusive C14N, whose only parameter is a list of inclusive prefixes; gives that list. */
function readC14n(element: XmlElement, what: string): readonly string[] {
  const uri = algorithmOf(element);
  if (uri !== EXCLUSIVE_C14N) throw new ConcordatError('AlgorithmRefused', `${what} ${uri}`);
  const [parameter, ...more] = elements(element);
  if (parameter === undefined) return [];
  if (more.length > 0 || !is(parameter, EXCLUSIVE_C14N, 'InclusiveNamespaces') || elements(parameter).length > 0) {
    throw new ConcordatError('AlgorithmRefused', `a parameter of the ${what}`);
  }
  return prefixList(attribute(parameter, '', 'PrefixList') ?? '');
}

function prefixList(list: string): string[] {
  const prefixes = list.split(/\s+/, MAX_INCLUSIVE_PREFIXES + 2).filter((prefix) => prefix !== '');
  if (prefixes.length <= MAX_INCLUSIVE_PREFIXES) return prefixes;
  throw new ConcordatError('AlgorithmRefused', `more than ${MAX_INCLUSIVE_PREFIXES} inclusive prefixes`);
}

const algorithmOf = (element: XmlElement): string => attribute(element, '', 'Algorithm') ?? '';
const base64 = (value: string): string => (/\s/.test(value) ? value.replace(/\s/g, '') : value);

/** A comment splits a text in two for some readers and not for others; a security header has no need of one. */
function refuseComments(element: SourceElement): void {
  if (element.hasComment) throw malformed('a comment in the Security header');
  for (const inner of childElements(element)) refuseComments(inner);
}

/**
 * Checks the signature with the key, then each reference: that it is to a part in its proper place, and its digest. Gives what the
 * parts say; nothing else of the message is authentic.
 * @throws AlgorithmRefused if the key is not of the algorithm's type, SignatureInvalid if the value or a digest is wrong,
 *   SignedPartMissing for a reference to no proper part
 */
export function checkSignature(envelope: ParsedEnvelope, parts: SignatureParts, key: KeyObject): Covered {
  if (acceptedKeyType(key) !== parts.algorithm.keyType)
    throw new ConcordatError('AlgorithmRefused', 'the key is of another type');
  if (!verifyBase64(parts.algorithm, parts.info, key, parts.value)) throw malformed('the signature value does not match');
  const covered = new Map<SourceElement, XmlElement>();
  for (const { id, prefixes, hash, digest } of parts.references) {
    const element = properPart(envelope, id);
    const form = canonicalForm(element, prefixes);
    if (digestBase64(hash, form.text) !== digest) throw malformed(`the digest of ${element.qname} does not match`);
    covered.set(element, form.tree);
  }
  return covered;
}
