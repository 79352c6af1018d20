/** How PKCS#12 files are encrypted: PBES2 (RFC 8018 §6.2), and for reading also the older PBE with Triple DES (RFC 7292 appendix C). */
import { createCipheriv, createDecipheriv, hash as hashOnce, pbkdf2Sync, randomBytes } from 'node:crypto';
import {
  childrenOf,
  expectTag,
  integer,
  MalformedDer,
  NULL,
  octetString,
  oid,
  readInteger,
  readOid,
  sequence,
  TAG,
} from '../x509/der.js';
import type { Der } from '../x509/der.js';

const OID = {
  pbes2: '1.2.840.113549.1.5.13',
  pbkdf2: '1.2.840.113549.1.5.12',
  tripleDes: '1.2.840.113549.1.12.1.3',
} as const;

const CIPHERS: Readonly<Record<string, { readonly name: string; readonly keyBytes: number; readonly ivBytes: number }>> = {
  '2.16.840.1.101.3.4.1.2': { name: 'aes-128-cbc', keyBytes: 16, ivBytes: 16 },
  '2.16.840.1.101.3.4.1.22': { name: 'aes-192-cbc', keyBytes: 24, ivBytes: 16 },
  '2.16.840.1.101.3.4.1.42': { name: 'aes-256-cbc', keyBytes: 32, ivBytes: 16 },
  '1.2.840.113549.3.7': { name: 'des-ede3-cbc', keyBytes: 24, ivBytes: 8 },
};
const ENCRYPT_WITH = '2.16.840.1.101.3.4.1.42';

const PRF_SHA1 = '1.2.840.113549.2.7';
const PRF_SHA256 = '1.2.840.113549.2.9';
const PRFS: Readonly<Record<string, string>> = {
  [PRF_SHA1]: 'sha1',
  [PRF_SHA256]: 'sha256',
  '1.2.840.113549.2.10': 'sha384',
  '1.2.840.113549.2.11': 'sha512',
};

const SALT_BYTES = 16;
/** Rounds of the key derivations of the files we write. */
export const ITERATIONS = 100_000;
/** Rounds that a file may ask for: more would keep a process busy for minutes. */
export const MAX_ITERATIONS = 2_000_000;

/** @throws MalformedDer */
export function checkIterations(iterations: number): number {
  if (iterations < 1 || iterations > MAX_ITERATIONS) throw new MalformedDer(`${iterations} iterations`);
  return iterations;
}

/** @throws MalformedDer for an algorithm that is not supported; an error of OpenSSL's for a wrong password */
export function decrypt(algorithm: Der | undefined, encrypted: Buffer, password: string): Buffer {
  const [id, parameters] = childrenOf(algorithm);
  const { name, key, iv } =
    readOid(id) === OID.pbes2 ? pbes2(parameters, password) : tripleDes(readOid(id), parameters, password);
  const decipher = createDecipheriv(name, key, iv);
  return Buffer.concat([decipher.update(encrypted), decipher.final()]);
}

export function encrypt(plain: Buffer, password: string): { readonly algorithm: Buffer; readonly encrypted: Buffer } {
  const salt = randomBytes(SALT_BYTES);
  const iv = randomBytes(16);
  const cipher = createCipheriv('aes-256-cbc', pbkdf2Sync(password, salt, ITERATIONS, 32, 'sha256'), iv);
  const encrypted = Buffer.concat([cipher.update(plain), cipher.final()]);
  const derivation = sequence(oid(OID.pbkdf2), sequence(octetString(salt), integer(ITERATIONS), sequence(oid(PRF_SHA256), NULL)));
  const scheme = sequence(oid(ENCRYPT_WITH), octetString(iv));
  return { algorithm: sequence(oid(OID.pbes2), sequence(derivation, scheme)), encrypted };
}

interface Opened {
  readonly name: string;
  readonly key: Buffer;
  readonly iv: Buffer;
}

function pbes2(parameters: Der | undefined, password: string): Opened {
  const [derivation, scheme] = childrenOf(parameters);
  const [kdf, kdfParameters] = childrenOf(derivation);
  if (readOid(kdf) !== OID.pbkdf2) throw new MalformedDer(`key derivation ${readOid(kdf)}`);
  const [cipherId, iv] = childrenOf(scheme);
  const cipher = CIPHERS[readOid(cipherId)];
  if (cipher === undefined) throw new MalformedDer(`cipher ${readOid(cipherId)}`);
  const [salt, iterations, ...rest] = childrenOf(kdfParameters);
  const prf = rest.find(({ tag }) => tag === TAG.sequence);
  const prfId = prf === undefined ? PRF_SHA1 : readOid(childrenOf(prf)[0]);
  const hash = PRFS[prfId];
  if (hash === undefined) throw new MalformedDer(`pseudo-random function ${prfId}`);
  const rounds = checkIterations(readInteger(iterations));
  const key = pbkdf2Sync(password, expectTag(salt, TAG.octetString).content, rounds, cipher.keyBytes, hash);
  return { name: cipher.name, key, iv: initial(iv, cipher.ivBytes) };
}

function initial(iv: Der | undefined, bytes: number): Buffer {
  const { content } = expectTag(iv, TAG.octetString);
  if (content.length !== bytes) throw new MalformedDer('an initialization vector');
  return content;
}

function tripleDes(id: string, parameters: Der | undefined, password: string): Opened {
  if (id !== OID.tripleDes) throw new MalformedDer(`encrypted with ${id}; write it again with AES`);
  const [salt, iterations] = childrenOf(parameters);
  const { content } = expectTag(salt, TAG.octetString);
  const rounds = checkIterations(readInteger(iterations));
  const derive = (purpose: number, bytes: number): Buffer => derivePkcs12('sha1', password, content, rounds, purpose, bytes);
  return { name: 'des-ede3-cbc', key: derive(PURPOSE.key, 24), iv: derive(PURPOSE.iv, 8) };
}

/** What the derived bytes are for (RFC 7292 appendix B.3). */
const PURPOSE = { key: 1, iv: 2, mac: 3 } as const;

/** The key of the MAC over the whole file. */
export const macKey = (hash: string, password: string, salt: Buffer, iterations: number): Buffer =>
  derivePkcs12(hash, password, salt, iterations, PURPOSE.mac, hashOnce(hash, Buffer.alloc(0), 'buffer').length);

/** The key derivation of RFC 7292 appendix B.2; names as there. */
function derivePkcs12(hash: string, password: string, salt: Buffer, rounds: number, id: number, bytes: number): Buffer {
  const v = hash === 'sha384' || hash === 'sha512' ? 128 : 64;
  const D = Buffer.alloc(v, id);
  const I = Buffer.concat([repeated(salt, v), repeated(Buffer.concat([bmp(password), Buffer.alloc(2)]), v)]);
  const derived: Buffer[] = [];
  for (let have = 0; have < bytes;) {
    let A = hashOnce(hash, Buffer.concat([D, I]), 'buffer');
    for (let round = 1; round < rounds; round += 1) A = hashOnce(hash, A, 'buffer');
    derived.push(A);
    have += A.length;
    const B = Buffer.alloc(v, A);
    for (let at = 0; at < I.length; at += v) addOneAnd(I.subarray(at, at + v), B);
  }
  return Buffer.concat(derived).subarray(0, bytes);
}

/** To a whole number of blocks. */
const repeated = (bytes: Buffer, block: number): Buffer =>
  bytes.length === 0 ? bytes : Buffer.alloc(block * Math.ceil(bytes.length / block), bytes);

/** target := target + addend + 1, as big-endian numbers of their length. */
function addOneAnd(target: Buffer, addend: Buffer): void {
  let carry = 1;
  for (let at = target.length - 1; at >= 0; at -= 1) {
    const sum = (target[at] ?? 0) + (addend[at] ?? 0) + carry;
    target[at] = sum & 0xff;
    carry = sum >> 8;
  }
}

/** A BMPString: UTF-16, big end first. */
export const bmp = (text: string): Buffer => Buffer.from(text, 'utf16le').swap16();
