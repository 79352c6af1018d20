import { constants, createPrivateKey, createPublicKey, generateKeyPairSync, sign, verify } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { beforeAll, describe, expect, test } from '@jest/globals';
import {
  acceptedKeyType,
  SIGNATURE_ALGORITHMS,
  signatureAlgorithmFor,
  signBase64,
  verifyBase64,
} from '../../src/soap/algorithms.js';
import { Signer } from '../../src/soap/index.js';
import { message, NOW, resign, setup, swap } from './fixtures.js';
import { codeOf } from './fixtures.js';
import type { Setup } from './fixtures.js';

const RSA = generateKeyPairSync('rsa', { modulusLength: 2048 });
const P256 = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const P384 = generateKeyPairSync('ec', { namedCurve: 'P-384' });
const TEXT = 'what is signed: é \u{1F600}';

/** By node alone: what each URI means (RFC 9231 §2.3). */
const MEANING: readonly (readonly [uri: string, hash: string, padding: number | undefined])[] = [
  ...[256, 384, 512].map(
    (bits) => [`http://www.w3.org/2001/04/xmldsig-more#rsa-sha${bits}`, `sha${bits}`, constants.RSA_PKCS1_PADDING] as const,
  ),
  ...[256, 384, 512].map(
    (bits) =>
      [`http://www.w3.org/2007/05/xmldsig-more#sha${bits}-rsa-MGF1`, `sha${bits}`, constants.RSA_PKCS1_PSS_PADDING] as const,
  ),
  ...[256, 384, 512].map((bits) => [`http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha${bits}`, `sha${bits}`, undefined] as const),
];

/** PSS with a salt of the hash's length, ECDSA as r and s side by side. */
const input = (key: KeyObject, padding: number | undefined, hash: string) =>
  padding === undefined
    ? ({ key, dsaEncoding: 'ieee-p1363' } as const)
    : { key, padding, ...(padding === constants.RSA_PKCS1_PSS_PADDING ? { saltLength: Number(hash.slice(3)) / 8 } : {}) };

describe('the table of signature algorithms', () => {
  test('has these and no others', () => {
    expect(Object.keys(SIGNATURE_ALGORITHMS).sort()).toEqual(MEANING.map(([uri]) => uri).sort());
  });

  for (const [uri, hash, padding] of MEANING) {
    const pairs = padding === undefined ? [P256, P384] : [RSA];
    test(`${uri.slice(uri.indexOf('#'))} is what others make and check`, () => {
      const entry = SIGNATURE_ALGORITHMS[uri];
      if (entry === undefined) throw new Error('it is not in the table');
      for (const { privateKey, publicKey } of pairs) {
        const theirs = sign(hash, Buffer.from(TEXT), input(privateKey, padding, hash)).toString('base64');
        expect(verifyBase64(entry, TEXT, publicKey, theirs)).toBe(true);
        expect(verifyBase64(entry, `${TEXT} `, publicKey, theirs)).toBe(false);
        const ours = Buffer.from(signBase64(entry, TEXT, privateKey), 'base64');
        expect(verify(hash, Buffer.from(TEXT), input(publicKey, padding, hash), ours)).toBe(true);
      }
    });
  }

  test('takes no ECDSA value in DER, no PSS with another salt, nothing that is not base64', () => {
    const ecdsa = { hash: 'sha256', keyType: 'ec' } as const;
    const der = sign('sha256', Buffer.from(TEXT), P256.privateKey).toString('base64');
    expect(verifyBase64(ecdsa, TEXT, P256.publicKey, der)).toBe(false);
    const pss = { hash: 'sha256', keyType: 'rsa', isPss: true } as const;
    const salted = sign('sha256', Buffer.from(TEXT), {
      key: RSA.privateKey,
      padding: constants.RSA_PKCS1_PSS_PADDING,
      saltLength: 20,
    });
    expect(verifyBase64(pss, TEXT, RSA.publicKey, salted.toString('base64'))).toBe(false);
    const value = signBase64(ecdsa, TEXT, P256.privateKey);
    for (const changed of ['', '=', `${value}!`, `!${value}`, value.slice(0, 20)])
      expect(verifyBase64(ecdsa, TEXT, P256.publicKey, changed)).toBe(false);
  });
});

test('keys are accepted by kind: RSA from 2048 bits on, P-256 and P-384', () => {
  const kinds: readonly (readonly [KeyObject, string | undefined, string | undefined])[] = [
    [RSA.publicKey, 'rsa', 'rsa-sha256'],
    [P256.publicKey, 'ec', 'ecdsa-sha256'],
    [P384.publicKey, 'ec', 'ecdsa-sha384'],
    [generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey, undefined, undefined],
    [generateKeyPairSync('ec', { namedCurve: 'P-521' }).publicKey, undefined, undefined],
    [generateKeyPairSync('ec', { namedCurve: 'secp256k1' }).publicKey, undefined, undefined],
    [generateKeyPairSync('ed25519').publicKey, undefined, undefined],
  ];
  for (const [key, type, algorithm] of kinds) {
    expect(acceptedKeyType(key)).toBe(type);
    expect(signatureAlgorithmFor(key)?.split('#')[1]).toBe(algorithm);
  }
});

describe('a message', () => {
  let s: Setup;
  beforeAll(async () => {
    s = await setup();
  });

  test('signed on P-384 comes back whole', async () => {
    const signer = new Signer(await s.ca.issue({ cn: 'p384', ou: [], keyType: 'p384' }));
    const raw = signer.sign(message(), NOW);
    expect(raw).toContain('xmldsig-more#ecdsa-sha384');
    expect(s.verifier.verify(raw, NOW).body).toEqual(message().body);
  });

  test('signed by RSA-PSS is accepted, and only as what it says it is', () => {
    const pss = 'http://www.w3.org/2007/05/xmldsig-more#sha256-rsa-MGF1';
    const raw = s.signer.sign(message(), NOW);
    const renamed = swap(raw, 'http://www.w3.org/2001/04/xmldsig-more#rsa-sha256', pss);
    expect(codeOf(() => s.verifier.verify(renamed, NOW))).toBe('SignatureInvalid');
    // PKCS #1 v1.5 under the name of PSS, validly signed as such, is still not PSS.
    expect(
      codeOf(() =>
        s.verifier.verify(
          resign(renamed, s.rsa, (info) => info),
          NOW,
        ),
      ),
    ).toBe('SignatureInvalid');
    const info = (/<ds:SignedInfo>.*<\/ds:SignedInfo>/s.exec(renamed)?.[0] ?? '').replace(
      '<ds:SignedInfo>',
      '<ds:SignedInfo xmlns:ds="http://www.w3.org/2000/09/xmldsig#">',
    );
    const key = createPrivateKey(s.rsa.privateKeyPem);
    expect(createPublicKey(key).asymmetricKeyType).toBe('rsa');
    const value = sign('sha256', Buffer.from(info), input(key, constants.RSA_PKCS1_PSS_PADDING, 'sha256')).toString('base64');
    const signed = swap(renamed, /(<ds:SignatureValue>)[^<]*/, `$1${value}`);
    expect(s.verifier.verify(signed, NOW).body).toEqual(message().body);
  });

  test('lists no more inclusive prefixes than it may, in SignedInfo or in a reference', () => {
    const raw = s.signer.sign(message(), NOW);
    const list = (count: number): string =>
      `<ec:InclusiveNamespaces xmlns:ec="http://www.w3.org/2001/10/xml-exc-c14n#" PrefixList="${Array.from({ length: count }, (_, i) => `p${i}`).join(' ')}"></ec:InclusiveNamespaces>`;
    const listed = (element: string, count: number): string =>
      resign(raw, s.rsa, (info) => swap(info, `</ds:${element}>`, `${list(count)}</ds:${element}>`));
    for (const element of ['CanonicalizationMethod', 'Transform']) {
      expect(codeOf(() => s.verifier.verify(listed(element, 64), NOW))).toBe('none');
      expect(codeOf(() => s.verifier.verify(listed(element, 65), NOW))).toBe('AlgorithmRefused');
    }
  });
});
