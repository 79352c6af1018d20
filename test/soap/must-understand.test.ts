import { beforeAll, describe, expect, test } from '@jest/globals';
import { ConcordatError } from '../../src/errors.js';
import { el, faultMessage, NS, SOAP_NS } from '../../src/soap/index.js';
import type { SoapVersion, XmlElement } from '../../src/soap/index.js';
import { MAX_NOT_UNDERSTOOD } from '../../src/soap/limits.js';
import { codeOf, message, NOW, setup, swap } from './fixtures.js';
import type { Setup } from './fixtures.js';

let s: Setup;
beforeAll(async () => {
  s = await setup();
});

const VERSIONS: readonly SoapVersion[] = ['1.1', '1.2'];
const NEXT = { '1.1': 'http://schemas.xmlsoap.org/soap/actor/next', '1.2': `${NS.soap12}/role/next` } as const;
const ROLE = { '1.1': 'actor', '1.2': 'role' } as const;

/** A signed message with further headers. */
const signed = (version: SoapVersion, ...headers: readonly XmlElement[]): string => {
  const base = message(version);
  return s.signer.sign({ ...base, headers: [...base.headers, ...headers] }, NOW);
};
const insisting = (
  version: SoapVersion,
  ns = 'urn:x',
  name = 'H',
  value = '1',
  role?: string,
  attributesOf: SoapVersion = version,
): XmlElement =>
  el(ns, name, [
    { ns: SOAP_NS[attributesOf], name: 'mustUnderstand', value },
    ...(role === undefined ? [] : [{ ns: SOAP_NS[attributesOf], name: ROLE[attributesOf], value: role }]),
  ]);
const verdict = (raw: string): string => codeOf(() => s.verifier.verify(raw, NOW));

for (const version of VERSIONS) {
  describe(`SOAP ${version}: a header that must be understood`, () => {
    test.each([
      ['at all', undefined, 'MustUnderstand'],
      ['by the next node', NEXT[version], 'MustUnderstand'],
      ['by somebody else', 'urn:somebody', 'none'],
      ['by the next node, in the words of the other version', NEXT[version === '1.1' ? '1.2' : '1.1'], 'none'],
    ])('%s', (_what, role, code) => {
      expect(verdict(signed(version, insisting(version, 'urn:x', 'H', '1', role)))).toBe(code);
    });

    test('and is marked so by a word of xs:boolean', () => {
      const verdicts = ['1', 'true', '0', 'false'].map((value) =>
        verdict(signed(version, insisting(version, 'urn:x', 'H', value))),
      );
      expect(verdicts).toEqual(['MustUnderstand', 'MustUnderstand', 'none', 'none']);
    });

    test('in the words of the other version means nothing', () => {
      const other = version === '1.1' ? '1.2' : '1.1';
      expect(verdict(signed(version, insisting(version, 'urn:x', 'H', '1', undefined, other)))).toBe('none');
    });

    test('and is one of those that every endpoint understands', () => {
      for (const [ns, name] of [
        [NS.wscoor, 'CoordinationContext'],
        [NS.concordat, 'Participant'],
        [NS.concordat, 'Enrollment'],
      ] as const) {
        expect([name, verdict(signed(version, insisting(version, ns, name)))]).toEqual([name, 'none']);
      }
    });

    test.each([
      ['of WS-Addressing that there is not', NS.wsa, 'Later'],
      ['of ours that there is not', NS.concordat, 'Later'],
    ])('and is one %s', (_what, ns, name) => {
      expect(verdict(signed(version, insisting(version, ns, name)))).toBe('MustUnderstand');
    });

    test('is not excused by a claim to be a reference parameter', () => {
      const header = insisting(version);
      const claim = { ns: NS.wsa, name: 'IsReferenceParameter', value: 'true' };
      expect(verdict(signed(version, { ...header, attributes: [...header.attributes, claim] }))).toBe('MustUnderstand');
    });

    test('but that nobody signed, is not', () => {
      const soap = SOAP_NS[version];
      const prefix = version === '1.1' ? 'soap' : 'soap12';
      const block = `<wscoor:CoordinationContext xmlns:wscoor="${NS.wscoor}" xmlns:s="${soap}" s:mustUnderstand="1"/>`;
      expect(verdict(swap(signed(version), `</${prefix}:Header>`, `${block}</${prefix}:Header>`))).toBe('MustUnderstand');
    });
  });
}

describe('the fault', () => {
  const faultOf = (raw: string, soapVersion: SoapVersion): string => {
    try {
      s.verifier.verify(raw, NOW);
    } catch (error) {
      return s.ecSigner.sign(faultMessage(error, { soapVersion }), NOW);
    }
    throw new Error('nothing was refused');
  };

  test('of SOAP 1.2 names each header that was not understood, in a header of its own, and is signed', () => {
    const raw = signed('1.2', insisting('1.2', 'urn:x', 'H'), insisting('1.2', 'urn:y', 'I'), insisting('1.2', NS.wsa, 'J'));
    const fault = faultOf(raw, '1.2');
    const [envelope] = /<soap12:Envelope[^>]*>/.exec(fault) ?? [''];
    const names = [...fault.matchAll(/<soap12:NotUnderstood [^>]*qname="([^"]*)"/g)].map(([, qname = '']) => {
      const [prefix = '', local] = qname.split(':');
      return `{${new RegExp(`xmlns:${prefix}="([^"]*)"`).exec(envelope)?.[1] ?? ''}}${local ?? ''}`;
    });
    expect(names).toEqual(['{urn:x}H', '{urn:y}I', `{${NS.wsa}}J`]);
    expect(fault).toContain('<soap12:Value>soap12:MustUnderstand</soap12:Value>');
    const got = s.verifier.verify(fault, NOW);
    expect(got.headers.map((header) => header.name)).toEqual(['NotUnderstood', 'NotUnderstood', 'NotUnderstood']);
  });

  test('of SOAP 1.1 has no such header', () => {
    const fault = faultOf(signed('1.1', insisting('1.1')), '1.1');
    expect(fault).not.toContain('NotUnderstood');
    expect(fault).toContain('<faultcode>soap:MustUnderstand</faultcode>');
    expect(fault).toContain('{urn:x}H');
  });

  test('names so many and no more, and can be verified like any other', () => {
    const many = Array.from({ length: MAX_NOT_UNDERSTOOD + 4 }, (_, i) => insisting('1.2', `urn:x${i}`, 'H'));
    const got = s.verifier.verify(faultOf(signed('1.2', ...many), '1.2'), NOW);
    expect(got.headers).toHaveLength(MAX_NOT_UNDERSTOOD);
  });

  test.each(VERSIONS)('about an envelope of another version says which ones are supported, SOAP %s', (soapVersion) => {
    const fault = s.ecSigner.sign(
      faultMessage(new ConcordatError('NotAnEnvelope', '{urn:soap13}Envelope'), { soapVersion }),
      NOW,
    );
    const supported = [...fault.matchAll(/<soap12:SupportedEnvelope qname="([^"]*)"/g)].map(([, qname]) => qname);
    expect(supported).toEqual(['soap12:Envelope', 'soap:Envelope']);
    const [envelope] = /<soap(?:12)?:Envelope[^>]*>/.exec(fault) ?? [''];
    expect(envelope).toContain(`xmlns:soap="${NS.soap11}"`);
    expect(envelope).toContain(`xmlns:soap12="${NS.soap12}"`);
    expect(fault).toMatch(soapVersion === '1.1' ? /<faultcode>soap:VersionMismatch</ : /<soap12:Value>soap12:VersionMismatch</);
    expect(s.verifier.verify(fault, NOW).headers.map((header) => header.name)).toEqual(['Upgrade']);
  });
});
