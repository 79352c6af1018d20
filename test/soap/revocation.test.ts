import { beforeAll, describe, expect, test } from '@jest/globals';
import type { X509Certificate } from 'node:crypto';
import { TrustStore } from '../../src/soap/index.js';
import { COMPLAIN_EVERY_MS, RECHECK_MS } from '../../src/soap/revocation.js';
import type { ListFile, RevocationOptions } from '../../src/soap/revocation.js';
import { parseRevocationList } from '../../src/x509/crl.js';
import { MalformedDer, NULL, oid, readOne, sequence, TAG, writeDer, childrenOf } from '../../src/x509/der.js';
import { makeRoot, type TestAuthority, USAGE } from './authorities.js';
import { codeOf } from './fixtures.js';

const NOW = Date.now();
const HOUR = 3_600_000;
let root: TestAuthority;
let good: X509Certificate;
let bad: X509Certificate;
beforeAll(async () => {
  root = await makeRoot();
  [good, bad] = await Promise.all([root.leaf('good'), root.leaf('bad')]);
});

/** Revocation by files that a test changes. */
class Files {
  readonly complaints: string[] = [];
  reads = 0;
  #files: ListFile[] = [];

  put(name: string, text: string | undefined): this {
    const version = String(Math.random());
    const bytes = text === undefined ? undefined : Buffer.from(text);
    this.#files = [...this.#files.filter((file) => file.name !== name), { name, version, bytes }];
    return this;
  }

  options(whenUnknown: RevocationOptions['whenUnknown'] = 'refuse'): RevocationOptions {
    return {
      whenUnknown,
      files: () => {
        this.reads += 1;
        return this.#files;
      },
      complain: (list, reason) => this.complaints.push(`${list}: ${reason}`),
    };
  }
}

const verdict = (store: TrustStore, certificate: X509Certificate, now = NOW): string =>
  codeOf(() => store.identify(certificate.raw, now));

describe('a revocation list', () => {
  test('refuses those that are on it, and no others', () => {
    const store = new TrustStore([root.pem], { revocation: new Files().put('ca.crl', root.list([bad])).options() });
    expect([verdict(store, good), verdict(store, bad)]).toEqual(['none', 'CertificateRevoked']);
  });

  test('is read again when it has changed, also for whom is known already', () => {
    const files = new Files().put('ca.crl', root.list([]));
    const store = new TrustStore([root.pem], { revocation: files.options() });
    expect(verdict(store, bad)).toBe('none');
    files.put('ca.crl', root.list([bad]));
    expect(verdict(store, bad, NOW + RECHECK_MS - 1)).toBe('none');
    expect(verdict(store, bad, NOW + RECHECK_MS)).toBe('CertificateRevoked');
    files.put('ca.crl', root.list([]));
    expect(verdict(store, bad, NOW + 2 * RECHECK_MS)).toBe('none');
    expect(files.reads).toBe(3);
  });

  test('may be PEM or DER', () => {
    const der = Buffer.from(root.list([bad]).replace(/-----.*-----|\n/g, ''), 'base64');
    expect(parseRevocationList(der).revoked.size).toBe(1);
  });

  const unusable: readonly [string, () => string | undefined][] = [
    ['cannot be read', () => undefined],
    ['is no list', () => 'nonsense'],
    ['is cut short', () => root.list([bad]).replace(/[^-]{80}\n-----END/, '\n-----END')],
    ['is out of date', () => root.list([bad], { thisUpdate: NOW - 2 * HOUR, nextUpdate: NOW - HOUR })],
    ['is of the future', () => root.list([], { thisUpdate: NOW + HOUR, nextUpdate: NOW + 2 * HOUR })],
  ];
  test.each(unusable)('that %s refuses everybody, and is complained of now and then; unless that is accepted', (_what, text) => {
    const files = new Files().put('ca.crl', text());
    const store = new TrustStore([root.pem], { revocation: files.options() });
    for (const later of [0, 1, COMPLAIN_EVERY_MS - 1]) expect(verdict(store, good, NOW + later)).toBe('RevocationUnknown');
    expect(files.complaints).toHaveLength(1);
    expect(verdict(store, good, NOW + COMPLAIN_EVERY_MS)).toBe('RevocationUnknown');
    expect(files.complaints).toHaveLength(2);
    const lenient = new TrustStore([root.pem], { revocation: new Files().put('ca.crl', text()).options('accept') });
    expect(verdict(lenient, good)).toBe('none');
  });

  test('still refuses those on it when it is out of date, whatever is accepted', () => {
    const old = root.list([bad], { thisUpdate: NOW - 2 * HOUR, nextUpdate: NOW - HOUR });
    const store = new TrustStore([root.pem], { revocation: new Files().put('ca.crl', old).options('accept') });
    expect([verdict(store, good), verdict(store, bad)]).toEqual(['none', 'CertificateRevoked']);
  });

  test('that nobody configured signed does not count, and neither does one by an authority that may not sign lists', async () => {
    const impostor = await makeRoot('Root');
    const files = new Files().put('ca.crl', impostor.list([good]));
    expect(verdict(new TrustStore([root.pem], { revocation: files.options() }), good)).toBe('RevocationUnknown');
    expect(files.complaints[0]).toContain('no configured authority signed it');
    const mute = await makeRoot('Mute', { usages: USAGE.keyCertSign });
    const leaf = await mute.leaf('x');
    const own = new Files().put('ca.crl', mute.list([leaf]));
    expect(verdict(new TrustStore([mute.pem], { revocation: own.options() }), leaf)).toBe('RevocationUnknown');
  });

  test('of one authority says nothing about another’s certificates', async () => {
    const other = await makeRoot('Other');
    const leaf = await other.leaf('x');
    const store = new TrustStore([root.pem, other.pem], { revocation: new Files().put('ca.crl', root.list([bad])).options() });
    expect([verdict(store, leaf), verdict(store, bad)]).toEqual(['none', 'CertificateRevoked']);
  });

  test('with a critical extension is not understood (RFC 5280 §5.2)', () => {
    const [tbs, algorithm, value] = childrenOf(readOne(derOf(root.list([bad])), TAG.sequence));
    const fields = childrenOf(tbs).slice(0, -1);
    const critical = sequence(oid('2.5.29.28'), writeDer(TAG.boolean, Buffer.from([0xff])), writeDer(TAG.octetString, NULL));
    const forged = sequence(...fields.map(({ raw }) => raw), writeDer(0xa0, sequence(critical)));
    const list = sequence(forged, algorithm?.raw ?? NULL, value?.raw ?? NULL);
    expect(() => parseRevocationList(list)).toThrow(MalformedDer);
    expect(() => parseRevocationList(list)).toThrow('critical extension 2.5.29.28');
  });

  test('never throws anything but that it is malformed, whatever is done to its bytes', () => {
    const der = derOf(root.list([bad]));
    for (let at = 0; at < der.length; at += 1) {
      for (const value of [0x00, 0x30, 0x80, 0xff]) {
        const broken = Buffer.from(der);
        broken[at] = value;
        try {
          parseRevocationList(broken);
        } catch (error) {
          expect(error).toBeInstanceOf(MalformedDer);
        }
      }
    }
  });
});

const derOf = (pem: string): Buffer => Buffer.from(pem.replace(/-----.*-----|\n/g, ''), 'base64');

describe('a chain of configured authorities', () => {
  test('goes up from an intermediate, through one file or several', async () => {
    const middle = await root.below('Middle');
    const leaf = await middle.leaf('x');
    expect(verdict(new TrustStore([`${root.pem}\n${middle.pem}`]), leaf)).toBe('none');
    expect(verdict(new TrustStore([middle.pem, root.pem]), leaf)).toBe('none');
    // An intermediate whose issuer is not configured is where it ends.
    expect(verdict(new TrustStore([middle.pem]), leaf)).toBe('none');
    // A message carries one certificate: its issuer must be there.
    expect(verdict(new TrustStore([root.pem]), leaf)).toBe('CertificateUntrusted');
  });

  test('breaks with an authority that is revoked, out of validity, or under one that allows none below it', async () => {
    const middle = await root.below('Middle');
    const leaf = await middle.leaf('x');
    const revoked = new Files().put('root.crl', root.list([middle.certificate]));
    expect(verdict(new TrustStore([root.pem, middle.pem], { revocation: revoked.options() }), leaf)).toBe('CertificateRevoked');
    const brief = await makeRoot('Brief', { notAfter: new Date(NOW + HOUR) });
    const below = await brief.below('Below');
    const lasting = await below.leaf('y');
    const store = new TrustStore([brief.pem, below.pem]);
    expect([verdict(store, lasting), verdict(store, lasting, NOW + 2 * HOUR)]).toEqual(['none', 'CertificateUntrusted']);
    const narrow = await makeRoot('Narrow', { pathLength: 0 });
    const forbidden = await narrow.below('Forbidden');
    expect(verdict(new TrustStore([narrow.pem, forbidden.pem]), await forbidden.leaf('z'))).toBe('CertificateUntrusted');
    expect(verdict(new TrustStore([narrow.pem]), await narrow.leaf('z'))).toBe('none');
  });

  test('does not go round in circles', async () => {
    const leaf = await root.leaf('x');
    expect(verdict(new TrustStore([root.pem, root.pem]), leaf)).toBe('none');
  });
});
