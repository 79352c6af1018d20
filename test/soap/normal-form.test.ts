import { describe, expect, test } from '@jest/globals';
import {
  el,
  isElement,
  NS,
  parseCanonical,
  parseEnvelope,
  serialize,
  type XmlElement,
  type XmlNode,
} from '../../src/soap/index.js';
import { Random } from '../support/random.js';

const NAMESPACES = ['', NS.wsba, NS.wscoor, NS.wsa, NS.concordat, 'urn:a', 'urn:B', 'http://example.org/ü'];
const NAMES = ['a', 'B', 'n1', 'xml-like', 'valueOf', 'toString', 'ns.dot', 'ü', 'Body', 'length'];
const TEXTS = [
  'x',
  ' ',
  '\n',
  '\t',
  '\r',
  '&',
  '<',
  '>',
  ']]>',
  '"',
  "'",
  '&amp;',
  '&#13;',
  '{urn:a}b',
  'p:q',
  '𝔘',
  '\u00A0',
  '\uFFFD',
  '0',
  'true',
  '<!--',
  '<?pi?>',
];

/** A random tree of hostile names, namespaces and texts; adjacent texts are one, as in any parsed tree. */
function randomTree(random: Random, depth = 0): XmlElement {
  const attributes = new Map<string, { ns: string; name: string; value: string }>();
  for (let i = random.below(3); i > 0; i--) {
    const attribute = { ns: random.pick(NAMESPACES), name: random.pick(NAMES), value: randomText(random) };
    attributes.set(`${attribute.ns} ${attribute.name}`, attribute);
  }
  const children: XmlNode[] = [];
  for (let i = depth < 4 ? random.below(4) : 0; i > 0; i--) {
    const last = children.at(-1);
    if (random.chance(0.5)) children.push(randomTree(random, depth + 1));
    else if (typeof last === 'string') children[children.length - 1] = last + randomText(random);
    else children.push(randomText(random));
  }
  return el(random.pick(NAMESPACES), random.pick(NAMES), [...attributes.values()], ...children);
}

const randomText = (random: Random): string => Array.from({ length: 1 + random.below(3) }, () => random.pick(TEXTS)).join('');

/** The same tree with its attributes in one order. */
function ordered(element: XmlElement): XmlElement {
  const key = ({ ns, name }: { ns: string; name: string }): string => `${ns} ${name}`;
  return {
    ...element,
    attributes: [...element.attributes].sort((a, b) => (key(a) < key(b) ? -1 : 1)),
    children: element.children.map((child) => (isElement(child) ? ordered(child) : child)),
  };
}

const reversed = (element: XmlElement): XmlElement => ({ ...element, attributes: [...element.attributes].reverse() });

describe('the normal form of XML', () => {
  test('reads back as the same tree, and is the same again', () => {
    const random = new Random(11);
    for (let i = 0; i < 3_000; i++) {
      const tree = randomTree(random);
      const text = serialize(tree);
      const read = parseCanonical(text);
      expect(ordered(read)).toEqual(ordered(tree));
      expect(serialize(read)).toBe(text);
    }
  });

  test('does not depend on the order in which attributes came', () => {
    const random = new Random(12);
    for (let i = 0; i < 300; i++) {
      const tree = randomTree(random);
      expect(serialize(reversed(tree))).toBe(serialize(tree));
    }
  });

  test('is different for different trees', () => {
    const random = new Random(13);
    const byText = new Map<string, string>();
    for (let i = 0; i < 3_000; i++) {
      const tree = ordered(randomTree(random));
      const text = serialize(tree);
      const known = byText.get(text);
      if (known !== undefined) expect(JSON.stringify(tree)).toBe(known);
      byText.set(text, JSON.stringify(tree));
    }
  });

  test('is well-formed XML for the hardened parser, whatever is in it', () => {
    const random = new Random(14);
    for (let i = 0; i < 300; i++) {
      const envelope = el(NS.soap11, 'Envelope', {}, el(NS.soap11, 'Header'), el(NS.soap11, 'Body', {}, randomTree(random)));
      expect(parseEnvelope(serialize(envelope)).soapVersion).toBe('1.1');
    }
  });
});
