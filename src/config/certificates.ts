/** Loaded through authority.ts only: @peculiar/x509 must not be evaluated before ./reflect-metadata.js is. */
import { createPrivateKey } from 'node:crypto';
import type { webcrypto } from 'node:crypto';
import { isIP } from 'node:net';
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509Certificate,
  X509CertificateGenerator,
  cryptoProvider,
} from '@peculiar/x509';
import type { Extension, JsonName } from '@peculiar/x509';
import { DEFAULT_CERTIFICATE_DAYS, DEFAULT_KEY_ALGORITHM } from './authority.js';
import type { Authority, CertificateRequest, KeyAlgorithm } from './authority.js';
import type { KeyPair } from './keys.js';

const rsa = (modulusLength: number) => ({
  name: 'RSASSA-PKCS1-v1_5',
  hash: 'SHA-256',
  modulusLength,
  publicExponent: new Uint8Array([1, 0, 1]),
});
const ALGORITHMS = {
  'rsa-2048': rsa(2048),
  'rsa-3072': rsa(3072),
  'p-256': { name: 'ECDSA', namedCurve: 'P-256' },
  'p-384': { name: 'ECDSA', namedCurve: 'P-384' },
} as const satisfies Record<KeyAlgorithm, object>;
/** What authorities sign with. */
const ALGORITHM = ALGORITHMS['rsa-2048'];
const DAY_MS = 24 * 60 * 60 * 1000;
/** Certificates are valid from a day before they are made, so that a clock that is behind accepts them. */
const BACKDATED_MS = DAY_MS;
const AUTHORITY_VALID_MS = 3650 * DAY_MS;

/** See createAuthority of authority.ts. */
export async function generateAuthority(organization: string, now: number): Promise<Authority> {
  cryptoProvider.set(crypto);
  const keys = await generateKeys(DEFAULT_KEY_ALGORITHM);
  const name: JsonName = [{ O: [organization] }, { CN: ['Concordat authority'] }];
  const certificate = await X509CertificateGenerator.createSelfSigned({
    name,
    keys,
    signingAlgorithm: ALGORITHM,
    notBefore: new Date(now - BACKDATED_MS),
    notAfter: new Date(now + AUTHORITY_VALID_MS),
    extensions: [
      new BasicConstraintsExtension(true, 0, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  const pair = { certificatePem: certificate.toString('pem'), privateKeyPem: await exportKey(keys) };
  return authorityOf(pair, certificate, keys, organization, now);
}

/** See loadAuthority of authority.ts. */
export async function readAuthority({ certificatePem, privateKeyPem }: KeyPair, now: number): Promise<Authority> {
  cryptoProvider.set(crypto);
  const certificate = new X509Certificate(certificatePem);
  const der = createPrivateKey(privateKeyPem).export({ type: 'pkcs8', format: 'der' });
  const keys = {
    privateKey: await crypto.subtle.importKey('pkcs8', der, ALGORITHM, false, ['sign']),
    publicKey: await certificate.publicKey.export(),
  };
  const organization = certificate.subjectName.getField('O')[0] ?? '';
  return authorityOf({ certificatePem, privateKeyPem }, certificate, keys, organization, now);
}

type SigningKeys = Pick<webcrypto.CryptoKeyPair, 'privateKey' | 'publicKey'>;

const authorityOf = (
  pair: KeyPair,
  certificate: X509Certificate,
  keys: SigningKeys,
  organization: string,
  now: number,
): Authority => ({
  ...pair,
  issue: (request) => issueBelow(certificate, keys, organization, now, request),
});

/** A certificate of a new key, signed by the authority whose certificate and keys these are. */
async function issueBelow(
  certificate: X509Certificate,
  keys: SigningKeys,
  organization: string,
  now: number,
  request: CertificateRequest,
): Promise<KeyPair> {
  const subjectKeys = await generateKeys(request.algorithm ?? DEFAULT_KEY_ALGORITHM);
  const issued = await X509CertificateGenerator.create({
    subject: [{ O: [organization] }, ...request.roles.map((role) => ({ OU: [role] })), { CN: [request.commonName] }],
    issuer: certificate.subjectName,
    publicKey: subjectKeys.publicKey,
    signingKey: keys.privateKey,
    signingAlgorithm: ALGORITHM,
    notBefore: new Date(now - BACKDATED_MS),
    notAfter: new Date(now + (request.days ?? DEFAULT_CERTIFICATE_DAYS) * DAY_MS),
    extensions: [
      ...usageExtensions(request.hosts ?? [], (request.algorithm ?? DEFAULT_KEY_ALGORITHM).startsWith('rsa')),
      await SubjectKeyIdentifierExtension.create(subjectKeys.publicKey),
      await AuthorityKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return { certificatePem: issued.toString('pem'), privateKeyPem: await exportKey(subjectKeys) };
}

function usageExtensions(hosts: readonly string[], isRsa: boolean): Extension[] {
  const usages = [ExtendedKeyUsage.clientAuth, ...(hosts.length > 0 ? [ExtendedKeyUsage.serverAuth] : [])];
  const extensions: Extension[] = [
    new BasicConstraintsExtension(false, undefined, true),
    // Only an RSA key can encipher another (RFC 8813 §3).
    new KeyUsagesExtension(KeyUsageFlags.digitalSignature | (isRsa ? KeyUsageFlags.keyEncipherment : 0), true),
    new ExtendedKeyUsageExtension(usages),
  ];
  if (hosts.length > 0) {
    const names = hosts.map((host) => ({ type: isIP(host) === 0 ? ('dns' as const) : ('ip' as const), value: host }));
    extensions.push(new SubjectAlternativeNameExtension(names));
  }
  return extensions;
}

const generateKeys = (algorithm: KeyAlgorithm): Promise<webcrypto.CryptoKeyPair> =>
  crypto.subtle.generateKey(ALGORITHMS[algorithm], true, ['sign', 'verify']);

async function exportKey(keys: SigningKeys): Promise<string> {
  const der = Buffer.from(await crypto.subtle.exportKey('pkcs8', keys.privateKey)).toString('base64');
  return `-----BEGIN PRIVATE KEY-----\n${(der.match(/.{1,64}/g) ?? []).join('\n')}\n-----END PRIVATE KEY-----\n`;
}
