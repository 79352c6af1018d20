import { beforeAll, describe, expect, test } from '@jest/globals';
import { X509Certificate } from 'node:crypto';
import { TrustStore } from '../../src/soap/index.js';
import type { Credentials } from '../../src/soap/index.js';
import { makeRoot } from './authorities.js';
import { codeOf } from './fixtures.js';
import { KeyUsage, makeCa } from './pki.js';
import type { Ca, IssueOptions } from './pki.js';

const NOW = Date.now();
const HOUR = 3_600_000;
let ca: Ca;
let trust: TrustStore;
beforeAll(async () => {
  ca = await makeCa();
  trust = new TrustStore([(await makeCa('Another CA')).pem, ca.pem]);
});

const der = (credentials: Credentials): Uint8Array => new X509Certificate(credentials.certificatePem).raw;
const verdict = async (options: Partial<IssueOptions>, now = NOW): Promise<string> => {
  const certificate = der(await ca.issue({ cn: 'x', ou: [], ...options }));
  return codeOf(() => trust.identify(certificate, now));
};

describe('a certificate is trusted', () => {
  test('if a configured authority issued it for signing', async () => {
    expect(await verdict({})).toBe('none');
    expect(await verdict({ keyType: 'rsa', usages: null })).toBe('none');
    expect(await verdict({ usages: KeyUsage.digitalSignature | KeyUsage.keyEncipherment })).toBe('none');
  });

  test('not if its key usage leaves signing out', async () => {
    expect(await verdict({ usages: KeyUsage.keyEncipherment })).toBe('CertificateUntrusted');
  });

  test('not outside its validity, also when it was cached inside it', async () => {
    const certificate = der(await ca.issue({ cn: 'x', ou: [], notBefore: new Date(NOW - HOUR), notAfter: new Date(NOW + HOUR) }));
    const at = (now: number): string => codeOf(() => trust.identify(certificate, now));
    expect([at(NOW), at(NOW + 2 * HOUR), at(NOW - 2 * HOUR), at(NOW)]).toEqual([
      'none',
      'CertificateUntrusted',
      'CertificateUntrusted',
      'none',
    ]);
  });

  test('not after its authority expired', async () => {
    const shortLived = await makeCa('Short', { notAfter: new Date(NOW + HOUR) });
    const certificate = der(await shortLived.issue({ cn: 'x', ou: [] }));
    const store = new TrustStore([shortLived.pem]);
    expect(codeOf(() => store.identify(certificate, NOW))).toBe('none');
    expect(codeOf(() => store.identify(certificate, NOW + 2 * HOUR))).toBe('CertificateUntrusted');
  });

  test('not from another authority, even one of the same name', async () => {
    const impostor = await makeCa('Test CA');
    const certificate = der(await impostor.issue({ cn: 'x', ou: ['operator'] }));
    expect(codeOf(() => trust.identify(certificate, NOW))).toBe('CertificateUntrusted');
  });

  test('not with a weak key or a curve we do not use, nor as an authority, nor if it is junk', async () => {
    expect(await verdict({ keyType: 'weak' })).toBe('CertificateUntrusted');
    expect(await verdict({ keyType: 'p384' })).toBe('none');
    const root = await makeRoot('Curves');
    const p521 = await root.leaf('x', 'P-521');
    expect(codeOf(() => new TrustStore([root.pem]).identify(p521.raw, NOW))).toBe('CertificateUntrusted');
    expect(await verdict({ isCa: true, usages: KeyUsage.digitalSignature | KeyUsage.keyCertSign })).toBe('CertificateUntrusted');
    expect(codeOf(() => trust.identify(Buffer.from('junk'), NOW))).toBe('CertificateUntrusted');
  });
});

describe('an identity', () => {
  const identify = async (options: Partial<IssueOptions>) =>
    trust.identify(der(await ca.issue({ cn: 'x', ou: [], ...options })), NOW).identity;

  test('has the same writer after a renewal, with another fingerprint', async () => {
    const [first, second] = [await identify({ cn: 'hotel' }), await identify({ cn: 'hotel', keyType: 'rsa' })];
    expect(first.writer).toBe(second.writer);
    expect(first.fingerprint).not.toBe(second.fingerprint);
  });

  test('cannot be forged by a name that looks like several attributes or like another issuer', async () => {
    const tricky = await identify({ cn: 'hotel,OU=operator | CN=Test CA', ou: ['a + OU=replica'] });
    expect([...tricky.roles]).toEqual([]);
    expect(tricky.name).toBe('hotel,OU=operator | CN=Test CA');
    expect(tricky.writer).toBe('CN=hotel\\,OU=operator \\| CN=Test CA,OU=a \\+ OU=replica | CN=Test CA');
    expect(tricky.writer).not.toContain('\n');
    const newline = await identify({ cn: 'a\nOU=operator' });
    expect([...newline.roles]).toEqual([]);
  });
});

test('only certificates of authorities can be configured as such', async () => {
  const leaf = await ca.issue({ cn: 'x', ou: [] });
  expect(codeOf(() => new TrustStore([leaf.certificatePem]))).toBe('ConfigInvalid');
  expect(codeOf(() => new TrustStore(['junk']))).toBe('ConfigInvalid');
});
