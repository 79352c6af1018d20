import { el, faultMessage, NS, Signer, TrustStore, Verifier } from '../../src/soap/index.js';
import type { OutgoingMessage } from '../../src/soap/index.js';
import { ConcordatError } from '../../src/errors.js';
import { meaningOf } from '../attacks/meaning.js';
import { makeScene } from '../attacks/scene.js';
import type { Sample, Scene } from '../attacks/scene.js';

/** What the fuzzer starts from: messages that were really signed, and all that they mean. */
export interface Pool {
  readonly scene: Scene;
  readonly seeds: readonly Seed[];
  /** The meanings of the seeds: an accepted message must have one of them. */
  readonly meanings: ReadonlySet<string>;
}

export interface Seed {
  readonly sample: Sample;
  readonly raw: string;
}

/** Bodies in which something may go wrong that does not in a request: texts that are QNames, lists, text of all kinds. */
function variants({ sent }: Sample): OutgoingMessage[] {
  const text = 'a < b & c > d "e" \'f\' ]] > \r\n\t \u0085\u2028 \u00e9\u{1F600}';
  const fault = faultMessage(new ConcordatError('SignedPartMissing', text), {
    soapVersion: sent.soapVersion,
    relatesTo: 'urn:uuid:1',
  });
  return [
    sent,
    { ...sent, body: el(NS.wsba, 'Fail', {}, el(NS.wsba, 'ExceptionIdentifier', {}, 'wsba:CannotComplete')) },
    { ...sent, body: el(NS.wsba, 'Status', {}, el(NS.wsba, 'State', {}, 'wsba:Completed')) },
    {
      ...sent,
      headers: [],
      body: el('urn:example', 'List', {}, ...['', ' ', text].map((item) => el('', 'item', { v: item }, item))),
    },
    fault,
  ];
}

/** Also in the form that another stack might send: with white space, a declaration and headers of its own. */
const foreign = (raw: string, { soap }: Sample): string =>
  `<?xml version="1.0" encoding="UTF-8"?>\n${raw
    .replace(
      `<${soap}:Header>`,
      `\n  <${soap}:Header>\n    <t:Trace xmlns:t="urn:trace" xmlns="urn:trace"><id>7</id></t:Trace>\n`,
    )
    .replace(`</${soap}:Header>`, `\n  </${soap}:Header>\n  <!-- here it begins -->\n`)}`;

export async function makePool(): Promise<Pool> {
  const scene = await makeScene();
  const seeds = scene.samples.flatMap((sample) => {
    const signer = new Signer(sample.credentials);
    return variants(sample).flatMap((message) => {
      const raw = signer.sign(message, scene.now);
      return [raw, foreign(raw, sample)].map((text) => ({ sample, raw: text }));
    });
  });
  const meanings = seeds.map(({ raw }) => meaningOf(scene.verifier.verify(raw, scene.now)));
  return { scene, seeds, meanings: new Set(meanings) };
}

/** A receiver that believes an authority, as at that moment; to judge a message that was kept. */
export const receiver = (authorityPem: string): Verifier =>
  new Verifier(new TrustStore([authorityPem]), { clockWindowMs: 300_000 });
