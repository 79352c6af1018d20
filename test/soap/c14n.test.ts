import { describe, expect, test } from '@jest/globals';
import { canonicalForm, canonicalize } from '../../src/soap/c14n.js';
import { parseDocument } from '../../src/soap/document/index.js';
import type { SourceElement } from '../../src/soap/document/index.js';
import { el, NS, parseCanonical, PARSE_LIMITS } from '../../src/soap/index.js';
import { HostileWriter } from '../agreement/hostile.js';
import { Random } from '../support/random.js';
import { readCanonical } from '../support/reference-reader.js';
import { codeOf } from './fixtures.js';

/** The element of that local name. */
function part(xml: string, local = 'part'): SourceElement {
  const found = parseDocument(xml, PARSE_LIMITS).elements.find((element) => element.local === local);
  if (found === undefined) throw new Error(`there is no ${local}`);
  return found;
}

describe('exclusive canonical XML', () => {
  test('takes a part out of its surroundings, as the example of the recommendation does (§2.2)', () => {
    const inside = `<n1:elem2 xmlns:n1="http://example.net" xml:lang="en">\n    <n3:stuff xmlns:n3="ftp://example.org"/>\n  </n1:elem2>`;
    const outside = (declarations: string): string => `<n0:local ${declarations} xml:lang="fr">\n  ${inside}\n</n0:local>`;
    const canonical = inside.replace('"/>', '"></n3:stuff>');
    for (const declarations of [
      'xmlns:n0="foo:bar" xmlns:n3="ftp://example.org"',
      'xmlns:n2="http://foo.example" xmlns:n0="foo:bar"',
    ])
      expect(canonicalize(part(outside(declarations), 'elem2'), [])).toBe(canonical);
  });

  test.each([
    [
      'a declaration where it is first used',
      '<r xmlns:p="urn:p"><part><p:a/><p:b/></part></r>',
      '<part><p:a xmlns:p="urn:p"></p:a><p:b xmlns:p="urn:p"></p:b></part>',
    ],
    [
      'none twice on the way down',
      '<p:part xmlns:p="urn:p"><p:a xmlns:p="urn:p"><p:b/></p:a></p:part>',
      '<p:part xmlns:p="urn:p"><p:a><p:b></p:b></p:a></p:part>',
    ],
    [
      'one again after another came between',
      '<p:part xmlns:p="urn:p"><p:a xmlns:p="urn:q"><p:b xmlns:p="urn:p"/></p:a></p:part>',
      '<p:part xmlns:p="urn:p"><p:a xmlns:p="urn:q"><p:b xmlns:p="urn:p"></p:b></p:a></p:part>',
    ],
    [
      'two prefixes of one namespace',
      '<p:part xmlns:p="urn:p" xmlns:q="urn:p" q:a=""/>',
      '<p:part xmlns:p="urn:p" xmlns:q="urn:p" q:a=""></p:part>',
    ],
    [
      'no default namespace only inside of one',
      '<r xmlns="urn:r"><part xmlns=""><b xmlns="urn:b"><c xmlns=""/></b></part></r>',
      '<part><b xmlns="urn:b"><c xmlns=""></c></b></part>',
    ],
    [
      'nothing for an attribute without a prefix',
      '<r xmlns="urn:r"><p:part xmlns:p="urn:p" a=""/></r>',
      '<p:part xmlns:p="urn:p" a=""></p:part>',
    ],
    [
      'no declaration of xml',
      '<part xml:space="preserve" xmlns:xml="http://www.w3.org/XML/1998/namespace"/>',
      '<part xml:space="preserve"></part>',
    ],
    ['no comment', '<part>a<!-- b -->c</part>', '<part>ac</part>'],
    [
      'characters escaped, and no others',
      `<part a="&lt;&gt;&quot;'&#9;&#10;&#13;&amp;">&lt;&gt;"'&#9;&#10;&#13;&amp;<![CDATA[<]]></part>`,
      `<part a="&lt;>&quot;'&#x9;&#xA;&#xD;&amp;">&lt;&gt;"'\t\n&#xD;&amp;&lt;</part>`,
    ],
  ])('writes %s', (_what, xml, canonical) => expect(canonicalize(part(xml), [])).toBe(canonical));

  test.each([
    ['an inherited prefix', ['q'], '<r xmlns:q="urn:q"><part><q:a/></part></r>', '<part xmlns:q="urn:q"><q:a></q:a></part>'],
    [
      'the nearest declaration of it',
      ['q'],
      '<r xmlns:q="urn:q"><s xmlns:q="urn:s"><part/></s></r>',
      '<part xmlns:q="urn:s"></part>',
    ],
    ['its own declaration', ['q'], '<r xmlns:q="urn:q"><part xmlns:q="urn:p"/></r>', '<part xmlns:q="urn:p"></part>'],
    [
      'an inner one, where it stands',
      ['q'],
      '<part><a xmlns:q="urn:q"><b/></a></part>',
      '<part><a xmlns:q="urn:q"><b></b></a></part>',
    ],
    ['an unknown prefix, not at all', ['none', 'xml'], '<part/>', '<part></part>'],
    [
      '#default',
      ['#default'],
      '<r xmlns="urn:r" xmlns:p="urn:p"><p:part/></r>',
      '<p:part xmlns="urn:r" xmlns:p="urn:p"></p:part>',
    ],
    [
      '#default, undeclared inside',
      ['#default'],
      '<p:part xmlns="urn:r" xmlns:p="urn:p"><p:a xmlns=""/></p:part>',
      '<p:part xmlns="urn:r" xmlns:p="urn:p"><p:a xmlns=""></p:a></p:part>',
    ],
  ])('with a list of inclusive prefixes writes %s', (_what, prefixes, xml, canonical) =>
    expect(canonicalize(part(xml), prefixes)).toBe(canonical),
  );

  test('is refused when a namespace declared once would be written so often that it fills memory', () => {
    const long = `urn:${'x'.repeat(1000)}`;
    const xml = `<r xmlns:p="${long}"><part>${'<p:a/>'.repeat(5_000)}</part></r>`;
    expect(xml.length).toBeLessThan(50_000);
    expect(codeOf(() => canonicalize(part(xml), []))).toBe('TooLarge');
  });
});

describe('the tree of a part', () => {
  test('is what its canonical text says, to our parser and to another', () => {
    const random = new Random(21);
    const writer = new HostileWriter(random);
    for (let i = 0; i < 500; i++) {
      const xml = `<r xmlns:a="urn:a" xmlns:B="urn:B" xmlns="urn:d">${writer.element(
        new Map([
          ['a', 'urn:a'],
          ['B', 'urn:B'],
          ['', 'urn:d'],
        ]),
        { name: 'B:part' },
      )}</r>`;
      const { text, tree } = canonicalForm(part(xml), random.chance(0.3) ? ['a', '#default'] : []);
      expect(parseCanonical(text)).toEqual(tree);
      expect(readCanonical(text)).toEqual(tree);
    }
  });

  test('resolves a QName in text only by a declaration that is in the canonical text', () => {
    const state = (xml: string, prefixes: readonly string[] = []): unknown =>
      canonicalForm(part(xml, 'State'), prefixes).tree.children;
    const inside = (text: string): string =>
      `<r xmlns:w="${NS.wsba}" xmlns="urn:d"><b:State xmlns:b="${NS.wsba}">${text}</b:State></r>`;
    expect(state(inside(' b:Active '))).toEqual([`{${NS.wsba}}Active`]);
    expect(state(inside('w:Active'))).toEqual(['w:Active']);
    expect(state(inside('w:Active'), ['w'])).toEqual([`{${NS.wsba}}Active`]);
    expect(state(inside('Active'))).toEqual(['Active']);
    expect(state(inside('Active'), ['#default'])).toEqual(['{urn:d}Active']);
  });

  test('has its attributes in canonical order', () => {
    const { tree } = canonicalForm(part('<part z="" a="" xmlns:p="urn:p" p:b="" xml:lang=""/>'));
    expect(tree).toEqual(
      el('', 'part', [
        { ns: '', name: 'a', value: '' },
        { ns: '', name: 'z', value: '' },
        { ns: NS.xml, name: 'lang', value: '' },
        { ns: 'urn:p', name: 'b', value: '' },
      ]),
    );
  });
});
