import { Random } from '../support/random.js';
import { judgeOurs, judgeXmlCrypto } from './judges.js';
import type { Judgement, OurJudgement } from './judges.js';
import { KNOWN_DIFFERENCES } from './known-differences.js';
import { makeSample } from './messages.js';
import type { Sample, SigningKey } from './messages.js';

/** A sample and our judgement of it. */
export interface Judged {
  readonly sample: Sample;
  readonly ours: OurJudgement;
}

export function judgeSamples(seed: number, count: number, keys: readonly SigningKey[]): Judged[] {
  const random = new Random(seed);
  return Array.from({ length: count }, () => {
    const sample = makeSample(random, keys);
    return { sample, ours: judgeOurs(sample.raw, sample.key) };
  });
}

/** Where two judges differ over a message: in the verdict, or in the bytes of a part. Empty if they agree. */
export function differences({ ours }: Judged, theirs: Judgement): string[] {
  const verdict = ours.isValid === theirs.isValid ? [] : [`we say ${ours.isValid}, they ${theirs.isValid}`];
  const bytes = [...(theirs.parts ?? [])].filter(([id, text]) => ours.parts.get(id) !== text);
  return [...verdict, ...bytes.map(([id, text]) => `${id}:\n${ours.parts.get(id) ?? ''}\n${text}`)];
}

export interface XmlCryptoComparison {
  readonly agreed: number;
  /** Messages over which it differs, and in which something is that it is known to get wrong. */
  readonly explained: number;
  /** The same without any such thing: each is a fault of one of us. */
  readonly unexplained: readonly string[];
}

export function compareWithXmlCrypto(judged: readonly Judged[]): XmlCryptoComparison {
  let agreed = 0;
  let explained = 0;
  const unexplained: string[] = [];
  for (const one of judged) {
    const { raw, key } = one.sample;
    const ids = one.ours.references.map(({ id }) => id);
    const found = differences(one, judgeXmlCrypto(raw, key, ids));
    if (found.length === 0) agreed += 1;
    else if (KNOWN_DIFFERENCES.some((difference) => difference.mayShow(raw))) explained += 1;
    else unexplained.push(`${found.join('\n')}\n${raw}`);
  }
  return { agreed, explained, unexplained };
}
