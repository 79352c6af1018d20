import { beforeAll, describe, expect, test } from '@jest/globals';
import { ExclusiveCanonicalization } from 'xml-crypto';
import { canonicalize } from '../../src/soap/c14n.js';
import { NS } from '../../src/soap/index.js';
import { OrderedExclusiveC14n, readDom } from '../support/reference-xml-crypto.js';
import { sourcePart } from './parts.js';
import { compareWithXmlCrypto, judgeSamples } from './compare.js';
import type { Judged } from './compare.js';
import { KNOWN_DIFFERENCES } from './known-differences.js';
import { makeKeys } from './messages.js';

const SAMPLES = 200;
let judged: Judged[];
beforeAll(async () => {
  judged = judgeSamples(1, SAMPLES, await makeKeys());
}, 120_000);

describe('of hostile messages', () => {
  test('those that nobody damaged are valid, the others are not', () => {
    const wrong = judged.filter(({ sample, ours }) => ours.isValid !== sample.isValid);
    expect(wrong.map(({ sample }) => `${sample.damage}:\n${sample.raw}`)).toEqual([]);
    expect(judged.filter(({ ours }) => !ours.isValid).length).toBeGreaterThan(SAMPLES / 10);
  });

  test('xml-crypto says the same, but where it is known not to follow the standard', () => {
    const { agreed, explained, unexplained } = compareWithXmlCrypto(judged);
    expect(unexplained).toEqual([]);
    expect(agreed + explained).toBe(SAMPLES);
    expect(agreed).toBeGreaterThan(SAMPLES / 2);
  }, 120_000);
});

describe('xml-crypto departs from the standard in', () => {
  for (const { what, isMended, specimen } of KNOWN_DIFFERENCES) {
    test(`${what}${isMended ? ', which our tests mend' : ''}; we do not`, () => {
      const { xml, prefixes, canonical } = specimen;
      expect(canonicalize(sourcePart(xml), prefixes)).toBe(canonical);
      expect(theirs(new ExclusiveCanonicalization(), xml, prefixes)).not.toBe(canonical);
      if (isMended) expect(theirs(new OrderedExclusiveC14n(), xml, prefixes)).toBe(canonical);
    });
  }
});

function theirs(c14n: ExclusiveCanonicalization, xml: string, prefixes: readonly string[]): string {
  const part = Array.from(readDom(xml).getElementsByTagName('*')).find((element) => element.hasAttributeNS(NS.wsu, 'Id'));
  if (part === undefined) throw new Error('there is no part');
  return c14n.process(part, { inclusiveNamespacesPrefixList: [...prefixes], ancestorNamespaces: [], defaultNsForPrefix: {} });
}
