/**
 * WS-Security for the soap package: its WSSecurityCert signs, xml-crypto below it verifies. Made to be copied.
 * What it needs beyond the packages' defaults: exclusive C14N as the only transform, a reference to every header block, and ECDSA.
 */
import { Buffer } from 'node:buffer';
import { createSign, createVerify, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DOMParser } from '@xmldom/xmldom';
import soap from 'soap';
import { SignedXml } from 'xml-crypto';

const OASIS = 'http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-';
const WSSE = `${OASIS}wssecurity-secext-1.0.xsd`;
const WSU = `${OASIS}wssecurity-utility-1.0.xsd`;
const DS = 'http://www.w3.org/2000/09/xmldsig#';
const SOAP = ['http://schemas.xmlsoap.org/soap/envelope/', 'http://www.w3.org/2003/05/soap-envelope'];
const EXCLUSIVE_C14N = 'http://www.w3.org/2001/10/xml-exc-c14n#';
const SHA256 = 'http://www.w3.org/2001/04/xmlenc#sha256';
const RSA_SHA256 = 'http://www.w3.org/2001/04/xmldsig-more#rsa-sha256';
const ECDSA_SHA256 = 'http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256';
export const WSA = 'http://www.w3.org/2005/08/addressing';

const MAX_MESSAGE_BYTES = 4_194_304;
const CLOCK_WINDOW_MS = 5 * 60_000;
const ELEMENT = 1;
const TEXT = 3;

/** A message that is not what it should be: nothing in it is believed. */
export class Refused extends Error {}

/** @returns {never} */
const refuse = (why) => {
  throw new Refused(why);
};

/** XML Signature writes r and s of an ECDSA signature side by side; node:crypto writes DER unless it is told so. */
class EcdsaSha256 {
  getSignature = (signedInfo, { key }) =>
    createSign('sha256').update(signedInfo).sign({ key, dsaEncoding: 'ieee-p1363' }, 'base64');
  verifySignature = (signedInfo, key, value) =>
    createVerify('sha256').update(signedInfo).verify({ key, dsaEncoding: 'ieee-p1363' }, value, 'base64');
  getAlgorithmName = () => ECDSA_SHA256;
}

/**
 * The security object for one message. The client calls it when the envelope is written.
 * @param keys PEM of certificate and private key
 * @param blocks qualified names of the header blocks of this message, as they are written: all are signed, and each must be there
 */
export function signingWith({ certificate, key }, blocks) {
  const elliptic = new X509Certificate(certificate).publicKey.asymmetricKeyType === 'ec';
  const security = new soap.WSSecurityCert(key, certificate, '', {
    // The package knows RSA-SHA256 by itself when no algorithm is named.
    ...(elliptic ? { signatureAlgorithm: ECDSA_SHA256 } : {}),
    signatureTransformations: [EXCLUSIVE_C14N],
    additionalReferences: blocks,
    signerOptions: { prefix: 'ds', idMode: 'wssecurity' },
  });
  security.signer.SignatureAlgorithms[ECDSA_SHA256] = EcdsaSha256;
  return security;
}

/** The replicas as cluster.json names them: a replica is who holds the key of its certificate there. */
export class Cluster {
  #ids;

  constructor(dir) {
    const config = JSON.parse(readFileSync(join(dir, 'cluster.json'), 'utf8'));
    this.f = config.f;
    this.address = config.address;
    this.urls = new Map(config.replicas.map(({ id, url }) => [id, url]));
    const fingerprint = ({ certificate }) => new X509Certificate(readFileSync(join(dir, certificate))).fingerprint256;
    this.#ids = new Map(config.replicas.map((replica) => [fingerprint(replica), replica.id]));
  }

  replicaOf(certificate) {
    return this.#ids.get(certificate.fingerprint256) ?? refuse('the certificate is no replica’s');
  }
}

/**
 * Opens a message of a replica. Stricter than WS-Security must be: everything in it has to be signed, so that nothing the soap
 * package reads later can be somebody else's addition.
 * @returns the replica, the header blocks, and the Body's child
 */
export function verify(raw, cluster) {
  try {
    return opened(raw, cluster);
  } catch (error) {
    if (error instanceof Refused) throw error;
    throw new Refused(`not a signed message: ${error instanceof Error ? error.message : error}`);
  }
}

function opened(raw, cluster) {
  if (Buffer.byteLength(raw) > MAX_MESSAGE_BYTES) refuse('too large');
  if (raw.includes('<!')) refuse('a DOCTYPE, comment or CDATA section');
  const errorHandler = { warning: refuse, error: refuse, fatalError: refuse };
  const root = new DOMParser({ errorHandler }).parseFromString(raw, 'text/xml').documentElement;
  const { header, body } = partsOf(root);
  const security = only(header, WSSE, 'Security');
  const signature = only(security, DS, 'Signature');
  const timestamp = only(security, WSU, 'Timestamp');
  const ids = idsBelow(root);

  const blocks = children(header).filter((block) => block !== security);
  const signedInfo = only(signature, DS, 'SignedInfo');
  const signed = new Set(childrenNamed(signedInfo, DS, 'Reference').map((reference) => referenced(reference, ids)));
  for (const part of [...blocks, timestamp, body]) if (!signed.has(part)) refuse(`${part.nodeName} is not signed`);
  const certificate = certificateOf(signature, security, ids);
  const replica = cluster.replicaOf(certificate);
  checkSignature(raw, signature, signedInfo, certificate);
  checkTime(timestamp);
  return { replica, blocks, content: children(body)[0] ?? refuse('an empty Body') };
}

function checkSignature(raw, signature, signedInfo, certificate) {
  const algorithm = only(signedInfo, DS, 'SignatureMethod').getAttribute('Algorithm');
  const expected = certificate.publicKey.asymmetricKeyType === 'ec' ? ECDSA_SHA256 : RSA_SHA256;
  if (algorithm !== expected) refuse(`${algorithm} is not accepted with this key`);
  if (only(signedInfo, DS, 'CanonicalizationMethod').getAttribute('Algorithm') !== EXCLUSIVE_C14N) refuse('not exclusive C14N');
  const verifier = new SignedXml({ publicCert: certificate.toString(), idMode: 'wssecurity' });
  verifier.SignatureAlgorithms = { [RSA_SHA256]: verifier.SignatureAlgorithms[RSA_SHA256], [ECDSA_SHA256]: EcdsaSha256 };
  verifier.loadSignature(signature);
  if (!verifier.checkSignature(raw)) refuse('the signature does not fit');
}

/** The part that a reference is to; by wsu:Id, through exclusive C14N and SHA-256 and nothing else. */
function referenced(reference, ids) {
  const transforms = children(only(reference, DS, 'Transforms')).map((transform) => transform.getAttribute('Algorithm'));
  const digest = only(reference, DS, 'DigestMethod').getAttribute('Algorithm');
  if (transforms.join() !== EXCLUSIVE_C14N || digest !== SHA256) refuse('a transform or digest that is not accepted');
  const id = reference.getAttribute('URI').slice(1);
  const part = ids.get(id);
  return part?.getAttributeNS(WSU, 'Id') === id ? part : refuse(`a reference to nothing: ${id}`);
}

function certificateOf(signature, security, ids) {
  const pointer = only(only(only(signature, DS, 'KeyInfo'), WSSE, 'SecurityTokenReference'), WSSE, 'Reference');
  const token = ids.get(pointer.getAttribute('URI').slice(1));
  if (token?.parentNode !== security || token.localName !== 'BinarySecurityToken') refuse('the key is no token of this message');
  return new X509Certificate(Buffer.from(token.textContent, 'base64'));
}

function checkTime(timestamp) {
  const [created, expires] = ['Created', 'Expires'].map((name) => Date.parse(only(timestamp, WSU, name).textContent));
  if (!(Math.abs(Date.now() - created) <= CLOCK_WINDOW_MS && expires > Date.now())) refuse('too old, or from the future');
}

function partsOf(root) {
  const [header, body, ...more] = children(root);
  const named = [root, header, body].map((part) => part?.localName).join();
  const spaces = new Set([root, header, body].map((part) => part?.namespaceURI));
  if (named !== 'Envelope,Header,Body' || spaces.size !== 1 || !SOAP.includes(root.namespaceURI) || more.length > 0) {
    refuse('not an Envelope of Header and Body');
  }
  return { header, body };
}

function idsBelow(root) {
  const ids = new Map();
  for (const element of [root, ...Array.from(root.getElementsByTagName('*'))]) {
    for (const { localName, value } of Array.from(element.attributes)) {
      if (localName.toLowerCase() !== 'id') continue;
      if (ids.has(value)) refuse(`the Id ${value} comes twice`);
      ids.set(value, element);
    }
  }
  return ids;
}

/** The child elements; what is neither element nor text is refused. */
export function children(parent) {
  const nodes = Array.from(parent.childNodes);
  if (nodes.some(({ nodeType }) => nodeType !== ELEMENT && nodeType !== TEXT)) refuse('a processing instruction');
  return nodes.filter(({ nodeType }) => nodeType === ELEMENT);
}

const childrenNamed = (parent, ns, name) =>
  children(parent).filter((child) => child.namespaceURI === ns && child.localName === name);

export function only(parent, ns, name) {
  const [first, ...more] = childrenNamed(parent, ns, name);
  return first !== undefined && more.length === 0 ? first : refuse(`${parent.nodeName} has not one ${name}`);
}
