import { beforeAll, describe, expect, test } from '@jest/globals';
import { SignedXml } from 'xml-crypto';
import { ConcordatError } from '../../src/errors.js';
import { el, NS, Signer, text, TrustStore, Verifier } from '../../src/soap/index.js';
import type { SoapVersion, VerifyTrace } from '../../src/soap/index.js';
import { ACTION, addReference, codeOf, leaveOut, message, NOW, setup, swap } from './fixtures.js';
import type { Setup } from './fixtures.js';

let s: Setup;
beforeAll(async () => {
  s = await setup();
});

const VERSIONS: readonly SoapVersion[] = ['1.1', '1.2'];

describe('a signed message', () => {
  for (const version of VERSIONS) {
    for (const key of ['signer', 'ecSigner'] as const) {
      test(`comes back whole: SOAP ${version}, ${key}`, () => {
        const sent = message(version);
        const got = s.verifier.verify(s[key].sign(sent, NOW), NOW);
        expect(got.soapVersion).toBe(version);
        expect(got.addressing).toEqual(sent.addressing);
        expect(got.headers).toEqual(sent.headers);
        expect(got.body).toEqual(sent.body);
        expect([got.created, got.expires]).toEqual([NOW, NOW + 300_000]);
        expect(got.identity.name).toBe(key === 'signer' ? 'airline' : 'agency');
      });
    }
  }

  test('says who signed it, and the roles the certificate gives', () => {
    const got = s.verifier.verify(s.ecSigner.sign(message(), NOW), NOW).identity;
    expect(got.writer).toBe('CN=agency,OU=initiator,OU=operator | CN=Test CA');
    expect([...got.roles].sort()).toEqual(['initiator', 'operator']);
    expect(got.fingerprint).toMatch(/^[0-9a-f]{64}$/);
  });

  test('keeps characters that XML 1.1 would fold into line ends, and white space', () => {
    const body = el('urn:example', 'Note', { a: 'x\ty\nz\r' }, 'a\u0085b\u2028c\r\nd ', el('urn:example', 'Empty'));
    expect(s.verifier.verify(s.signer.sign(message('1.1', { body }), NOW), NOW).body).toEqual(body);
  });

  test('survives comments, CDATA and an XML declaration on the way, which canonical XML does not see', () => {
    const raw = s.signer.sign(message('1.1', { body: el('urn:example', 'Note', {}, 'left right') }), NOW);
    const dressed = `<?xml version="1.0" encoding="utf-8"?>\n<!-- hello -->${swap(raw, 'left right', 'left<!-- x --> <![CDATA[right]]>')}`;
    expect(text(s.verifier.verify(dressed, NOW).body)).toBe('left right');
  });

  test('gives a QName its namespace only if the signed bytes declare the prefix', () => {
    const state = (xml: string): unknown => s.verifier.verify(xml, NOW).body.children;
    const ours = el(NS.wsba, 'State', {}, 'wsba:Active');
    const foreign = el(NS.wsba, 'State', {}, 'zz:Active');
    expect(state(s.signer.sign(message('1.1', { body: ours }), NOW))).toEqual([`{${NS.wsba}}Active`]);
    expect(state(s.signer.sign(message('1.1', { body: foreign }), NOW))).toEqual(['zz:Active']);
  });

  test('has ids of its own even if a header brings one', () => {
    const header = el('urn:example', 'H', [{ ns: NS.wsu, name: 'Id', value: 'c-body' }], 'x');
    expect(s.verifier.verify(s.signer.sign(message('1.1', { headers: [header] }), NOW), NOW).headers).toEqual([
      el('urn:example', 'H', {}, 'x'),
    ]);
  });

  test('is not made of characters that XML cannot carry', () => {
    expect(codeOf(() => s.signer.sign(message('1.1', { body: el('urn:example', 'Note', {}, '\u0000') }), NOW))).toBe('Internal');
  });
});

describe('the timestamp', () => {
  const at = (now: number): string => codeOf(() => s.verifier.verify(s.signer.sign(message(), NOW), now));

  test('is accepted within the window either way', () => {
    expect([at(NOW - 300_000), at(NOW + 299_999)]).toEqual(['none', 'none']);
  });

  test('is refused when expired, and when too far ahead', () => {
    expect([at(NOW + 300_000), at(NOW - 300_001)]).toEqual(['MessageExpired', 'MessageExpired']);
  });

  test('has a skew if the policy grants one', async () => {
    const lax = await setup({ clockWindowMs: 600_000, skewMs: 1000 });
    const raw = lax.signer.sign(message(), NOW);
    expect(codeOf(() => lax.verifier.verify(raw, NOW + 300_500))).toBe('none');
    expect(codeOf(() => lax.verifier.verify(raw, NOW + 301_000))).toBe('MessageExpired');
  });
});

describe('a message is refused', () => {
  const refusal = (change: (raw: string) => string, version: SoapVersion = '1.1'): string =>
    codeOf(() => s.verifier.verify(change(s.signer.sign(message(version), NOW)), NOW));

  const SECURITY = /<wsse:Security .*<\/wsse:Security>/s;
  const cases: readonly [what: string, code: string, change: (raw: string) => string][] = [
    ['without a Security header', 'Unsigned', (raw) => swap(raw, SECURITY, '')],
    ['without a Signature', 'Unsigned', (raw) => swap(raw, /<ds:Signature .*<\/ds:Signature>/s, '')],
    ['without the token', 'Unsigned', (raw) => swap(raw, /<wsse:BinarySecurityToken.*<\/wsse:BinarySecurityToken>/s, '')],
    ['with its body changed', 'SignatureInvalid', (raw) => swap(raw, '/ParticipantCompletion<', '/CoordinatorCompletion<')],
    ['with its action changed', 'SignatureInvalid', (raw) => swap(raw, `${ACTION}<`, `${ACTION}x<`)],
    [
      'with another signature value',
      'SignatureInvalid',
      (raw) => swap(raw, /<ds:SignatureValue>..../, '<ds:SignatureValue>AAAA'),
    ],
    [
      'with a comment in the Security header',
      'SignatureInvalid',
      (raw) => swap(raw, '<ds:DigestValue>', '<ds:DigestValue><!-- -->'),
    ],
    ['with two Signatures', 'SignatureInvalid', (raw) => swap(raw, /<ds:Signature .*<\/ds:Signature>/s, '$&$&')],
    [
      'with SHA-1 digests',
      'AlgorithmRefused',
      (raw) =>
        swap(raw, /xmlenc#sha256/g, '').replaceAll('http://www.w3.org/2001/04/"', 'http://www.w3.org/2000/09/xmldsig#sha1"'),
    ],
    ['with RSA-SHA1', 'AlgorithmRefused', (raw) => swap(raw, '2001/04/xmldsig-more#rsa-sha256', '2000/09/xmldsig#rsa-sha1')],
    ['with HMAC', 'AlgorithmRefused', (raw) => swap(raw, 'xmldsig-more#rsa-sha256', 'xmldsig-more#hmac-sha256')],
    ['with ECDSA named for an RSA key', 'AlgorithmRefused', (raw) => swap(raw, '#rsa-sha256', '#ecdsa-sha256')],
    [
      'with inclusive C14N',
      'AlgorithmRefused',
      (raw) => swap(raw, /(<ds:CanonicalizationMethod Algorithm=")[^"]*/, '$1http://www.w3.org/TR/2001/REC-xml-c14n-20010315'),
    ],
    [
      'with an extra transform',
      'AlgorithmRefused',
      (raw) =>
        swap(
          raw,
          '<ds:Transforms>',
          '<ds:Transforms><ds:Transform Algorithm="http://www.w3.org/2000/09/xmldsig#enveloped-signature"/>',
        ),
    ],
    [
      'with an XSLT transform',
      'AlgorithmRefused',
      (raw) => swap(raw, /(<ds:Transform Algorithm=")[^"]*/, '$1http://www.w3.org/TR/1999/REC-xslt-19991116'),
    ],
    ['with a reference to the whole document', 'SignatureInvalid', (raw) => swap(raw, 'URI="#c-body"', 'URI=""')],
    ['with an external reference', 'SignatureInvalid', (raw) => swap(raw, 'URI="#c-body"', 'URI="http://evil.example/"')],
    [
      'with an unsigned reference parameter',
      'SignedPartMissing',
      (raw) =>
        swap(
          raw,
          '</soap:Header>',
          '<x:P xmlns:x="urn:x" xmlns:wsa="http://www.w3.org/2005/08/addressing" wsa:IsReferenceParameter=" 1 "/></soap:Header>',
        ),
    ],
    [
      'with an unsigned header of ours',
      'SignedPartMissing',
      (raw) => swap(raw, '</soap:Header>', `<c:Participant xmlns:c="${NS.concordat}">p</c:Participant></soap:Header>`),
    ],
    [
      'with an unsigned wsa:FaultTo',
      'SignedPartMissing',
      (raw) => swap(raw, '</soap:Header>', `<wsa:FaultTo xmlns:wsa="${NS.wsa}"/></soap:Header>`),
    ],
    [
      'with an unsigned header it must understand',
      'MustUnderstand',
      (raw) => swap(raw, '</soap:Header>', '<x:H xmlns:x="urn:x" soap:mustUnderstand="1"/></soap:Header>'),
    ],
    [
      'with its Timestamp moved out of Security',
      'SignedPartMissing',
      (raw) => {
        const timestamp = /<wsu:Timestamp .*<\/wsu:Timestamp>/s.exec(raw)?.[0] ?? '';
        return swap(swap(raw, timestamp, ''), '</soap:Header>', `<x:W xmlns:x="urn:x">${timestamp}</x:W></soap:Header>`);
      },
    ],
    [
      'with a signed header wrapped and a forged one in its place',
      'SignedPartMissing',
      (raw) => {
        const to = /<wsa:To .*?<\/wsa:To>/s.exec(raw)?.[0] ?? '';
        return swap(raw, to, `<x:W xmlns:x="urn:x">${to}</x:W><wsa:To xmlns:wsa="${NS.wsa}">https://evil.example/</wsa:To>`);
      },
    ],
    [
      'with the signed Body wrapped in a header and a forged Body',
      'EnvelopeStructure',
      (raw) => {
        const body = /<soap:Body .*<\/soap:Body>/s.exec(raw)?.[0] ?? '';
        return swap(
          swap(raw, body, '<soap:Body><x:Evil xmlns:x="urn:x"/></soap:Body>'),
          '</soap:Header>',
          `<x:W xmlns:x="urn:x">${body}</x:W></soap:Header>`,
        );
      },
    ],
    [
      'with a forged Body and the signed one renamed',
      'SignatureInvalid',
      (raw) => {
        const body = /<soap:Body .*<\/soap:Body>/s.exec(raw)?.[0] ?? '';
        const renamed = body.replace('<soap:Body', '<soap:Part').replace('</soap:Body', '</soap:Part');
        return swap(
          swap(raw, body, '<soap:Body><x:Evil xmlns:x="urn:x"/></soap:Body>'),
          '</soap:Header>',
          `${renamed}</soap:Header>`,
        );
      },
    ],
    ['with an empty token', 'Unsigned', (raw) => swap(raw, /(<wsse:BinarySecurityToken[^>]*>)[^<]*/, '$1')],
    [
      'with a token that is no certificate',
      'CertificateUntrusted',
      (raw) => swap(raw, /(<wsse:BinarySecurityToken[^>]*>)[^<]*/, '$1AAAA'),
    ],
  ];
  for (const [what, code, change] of cases) {
    test(`${what}: ${code}`, () => expect(refusal(change)).toBe(code));
  }

  test('without the signature on its Body, Timestamp or any addressing header, naming the part', () => {
    // A signer that leaves one reference out: everything it does sign verifies.
    for (const [id, name] of [
      ['c-body', 'Body'],
      ['c-timestamp', 'Timestamp'],
      ['c-header-1', 'To'],
      ['c-header-2', 'Action'],
      ['c-header-3', 'MessageID'],
      ['c-header-4', 'ReplyTo'],
      ['c-header-5', 'From'],
      ['c-header-6', 'Sequence'],
      ['c-header-7', 'Activity'],
    ] as const) {
      const raw = leaveOut(s.signer.sign(message(), NOW), s.rsa, id);
      let caught: unknown;
      try {
        s.verifier.verify(raw, NOW);
      } catch (error) {
        caught = error;
      }
      expect(caught).toBeInstanceOf(ConcordatError);
      expect(caught).toMatchObject({ code: 'SignedPartMissing', detail: expect.stringContaining(name) });
    }
  });
});

describe('a foreign stack', () => {
  const SOAP = `xmlns:soap="${NS.soap11}"`;
  const WSU = `xmlns:wsu="${NS.wsu}"`;
  const withHeader = (xml: string): string => swap(s.signer.sign(message(), NOW), '</soap:Header>', `${xml}</soap:Header>`);

  test('may use prefixes of both cases: canonical order is by code point, upper case first', () => {
    const raw = withHeader(`<a:H ${WSU} xmlns:a="urn:a" xmlns:B="urn:B" wsu:Id="f" B:k="1"/>`);
    const canonical = `<a:H xmlns:B="urn:B" xmlns:a="urn:a" ${WSU} wsu:Id="f" B:k="1"></a:H>`;
    // Attributes go by namespace name: the wsu one begins with h, urn:B with u.
    const got = s.verifier.verify(addReference(raw, s.rsa, 'f', canonical), NOW);
    expect(got.headers.at(-1)).toEqual(el('urn:a', 'H', [{ ns: 'urn:B', name: 'k', value: '1' }]));
  });

  test('may have attributes of namespaces of which one begins with the other', () => {
    const raw = withHeader(`<a:H ${WSU} xmlns:a="urn:a" xmlns:p="urn:q/r" xmlns:o="urn:q" wsu:Id="f" p:a="2" o:z="1"/>`);
    const canonical = `<a:H xmlns:a="urn:a" xmlns:o="urn:q" xmlns:p="urn:q/r" ${WSU} wsu:Id="f" o:z="1" p:a="2"></a:H>`;
    expect(codeOf(() => s.verifier.verify(addReference(raw, s.rsa, 'f', canonical), NOW))).toBe('none');
  });

  test('may sign the declaration of a prefix that only a text uses, by an inclusive list; then the QName is resolved', () => {
    const raw = withHeader(`<S:State ${WSU} xmlns:S="${NS.wsba}" xmlns:w="${NS.wsba}" wsu:Id="f">w:Active</S:State>`);
    const canonical = `<S:State xmlns:S="${NS.wsba}" xmlns:w="${NS.wsba}" ${WSU} wsu:Id="f">w:Active</S:State>`;
    const got = s.verifier.verify(addReference(raw, s.rsa, 'f', canonical, 'w'), NOW);
    expect(got.headers.at(-1)?.children).toEqual([`{${NS.wsba}}Active`]);
  });

  test('may leave a mustUnderstand header to another role', () => {
    const raw = withHeader(`<x:H xmlns:x="urn:x" soap:mustUnderstand="1" soap:actor="urn:somebody"/>`);
    expect(codeOf(() => s.verifier.verify(raw, NOW))).toBe('none');
  });

  test('may insist on a header that it signs and the policy names, on no other', () => {
    const canonical = `<x:H ${SOAP} ${WSU} xmlns:x="urn:x" soap:mustUnderstand="1" wsu:Id="f"></x:H>`;
    const sorted = `<x:H ${SOAP} ${WSU} xmlns:x="urn:x" wsu:Id="f" soap:mustUnderstand="1"></x:H>`;
    const raw = withHeader(canonical);
    const signed = addReference(raw, s.rsa, 'f', sorted);
    expect(codeOf(() => s.verifier.verify(signed, NOW))).toBe('MustUnderstand');
    const lenient = new Verifier(new TrustStore([s.ca.pem]), { clockWindowMs: 1000, understood: new Set(['{urn:x}H']) });
    expect(lenient.verify(signed, NOW).headers.at(-1)).toEqual(el('urn:x', 'H'));
  });

  test('may drop unsigned headers on the way: they are not seen', () => {
    const got = s.verifier.verify(withHeader('<x:H xmlns:x="urn:x">unsigned</x:H>'), NOW);
    expect(got.headers.map((header) => header.name)).toEqual(['Sequence', 'Activity']);
  });

  for (const [form, xml] of [
    ['X509Data', (token: string) => `<ds:X509Data><ds:X509Certificate>${token}</ds:X509Certificate></ds:X509Data>`],
    [
      'X509Data in a token reference',
      (token: string) =>
        `<wsse:SecurityTokenReference><ds:X509Data><ds:X509Certificate>\n${token}\n</ds:X509Certificate></ds:X509Data></wsse:SecurityTokenReference>`,
    ],
    [
      'an X509v3 key identifier',
      (token: string) =>
        `<wsse:SecurityTokenReference><wsse:KeyIdentifier ValueType="http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-x509-token-profile-1.0#X509v3">${token}</wsse:KeyIdentifier></wsse:SecurityTokenReference>`,
    ],
  ] as const) {
    test(`may give its certificate as ${form}`, () => {
      const raw = s.signer.sign(message(), NOW);
      const token = /<wsse:BinarySecurityToken[^>]*>([^<]*)/.exec(raw)?.[1] ?? '';
      const changed = swap(raw, /<ds:KeyInfo>.*<\/ds:KeyInfo>/s, `<ds:KeyInfo>${xml(token)}</ds:KeyInfo>`);
      expect(s.verifier.verify(changed, NOW).identity.name).toBe('airline');
    });
  }

  test('must not give a property twice, or an id that two elements carry', () => {
    const raw = withHeader(`<wsa:To ${WSU} xmlns:wsa="${NS.wsa}" wsu:Id="f">urn:b</wsa:To>`);
    const twice = addReference(raw, s.rsa, 'f', `<wsa:To xmlns:wsa="${NS.wsa}" ${WSU} wsu:Id="f">urn:b</wsa:To>`);
    expect(codeOf(() => s.verifier.verify(twice, NOW))).toBe('InvalidAddressingHeader');
    expect(codeOf(() => s.verifier.verify(withHeader('<x:H xmlns:x="urn:x" ID="c-body"/>'), NOW))).toBe('DuplicateId');
  });

  test('must not sign a part out of its place', () => {
    const raw = withHeader(`<x:W xmlns:x="urn:x"><x:H ${WSU} wsu:Id="f"/></x:W>`);
    const signed = addReference(raw, s.rsa, 'f', `<x:H ${WSU} xmlns:x="urn:x" wsu:Id="f"></x:H>`);
    expect(codeOf(() => s.verifier.verify(signed, NOW))).toBe('SignedPartMissing');
  });

  test('needs an action', () => {
    const raw = s.signer.sign(message(), NOW);
    const without = leaveOut(swap(raw, /<wsa:Action .*?<\/wsa:Action>/s, ''), s.rsa, 'c-header-2');
    expect(codeOf(() => s.verifier.verify(without, NOW))).toBe('AddressingHeaderRequired');
  });

  test('is known in the trace as soon as its signature holds, for the fault and the log', () => {
    const trace: VerifyTrace = {};
    expect(codeOf(() => s.verifier.verify(s.signer.sign(message('1.2'), NOW), NOW + 900_000, trace))).toBe('MessageExpired');
    expect(trace).toMatchObject({ soapVersion: '1.2', messageId: 'urn:uuid:1', identity: { name: 'airline' } });
    const forged: VerifyTrace = {};
    expect(codeOf(() => s.verifier.verify(swap(s.signer.sign(message(), NOW), ACTION, 'urn:x'), NOW, forged))).toBe(
      'SignatureInvalid',
    );
    expect(forged).toEqual({ soapVersion: '1.1' });
  });
});

describe('a signer', () => {
  test('needs a key of its certificate, and of a kind we accept', async () => {
    const other = await s.ca.issue({ cn: 'other', ou: [] });
    expect(codeOf(() => new Signer({ ...s.rsa, privateKeyPem: other.privateKeyPem }))).toBe('KeyMismatch');
    expect(codeOf(() => new Signer({ ...s.rsa, privateKeyPem: 'junk' }))).toBe('ConfigInvalid');
    const weak = await s.ca.issue({ cn: 'weak', ou: [], keyType: 'weak' });
    expect(codeOf(() => new Signer(weak))).toBe('ConfigInvalid');
  });
});

describe('xml-crypto, whose validation we do not use,', () => {
  const EXCLUSIVE = 'http://www.w3.org/2001/10/xml-exc-c14n#';
  const IDS = ['c-body', 'c-timestamp', 'c-header-1', 'c-header-2', 'c-header-7'];

  test('finds our signatures valid, and the same bytes under them', () => {
    const raw = s.signer.sign(message(), NOW);
    const checker = new SignedXml({ publicCert: s.rsa.certificatePem });
    checker.loadSignature(/<ds:Signature .*<\/ds:Signature>/s.exec(raw)?.[0] ?? '');
    expect(checker.checkSignature(raw)).toBe(true);
    expect(raw).toContain(checker.getSignedReferences().at(-1));
  });

  test('makes signatures that we find valid', () => {
    const raw = s.signer.sign(message(), NOW);
    const signer = new SignedXml({
      privateKey: s.rsa.privateKeyPem,
      idMode: 'wssecurity',
      canonicalizationAlgorithm: EXCLUSIVE,
      signatureAlgorithm: 'http://www.w3.org/2001/04/xmldsig-more#rsa-sha256',
      getKeyInfoContent: () =>
        `<o:SecurityTokenReference xmlns:o="${NS.wsse}"><o:Reference URI="#c-token"/></o:SecurityTokenReference>`,
    });
    for (const id of [...IDS, 'c-header-3', 'c-header-4', 'c-header-5', 'c-header-6']) {
      signer.addReference({
        xpath: `//*[@*[local-name(.)='Id']='${id}']`,
        transforms: [EXCLUSIVE],
        digestAlgorithm: 'http://www.w3.org/2001/04/xmlenc#sha512',
        inclusiveNamespacesPrefixList: ['soap'],
      });
    }
    const location = { reference: "//*[local-name(.)='Security']", action: 'append' } as const;
    signer.computeSignature(swap(raw, /<ds:Signature .*<\/ds:Signature>/s, ''), { location });
    const got = s.verifier.verify(signer.getSignedXml(), NOW);
    expect(got).toMatchObject({ addressing: message().addressing, headers: message().headers, body: message().body });
  });
});

test('a message is verified in milliseconds: parts are found without searching the document for each', () => {
  const body = el(
    'urn:example',
    'List',
    {},
    ...Array.from({ length: 500 }, (_, i) => el('urn:example', 'Item', { n: String(i) }, 'text')),
  );
  const raw = s.ecSigner.sign(message('1.1', { body }), NOW);
  // Time of this process, so that a busy machine changes nothing.
  const before = process.cpuUsage();
  for (let i = 0; i < 10; i++) s.verifier.verify(raw, NOW);
  const { user, system } = process.cpuUsage(before);
  expect((user + system) / 1_000 / 10).toBeLessThan(100);
});
