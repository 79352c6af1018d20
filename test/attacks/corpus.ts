import { ALGORITHMS } from './algorithms.js';
import { IDS } from './ids.js';
import { KEYS } from './keys.js';
import { MARKUP } from './markup.js';
import { NAMESPACES } from './namespaces.js';
import type { Attack, AttackMessage, Sample, Scene } from './scene.js';
import { SIGNATURES } from './signatures.js';
import { WRAPPING } from './wrapping.js';

/** Every attack on a message by itself. What needs HTTP or replicas is in http.test.ts and cluster.test.ts. */
export const FAMILIES: Readonly<Record<string, readonly Attack[]>> = {
  'signature wrapping': WRAPPING,
  Ids: IDS,
  namespaces: NAMESPACES,
  'the signature’s structure': SIGNATURES,
  algorithms: ALGORITHMS,
  'keys and certificates': KEYS,
  'the XML itself': MARKUP,
};

export const ATTACKS: readonly Attack[] = Object.values(FAMILIES).flat();

export const message = (attack: Attack, sample: Sample, scene: Scene): AttackMessage => ({
  attack,
  sample,
  raw: attack.make(sample, scene),
});

/** The attack on one of the samples, in turn, so that all kinds of messages are attacked in about equal parts. */
export function messageAt(scene: Scene, attack: Attack, i: number): AttackMessage {
  const sample = scene.samples[i % scene.samples.length];
  if (sample === undefined) throw new RangeError('no samples');
  return message(attack, sample, scene);
}
