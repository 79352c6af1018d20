/** PKCS#12 files (RFC 7292) with one certificate and its private key, as OpenSSL, Java and browsers write and read them. */
import { createHmac, createPrivateKey, randomBytes, timingSafeEqual, X509Certificate } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import {
  childrenOf,
  contextTag,
  expectTag,
  integer,
  MalformedDer,
  NULL,
  octetString,
  oid,
  readInteger,
  readOid,
  readOne,
  sequence,
  TAG,
  writeDer,
} from '../x509/der.js';
import type { Der } from '../x509/der.js';
import { ConcordatError } from '../errors.js';
import type { KeyPair } from './keys.js';
import { bmp, checkIterations, decrypt, encrypt, ITERATIONS, macKey } from './pkcs12-encryption.js';

const OID = {
  data: '1.2.840.113549.1.7.1',
  encryptedData: '1.2.840.113549.1.7.6',
  keyBag: '1.2.840.113549.1.12.10.1.1',
  shroudedKeyBag: '1.2.840.113549.1.12.10.1.2',
  certBag: '1.2.840.113549.1.12.10.1.3',
  x509Certificate: '1.2.840.113549.1.9.22.1',
  friendlyName: '1.2.840.113549.1.9.20',
  localKeyId: '1.2.840.113549.1.9.21',
} as const;

const MAC_HASHES: Readonly<Record<string, string>> = {
  '1.3.14.3.2.26': 'sha1',
  '2.16.840.1.101.3.4.2.1': 'sha256',
  '2.16.840.1.101.3.4.2.2': 'sha384',
  '2.16.840.1.101.3.4.2.3': 'sha512',
};
const MAC_WITH = '2.16.840.1.101.3.4.2.1';
const SALT_BYTES = 16;
const VERSION = 3;
/** `[0] EXPLICIT`, and `[0] IMPLICIT` of an OCTET STRING. */
const EXPLICIT = contextTag(0);
const IMPLICIT = 0x80;

/** What a PKCS#12 file holds for one holder: what is in its bags. */
interface Bags {
  readonly certificates: X509Certificate[];
  readonly keys: KeyObject[];
}

/**
 * The one private key of the file, and the certificate that belongs to it; further certificates (the chain) are left out.
 * @param what names the file in messages
 * @throws ConcordatError ConfigInvalid for a wrong password, a file that is none, without a MAC, in BER, or with algorithms that are
 *   broken (RC2); KeyMismatch if no certificate belongs to the key
 */
export function readPkcs12(bytes: Buffer, password: string, what: string): KeyPair {
  const { certificates, keys } = guarded(what, () => readBags(bytes, password, what));
  const [key, ...more] = keys;
  if (key === undefined || more.length > 0) throw new ConcordatError('ConfigInvalid', `${what} must hold one private key`);
  const certificate = certificates.find((candidate) => candidate.checkPrivateKey(key));
  if (certificate === undefined) throw new ConcordatError('KeyMismatch', `${what} has no certificate of its private key`);
  return { certificatePem: certificate.toString(), privateKeyPem: key.export({ type: 'pkcs8', format: 'pem' }).toString() };
}

function guarded<T>(what: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof ConcordatError) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw new ConcordatError('ConfigInvalid', `${what} is not a PKCS#12 file that can be used (${reason})`, { cause: error });
  }
}

function readBags(bytes: Buffer, password: string, what: string): Bags {
  const [version, authSafe, mac] = childrenOf(readOne(bytes, TAG.sequence));
  if (readInteger(version) !== VERSION) throw new MalformedDer(`not version ${VERSION}`);
  const safe = contentOf(authSafe, OID.data);
  checkMac(mac, safe, password, what);
  const bags: Bags = { certificates: [], keys: [] };
  for (const part of childrenOf(readOne(safe, TAG.sequence))) {
    for (const bag of childrenOf(readOne(openSafe(part, password), TAG.sequence))) readBag(bag, password, bags);
  }
  return bags;
}

/** What a ContentInfo of that type holds. */
function contentOf(info: Der | undefined, type: string): Buffer {
  const [id, content] = childrenOf(info);
  if (readOid(id) !== type) throw new MalformedDer(`content of type ${readOid(id)}`);
  return readOne(expectTag(content, EXPLICIT).content, TAG.octetString).content;
}

function openSafe(part: Der, password: string): Buffer {
  const [id, content] = childrenOf(part);
  if (readOid(id) !== OID.encryptedData) return contentOf(part, OID.data);
  const [, info] = childrenOf(readOne(expectTag(content, EXPLICIT).content, TAG.sequence));
  const [, algorithm, encrypted] = childrenOf(info);
  return decrypt(algorithm, expectTag(encrypted, IMPLICIT).content, password);
}

function readBag(bag: Der, password: string, bags: Bags): void {
  const [id, wrapped] = childrenOf(bag);
  const value = (): Der => readOne(expectTag(wrapped, EXPLICIT).content, TAG.sequence);
  switch (readOid(id)) {
    case OID.certBag: {
      const [type, certificate] = childrenOf(value());
      if (readOid(type) !== OID.x509Certificate) return;
      const der = readOne(expectTag(certificate, EXPLICIT).content, TAG.octetString).content;
      bags.certificates.push(new X509Certificate(der));
      return;
    }
    case OID.keyBag:
      bags.keys.push(privateKey(value().raw));
      return;
    case OID.shroudedKeyBag: {
      const [algorithm, encrypted] = childrenOf(value());
      bags.keys.push(privateKey(decrypt(algorithm, expectTag(encrypted, TAG.octetString).content, password)));
      return;
    }
    default:
  }
}

const privateKey = (pkcs8: Buffer): KeyObject => createPrivateKey({ key: pkcs8, format: 'der', type: 'pkcs8' });

function checkMac(macData: Der | undefined, safe: Buffer, password: string, what: string): void {
  if (macData === undefined) throw new MalformedDer('it has no MAC');
  const [info, salt, rounds] = childrenOf(macData);
  const [algorithm, digest] = childrenOf(info);
  const id = readOid(childrenOf(algorithm)[0]);
  const hash = MAC_HASHES[id];
  if (hash === undefined) throw new MalformedDer(`MAC algorithm ${id}`);
  const iterations = rounds === undefined ? 1 : checkIterations(readInteger(rounds));
  const key = macKey(hash, password, expectTag(salt, TAG.octetString).content, iterations);
  const expected = expectTag(digest, TAG.octetString).content;
  const actual = createHmac(hash, key).update(safe).digest();
  if (actual.length !== expected.length || !timingSafeEqual(actual, expected))
    throw new ConcordatError('ConfigInvalid', `the password of ${what} is wrong, or the file is damaged`);
}

/**
 * Writes a certificate and its key: the key under AES-256-CBC with a key from PBKDF2-HMAC-SHA-256, all under a MAC. The certificate
 * is public and stays readable.
 * @param name how key stores list it
 */
export function writePkcs12({ certificatePem, privateKeyPem }: KeyPair, password: string, name: string): Buffer {
  const certificate = new X509Certificate(certificatePem);
  const key = createPrivateKey(privateKeyPem).export({ type: 'pkcs8', format: 'der' });
  const attributes = attributesOf(certificate, name);
  const { algorithm, encrypted } = encrypt(key, password);
  const certBag = sequence(oid(OID.x509Certificate), writeDer(EXPLICIT, octetString(certificate.raw)));
  const safe = sequence(
    dataInfo(sequence(bag(OID.shroudedKeyBag, sequence(algorithm, octetString(encrypted)), attributes))),
    dataInfo(sequence(bag(OID.certBag, certBag, attributes))),
  );
  return sequence(integer(VERSION), dataInfo(safe), macOf(safe, password));
}

const dataInfo = (content: Buffer): Buffer => sequence(oid(OID.data), writeDer(EXPLICIT, octetString(content)));

const bag = (id: string, value: Buffer, attributes: Buffer): Buffer => sequence(oid(id), writeDer(EXPLICIT, value), attributes);

/** The same id at the key and at the certificate tells key stores that they belong together. */
const attributesOf = (certificate: X509Certificate, name: string): Buffer =>
  writeDer(
    TAG.set,
    sequence(
      oid(OID.localKeyId),
      writeDer(TAG.set, octetString(Buffer.from(certificate.fingerprint.replaceAll(':', ''), 'hex'))),
    ),
    sequence(oid(OID.friendlyName), writeDer(TAG.set, writeDer(TAG.bmpString, bmp(name)))),
  );

function macOf(safe: Buffer, password: string): Buffer {
  const salt = randomBytes(SALT_BYTES);
  const digest = createHmac('sha256', macKey('sha256', password, salt, ITERATIONS))
    .update(safe)
    .digest();
  const info = sequence(sequence(oid(MAC_WITH), NULL), octetString(digest));
  return sequence(info, octetString(salt), integer(ITERATIONS));
}
