import { beforeAll, describe, expect, test } from '@jest/globals';
import { Signer } from '../../src/soap/index.js';
import { message } from '../soap/fixtures.js';
import { compareWithXmlCrypto, differences, judgeSamples } from './compare.js';
import type { Judged } from './compare.js';
import { judgeOurs } from './judges.js';
import { KNOWN_DIFFERENCES } from './known-differences.js';
import { makeKeys } from './messages.js';
import { hasReferee, judgeByReferee } from './referee.js';

/** Three judges: ours, xml-crypto with its orders mended, and xmlsec1's library as the referee. */

const SAMPLES = 2_000;
let judged: Judged[];
beforeAll(async () => {
  if (!hasReferee()) throw new Error('this test needs the packages python3-xmlsec and python3-lxml');
  judged = judgeSamples(2, SAMPLES, await makeKeys());
}, 120_000);

describe('of thousands of hostile messages, valid and broken,', () => {
  test('xmlsec1 says the same of each: verdict and canonical bytes', () => {
    const cases = judged.map(({ sample, ours }) => ({ raw: sample.raw, key: sample.key, parts: ours.references }));
    const referee = judgeByReferee(cases);
    expect(referee).toHaveLength(SAMPLES);
    const wrong = judged.flatMap((one, i) => {
      const theirs = referee[i];
      const found = theirs === undefined ? ['no answer'] : differences(one, theirs);
      return found.length === 0 ? [] : [`${found.join('\n')}\n${one.sample.raw}`];
    });
    expect(wrong.slice(0, 3)).toEqual([]);
    expect(judged.filter(({ ours }) => !ours.isValid).length).toBeGreaterThan(SAMPLES / 10);
  }, 120_000);

  test('so does xml-crypto, but where it is known not to follow the standard', () => {
    const { agreed, explained, unexplained } = compareWithXmlCrypto(judged);
    expect(unexplained.slice(0, 3)).toEqual([]);
    expect(agreed + explained).toBe(SAMPLES);
    expect(agreed).toBeGreaterThan(SAMPLES / 2);
  }, 600_000);
});

test('what our signer makes is valid to xmlsec1, by every kind of key and in both versions of SOAP', async () => {
  const cases = (await makeKeys()).flatMap((key) => {
    const signer = new Signer(key.credentials);
    return (['1.1', '1.2'] as const).map((version) => {
      const raw = signer.sign(message(version), Date.now());
      return { raw, key, parts: judgeOurs(raw, key).references };
    });
  });
  expect(judgeByReferee(cases).map(({ isValid }) => isValid)).toEqual(cases.map(() => true));
});

test('where xml-crypto departs from the standard, the referee and we do not', () => {
  const comparable = KNOWN_DIFFERENCES.filter(({ specimen }) => !specimen.prefixes.includes('#default'));
  const answers = judgeByReferee(
    comparable.map(({ specimen }) => ({ raw: specimen.xml, parts: [{ id: 'part', prefixes: specimen.prefixes }] })),
  );
  expect(answers.map(({ parts }) => parts?.get('part'))).toEqual(comparable.map(({ specimen }) => specimen.canonical));
});
