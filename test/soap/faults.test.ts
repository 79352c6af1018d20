import { beforeAll, describe, expect, test } from '@jest/globals';
import { ConcordatError, ERRORS } from '../../src/errors.js';
import type { ErrorCode } from '../../src/errors.js';
import { el, faultMessage, faultStatus, NS, readFault } from '../../src/soap/index.js';
import type { OutgoingMessage, SoapFault, SoapVersion } from '../../src/soap/index.js';
import { NOW, setup } from './fixtures.js';
import type { Setup } from './fixtures.js';

let s: Setup;
beforeAll(async () => {
  s = await setup();
});

const travel = (message: OutgoingMessage): SoapFault | undefined =>
  readFault(s.verifier.verify(s.ecSigner.sign(message, NOW), NOW).body);
const CODES = Object.keys(ERRORS) as ErrorCode[];

for (const soapVersion of ['1.1', '1.2'] as SoapVersion[]) {
  test(`every error of the table travels as a fault of SOAP ${soapVersion}`, () => {
    for (const code of CODES) {
      const fault = travel(faultMessage(new ConcordatError(code, 'why <&>'), { soapVersion, relatesTo: 'urn:uuid:1' }));
      expect(fault).toMatchObject({
        concordatCode: code,
        retryable: ERRORS[code].retryable,
        reason: ERRORS[code].message,
        detail: 'why <&>',
      });
    }
  });
}

describe('wscoor faults (WS-Coordination 1.1 §4)', () => {
  const WSCOOR = [
    ['InvalidState', 'The message was invalid for the current state of the activity'],
    ['InvalidProtocol', 'The protocol is invalid or is not supported by the coordinator'],
    ['InvalidParameters', 'The message contained invalid parameters and could not be processed'],
    ['CannotCreateContext', 'CoordinationContext could not be created'],
    ['CannotRegisterParticipant', 'Participant could not be registered'],
  ] as const;
  const sent = (code: ErrorCode, soapVersion: SoapVersion): { xml: string; addressing: object } => {
    const xml = s.ecSigner.sign(faultMessage(new ConcordatError(code), { soapVersion, relatesTo: 'urn:uuid:1' }), NOW);
    return { xml, addressing: s.verifier.verify(xml, NOW).addressing };
  };

  test.each(WSCOOR)('%s, SOAP 1.1: the code is the faultcode', (code, reason) => {
    const { xml, addressing } = sent(code, '1.1');
    expect(addressing).toEqual({ action: `${NS.wscoor}/fault`, relatesTo: 'urn:uuid:1' });
    expect(xml).toContain(`<faultcode>wscoor:${code}</faultcode><faultstring>${reason}</faultstring>`);
    expect(xml).toMatch(new RegExp(`^<soap:Envelope [^>]*xmlns:wscoor="${NS.wscoor}"`));
  });

  test.each(WSCOOR)('%s, SOAP 1.2: Sender, and the code is the Subcode', (code, reason) => {
    const { xml, addressing } = sent(code, '1.2');
    expect(addressing).toEqual({ action: `${NS.wscoor}/fault`, relatesTo: 'urn:uuid:1' });
    const subcode = `<soap12:Subcode><soap12:Value>wscoor:${code}</soap12:Value></soap12:Subcode>`;
    expect(xml).toContain(`<soap12:Code><soap12:Value>soap12:Sender</soap12:Value>${subcode}</soap12:Code>`);
    expect(xml).toContain(`<soap12:Reason><soap12:Text xml:lang="en">${reason}</soap12:Text></soap12:Reason>`);
    expect(xml).toMatch(new RegExp(`^<soap12:Envelope [^>]*xmlns:wscoor="${NS.wscoor}"`));
  });
});

describe('a fault', () => {
  test('has the code form, the action and the relation of its SOAP version', () => {
    const error = new ConcordatError('InvalidState');
    const old = faultMessage(error, { soapVersion: '1.1', relatesTo: 'urn:uuid:1' });
    expect(old.addressing).toEqual({ action: `${NS.wscoor}/fault`, relatesTo: 'urn:uuid:1' });
    const xml = s.ecSigner.sign(old, NOW);
    expect(xml).toContain('<faultcode>wscoor:InvalidState</faultcode>');
    expect(xml).toMatch(new RegExp(`^<soap:Envelope [^>]*xmlns:wscoor="${NS.wscoor}"`));
    const recent = s.ecSigner.sign(faultMessage(error, { soapVersion: '1.2' }), NOW);
    expect(recent).toContain('<soap12:Value>soap12:Sender</soap12:Value>');
    expect(recent).toContain('<soap12:Subcode><soap12:Value>wscoor:InvalidState</soap12:Value></soap12:Subcode>');
  });

  test('uses SOAP 1.1 names for SOAP codes', () => {
    const code = (error: unknown, soapVersion: SoapVersion): string =>
      /(?:faultcode|soap12:Value)>([^<]*)</.exec(s.ecSigner.sign(faultMessage(error, { soapVersion }), NOW))?.[1] ?? '';
    expect(code(new ConcordatError('MalformedXml'), '1.1')).toBe('soap:Client');
    expect(code(new ConcordatError('Internal'), '1.1')).toBe('soap:Server');
    expect(code(new ConcordatError('MustUnderstand'), '1.1')).toBe('soap:MustUnderstand');
    expect(code(new ConcordatError('NotAnEnvelope'), '1.2')).toBe('soap12:VersionMismatch');
    expect(code(new ConcordatError('NoQuorum'), '1.2')).toBe('soap12:Receiver');
  });

  test('takes its action from the namespace of its code', () => {
    const action = (code: ErrorCode): string => faultMessage(new ConcordatError(code), { soapVersion: '1.1' }).addressing.action;
    expect(action('ActionMismatch')).toBe(`${NS.wsa}/fault`);
    expect(action('MalformedXml')).toBe(`${NS.wsa}/soap/fault`);
    expect(action('MessageExpired')).toBe(`${NS.wsa}/soap/fault`);
    expect(action('NumberAlreadyUsed')).toBe(`${NS.concordat}/fault`);
    expect(action('DuplicateMatchcode')).toBe(`${NS.wsbai}fault`);
  });

  test('says nothing of an error that is not ours', () => {
    const xml = s.ecSigner.sign(faultMessage(new Error('password=secret'), { soapVersion: '1.1' }), NOW);
    expect(xml).not.toContain('secret');
    expect(travel(faultMessage('secret', { soapVersion: '1.2' }))).toMatchObject({ concordatCode: 'Internal', retryable: true });
  });

  test('carries what the caller adds, and a detail of any text, clipped', () => {
    const extra = [el(NS.concordat, 'WaitsFor', {}, 'urn:uuid:p1'), el(NS.concordat, 'WaitsFor', {}, 'urn:uuid:p2')];
    const fault = travel(
      faultMessage(new ConcordatError('NotEnabled', `\u0000${'x'.repeat(5000)}`), { soapVersion: '1.2', extra }),
    );
    expect(fault?.waitsFor).toEqual(['urn:uuid:p1', 'urn:uuid:p2']);
    expect(fault?.detail?.length).toBeLessThan(1100);
    expect(fault?.detail?.startsWith('\u{FFFD}xxx')).toBe(true);
  });

  test('of a foreign stack is read too, its code resolved where the prefix is signed', () => {
    const foreign11 = el(NS.soap11, 'Fault', {}, el('', 'faultcode', {}, 'q:Odd'), el('', 'faultstring', {}, 'sorry'));
    expect(readFault(foreign11)).toEqual({ code: 'q:Odd', retryable: false, reason: 'sorry', waitsFor: [] });
    const value = (text: string) => el(NS.soap12, 'Value', {}, text);
    const inner = el(NS.soap12, 'Subcode', {}, value('{urn:a}A'), el(NS.soap12, 'Subcode', {}, value('{urn:b}B')));
    const texts = ['de', 'en-GB'].map((lang) => el(NS.soap12, 'Text', [{ ns: NS.xml, name: 'lang', value: lang }], lang));
    const foreign12 = el(
      NS.soap12,
      'Fault',
      {},
      el(NS.soap12, 'Code', {}, value('{x}Sender'), inner),
      el(NS.soap12, 'Reason', {}, ...texts),
    );
    expect(readFault(foreign12)).toMatchObject({ code: '{urn:b}B', reason: 'en-GB' });
    const lying = el(
      NS.soap11,
      'Fault',
      {},
      el('', 'faultcode', {}, 'x'),
      el('', 'detail', {}, el(NS.concordat, 'Code', {}, 'toString')),
    );
    expect(readFault(lying)).toEqual({ code: 'x', retryable: false, reason: '', waitsFor: [] });
  });

  test('is not seen in any other body', () => {
    expect(readFault(el(NS.wscoor, 'RegisterResponse'))).toBeUndefined();
    expect(readFault(el('urn:x', 'Fault'))).toBeUndefined();
  });

  test('has the status of HTTP where it is about HTTP', () => {
    const status = (code: ErrorCode, version: SoapVersion): number => faultStatus(new ConcordatError(code), version);
    expect([status('TooLarge', '1.1'), status('UnsupportedContentType', '1.2'), status('NotFound', '1.1')]).toEqual([
      413, 415, 404,
    ]);
    expect([status('InvalidState', '1.1'), status('InvalidState', '1.2'), status('NoQuorum', '1.2')]).toEqual([500, 400, 500]);
    expect(faultStatus(new Error('x'), '1.2')).toBe(500);
  });
});
