import { beforeAll, describe, expect, test } from '@jest/globals';
import { ATTACKS, messageAt } from './corpus.js';
import { addReference, C14N, digest, resign, signedBy, signWith, tokenOf, withKeyInfo } from './forge.js';
import { meaningOf } from './meaning.js';
import { HABITS, readNaively } from './naive.js';
import type { Reading } from './naive.js';
import { makeScene } from './scene.js';
import type { Sample, Scene } from './scene.js';
import { BODY, cut, EVIL, firstHeader, HEADERS, insertAfter, insertBefore, lastHeader, swap, swapMatch } from './surgery.js';

/** What shows that the corpus could fail: the attacked messages are good, and the attacks work on a receiver that is careless. */

let scene: Scene;
beforeAll(async () => {
  scene = await makeScene();
});

const owner = ({ credentials }: Sample) => signWith(credentials);
const info = (sample: Sample, change: (text: string) => string): string => resign(sample.raw, owner(sample), change);

/** The tools of the attacks, used without malice: what comes out means what was signed. */
const HARMLESS: readonly (readonly [what: string, make: (sample: Sample) => string])[] = [
  ['as it is', ({ raw }) => raw],
  ['signed again without a change', (sample) => info(sample, (text) => text)],
  ['with an unsigned header first', (sample) => firstHeader(sample.raw, sample, `<x:H ${EVIL}>unsigned</x:H>`)],
  ['with an unsigned header last', (sample) => lastHeader(sample.raw, sample, `<x:H ${EVIL} Id="fresh">unsigned</x:H>`)],
  [
    'with its headers the other way round',
    (sample) => {
      const parts = HEADERS.map((part) => part.of(sample));
      const without = parts.reduce((raw, part) => swap(raw, part, ''), sample.raw);
      return lastHeader(without, sample, parts.reverse().join(''));
    },
  ],
  [
    'with the Security header last',
    (sample) => {
      const security = cut(sample.raw, 'wsse:Security');
      return lastHeader(swap(sample.raw, security, ''), sample, security);
    },
  ],
  [
    'with its own certificate in X509Data',
    (sample) =>
      withKeyInfo(
        sample.raw,
        `<ds:X509Data><ds:X509Certificate>${tokenOf(sample.credentials)}</ds:X509Certificate></ds:X509Data>`,
      ),
  ],
  [
    'with the signature before the token',
    ({ raw }) => {
      const signature = cut(raw, 'ds:Signature');
      return insertBefore(swap(raw, signature, ''), '<wsse:BinarySecurityToken', signature);
    },
  ],
  [
    'with the digest of the Body in SHA-512',
    (sample) =>
      info(sample, (text) => {
        const body = BODY.of(sample);
        const id = /wsu:Id="([^"]*)"/.exec(body)?.[1] ?? '';
        const reference = new RegExp(`<ds:Reference URI="#${id}">.*?</ds:Reference>`).exec(text)?.[0] ?? '';
        const changed = swapMatch(
          swap(reference, 'xmlenc#sha256', 'xmlenc#sha512'),
          /(<ds:DigestValue>)[^<]*/,
          (_all, tag) => tag + digest(body, 'sha512'),
        );
        return swap(text, reference, changed);
      }),
  ],
  [
    'with an inclusive prefix that changes nothing',
    (sample) =>
      info(sample, (text) =>
        swap(
          text,
          `<ds:Transform Algorithm="${C14N}">`,
          `<ds:Transform Algorithm="${C14N}"><e:InclusiveNamespaces xmlns:e="${C14N}" PrefixList="none"></e:InclusiveNamespaces>`,
        ),
      ),
  ],
  ['with white space in the signature value', ({ raw }) => swapMatch(raw, /(<ds:SignatureValue>.{9})/, (all) => `${all}\n `)],
  [
    'with its own token signed',
    (sample) =>
      info(sample, (text) =>
        addReference(text, { uri: '#c-token', digestValue: digest(cut(sample.raw, 'wsse:BinarySecurityToken')) }),
      ),
  ],
  [
    'with an XML declaration, comments and white space around it',
    ({ raw }) => `<?xml version="1.0" encoding="utf-8"?>\n<!-- a -->${raw}\n<!-- b -->`,
  ],
  [
    'with a comment and CDATA in the signed Body',
    ({ raw }) => swap(raw, '<wscoor:ProtocolIdentifier>', '<wscoor:ProtocolIdentifier><!-- a --><![CDATA[]]>'),
  ],
  [
    'with declarations that nothing signed uses',
    (sample) => insertAfter(sample.raw, `<${sample.soap}:Envelope`, ' xmlns:unused="urn:unused" xmlns:wscoor="urn:rebound"'),
  ],
  [
    'with a header for somebody else that must be understood',
    (sample) =>
      lastHeader(
        sample.raw,
        sample,
        `<x:H ${EVIL} ${sample.soap}:mustUnderstand="1" ${sample.soap}:${sample.soapVersion === '1.1' ? 'actor' : 'role'}="urn:other"/>`,
      ),
  ],
  [
    'with attributes on its Envelope',
    (sample) => insertAfter(sample.raw, `<${sample.soap}:Envelope`, ` ${EVIL} x:a="1" xml:lang="en"`),
  ],
  [
    'with 60 attributes on a header',
    (sample) => lastHeader(sample.raw, sample, `<x:H ${EVIL}${Array.from({ length: 60 }, (_, i) => ` a${i}=""`).join('')}/>`),
  ],
  [
    'with 40 elements in each other',
    (sample) => lastHeader(sample.raw, sample, `<x:H ${EVIL}>${'<a>'.repeat(40)}${'</a>'.repeat(40)}</x:H>`),
  ],
];

describe('accepted, meaning what was signed: a message', () => {
  for (const [what, make] of HARMLESS) {
    test(what, () => {
      for (const sample of scene.samples) {
        const original = scene.verifier.verify(sample.raw, scene.now);
        expect(original).toMatchObject({
          addressing: sample.sent.addressing,
          headers: sample.sent.headers,
          body: sample.sent.body,
        });
        expect(meaningOf(scene.verifier.verify(make(sample), scene.now))).toBe(meaningOf(original));
      }
    });
  }

  test('signed by another client whose certificate is good, as that client’s', () => {
    for (const sample of scene.samples) {
      const stranger = scene.strangers.another[sample.keyType];
      expect(scene.verifier.verify(signedBy(sample.raw, stranger), scene.now).identity.name).toMatch(/hotel|rival/);
    }
  });
});

describe('a receiver that takes parts from wherever they are', () => {
  test('reads a good message right', () => {
    for (const sample of scene.samples) {
      const readings = [...readNaively(sample.raw).values()];
      expect(readings).toHaveLength(HABITS.length);
      for (const reading of readings) expect(reading?.get('To')).toBe(sample.sent.addressing.to);
    }
  });

  test('refuses what was changed in place, so that it is not fooled by just anything', () => {
    for (const sample of scene.samples) {
      const body = BODY.of(sample);
      const readings = readNaively(swap(sample.raw, body, BODY.evil(body)));
      expect([...readings.values()]).toEqual(HABITS.map(() => undefined));
    }
  });

  const effective = ATTACKS.filter(({ fools }) => fools);
  test(`is fooled by each of the ${effective.length} wrapping attacks`, () => {
    expect(effective.length).toBeGreaterThan(400);
    const honest = new Map(scene.samples.map((sample) => [sample, readNaively(sample.raw)]));
    const idle = effective.filter((attack, i) => {
      const { sample, raw } = messageAt(scene, attack, i);
      const forged = readNaively(raw);
      return !HABITS.some((habits) => differs(honest.get(sample)?.get(habits), forged.get(habits)));
    });
    expect(idle.map(({ name }) => name)).toEqual([]);
  });
});

/** True if something is read of some part that its sender did not sign. */
const differs = (honest: Reading | undefined, read: Reading | undefined): boolean =>
  read !== undefined && [...(honest ?? [])].some(([part, text]) => read.has(part) && read.get(part) !== text);
