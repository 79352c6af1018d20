import { describe, expect, test } from '@jest/globals';
import {
  contextFromXml,
  contextToXml,
  decodeCreateCoordinationContext,
  decodeCreateCoordinationContextResponse,
  decodeRegister,
  decodeRegisterResponse,
  encodeCreateCoordinationContext,
  encodeCreateCoordinationContextResponse,
  encodeRegister,
  encodeRegisterResponse,
  eprFromXml,
  eprToXml,
  MAX_EXPIRES_MS,
  MESSAGE_LIMITS,
  WSA_ANONYMOUS,
  WSA_NONE,
  type CoordinationContext,
  type Epr,
} from '../../src/soap/messages/index.js';
import { NS } from '../../src/soap/namespaces.js';
import { el, serialize } from '../../src/soap/xml.js';
import { parse, refusal, wrap } from './messages-support.js';

const extension = el('urn:other', 'Policy', { level: '3' }, 'strict & <fair>');
const service: Epr = {
  address: 'https://coordinator.example/registration',
  referenceParameters: [el('urn:other', 'Key', {}, 'k 1'), el(NS.concordat, 'Activity', {}, 'urn:uuid:1')],
  extensions: [extension],
};
const context: CoordinationContext = {
  identifier: 'urn:uuid:11111111-2222-8333-8444-555555555555',
  expires: MAX_EXPIRES_MS,
  coordinationType: `${NS.wsba}/AtomicOutcome`,
  registrationService: service,
  extensions: [extension],
};
const minimal: CoordinationContext = {
  identifier: 'urn:a:1',
  coordinationType: 'urn:type',
  registrationService: { address: 'urn:a:2', referenceParameters: [], extensions: [] },
  extensions: [],
};

describe('WS-Coordination messages come back from XML as they went in', () => {
  test.each([['full', context] as const, ['minimal', minimal] as const])('a %s CoordinationContext', (_name, value) => {
    expect(contextFromXml(parse(serialize(contextToXml(value))))).toEqual(value);
  });

  test.each([
    ['full', { expires: 0, currentContext: context, coordinationType: 'urn:type', extensions: [extension] }],
    ['minimal', { coordinationType: 'urn:type', extensions: [] }],
  ])('a %s CreateCoordinationContext', (_name, value) => {
    expect(decodeCreateCoordinationContext(parse(serialize(encodeCreateCoordinationContext(value))))).toEqual(value);
  });

  test('CreateCoordinationContextResponse', () => {
    const value = { context, extensions: [extension] };
    expect(decodeCreateCoordinationContextResponse(parse(serialize(encodeCreateCoordinationContextResponse(value))))).toEqual(
      value,
    );
  });

  test.each([
    ['with', { protocolIdentifier: 'urn:p', participantProtocolService: service, extensions: [extension] }],
    ['without', { protocolIdentifier: 'urn:p', extensions: [] }],
  ])('Register %s an endpoint of the participant', (_name, value) => {
    expect(decodeRegister(parse(serialize(encodeRegister(value))))).toEqual(value);
  });

  test('RegisterResponse', () => {
    const value = { coordinatorProtocolService: service, extensions: [extension] };
    expect(decodeRegisterResponse(parse(serialize(encodeRegisterResponse(value))))).toEqual(value);
  });
});

describe('WS-Coordination decoders refuse with InvalidParameters', () => {
  const register = (inner: string) => () => decodeRegister(wrap(NS.wscoor, 'Register', inner));
  const create = (inner: string) => () => decodeCreateCoordinationContext(wrap(NS.wscoor, 'CreateCoordinationContext', inner));
  const protocol = '<wscoor:ProtocolIdentifier>urn:p</wscoor:ProtocolIdentifier>';
  const type = '<wscoor:CoordinationType>urn:t</wscoor:CoordinationType>';
  const endpoint =
    '<wscoor:ParticipantProtocolService><wsa:Address>http://p.example/</wsa:Address></wscoor:ParticipantProtocolService>';
  const many = (count: number): string => '<n xmlns="urn:n"/>'.repeat(count);

  test.each<[problem: string, action: () => unknown, detail: string]>([
    ['a missing part', register(''), 'wscoor:Register needs wscoor:ProtocolIdentifier at its end'],
    [
      'a part of another namespace',
      register('<ProtocolIdentifier>urn:p</ProtocolIdentifier>'),
      'where {}ProtocolIdentifier stands',
    ],
    ['parts in the wrong order', register(endpoint + protocol), 'where wscoor:ParticipantProtocolService stands'],
    ['a repeated part', register(protocol + endpoint + endpoint), 'repeated wscoor:ParticipantProtocolService'],
    ['an empty part', register('<wscoor:ProtocolIdentifier> </wscoor:ProtocolIdentifier>'), 'wscoor:ProtocolIdentifier is empty'],
    ['a space in a URI', register(protocol.replace('urn:p', 'urn: p')), 'is not allowed there'],
    ['markup where text belongs', register(protocol.replace('urn:p', '<b/>')), 'wscoor:ProtocolIdentifier must hold text only'],
    ['text between elements', register(`${protocol} and so on`), 'has text between its elements'],
    [
      'an oversized part',
      register(protocol.replace('urn:p', `urn:${'p'.repeat(MESSAGE_LIMITS.uri)}`)),
      'longer than 2048 characters',
    ],
    ['too many extensions', register(protocol + many(MESSAGE_LIMITS.extensions + 1)), 'more than 16 extension elements'],
    [
      'extensions that are too large',
      register(`${protocol}<n xmlns="urn:n">${'x'.repeat(MESSAGE_LIMITS.openContent)}</n>`),
      '65536',
    ],
    ['an Expires beyond unsignedInt', create(`<wscoor:Expires>4294967296</wscoor:Expires>${type}`), 'from 0 to 4294967295'],
    ['an Expires that is no number', create(`<wscoor:Expires>1e3</wscoor:Expires>${type}`), 'from 0 to 4294967295'],
    ['a negative Expires', create(`<wscoor:Expires>-1</wscoor:Expires>${type}`), 'from 0 to 4294967295'],
    ['an incomplete CurrentContext', create(`<wscoor:CurrentContext/>${type}`), 'wscoor:CurrentContext needs wscoor:Identifier'],
    [
      'another message',
      () => decodeRegister(wrap(NS.wscoor, 'RegisterResponse', '')),
      'expected wscoor:Register, found wscoor:RegisterResponse',
    ],
    [
      'another name for a context',
      () => contextFromXml(wrap(NS.wscoor, 'CurrentContext', '')),
      'expected wscoor:CoordinationContext',
    ],
    [
      'a response without its part',
      () => decodeRegisterResponse(wrap(NS.wscoor, 'RegisterResponse', '')),
      'CoordinatorProtocolService',
    ],
    [
      'a response with an empty context',
      () =>
        decodeCreateCoordinationContextResponse(
          wrap(NS.wscoor, 'CreateCoordinationContextResponse', '<wscoor:CoordinationContext/>'),
        ),
      'needs wscoor:Identifier',
    ],
  ])('%s', (_problem, action, detail) => {
    const refused = refusal(action);
    expect(refused.code).toBe('InvalidParameters');
    expect(refused.detail).toContain(detail);
  });

  test('names that the sender chose are clipped in details', () => {
    expect(refusal(register(`<n xmlns="urn:${'n'.repeat(5000)}"/>`)).detail.length).toBeLessThan(250);
  });

  test('what could not be read back is not written', () => {
    expect(refusal(() => encodeRegister({ protocolIdentifier: ' urn:p', extensions: [] })).detail).toContain('white space');
    expect(refusal(() => encodeCreateCoordinationContext({ expires: 1.5, coordinationType: 'urn:t', extensions: [] })).code).toBe(
      'InvalidParameters',
    );
  });
});

describe('endpoint references', () => {
  const address = (value: string): string => `<wsa:Address>${value}</wsa:Address>`;
  const read = (inner: string): Epr => eprFromXml(wrap(NS.wsa, 'ReplyTo', inner));

  test.each(['http://p.example:8080/a?b=c', 'https://p.example/', 'urn:uuid:1', WSA_ANONYMOUS, WSA_NONE])(
    'may be at %s',
    (value) => {
      expect(read(address(value))).toEqual({ address: value, referenceParameters: [], extensions: [] });
    },
  );

  test.each(['ftp://p.example/', 'javascript:alert(1)', 'p.example', 'http://', 'urn:x', 'file:///etc/passwd'])(
    'may not be at %s',
    (value) => {
      expect(refusal(() => read(address(value)))).toEqual({
        code: 'InvalidParameters',
        detail: expect.stringContaining('has an address'),
      });
      expect(refusal(() => eprToXml(NS.wsa, 'ReplyTo', { address: value, referenceParameters: [], extensions: [] })).code).toBe(
        'InvalidParameters',
      );
    },
  );

  test('lose their metadata and keep the rest', () => {
    const inner = `${address('urn:a:1')}<wsa:ReferenceParameters><k xmlns="urn:k">1</k></wsa:ReferenceParameters><wsa:Metadata><m xmlns="urn:m"/></wsa:Metadata><e xmlns="urn:e"/>`;
    expect(read(inner)).toEqual({
      address: 'urn:a:1',
      referenceParameters: [el('urn:k', 'k', {}, '1')],
      extensions: [el('urn:e', 'e')],
    });
  });

  test.each<[string, string, string]>([
    ['no address', '<wsa:Metadata/>', 'needs wsa:Address'],
    ['two addresses', address('urn:a:1') + address('urn:a:2'), 'repeated wsa:Address'],
    ['a late address', `<wsa:ReferenceParameters/>${address('urn:a:1')}`, 'needs wsa:Address'],
    ['text among its parameters', `${address('urn:a:1')}<wsa:ReferenceParameters>k</wsa:ReferenceParameters>`, 'has text'],
    [
      'too many parameters',
      `${address('urn:a:1')}<wsa:ReferenceParameters>${'<k xmlns="urn:k"/>'.repeat(MESSAGE_LIMITS.referenceParameters + 1)}</wsa:ReferenceParameters>`,
      'more than 16',
    ],
  ])('with %s are refused', (_name, inner, detail) => {
    const refused = refusal(() => read(inner));
    expect(refused.code).toBe('InvalidParameters');
    expect(refused.detail).toContain(detail);
  });

  test('with too many parameters are not written', () => {
    const referenceParameters = Array.from({ length: MESSAGE_LIMITS.referenceParameters + 1 }, () => el('urn:k', 'k'));
    expect(refusal(() => eprToXml(NS.wsa, 'ReplyTo', { address: 'urn:a:1', referenceParameters, extensions: [] })).code).toBe(
      'InvalidParameters',
    );
  });
});
