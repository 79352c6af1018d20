import type { KeyObject } from 'node:crypto';
import { SignedXml } from 'xml-crypto';
import type { HashAlgorithm, SignatureAlgorithm } from 'xml-crypto';
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
import type { SignatureAlgorithmEntry } from './algorithms.js';
import { StandardExclusiveC14n } from './c14n.js';
import { MAX_REFERENCES } from './limits.js';
import { NS } from './namespaces.js';
import { childElements } from './parse.js';
import type { ParsedEnvelope } from './parse.js';

/** The parts of a ds:Signature, its form checked: nothing in it but what a plain WS-Security signature needs. */
export interface SignatureParts {
  readonly element: Element;
  readonly keyInfo: Element;
  readonly algorithm: SignatureAlgorithmEntry;
  /** Ids that the references name, each once. */
  readonly ids: readonly string[];
}

const EC_NS = EXCLUSIVE_C14N;
const COMMENT_NODE = 8;

const malformed = (detail: string): ConcordatError => new ConcordatError('SignatureInvalid', detail);

/** Finds the one signature of the envelope and checks its form and algorithms against the tables; nothing is computed yet. */
export function readSignature(envelope: ParsedEnvelope): SignatureParts {
  if (envelope.security === undefined) throw new ConcordatError('Unsigned', 'there is no wsse:Security header');
  const signatures = childElements(envelope.security).filter((e) => isDs(e, 'Signature'));
  const [element] = signatures;
  if (element === undefined) throw new ConcordatError('Unsigned', 'the Security header has no ds:Signature');
  // The library searches the whole document for these two names; there must be nothing else to find.
  const document = element.ownerDocument;
  for (const name of ['Signature', 'SignedInfo']) {
    if (document.getElementsByTagNameNS('*', name).length !== 1) throw malformed(`more than one ${name}`);
  }
  refuseComments(envelope.security);
  const [info, value, keyInfo] = exactly(element, ['SignedInfo', 'SignatureValue', 'KeyInfo']);
  if (info === undefined || value === undefined || keyInfo === undefined) throw malformed('its parts');
  const { algorithm, ids } = readSignedInfo(info);
  return { element, keyInfo, algorithm, ids };
}

function readSignedInfo(info: Element): Pick<SignatureParts, 'algorithm' | 'ids'> {
  const [canonicalization, method, ...references] = childElements(info);
  if (!canonicalization || !isDs(canonicalization, 'CanonicalizationMethod')) throw malformed('CanonicalizationMethod');
  if (!method || !isDs(method, 'SignatureMethod')) throw malformed('SignatureMethod');
  checkC14n(canonicalization, 'canonicalization');
  const algorithm = allowed(SIGNATURE_ALGORITHMS, algorithmOf(method), 'signature');
  if (childElements(method).length > 0) throw new ConcordatError('AlgorithmRefused', 'a parameter of the signature method');
  if (references.length === 0 || references.length > MAX_REFERENCES) throw malformed(`${references.length} references`);
  const ids = references.map(readReference);
  if (new Set(ids).size !== ids.length) throw malformed('two references to one part');
  return { algorithm, ids };
}

function readReference(reference: Element): string {
  if (!isDs(reference, 'Reference')) throw malformed('something else among the references');
  const [transforms, digest] = exactly(reference, ['Transforms', 'DigestMethod', 'DigestValue']);
  if (transforms === undefined || digest === undefined) throw malformed('a reference');
  const list = childElements(transforms);
  const [transform] = list;
  if (transform === undefined || list.length !== 1 || !isDs(transform, 'Transform')) {
    throw new ConcordatError('AlgorithmRefused', 'exactly one transform, exclusive C14N, is accepted');
  }
  checkC14n(transform, 'transform');
  allowed(DIGEST_ALGORITHMS, algorithmOf(digest), 'digest');
  const uri = reference.getAttribute('URI') ?? '';
  if (!/^#[^\s'"#]+$/.test(uri)) throw malformed(`the reference "${uri}" is not to an Id in the message`);
  return uri.slice(1);
}

/** Exclusive C14N, with at most a list of inclusive prefixes as its parameter. */
function checkC14n(element: Element, what: string): void {
  const uri = algorithmOf(element);
  if (uri !== EXCLUSIVE_C14N) throw new ConcordatError('AlgorithmRefused', `${what} ${uri}`);
  const parameters = childElements(element);
  const plain = parameters.every(
    (p) => p.localName === 'InclusiveNamespaces' && p.namespaceURI === EC_NS && childElements(p).length === 0,
  );
  if (!plain || parameters.length > 1) throw new ConcordatError('AlgorithmRefused', `a parameter of the ${what}`);
}

const algorithmOf = (element: Element): string => element.getAttribute('Algorithm') ?? '';
const isDs = (element: Element, name: string): boolean => element.localName === name && element.namespaceURI === NS.ds;

function exactly(parent: Element, names: readonly string[]): Element[] {
  const found = childElements(parent);
  if (found.length !== names.length || !found.every((e, i) => isDs(e, names[i] ?? ''))) {
    throw malformed(`${parent.localName} must hold exactly ${names.join(', ')}`);
  }
  return found;
}

/** A comment splits a text in two for some readers and not for others; a security header has no need of one. */
function refuseComments(element: Element): void {
  for (const node of Array.from(element.childNodes))
    if (node.nodeType === COMMENT_NODE) throw malformed('a comment in the Security header');
  for (const inner of childElements(element)) refuseComments(inner);
}

const HASHES = Object.fromEntries(
  Object.entries(DIGEST_ALGORITHMS).map(([uri, hash]) => [
    uri,
    class implements HashAlgorithm {
      getAlgorithmName = (): string => uri;
      getHash = (xml: string): string => digestBase64(hash, xml);
    },
  ]),
);

/** An algorithm class for the library that checks with one cached key, whatever key it is handed. */
function verifierClass(uri: string, entry: SignatureAlgorithmEntry, key: KeyObject): new () => SignatureAlgorithm {
  return class implements SignatureAlgorithm {
    getAlgorithmName = (): string => uri;
    getSignature(): string {
      throw new ConcordatError('Internal', 'this class only verifies');
    }
    verifySignature(material: string, _key: unknown, value: string): boolean {
      return verifyBase64(entry, material, key, value);
    }
  };
}

/**
 * Checks the signature with the key and gives, for each reference, the canonical bytes that it covers, by id. Nothing else of the
 * message is authentic.
 * @throws AlgorithmRefused if the key is not of the algorithm's type, SignatureInvalid if the value or a digest is wrong
 */
export function checkSignature(envelope: ParsedEnvelope, parts: SignatureParts, key: KeyObject): ReadonlyMap<string, string> {
  if (acceptedKeyType(key) !== parts.algorithm.keyType)
    throw new ConcordatError('AlgorithmRefused', 'the key is of another type');
  const signed = new SignedXml({ publicCert: key });
  signed.idAttributes = ['Id'];
  signed.CanonicalizationAlgorithms = { [EXCLUSIVE_C14N]: StandardExclusiveC14n };
  signed.HashAlgorithms = HASHES;
  signed.SignatureAlgorithms = Object.fromEntries(
    Object.entries(SIGNATURE_ALGORITHMS).map(([uri, entry]) => [uri, verifierClass(uri, entry, key)]),
  );
  if (!isValid(signed, parts.element, envelope.source)) throw malformed('the signature or a digest does not match');
  const canonical = signed.getSignedReferences();
  const references = signed.getReferences();
  if (canonical.length !== references.length) throw malformed('the references');
  return new Map(references.map((reference, i) => [(reference.uri ?? '').slice(1), canonical[i] ?? '']));
}

function isValid(signed: SignedXml, element: Element, source: string): boolean {
  try {
    signed.loadSignature(element);
    return signed.checkSignature(source);
  } catch (error) {
    throw new ConcordatError('SignatureInvalid', 'the signature or a digest does not match', { cause: error });
  }
}
