import { describe, expect, test } from '@jest/globals';
import {
  decodeRequest,
  DEFAULT_BROADCAST_LIMITS,
  digestOf,
  encodeRequest,
  type Digest,
  type Statement,
} from '../../src/bft/index.js';
import type { Reader } from '../../src/bft/codec.js';
import { CodecError, decode, Writer } from '../../src/bft/codec.js';
import { decodeFrame, encodeFrame, type Frame } from '../../src/bft/frames.js';
import { MerkleTree, leafHash, rootFromPath } from '../../src/bft/merkle.js';
import { decodeCertificate, encodeCertificate, Votes } from '../../src/bft/votes.js';
import { Random } from '../support/random.js';
import { voteKey } from '../support/simulation.js';
import { sign, verify } from 'node:crypto';

const LIMITS = DEFAULT_BROADCAST_LIMITS;

describe('the codec', () => {
  test('reads back what it wrote', () => {
    const bytes = new Writer()
      .u8(7)
      .u32(4_000_000_000)
      .u53(Number.MAX_SAFE_INTEGER)
      .string('\uFEFFgrüße 🌍 \uFFFD')
      .list(['a', ''], (w, s) => w.string(s))
      .optional<string>(undefined, (w, s) => w.string(s))
      .optional('x', (w, s) => w.string(s))
      .finish();
    const read = decode(bytes, (r) => [
      r.u8(),
      r.u32(),
      r.u53(),
      r.string(64),
      r.list(2, (e) => e.string(8)),
      r.optional((e) => e.string(8)),
      r.optional((e) => e.string(8)),
    ]);
    expect(read).toEqual([7, 4_000_000_000, Number.MAX_SAFE_INTEGER, '\uFEFFgrüße 🌍 \uFFFD', ['a', ''], undefined, 'x']);
  });

  test.each<[string, Uint8Array, (reader: Reader) => unknown]>([
    ['is cut short', Uint8Array.of(0, 0, 0, 9, 1), (r) => r.bytes(100)],
    ['has bytes left over', Uint8Array.of(1, 2), (r) => r.u8()],
    ['is longer than its limit', new Writer().string('abcdef').finish(), (r) => r.string(5)],
    ['lists more than its limit', new Writer().list([1, 2, 3], (w, n) => w.u8(n)).finish(), (r) => r.list(2, (e) => e.u8())],
    ['is no UTF-8', new Writer().bytes(Uint8Array.of(0xff)).finish(), (r) => r.string(5)],
    ['has a flag that is neither', Uint8Array.of(2), (r) => r.optional((e) => e.u8())],
    ['exceeds safe integers', Buffer.alloc(8, 0xff), (r) => r.u53()],
  ])('refuses what %s', (_what, bytes, read) => {
    expect(() => decode(bytes, read)).toThrow(CodecError);
  });

  test('refuses to write a number that is not a safe one', () => {
    expect(() => new Writer().u53(1.5)).toThrow(CodecError);
    expect(() => new Writer().u53(-1)).toThrow(CodecError);
  });
});

describe('a request', () => {
  const request = { stream: 's', number: 3, writer: 'w', payload: Buffer.from('p') };

  test('survives its encoding', () => {
    const read = decodeRequest('c', encodeRequest('c', request), LIMITS);
    expect({ ...read, payload: Buffer.from(read.payload) }).toEqual(request);
  });

  test('has another digest in another cluster, stream, position, by another writer, and with another payload', () => {
    const digest = (cluster: string, change: object): string => digestOf(encodeRequest(cluster, { ...request, ...change }));
    const digests = [
      digest('c', {}),
      digest('d', {}),
      digest('c', { stream: 't' }),
      digest('c', { number: 4 }),
      digest('c', { writer: 'v' }),
      digest('c', { payload: Buffer.from('q') }),
    ];
    expect(new Set(digests).size).toBe(digests.length);
  });

  test('of another cluster is refused', () => {
    expect(() => decodeRequest('d', encodeRequest('c', request), LIMITS)).toThrow(CodecError);
  });
});

describe('Merkle trees', () => {
  test.each([1, 2, 3, 4, 5, 7, 8, 13, 256])('of %i leaves: every path leads to the root, and to no other leaf', (size) => {
    const leaves = Array.from({ length: size }, (_, i) => leafHash(Buffer.from(`leaf ${i}`)));
    const tree = new MerkleTree(leaves);
    leaves.forEach((leaf, i) => {
      expect(rootFromPath(leaf, i, tree.path(i))).toEqual(tree.root);
      const other = leafHash(Buffer.from('other'));
      expect(rootFromPath(other, i, tree.path(i))).not.toEqual(tree.root);
    });
  });
});

describe('votes', () => {
  const keys = [1, 2, 3, 4].map((id) => voteKey(`votes ${id}`));
  const verifier = {
    verify: (replica: number, data: Uint8Array, signature: Uint8Array) => {
      const key = keys[replica - 1];
      return key !== undefined && verify(null, data, key.publicKey, signature);
    },
  };
  const votes = (cluster = 'c') => new Votes({ cluster, n: 4, f: 1, verifier });
  const statement = (number: number, round: 'echo' | 'ready' = 'echo'): Statement => ({
    round,
    stream: 's',
    number,
    digest: digestOf(Buffer.from(`${number}`)),
  });
  const signedBy = (id: number, statements: readonly Statement[], cluster = 'c') => {
    const key = keys[id - 1];
    if (key === undefined) throw new RangeError();
    return votes(cluster).sign(id, { sign: (data) => sign(null, data, key.privateKey) }, statements);
  };
  const certificate = (ids: readonly number[], about = statement(2)) => ({
    ...about,
    attestations: ids.map((id) => {
      const attestation = signedBy(id, [statement(1), about, statement(3)]).attestations[1];
      if (attestation === undefined) throw new RangeError();
      return attestation;
    }),
  });

  test('a batch opens for the one who signed it only', () => {
    const { batch } = signedBy(1, [statement(1), statement(2)]);
    expect(votes().open(1, batch)?.attestations).toHaveLength(2);
    expect(votes().open(2, batch)).toBeUndefined();
    expect(votes('another').open(1, batch)).toBeUndefined();
    expect(votes().open(1, { ...batch, statements: [statement(2), statement(1)] })).toBeUndefined();
  });

  test('n − f attestations of different replicas make a certificate', () => {
    expect(votes().verifyCertificate(certificate([1, 2, 3]))).toBe(true);
    expect(votes().verifyCertificate(certificate([2, 3, 4]))).toBe(true);
  });

  test.each<[string, ReturnType<typeof certificate>]>([
    ['too few', certificate([1, 2])],
    ['one replica twice', certificate([1, 2, 2])],
    ['enough, and one of them twice', certificate([1, 2, 3, 3])],
    [
      'a replica that does not exist',
      {
        ...certificate([1, 2, 3]),
        attestations: certificate([1, 2, 3]).attestations.map((a, i) => (i === 0 ? { ...a, replica: 9 } : a)),
      },
    ],
    ['another digest', { ...certificate([1, 2, 3]), digest: 'ab'.repeat(32) as Digest }],
    ['another position', { ...certificate([1, 2, 3]), number: 3 }],
    ['another round', { ...certificate([1, 2, 3]), round: 'ready' }],
    ['another stream', { ...certificate([1, 2, 3]), stream: 't' }],
  ])('%s does not', (_what, wrong) => {
    expect(votes().verifyCertificate(wrong)).toBe(false);
  });

  test('a certificate survives its encoding', () => {
    const made = certificate([1, 3, 4]);
    expect(decodeCertificate(encodeCertificate(made), LIMITS, 4)).toEqual(made);
  });

  test('every frame survives its encoding, and no prefix of one is a frame', () => {
    const { batch, attestations } = signedBy(1, [statement(1), statement(2, 'ready')]);
    const [attestation] = attestations;
    if (attestation === undefined) throw new RangeError();
    const frames: Frame[] = [
      { type: 'votes', batch, certificates: [certificate([1, 2, 3])] },
      { type: 'pass-on', proof: Buffer.from('<soap/>') },
      { type: 'follow', epoch: 'e', position: 12 },
      { type: 'follow', epoch: 'e', position: 12, asked: 1_700 },
      { type: 'log', epoch: 'e', from: 13, entries: [], asked: 1_700 },
      {
        type: 'log',
        epoch: 'e',
        from: 1,
        entries: [
          { kind: 'delivery', position: 1, stream: 's', number: 1, digest: statement(1).digest },
          { kind: 'retired', position: 4, unit: 'u', hash: statement(2).digest },
        ],
      },
      { type: 'want', records: true, units: ['u', 'v'] },
      { type: 'vouch', items: [{ unit: 'u', hash: statement(1).digest, record: Buffer.from('r') }] },
      { type: 'vouch', items: [{ unit: 'u', hash: statement(1).digest, record: undefined }] },
      { type: 'fetch', positions: [{ stream: 's', number: 4 }] },
      {
        type: 'found',
        items: [
          { content: Buffer.from('x'), certificate: certificate([1, 2, 4]) },
          { content: Buffer.from('y'), certificate: undefined },
        ],
      },
      { type: 'suspect', statement: statement(1), attestation },
    ];
    for (const frame of frames) {
      const bytes = encodeFrame(frame);
      expect(decodeFrame(bytes, LIMITS, 4)).toEqual(frame);
      for (let length = 0; length < bytes.length; length += 7) {
        expect(() => decodeFrame(bytes.subarray(0, length), LIMITS, 4)).toThrow(CodecError);
      }
    }
  });

  test('a frame with any byte changed is another frame or none, and never does harm', () => {
    const random = new Random(5);
    const bytes = encodeFrame({
      type: 'votes',
      batch: signedBy(1, [statement(1)]).batch,
      certificates: [certificate([1, 2, 3])],
    });
    for (let i = 0; i < 500; i++) {
      const changed = Buffer.from(bytes);
      const at = random.below(changed.length);
      changed[at] = (changed[at] ?? 0) ^ (1 + random.below(255));
      try {
        expect(encodeFrame(decodeFrame(changed, LIMITS, 4))).toEqual(changed);
      } catch (error) {
        expect(error).toBeInstanceOf(CodecError);
      }
    }
  });
});
