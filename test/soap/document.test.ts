import { describe, expect, test } from '@jest/globals';
import { childElements, parseDocument, textOf } from '../../src/soap/document/index.js';
import type { SourceElement } from '../../src/soap/document/index.js';
import { NS, PARSE_LIMITS } from '../../src/soap/index.js';
import { codeOf } from './fixtures.js';

const root = (xml: string): SourceElement => parseDocument(xml, PARSE_LIMITS).root;
const verdict = (xml: string, limits = {}): string => codeOf(() => parseDocument(xml, { ...PARSE_LIMITS, ...limits }));

describe('a document', () => {
  test('is read with its names resolved, also those that are declared after they are used in a tag', () => {
    const element = root('<p:a p:x="1" y="2" xml:lang="en" xmlns:p="urn:p" xmlns="urn:d"><b/><p:c xmlns:p="urn:q"/></p:a>');
    expect(element).toMatchObject({ qname: 'p:a', prefix: 'p', local: 'a', ns: 'urn:p', parent: undefined });
    expect(element.attributes).toEqual([
      { prefix: 'p', local: 'x', ns: 'urn:p', value: '1' },
      { prefix: '', local: 'y', ns: '', value: '2' },
      { prefix: 'xml', local: 'lang', ns: NS.xml, value: 'en' },
    ]);
    expect(element.declarations).toEqual([
      { prefix: 'p', ns: 'urn:p' },
      { prefix: '', ns: 'urn:d' },
    ]);
    expect(childElements(element).map(({ local, ns, parent }) => [local, ns, parent === element])).toEqual([
      ['b', 'urn:d', true],
      ['c', 'urn:q', true],
    ]);
  });

  test('forgets what an inner element declared when it ends', () => {
    const element = root('<a xmlns="urn:a"><b xmlns=""><c/></b><d/><e xmlns="urn:e"/><f/></a>');
    const [b, d, e, f] = childElements(element);
    expect([b?.ns, b && childElements(b)[0]?.ns, d?.ns, e?.ns, f?.ns]).toEqual(['', '', 'urn:a', 'urn:e', 'urn:a']);
    expect(verdict('<a><b xmlns:p="urn:p"/><p:c/></a>')).toBe('MalformedXml');
  });

  test('has one text where comments, CDATA sections and references part it', () => {
    const element = root('<a>one<!-- 1 --> &amp;<![CDATA[ <two>&amp;]]>&#x33;<b/>four</a>');
    expect(element.children.map((node) => (typeof node === 'string' ? node : node.qname))).toEqual([
      'one & <two>&amp;3',
      'b',
      'four',
    ]);
    expect([element.hasComment, childElements(element)[0]?.hasComment]).toEqual([true, false]);
    expect(root('<a><![CDATA[]]></a>').children).toEqual([]);
  });

  test('has its line ends and white space normalized as XML 1.0 has them, but not what references say', () => {
    const element = root('<a x=" 1\r\n2\t3\r4 " y="&#xD;&#xA;&#9;">1\r\n2\r3\n&#13;<![CDATA[\r\n]]>\u0085\u2028</a>');
    expect(element.attributes.map(({ value }) => value)).toEqual([' 1 2 3 4 ', '\r\n\t']);
    expect(textOf(element)).toBe('1\n2\n3\n\r\n\u0085\u2028');
  });

  test('may use every name that XML allows, and no other', () => {
    for (const name of ['é', '\u{10000}x', 'a\u00B7', 'ab-.9_', 'é:\u{20000}'])
      expect([name, verdict(`<${name}${name.includes(':') ? ' xmlns:é="urn:e"' : ''}/>`)]).toEqual([name, 'none']);
    for (const name of ['-a', '9', '.', 'a:', ':a', 'a:b:c', 'a:9', '\u00D7', 'a\u00D7', '\u037E', ''])
      expect([name, verdict(`<${name} xmlns:a="urn:a"/>`)]).toEqual([name, 'MalformedXml']);
  });

  test.each([
    ['a prefix twice', '<a xmlns:p="urn:p" xmlns:p="urn:p"/>'],
    ['the default namespace twice', '<a xmlns="urn:p" xmlns="urn:q"/>'],
    ['the prefix xmlns', '<a xmlns:xmlns="urn:p"/>'],
    ['a prefix for the namespace of xmlns', '<a xmlns:p="http://www.w3.org/2000/xmlns/"/>'],
    ['another prefix for that of xml', `<a xmlns:p="${NS.xml}"/>`],
    ['that of xml as the default', `<a xmlns="${NS.xml}"/>`],
    ['xml as something else', '<a xmlns:xml="urn:x"/>'],
    ['a relative namespace, for which canonical XML is not defined', '<a xmlns="relative/uri"/>'],
    ['a namespace with a space', '<a xmlns="urn:a b"/>'],
  ])('is refused if it declares %s', (_what, xml) => expect(verdict(xml)).toBe('MalformedXml'));

  test.each([
    ['an end tag that only begins like the start', '<a></ab>'],
    ['an end tag with attributes', '<a></a x="1">'],
    ['a slash before space', '<a / >'],
    ['a comment that does not end', '<a><!-- </a>'],
    ['a CDATA section that does not end', '<a><![CDATA[ </a>'],
    ['a value that does not end', '<a x="></a>'],
    ['an attribute without a value', '<a x/>'],
    ['a tag that does not end', '<a'],
    ['only a declaration', '<?xml version="1.0"?>'],
  ])('is refused with %s', (_what, xml) => expect(verdict(xml)).toBe('MalformedXml'));
});

describe('a document is bounded', () => {
  const many = (count: number, text: (i: number) => string): string => Array.from({ length: count }, (_, i) => text(i)).join('');

  test('in the namespaces in force at one place, not in those that come one after the other', () => {
    const limits = { maxNamespaces: 8 };
    const nested = (depth: number): string => many(depth, (i) => `<a xmlns:p${i}="urn:${i}">`) + '</a>'.repeat(depth);
    expect([verdict(nested(8), limits), verdict(nested(9), limits)]).toEqual(['none', 'TooDeep']);
    expect(verdict(`<r>${many(50, (i) => `<a xmlns:p="urn:${i}"/>`)}</r>`, limits)).toBe('none');
  });

  test('in the length of names and of namespaces', () => {
    expect([verdict(`<${'a'.repeat(256)}/>`), verdict(`<${'a'.repeat(257)}/>`)]).toEqual(['none', 'TooDeep']);
    expect(verdict(`<a ${'b'.repeat(257)}=""/>`)).toBe('TooDeep');
    const declared = (length: number): string => verdict(`<a xmlns="urn:${'x'.repeat(length - 4)}"/>`);
    expect([declared(1024), declared(1025)]).toEqual(['none', 'TooDeep']);
  });

  test('in bytes, whatever the characters take', () => {
    const limits = { maxBytes: 100 };
    const text = (character: string, count: number): string => verdict(`<a>${character.repeat(count)}</a>`, limits);
    expect([text('x', 93), text('x', 94)]).toEqual(['none', 'TooLarge']);
    expect([text('é', 46), text('é', 47)]).toEqual(['none', 'TooLarge']);
    expect([text('\u{1F600}', 23), text('\u{1F600}', 24)]).toEqual(['none', 'TooLarge']);
  });

  test('in nodes: elements, texts, comments and attributes alike', () => {
    const limits = { maxNodes: 20 };
    for (const node of ['<a/>', 't<!---->', '<a x=""/>']) {
      expect([node, verdict(`<r>${node.repeat(5)}</r>`, limits)]).toEqual([node, 'none']);
      expect([node, verdict(`<r>${node.repeat(20)}</r>`, limits)]).toEqual([node, 'TooDeep']);
    }
  });
});
