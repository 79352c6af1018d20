import { expect, test } from '@jest/globals';
import { ConcordatError } from '../../src/errors.js';
import { canonicalize } from '../../src/soap/c14n.js';
import { parseDocument } from '../../src/soap/document/index.js';
import type { SourceElement } from '../../src/soap/document/index.js';
import { PARSE_LIMITS } from '../../src/soap/limits.js';
import { ATTACKS, messageAt } from '../attacks/corpus.js';
import { makeScene } from '../attacks/scene.js';
import { OrderedExclusiveC14n, readDom } from '../support/reference-xml-crypto.js';
import { KNOWN_DIFFERENCES } from './known-differences.js';

/** What a signature may digest or sign: whatever has an Id, and SignedInfo. */
const isDigested = ({ local, attributes }: SourceElement): boolean =>
  local === 'SignedInfo' || attributes.some((attribute) => attribute.local.toLowerCase() === 'id');

/** Undefined for what we refuse. */
function unlessRefused<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch (error) {
    if (error instanceof ConcordatError) return undefined;
    throw error;
  }
}

const c14n = new OrderedExclusiveC14n();
const theirs = (element: Element): string =>
  String(c14n.process(element, { inclusiveNamespacesPrefixList: [], ancestorNamespaces: [], defaultNsForPrefix: {} }));

test('of every attack that can be parsed, whatever its verdict, the bytes to be digested are those of xml-crypto', async () => {
  const scene = await makeScene();
  let compared = 0;
  let explained = 0;
  const different: string[] = [];
  for (const [i, attack] of ATTACKS.entries()) {
    const { raw } = messageAt(scene, attack, i);
    const elements = unlessRefused(() => parseDocument(raw, PARSE_LIMITS).elements);
    if (elements === undefined) continue;
    const dom = Array.from(readDom(raw).getElementsByTagName('*'));
    expect(dom).toHaveLength(elements.length);
    for (const [at, element] of elements.entries()) {
      const other = dom[at];
      if (other === undefined || !isDigested(element)) continue;
      const ours = unlessRefused(() => canonicalize(element, []));
      if (ours === undefined) continue;
      if (ours === theirs(other)) compared += 1;
      else if (KNOWN_DIFFERENCES.some((known) => known.mayShow(raw))) explained += 1;
      else different.push(`${attack.name}: ${element.qname}`);
    }
  }
  console.log(`attack corpus: ${compared} elements canonicalized alike, ${explained} differences of a known kind`);
  expect(different).toEqual([]);
  expect(compared).toBeGreaterThan(10 * 400);
}, 300_000);
