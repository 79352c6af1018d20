import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { writeRevocationList } from '../../src/x509/crl.js';
import { namesOf } from '../../src/x509/names.js';

// As in ./pki.ts: the library looks for Reflect metadata when it is loaded.
await import('../../src/config/reflect-metadata.js');
const x509 = await import('@peculiar/x509');
x509.cryptoProvider.set(crypto);

const HOUR = 3_600_000;
const RSA = { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256', publicExponent: new Uint8Array([1, 0, 1]), modulusLength: 2048 };
const CURVE = { name: 'ECDSA', hash: 'SHA-256', namedCurve: 'P-256' };

export interface CaOptions {
  /** How many authorities may stand below it. */
  readonly pathLength?: number;
  readonly usages?: number;
  readonly notAfter?: Date;
}

/** An authority that issues authorities, certificates and revocation lists. */
export interface TestAuthority {
  readonly pem: string;
  readonly certificate: X509Certificate;
  below(cn: string, options?: CaOptions): Promise<TestAuthority>;
  leaf(cn: string, curve?: string): Promise<X509Certificate>;
  list(revoked: readonly X509Certificate[], times?: { thisUpdate?: number; nextUpdate?: number }): string;
}

export const USAGE = x509.KeyUsageFlags;

let serial = 1000;

/** A root of its own. */
export const makeRoot = (cn = 'Root', options: CaOptions = {}): Promise<TestAuthority> => make(cn, undefined, options);

interface Signer {
  readonly name: string;
  readonly keys: CryptoKeyPair;
}

async function issue(subject: string, by: Signer, publicKey: CryptoKey, extensions: object[], notAfter?: Date) {
  return x509.X509CertificateGenerator.create({
    serialNumber: (serial++).toString(16).padStart(4, '0'),
    subject,
    issuer: by.name,
    notBefore: new Date(Date.now() - HOUR),
    notAfter: notAfter ?? new Date(Date.now() + 24 * HOUR),
    signingAlgorithm: RSA,
    publicKey,
    signingKey: by.keys.privateKey,
    extensions: extensions as NonNullable<Parameters<typeof x509.X509CertificateGenerator.create>[0]['extensions']>,
  });
}

async function make(cn: string, by: Signer | undefined, { pathLength, usages, notAfter }: CaOptions): Promise<TestAuthority> {
  const keys = await crypto.subtle.generateKey(RSA, true, ['sign', 'verify']);
  const self: Signer = { name: `CN=${cn}`, keys };
  const pem = (
    await issue(
      self.name,
      by ?? self,
      keys.publicKey,
      [
        new x509.BasicConstraintsExtension(true, pathLength, true),
        new x509.KeyUsagesExtension(usages ?? USAGE.keyCertSign | USAGE.cRLSign, true),
      ],
      notAfter,
    )
  ).toString('pem');
  const certificate = new X509Certificate(pem);
  const key: KeyObject = createPrivateKey({
    key: Buffer.from(await crypto.subtle.exportKey('pkcs8', keys.privateKey)),
    format: 'der',
    type: 'pkcs8',
  });
  return {
    pem,
    certificate,
    below: (name, options = {}) => make(name, self, options),
    leaf: async (name, namedCurve = 'P-256') => {
      const pair = await crypto.subtle.generateKey({ ...CURVE, namedCurve }, true, ['sign', 'verify']);
      const leaf = await issue(`CN=${name},OU=participant`, self, pair.publicKey, [
        new x509.BasicConstraintsExtension(false, undefined, true),
        new x509.KeyUsagesExtension(USAGE.digitalSignature, true),
      ]);
      return new X509Certificate(leaf.toString('pem'));
    },
    list: (revoked, { thisUpdate = Date.now(), nextUpdate = Date.now() + HOUR } = {}) =>
      writeRevocationList({
        issuer: namesOf(certificate.raw).subject,
        thisUpdate,
        nextUpdate,
        revoked: new Map(revoked.map((one) => [namesOf(one.raw).serial, thisUpdate])),
        number: 1n,
        key,
      }),
  };
}
