import { el, Signer } from '../../src/soap/index.js';
import { GROWING } from './growing.js';
import { medianCpuMs } from './measure.js';
import { verdict } from './scene.js';
import type { Sample, Scene } from './scene.js';

/** What a message may cost: so many times what a valid one of its size does. */
export const MAX_RATIO = 10;
/** Beyond it a shape grows faster than its size: at four times the size, a square would give 4. */
export const MAX_GROWTH = 3;
/** Clocks of processes are coarse; below this, in milliseconds, nothing is said of a message. */
const NOISE_MS = 1;

/** A valid message of about that size, its Body full of small elements. */
export function validOfSize(sample: Sample, bytes: number, now: number): string {
  const item = el('urn:example', 'Item', { n: '1' }, 'a text of some length, as there is in an element of a list');
  const count = Math.max(0, Math.floor((bytes - sample.raw.length) / 100));
  return new Signer(sample.credentials).sign(
    { ...sample.sent, body: el('urn:example', 'List', {}, ...Array<typeof item>(count).fill(item)) },
    now,
  );
}

/** What a valid message of any size costs, in milliseconds, by the cost of a small and of a large one. */
export type Yardstick = (bytes: number) => number;

export function makeYardstick(scene: Scene, sample: Sample, largest: number): Yardstick {
  const [small, large] = [sample.raw, validOfSize(sample, largest, scene.now)];
  if (verdict(scene, large) !== 'none') throw new Error(`a message of ${large.length} bytes is not valid`);
  const cost = (raw: string, runs: number): number => medianCpuMs(() => verdict(scene, raw), runs);
  cost(small, 20);
  const [least, most] = [cost(small, 21), cost(large, 5)];
  const slope = Math.max(0, most - least) / (large.length - small.length);
  return (bytes) => least + slope * Math.max(0, bytes - small.length);
}

/** How many times what a valid message of its size costs; measured again, longer, before anything is said against it. */
export function ratio(scene: Scene, raw: string, yardstick: Yardstick): number {
  const allowed = yardstick(Buffer.byteLength(raw)) + NOISE_MS / MAX_RATIO;
  const measured = (runs: number): number => medianCpuMs(() => verdict(scene, raw), runs) / allowed;
  const first = measured(3);
  return first <= MAX_RATIO ? first : measured(21);
}

export interface Growth {
  readonly name: string;
  /** Cost of the larger message by that of the smaller, by the ratio of their sizes: 1 is linear. */
  readonly growth: number;
  /** The larger one against a valid message of its size. */
  readonly ratio: number;
}

/** How the cost of each growing shape grows when it gets `factor` times as large. */
export function growths(scene: Scene, sample: Sample, bytes: number, factor: number, yardstick: Yardstick): Growth[] {
  return GROWING.map(({ name, make }) => {
    const [small, large] = [make(sample, bytes), make(sample, bytes * factor)];
    const measure = (raw: string, runs: number): number => medianCpuMs(() => verdict(scene, raw), runs) + NOISE_MS;
    const grown = (runs: number): number => measure(large, runs) / measure(small, runs) / (large.length / small.length);
    const first = grown(3);
    return { name, growth: first <= MAX_GROWTH ? first : grown(11), ratio: ratio(scene, large, yardstick) };
  });
}
