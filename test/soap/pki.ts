import type { Credentials } from '../../src/soap/index.js';

// The library looks for Reflect metadata when it is loaded, and jest loads CommonJS imports before anything runs.
await import('../../src/config/reflect-metadata.js');
const x509 = await import('@peculiar/x509');
x509.cryptoProvider.set(crypto);

const HOUR = 3_600_000;
const ALGORITHMS = {
  rsa: { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256', publicExponent: new Uint8Array([1, 0, 1]), modulusLength: 2048 },
  weak: { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256', publicExponent: new Uint8Array([1, 0, 1]), modulusLength: 1024 },
  ec: { name: 'ECDSA', hash: 'SHA-256', namedCurve: 'P-256' },
  p384: { name: 'ECDSA', hash: 'SHA-256', namedCurve: 'P-384' },
} as const;

export interface IssueOptions {
  readonly cn: string;
  readonly ou: readonly string[];
  readonly notBefore?: Date;
  readonly notAfter?: Date;
  readonly keyType?: keyof typeof ALGORITHMS;
  /** x509.KeyUsageFlags, or null for no such extension; default digitalSignature. */
  readonly usages?: number | null;
  readonly isCa?: boolean;
}

export interface Ca {
  readonly pem: string;
  issue(options: IssueOptions): Promise<Credentials>;
}

export const KeyUsage = x509.KeyUsageFlags;

let serial = 1;

function generate(type: keyof typeof ALGORITHMS): Promise<CryptoKeyPair> {
  return crypto.subtle.generateKey(ALGORITHMS[type], true, ['sign', 'verify']);
}

async function privatePem(key: CryptoKey): Promise<string> {
  return x509.PemConverter.encode(await crypto.subtle.exportKey('pkcs8', key), 'PRIVATE KEY');
}

/** An authority with a P-256 key, valid from an hour ago for a day. */
export async function makeCa(cn = 'Test CA', validity: { notBefore?: Date; notAfter?: Date } = {}): Promise<Ca> {
  const keys = await generate('ec');
  const name = `CN=${cn}`;
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: (serial++).toString(16).padStart(2, '0'),
    subject: name,
    issuer: name,
    notBefore: validity.notBefore ?? new Date(Date.now() - HOUR),
    notAfter: validity.notAfter ?? new Date(Date.now() + 24 * HOUR),
    signingAlgorithm: ALGORITHMS.ec,
    publicKey: keys.publicKey,
    signingKey: keys.privateKey,
    extensions: [
      new x509.BasicConstraintsExtension(true, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign, true),
    ],
  });
  return {
    pem: certificate.toString('pem'),
    async issue(options) {
      const pair = await generate(options.keyType ?? 'ec');
      const usages = options.usages === undefined ? x509.KeyUsageFlags.digitalSignature : options.usages;
      const issued = await x509.X509CertificateGenerator.create({
        serialNumber: (serial++).toString(16).padStart(2, '0'),
        subject: new x509.Name([{ CN: [options.cn] }, ...options.ou.map((unit) => ({ OU: [unit] }))]).toString(),
        issuer: name,
        notBefore: options.notBefore ?? new Date(Date.now() - HOUR),
        notAfter: options.notAfter ?? new Date(Date.now() + 12 * HOUR),
        signingAlgorithm: ALGORITHMS.ec,
        publicKey: pair.publicKey,
        signingKey: keys.privateKey,
        extensions: [
          new x509.BasicConstraintsExtension(options.isCa ?? false, undefined, true),
          ...(usages === null ? [] : [new x509.KeyUsagesExtension(usages, true)]),
        ],
      });
      return { certificatePem: issued.toString('pem'), privateKeyPem: await privatePem(pair.privateKey) };
    },
  };
}
