import { beforeAll, describe, expect, test } from '@jest/globals';
import { X509Certificate } from 'node:crypto';
import { identityOf, NS, PARSE_LIMITS, Signer, TrustStore, Verifier } from '../../src/soap/index.js';
import type { Credentials } from '../../src/soap/index.js';
import { DEFAULT_LIMITS } from '../../src/config/index.js';
import {
  AlgorithmPolicy,
  DIGEST_NAMES,
  mustBeSigned,
  type RoleRule,
  SIGNATURE_NAMES,
  SIGNED_PARTS,
} from '../../src/soap/policy.js';
import { codeOf, message } from './fixtures.js';
import { makeCa } from './pki.js';
import type { Ca } from './pki.js';

let ca: Ca;
beforeAll(async () => {
  ca = await makeCa();
});

describe('the algorithms of signatures', () => {
  const verdict = (credentials: Credentials, options: ConstructorParameters<typeof AlgorithmPolicy>[0]): string => {
    const verifier = new Verifier(new TrustStore([ca.pem]), { clockWindowMs: 300_000, algorithms: new AlgorithmPolicy(options) });
    return codeOf(() => verifier.verify(new Signer(credentials).sign(message(), Date.now()), Date.now()));
  };

  test('can be narrowed', async () => {
    const [rsa, ec] = await Promise.all([
      ca.issue({ cn: 'rsa', ou: [], keyType: 'rsa' }),
      ca.issue({ cn: 'ec', ou: [], keyType: 'ec' }),
    ]);
    const only = (name: string) => [rsa, ec].map((credentials) => verdict(credentials, { signatures: [name] }));
    expect(only('rsa-sha256')).toEqual(['none', 'AlgorithmRefused']);
    expect(only('ecdsa-sha256')).toEqual(['AlgorithmRefused', 'none']);
    expect(verdict(ec, {})).toBe('none');
    expect(verdict(ec, { digests: ['sha512'] })).toBe('AlgorithmRefused');
  });

  test('cannot be widened', () => {
    for (const name of ['rsa-sha1', 'rsa-md5', 'hmac-sha256', '']) {
      expect(codeOf(() => new AlgorithmPolicy({ signatures: ['rsa-sha256', name] }))).toBe('ConfigInvalid');
    }
    expect(codeOf(() => new AlgorithmPolicy({ digests: ['sha1'] }))).toBe('ConfigInvalid');
    expect(codeOf(() => new AlgorithmPolicy({ digests: [] }))).toBe('ConfigInvalid');
    expect([...SIGNATURE_NAMES, ...DIGEST_NAMES].filter((name) => /sha1|md5|hmac/.test(name))).toEqual([]);
    expect(new Set(SIGNATURE_NAMES).size).toBe(SIGNATURE_NAMES.length);
  });
});

describe('the parts that must be signed', () => {
  test.each([
    ['wsa:To', { ns: NS.wsa, name: 'To', isReferenceParameter: false }, true],
    ['wsa:FaultTo', { ns: NS.wsa, name: 'FaultTo', isReferenceParameter: false }, true],
    ['a reference parameter of anybody', { ns: 'urn:mine', name: 'Call', isReferenceParameter: true }, true],
    ['c:Sequence', { ns: NS.concordat, name: 'Sequence', isReferenceParameter: false }, true],
    ['a header of somebody else', { ns: 'urn:mine', name: 'Trace', isReferenceParameter: false }, false],
  ])('%s', (_what, block, expected) => {
    expect(mustBeSigned(block)).toBe(expected);
  });

  test('are told with their reasons', () => {
    for (const { part, why } of SIGNED_PARTS) expect(`${part}: ${why}`).toMatch(/\S+: \S+/);
  });
});

describe('roles', () => {
  const rolesOf = async (ou: readonly string[], cn: string, rules?: readonly RoleRule[]): Promise<string[]> => {
    const { certificatePem } = await ca.issue({ cn, ou });
    return [...identityOf(new X509Certificate(certificatePem), rules).roles];
  };

  test('are OUs of their names where nothing else is configured', async () => {
    expect(await rolesOf(['initiator', 'sales', 'participant'], 'x')).toEqual(['initiator', 'participant']);
  });

  test('follow from any attributes by rules, all of which must fit', async () => {
    const rules: RoleRule[] = [
      { role: 'initiator', subject: { OU: 'sales', CN: 'agency-*' } },
      { role: 'participant', subject: { CN: '*-hotel-*-eu' } },
      { role: 'operator', subject: {} },
    ];
    expect(await rolesOf(['sales'], 'agency-7', rules)).toEqual(['initiator']);
    expect(await rolesOf(['support'], 'agency-7', rules)).toEqual([]);
    expect(await rolesOf(['initiator'], 'my-agency-7', rules)).toEqual([]);
    expect(await rolesOf([], 'grand-hotel-vienna-eu', rules)).toEqual(['participant']);
    expect(await rolesOf([], 'grand-hotel-eu', rules)).toEqual([]);
    expect(await rolesOf([], '-hotel--eu', rules)).toEqual(['participant']);
  });

  test('cannot be had by a value that looks like a pattern or like two attributes', async () => {
    const rules: RoleRule[] = [{ role: 'operator', subject: { OU: 'ops' } }];
    expect(await rolesOf(['*'], 'x', rules)).toEqual([]);
    expect(await rolesOf(['x,OU=ops', 'x + OU=ops'], 'y\nOU=ops', rules)).toEqual([]);
  });
});

test('a cluster’s limits of XML are by default those of the parser', () => {
  const { maxXmlDepth, maxXmlNodes, maxXmlAttributes, maxXmlNamespaces, maxMessageBytes } = DEFAULT_LIMITS;
  expect(PARSE_LIMITS).toMatchObject({
    maxBytes: maxMessageBytes,
    maxDepth: maxXmlDepth,
    maxNodes: maxXmlNodes,
    maxAttributes: maxXmlAttributes,
    maxNamespaces: maxXmlNamespaces,
  });
});
