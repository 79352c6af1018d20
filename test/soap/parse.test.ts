import { describe, expect, test } from '@jest/globals';
import { el, NS, parseCanonical, parseEnvelope, serialize } from '../../src/soap/index.js';
import { compareCodePoints } from '../../src/soap/document/index.js';
import { codeOf } from './fixtures.js';

const S11 = `xmlns:s="${NS.soap11}"`;
const envelope = (header: string, body = '<s:Body><x/></s:Body>', ns = S11): string =>
  `<s:Envelope ${ns}>${header}${body}</s:Envelope>`;
const GOOD = envelope('<s:Header><h a="1"/></s:Header>');
const verdict = (raw: string): string => codeOf(() => parseEnvelope(raw));

describe('an envelope is read', () => {
  test('in both versions, with or without a header, a declaration and a comment', () => {
    expect(parseEnvelope(GOOD)).toMatchObject({ soapVersion: '1.1', security: undefined });
    expect(parseEnvelope(envelope('', undefined, `xmlns:s="${NS.soap12}"`)).soapVersion).toBe('1.2');
    expect(verdict(`<?xml version="1.0" encoding='utf-8' standalone="yes"?>\n<!-- c -->${GOOD}<!-- c -->\n`)).toBe('none');
    expect(verdict(envelope('', '<s:Body> <x a=">" b=\'"\'>&lt;&#65;&#x1F600;]]<![CDATA[<&]]></x>\n</s:Body>'))).toBe('none');
  });
});

describe('an envelope is refused', () => {
  const DEEP = '<a>'.repeat(70) + '</a>'.repeat(70);
  const cases: readonly [what: string, code: string, raw: string][] = [
    ['with a DOCTYPE', 'Doctype', `<!DOCTYPE x>${GOOD}`],
    ['with an entity bomb', 'Doctype', `<!DOCTYPE x [<!ENTITY a "aaaa">]>${GOOD}`],
    ['with a DOCTYPE inside', 'Doctype', envelope('<!DOCTYPE x>')],
    ['with a processing instruction', 'ProcessingInstruction', `<?xml-stylesheet href="x"?>${GOOD}`],
    ['with a processing instruction inside', 'ProcessingInstruction', envelope('', '<s:Body><x><?php ?></x></s:Body>')],
    ['with a second XML declaration', 'ProcessingInstruction', `<?xml version="1.0"?><?xml version="1.0"?>${GOOD}`],
    ['with a declaration after white space', 'ProcessingInstruction', ` <?xml version="1.0"?>${GOOD}`],
    ['in another encoding', 'MalformedXml', `<?xml version="1.0" encoding="ISO-8859-1"?>${GOOD}`],
    ['as XML 1.1', 'ProcessingInstruction', `<?xml version="1.1"?>${GOOD}`],
    ['empty', 'MalformedXml', ''],
    ['as plain text', 'MalformedXml', 'hello'],
    ['cut off', 'MalformedXml', GOOD.slice(0, -3)],
    ['not closed', 'MalformedXml', GOOD.replace('</s:Envelope>', '')],
    ['with tags crossed', 'MalformedXml', envelope('', '<s:Body><x><y></x></y></s:Body>')],
    ['with text after the root', 'MalformedXml', `${GOOD}x`],
    ['with a second root', 'MalformedXml', `${GOOD}<x/>`],
    ['with CDATA after the root', 'MalformedXml', `${GOOD}<![CDATA[x]]>`],
    ['with an attribute twice', 'MalformedXml', envelope('', '<s:Body><x a="1" a="2"/></s:Body>')],
    [
      'with an attribute twice by two prefixes',
      'MalformedXml',
      envelope('', '<s:Body><x xmlns:p="urn:u" xmlns:q="urn:u" p:a="1" q:a="2"/></s:Body>'),
    ],
    ['with an attribute without quotes', 'MalformedXml', envelope('', '<s:Body><x a=1/></s:Body>')],
    ['with attributes run together', 'MalformedXml', envelope('', '<s:Body><x a="1"b="2"/></s:Body>')],
    ['with < in an attribute', 'MalformedXml', envelope('', '<s:Body><x a="<"/></s:Body>')],
    ['with an undefined entity', 'MalformedXml', envelope('', '<s:Body>&nbsp;<x/></s:Body>')],
    ['with a bare ampersand', 'MalformedXml', envelope('', '<s:Body><x>a & b</x></s:Body>')],
    ['with a reference to a forbidden character', 'MalformedXml', envelope('', '<s:Body><x>&#0;</x></s:Body>')],
    ['with a reference beyond Unicode', 'MalformedXml', envelope('', '<s:Body><x>&#x110000;</x></s:Body>')],
    ['with a forbidden character', 'MalformedXml', envelope('', '<s:Body><x>\u0001</x></s:Body>')],
    ['with half a surrogate pair', 'MalformedXml', envelope('', '<s:Body><x>\uD800</x></s:Body>')],
    ['with ]]> in text', 'MalformedXml', envelope('', '<s:Body><x>]]></x></s:Body>')],
    ['with -- in a comment', 'MalformedXml', envelope('', '<s:Body><!-- -- --><x/></s:Body>')],
    ['with a prefix that is not declared', 'MalformedXml', envelope('', '<s:Body><p:x/></s:Body>')],
    ['with an attribute prefix that is not declared', 'MalformedXml', envelope('', '<s:Body><x p:a="1"/></s:Body>')],
    [
      'with a namespace name that would need escaping',
      'MalformedXml',
      envelope('', '<s:Body><x xmlns:p="urn:u&quot; a=&quot;b"/></s:Body>'),
    ],
    ['with a prefix undeclared', 'MalformedXml', envelope('', '<s:Body><x xmlns:p="urn:u"><y xmlns:p=""/></x></s:Body>')],
    ['with xml bound to something else', 'MalformedXml', envelope('', '<s:Body><x xmlns:xml="urn:u"/></s:Body>')],
    ['nested too deeply', 'TooDeep', envelope('', `<s:Body>${DEEP}</s:Body>`)],
    ['with too many nodes', 'TooDeep', envelope('', `<s:Body><x>${'<a/>'.repeat(60_000)}</x></s:Body>`)],
    [
      'with too many attributes',
      'TooDeep',
      envelope('', `<s:Body><x ${Array.from({ length: 65 }, (_, i) => `a${i}=""`).join(' ')}/></s:Body>`),
    ],
    ['with too many headers', 'TooDeep', envelope(`<s:Header>${'<h/>'.repeat(41)}</s:Header>`)],
    ['too large', 'TooLarge', envelope('', `<s:Body><x>${'é'.repeat(600_000)}</x></s:Body>`)],
    ['in no SOAP namespace', 'NotAnEnvelope', GOOD.replace(NS.soap11, 'urn:soap')],
    ['as something else', 'NotAnEnvelope', '<x/>'],
    ['without a Body', 'EnvelopeStructure', envelope('<s:Header/>', '')],
    ['with two Bodies', 'EnvelopeStructure', envelope('', '<s:Body><x/></s:Body><s:Body><x/></s:Body>')],
    ['with a Body inside the header', 'EnvelopeStructure', envelope('<s:Header><w><s:Body/></w></s:Header>')],
    [
      'with a Body of the other version inside',
      'EnvelopeStructure',
      envelope(`<s:Header><Body xmlns="${NS.soap12}"/></s:Header>`),
    ],
    ['with an Envelope inside', 'EnvelopeStructure', envelope('', `<s:Body>${GOOD}</s:Body>`)],
    ['with two Headers', 'EnvelopeStructure', envelope('<s:Header/><s:Header/>')],
    ['with the Header last', 'EnvelopeStructure', envelope('', '<s:Body><x/></s:Body><s:Header/>')],
    ['with something after the Body', 'EnvelopeStructure', envelope('', '<s:Body><x/></s:Body><x/>')],
    ['with an empty Body', 'EnvelopeStructure', envelope('', '<s:Body/>')],
    ['with two children of the Body', 'EnvelopeStructure', envelope('', '<s:Body><x/><y/></s:Body>')],
    ['with text in the Body', 'EnvelopeStructure', envelope('', '<s:Body>t<x/></s:Body>')],
    [
      'with two Security headers',
      'EnvelopeStructure',
      envelope(`<s:Header><Security xmlns="${NS.wsse}"/><Security xmlns="${NS.wsse}"/></s:Header>`),
    ],
    ['with an Id twice', 'DuplicateId', envelope('<s:Header><h Id="a"/><h Id="a"/></s:Header>')],
    [
      'with an Id twice in different clothes',
      'DuplicateId',
      envelope(`<s:Header><h id="a"/><h xmlns:w="${NS.wsu}" w:Id="a"/></s:Header>`),
    ],
    ['with an xml:id twice', 'DuplicateId', envelope('<s:Header><h xml:id="a"/><h ID="a"/></s:Header>')],
  ];
  for (const [what, code, raw] of cases) test(`${what}: ${code}`, () => expect(verdict(raw)).toBe(code));

  test('fast, however the text is built: long runs cost linear time', () => {
    const started = performance.now();
    for (const run of ['<', '&', '<a', '<a b="', ' ', '<!-', '<![CDATA[', ']]', "<a b='&#"]) {
      verdict(envelope('', `<s:Body><x>${run.repeat(Math.floor(500_000 / run.length))}</x></s:Body>`));
    }
    expect(performance.now() - started).toBeLessThan(5000);
  });
});

describe('canonical bytes', () => {
  test('become the tree they say, references decoded once', () => {
    const xml =
      '<a:x xmlns:a="urn:a" b="&#x9;&quot;&lt;&amp;lt;" a:b="&gt;>"> &amp;amp;<y></y>\n<a:y xmlns="urn:d"><z></z></a:y>&#xD;</a:x>';
    expect(parseCanonical(xml)).toEqual(
      el(
        'urn:a',
        'x',
        [
          { ns: '', name: 'b', value: '\t"<&lt;' },
          { ns: 'urn:a', name: 'b', value: '>>' },
        ],
        ' &amp;',
        el('', 'y'),
        '\n',
        el('urn:a', 'y', {}, el('urn:d', 'z')),
        '\r',
      ),
    );
  });

  test('come back from the normal form of any tree', () => {
    const tree = el(
      'urn:one',
      'r',
      [
        { ns: '', name: 'hasOwnProperty', value: '1' },
        { ns: 'urn:two', name: 'a', value: ' "<>&\t\r\n ' },
      ],
      '  ',
      el('', 'valueOf', {}, ' x '),
      el(NS.wsa, 'Address', { toString: 'é' }, '\u{1F600}&<>\r'),
      ' \n ',
    );
    expect(parseCanonical(serialize(tree))).toEqual(tree);
  });

  test('may use names that poison objects: here they are names like any other', () => {
    for (const name of ['__proto__', 'constructor', 'prototype'])
      expect(parseCanonical(`<${name} ${name}="1"></${name}>`)).toEqual(el('', name, [{ ns: '', name, value: '1' }]));
  });

  test('resolve a QName by prefix, by default namespace, or leave it as written', () => {
    const state = (declarations: string, text: string): unknown =>
      parseCanonical(`<b:State xmlns:b="${NS.wsba}"${declarations}>${text}</b:State>`).children;
    expect(state('', ' b:Active ')).toEqual([`{${NS.wsba}}Active`]);
    expect(state(' xmlns="urn:d"', 'Active')).toEqual(['{urn:d}Active']);
    expect(state('', 'Active')).toEqual(['Active']);
    expect(state('', 'q:Active')).toEqual(['q:Active']);
  });
});

test('the canonical order is by code point, also above U+FFFF', () => {
  const sorted = ['\u{10000}', '\uFF5E', 'ab', 'a', 'B', '\uD7FF'].sort(compareCodePoints);
  expect(sorted).toEqual(['B', 'a', 'ab', '\uD7FF', '\uFF5E', '\u{10000}']);
});
