import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { sign } from 'node:crypto';
import type { Digest, Round, Statement } from '../../src/bft/index.js';
import { Votes } from '../../src/bft/index.js';
import { loadReplicaKeys } from '../../src/config/index.js';
import type { EvidenceReport } from '../../src/replica/index.js';
import { convicts } from '../../src/travel/evidence.js';
import { outcomeOf } from '../../src/travel/witness.js';
import { makePlace } from './fixture.js';
import type { Place } from './fixture.js';

let place: Place;
beforeAll(async () => {
  place = await makePlace();
}, 30_000);
afterAll(() => place.remove());

const STREAM = 'control/urn:uuid:00000000-0000-8000-8000-000000000001';
const digest = (byte: string): Digest => byte.repeat(32) as Digest;

/** A vote of replica `id` as a status reports it, signed with the key of replica `signer`. */
function vote(id: number, value: Digest, { signer = id, round = 'echo' }: { signer?: number; round?: Round } = {}) {
  const { cluster } = place;
  const { voteKey } = loadReplicaKeys(cluster, signer);
  const votes = new Votes({ cluster: cluster.config.cluster, n: cluster.n, f: cluster.f, verifier: { verify: () => false } });
  const statement: Statement = { round, stream: STREAM, number: 2, digest: value };
  const { attestations } = votes.sign(id, { sign: (data) => sign(null, data, voteKey) }, [statement]);
  const { index = 0, path = [], signature = Buffer.alloc(0) } = attestations[0] ?? {};
  const signed = JSON.stringify({ index, path: path.map((hash) => hash.toString('hex')), signature: signature.toString('hex') });
  return { says: `${round} for ${value}`, signed };
}

type Vote = ReturnType<typeof vote>;
const report = (first: Vote, second: Vote, who = 'replica 3'): EvidenceReport => ({
  kind: 'replica',
  who,
  stream: STREAM,
  number: 2,
  statements: [first, second],
});

describe('evidence', () => {
  test('of two different votes with the replica’s own signatures convicts it, and nobody else', () => {
    const proof = report(vote(3, digest('aa')), vote(3, digest('bb')));
    expect(convicts(proof, 3, place.cluster)).toBe(true);
    expect(convicts(proof, 2, place.cluster)).toBe(false);
    expect(convicts({ ...proof, who: 'replica 2' }, 2, place.cluster)).toBe(false);
  });

  test('that a liar made up convicts nobody', () => {
    const invented: EvidenceReport[] = [
      report(vote(3, digest('aa')), vote(3, digest('bb'), { signer: 2 })),
      report(vote(3, digest('aa')), vote(3, digest('aa'))),
      report(vote(3, digest('aa')), vote(3, digest('bb'), { round: 'ready' })),
      report(vote(3, digest('aa')), { says: `echo for ${digest('bb')}`, signed: vote(3, digest('aa')).signed }),
      { ...report(vote(3, digest('aa')), vote(3, digest('bb'))), number: 5 },
      report(vote(3, digest('aa')), { says: 'nonsense', signed: '{' }),
      report(vote(3, digest('aa')), { says: `echo for ${digest('bb')}`, signed: '{"index":0,"path":7}' }),
    ];
    expect(invented.map((item) => convicts(item, 3, place.cluster))).toEqual(invented.map(() => false));
  });
});

describe('the outcome of a booking', () => {
  test.each([
    ['confirmed', 'confirmed', 'closed'],
    ['released', 'refused', 'undone'],
    ['released', undefined, 'undone'],
    ['confirmed', 'released', 'split'],
    ['confirmed', undefined, 'split'],
    ['confirmed', 'held', 'open'],
    ['requested', 'released', 'open'],
  ] as const)('%s at the airline and %s at the hotel is %s', (airline, hotel, outcome) => {
    expect(outcomeOf({ airline, hotel })).toBe(outcome);
    expect(outcomeOf({ airline: hotel, hotel: airline })).toBe(outcome);
  });
});
