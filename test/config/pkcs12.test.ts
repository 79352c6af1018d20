import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createSecureContext } from 'node:tls';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import {
  createAuthority,
  type KeyAlgorithm,
  type KeyPair,
  KEY_ALGORITHMS,
  loadPkcs12,
  PASSWORD_VARIABLE,
} from '../../src/config/index.js';
import { readPkcs12, writePkcs12 } from '../../src/config/pkcs12.js';
import { MAX_ITERATIONS } from '../../src/config/pkcs12-encryption.js';
import { childrenOf, integer, octetString, readOne, sequence, TAG } from '../../src/x509/der.js';
import { errorOf, removeDirectory, temporaryDirectory } from './fixture.js';

interface Vector {
  readonly made: string;
  readonly password: string;
  /** Base64. */
  readonly file: string;
}

/** Files that other programs wrote. */
const vectors = JSON.parse(readFileSync(fileURLToPath(new URL('../data/pkcs12.json', import.meta.url)), 'utf8')) as Readonly<
  Record<string, Vector>
>;

function vector(name: string): { bytes: Buffer; password: string } {
  const found = vectors[name];
  if (found === undefined) throw new RangeError(name);
  return { bytes: Buffer.from(found.file, 'base64'), password: found.password };
}

let dir: string;
let pair: KeyPair;
const pairs = new Map<KeyAlgorithm, KeyPair>();
beforeAll(async () => {
  dir = temporaryDirectory();
  const authority = await createAuthority('Org', Date.now());
  for (const algorithm of KEY_ALGORITHMS) {
    pairs.set(algorithm, await authority.issue({ commonName: algorithm, roles: [], algorithm }));
  }
  pair = pairs.get('p-256') ?? (await authority.issue({ commonName: 'x', roles: [] }));
});
afterAll(() => removeDirectory(dir));

describe('a PKCS#12 file', () => {
  test.each(['modern', 'aes128', 'tdes', 'chain', 'rsa', 'java'])('of another program is read: %s', (name) => {
    const { bytes, password } = vector(name);
    const read = readPkcs12(bytes, password, name);
    const certificate = new X509Certificate(read.certificatePem);
    expect(certificate.subject.split('\n')).toContain('CN=vector');
    expect(certificate.checkPrivateKey(createPrivateKey(read.privateKeyPem))).toBe(true);
  });

  test.each([
    ['nomac', 'it has no MAC'],
    ['rc2', 'write it again with AES'],
    ['nokeys', 'must hold one private key'],
  ])('without what is needed is refused: %s', (name, reason) => {
    const { bytes, password } = vector(name);
    const error = errorOf(() => readPkcs12(bytes, password, 'bank.p12'));
    expect(error.code).toBe('ConfigInvalid');
    expect(error.detail).toContain('bank.p12');
    expect(error.detail).toContain(reason);
  });

  test('under another password is refused', () => {
    for (const name of ['modern', 'tdes', 'java']) {
      const error = errorOf(() => readPkcs12(vector(name).bytes, 'other', 'bank.p12'));
      expect(error).toMatchObject({ code: 'ConfigInvalid', detail: 'the password of bank.p12 is wrong, or the file is damaged' });
    }
  });

  test.each([...KEY_ALGORITHMS])('that we write is read by us and by OpenSSL: %s', (algorithm) => {
    const written = pairs.get(algorithm);
    if (written === undefined) throw new RangeError(algorithm);
    const bytes = writePkcs12(written, 'pässwörd', 'my bank');
    const read = readPkcs12(bytes, 'pässwörd', 'x');
    expect(new X509Certificate(read.certificatePem).raw.equals(new X509Certificate(written.certificatePem).raw)).toBe(true);
    expect(createPrivateKey(read.privateKeyPem).equals(createPrivateKey(written.privateKeyPem))).toBe(true);
    expect(() => createSecureContext({ pfx: bytes, passphrase: 'pässwörd' })).not.toThrow();
    expect(() => createSecureContext({ pfx: bytes, passphrase: 'password' })).toThrow();
  });

  test('does not show its key, and never looks twice the same', () => {
    const { d = '' } = createPrivateKey(pair.privateKeyPem).export({ format: 'jwk' });
    const [one, two] = [writePkcs12(pair, 'secret', 'x'), writePkcs12(pair, 'secret', 'x')];
    expect(one.includes(Buffer.from(d, 'base64url'))).toBe(false);
    expect(one.equals(two)).toBe(false);
  });

  test('cannot keep a process busy with iterations', () => {
    const [version, safe, mac] = childrenOf(readOne(vector('modern').bytes, TAG.sequence));
    const [info, salt] = childrenOf(mac);
    const parts = [version, safe].map((part) => part?.raw ?? Buffer.alloc(0));
    const greedy = sequence(
      ...parts,
      sequence(info?.raw ?? Buffer.alloc(0), salt?.raw ?? octetString(Buffer.alloc(8)), integer(MAX_ITERATIONS + 1)),
    );
    const error = errorOf(() => readPkcs12(greedy, 'secret', 'x'));
    expect(error.detail).toContain(`${MAX_ITERATIONS + 1} iterations`);
  });

  test('that is damaged is refused, or gives what it gave before', () => {
    const { bytes, password } = vector('aes128');
    const before = readPkcs12(bytes, password, 'x');
    const results = Array.from(bytes, (octet, at) => {
      const broken = Buffer.from(bytes);
      broken[at] = octet ^ 0x80;
      try {
        // What the MAC does not cover, like its own parameters, changes nothing.
        expect(readPkcs12(broken, password, 'x')).toEqual(before);
        return 'read';
      } catch (error) {
        expect(error).toMatchObject({ code: 'ConfigInvalid' });
        return 'refused';
      }
    });
    expect(results.filter((result) => result === 'read').length).toBeLessThan(results.length / 50);
  });
});

describe('the password of a PKCS#12 file', () => {
  const write = (name: string, content: string | Buffer): string => {
    const path = join(dir, name);
    writeFileSync(path, content);
    return path;
  };

  test('is in a file that is named, or lies beside it, or in the environment', () => {
    const path = write('a.p12', writePkcs12(pair, 'secret', 'x'));
    expect(loadPkcs12(path, write('password', 'secret\n')).certificatePem).toContain('BEGIN CERTIFICATE');
    expect(errorOf(() => loadPkcs12(path))).toMatchObject({ code: 'ConfigMissing' });
    expect(errorOf(() => loadPkcs12(path)).detail).toContain(PASSWORD_VARIABLE);
    process.env[PASSWORD_VARIABLE] = 'secret';
    try {
      expect(loadPkcs12(path).privateKeyPem).toContain('BEGIN PRIVATE KEY');
    } finally {
      delete process.env[PASSWORD_VARIABLE];
    }
    write('a.p12.password', 'secret\r\n');
    expect(loadPkcs12(path).privateKeyPem).toContain('BEGIN PRIVATE KEY');
    write('a.p12.password', '\n');
    expect(errorOf(() => loadPkcs12(path))).toMatchObject({ code: 'ConfigInvalid' });
  });

  test('is asked for only where the file is there', () => {
    expect(errorOf(() => loadPkcs12(join(dir, 'none.p12'), join(dir, 'password'))).code).toBe('ConfigMissing');
  });
});
